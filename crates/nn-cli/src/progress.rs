//! What is seen of a training while it runs: owns the progress bar, the line of each epoch and their JSON, and refuses
//! to know what becomes of the network.

use std::{fmt, ops::ControlFlow, time::Duration};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use nn_train::{BatchReport, EpochReport, FitPlan, Observer, nn_core::Network};
use serde::Serialize;

use crate::{
    interrupt::Interrupt,
    output::{Output, percent, thousands},
};

/// Samples between two looks at the clock: with one sample a step, the bar would take longer than the step.
const SAMPLES_PER_TICK: u64 = 512;

/// Watches a training for the user.
pub(crate) struct Progress<'a> {
    output: &'a mut Output,
    json: bool,
    /// What each epoch is measured on: "test" or "validation".
    held_out: &'static str,
    interrupt: &'a Interrupt,
    bar: ProgressBar,
    epochs: u32,
    /// Samples since the bar was told last.
    untold: u64,
    /// The network of the last finished epoch, for when the next one is interrupted.
    finished: Option<Network>,
    /// Why the output could not be written, which ends the training.
    failure: Option<anyhow::Error>,
}

/// One epoch, as JSON.
#[derive(Serialize)]
struct EpochLine {
    event: &'static str,
    epoch: u32,
    train_loss: f64,
    train_accuracy: f64,
    held_out: &'static str,
    held_out_loss: Option<f64>,
    held_out_accuracy: Option<f64>,
    rate: f32,
    seconds: f64,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        output: &'a mut Output,
        json: bool,
        held_out: &'static str,
        interrupt: &'a Interrupt,
    ) -> Progress<'a> {
        Progress {
            output,
            json,
            held_out,
            interrupt,
            bar: ProgressBar::hidden(),
            epochs: 0,
            untold: 0,
            finished: None,
            failure: None,
        }
    }

    /// Takes the bar away. Gives the network of the last finished epoch, and whether all of the output was written:
    /// what was trained is there either way.
    pub(crate) fn finish(self) -> (Option<Network>, anyhow::Result<()>) {
        self.bar.finish_and_clear();
        (self.finished, self.failure.map_or(Ok(()), Err))
    }

    fn heading(&self) -> String {
        format!(
            "{:>7}  {:>10}  {:>9}  {:>10}  {:>10}  {:>7}",
            "epoch", "train loss", "train acc", self.held_out, "last rate", "seconds"
        )
    }

    fn write(&mut self, report: &EpochReport) -> anyhow::Result<()> {
        let held_out = report.validation.as_ref().map(|evaluation| evaluation.tally);
        let line = EpochLine {
            event: "epoch",
            epoch: report.epoch,
            train_loss: report.train.mean_loss(),
            train_accuracy: report.train.accuracy(),
            held_out: self.held_out,
            held_out_loss: held_out.map(|tally| tally.mean_loss()),
            held_out_accuracy: held_out.map(|tally| tally.accuracy()),
            rate: report.rate,
            seconds: (report.train_time + report.validation_time).as_secs_f64(),
        };
        let (json, epochs, output) = (self.json, self.epochs, &mut *self.output);
        // The bar is on the same terminal as the lines, or nowhere.
        self.bar.suspend(|| {
            if json {
                output.json(&line)?;
            } else {
                output.line(line.text(epochs))?;
            }
            output.flush()
        })
    }
}

impl EpochLine {
    fn text(&self, epochs: u32) -> String {
        format!(
            "{:>7}  {:>10.4}  {:>9}  {:>10}  {:>10}  {:>7.2}",
            format!("{}/{epochs}", self.epoch),
            self.train_loss,
            percent(self.train_accuracy),
            self.held_out_accuracy.map_or_else(|| "-".to_owned(), percent),
            short_rate(self.rate),
            self.seconds,
        )
    }
}

impl Observer for Progress<'_> {
    fn fit_started(&mut self, plan: &FitPlan) {
        self.epochs = plan.epochs;
        // Draws to standard error, and nothing where that is no terminal.
        self.bar = ProgressBar::new(plan.samples as u64 * u64::from(plan.epochs)).with_style(style());
        let batches_done = plan.steps_done % plan.batches.max(1);
        let samples_done = plan.steps_done / plan.batches.max(1) * plan.samples as u64
            + batches_done.saturating_mul(plan.batch_size as u64).min(plan.samples as u64);
        self.bar.set_position(samples_done);
        self.bar.reset_eta();
        self.bar.set_prefix(format!("epoch 1/{}", plan.epochs));
        self.bar.enable_steady_tick(Duration::from_millis(200));
        if !self.json {
            let heading = self.heading();
            let (bar, output) = (&self.bar, &mut *self.output);
            self.failure = bar.suspend(|| output.line(heading).and_then(|()| output.flush())).err();
        }
    }

    fn epoch_started(&mut self, epoch: u32) {
        self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
    }

    fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
        if self.interrupt.exit_status().is_some() || self.failure.is_some() {
            return ControlFlow::Break(());
        }
        self.untold += report.tally.samples;
        if self.untold >= SAMPLES_PER_TICK {
            self.bar.inc(self.untold);
            self.untold = 0;
        }
        ControlFlow::Continue(())
    }

    fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
        self.finished = Some(network.clone());
        match self.write(report) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// 0.1234 or 3.8e-5
fn short_rate(rate: f32) -> String {
    if rate < 0.001 { format!("{rate:.1e}") } else { format!("{rate:.4}") }
}

fn style() -> ProgressStyle {
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // A bar that is too short for its text is no reason to stop.
        let _ = write!(text, "{} samples/s", thousands(state.per_sec() as u64));
    };
    ProgressStyle::with_template("{prefix} [{bar:24}] {percent:>3} %  {rate}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
        .progress_chars("=> ")
}
