//! What watches a training: owns who hears of what, the screen and the folder of the run, and refuses to know what
//! either does with it.

use std::ops::ControlFlow;

use nn_train::{BatchReport, EpochReport, FitPlan, Observer, Snapshot, nn_core::Network};

use super::keeper::Keeper;
use crate::progress::Progress;

/// The progress on the screen, and the keeper of the run if there is one.
pub(super) struct Watch<'a> {
    pub(super) progress: Progress<'a>,
    pub(super) keeper: Option<Keeper>,
    /// Why the run could not be kept, which ends the training.
    pub(super) failure: Option<anyhow::Error>,
}

impl Observer for Watch<'_> {
    fn fit_started(&mut self, plan: &FitPlan) {
        self.progress.fit_started(plan);
    }

    fn epoch_started(&mut self, epoch: u32) {
        self.progress.epoch_started(epoch);
    }

    fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
        self.progress.batch_finished(report)
    }

    fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
        if let Some(keeper) = &mut self.keeper
            && let Some(events) = keeper.events()
            && events.epoch_finished(report, network).is_break()
        {
            self.failure = keeper.close_events().err();
            return ControlFlow::Break(());
        }
        self.progress.epoch_finished(report, network)
    }

    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        // An epoch that is not told of everywhere is not kept: it is trained again.
        if self.failure.is_some() {
            return ControlFlow::Break(());
        }
        let Some(keeper) = &mut self.keeper else { return ControlFlow::Continue(()) };
        keeper.see(snapshot).unwrap_or_else(|error| {
            self.failure = Some(error);
            ControlFlow::Break(())
        })
    }
}
