//! The files of a run: owns what is written into its folder, when, and in which order, and refuses to know how the
//! training is computed or shown.
//!
//! The checkpoint comes last: what is written before it can be made again, the same to the last byte, by going on from
//! the checkpoint before, so that no moment at which the process may be killed loses or spoils anything.

use std::{
    borrow::Cow,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nn_train::{
    Checkpoint, DataFiles, EpochSummary, Fingerprint, FitConfig, FitError, History, Model, Place, RunFolder,
    Snapshot, TrainingRecord,
    nn_core::{Network, Optimizer, Rule},
    save, save_checkpoint, write_atomically,
};
use serde::Serialize;

use super::{sets::Sets, task::Task};

/// Keeps a run in its folder.
pub(super) struct Keeper {
    pub(super) folder: RunFolder,
    pub(super) about: About,
    /// The network as it was after the best epoch.
    best: Option<Network>,
    /// Where the run is safe.
    saved: Option<Place>,
}

/// What does not change while the run goes on.
pub(super) struct About {
    pub(super) config: FitConfig,
    pub(super) image_shape: Vec<usize>,
    pub(super) class_names: Option<Vec<String>>,
    pub(super) train: Fingerprint,
    pub(super) held_out: Fingerprint,
    pub(super) held_out_name: &'static str,
    /// Its folder.
    pub(super) data: PathBuf,
    /// As JSON.
    pub(super) settings: String,
    pub(super) recipe_name: Option<String>,
    pub(super) rule: Rule,
    pub(super) checkpoint_every: Option<u64>,
    pub(super) patience: Option<u32>,
}

/// One epoch, as a line of `metrics.jsonl`. It has no time in it, so that a run has the same metrics however often it
/// was left.
#[derive(Serialize)]
struct Metrics {
    epoch: u32,
    steps: u64,
    train_loss: f64,
    train_accuracy: f64,
    held_out: &'static str,
    held_out_loss: f64,
    held_out_accuracy: f64,
    rate: f32,
    best_epoch: u32,
}

impl About {
    pub(super) fn new(task: &Task, sets: &Sets<'_>, train_files: &DataFiles) -> Result<About> {
        let kept = sets.validation.map_or(0, |validation| validation.len());
        Ok(About {
            config: task.config(),
            image_shape: train_files.image_shape().to_vec(),
            class_names: train_files.class_names().map(<[String]>::to_vec),
            train: Fingerprint::of(sets.train),
            held_out: Fingerprint::of(sets.held_out()),
            held_out_name: sets.held_out_name(),
            data: task.data.clone(),
            settings: serde_json::to_string(&task.settings(kept)).context("cannot write JSON")?,
            recipe_name: task.recipe_name(),
            rule: task.recipe.rule,
            checkpoint_every: task.checkpoint_every,
            patience: task.patience,
        })
    }
}

impl Keeper {
    /// Begins a run: after this it exists.
    pub(super) fn begin(
        folder: RunFolder,
        about: About,
        config: &impl Serialize,
        network: &Network,
        optimizer: &Optimizer,
    ) -> Result<Keeper> {
        let json = serde_json::to_string_pretty(config).context("cannot write JSON")?;
        write_atomically(&folder.file(RunFolder::CONFIG), |writer| writeln!(writer, "{json}"))?;
        let mut keeper = Keeper { folder, about, best: None, saved: None };
        let place = Place::default();
        keeper.save_metrics(&place)?;
        keeper.save_checkpoint(&Snapshot { network, optimizer, place: &place, stopping: false })?;
        Ok(keeper)
    }

    /// Goes on with a run: the other files become those of the checkpoint's place again.
    pub(super) fn resume(
        folder: RunFolder,
        about: About,
        network: &Network,
        place: &Place,
        best: Option<Network>,
    ) -> Result<Keeper> {
        let keeper = Keeper { folder, about, best, saved: Some(place.clone()) };
        keeper.save_metrics(place)?;
        if let (Some(best), Some(summary)) = (&keeper.best, place.best()) {
            let until = summary.epoch as usize;
            keeper.save_model(best, &place.epochs[..until], RunFolder::BEST_MODEL)?;
        }
        // Within an epoch the network is past the last model, which is there from the end of the epoch before.
        if place.batches == 0 && !place.epochs.is_empty() {
            keeper.save_model(network, &place.epochs, RunFolder::LAST_MODEL)?;
        }
        Ok(keeper)
    }

    /// The best network, once an epoch is over.
    pub(super) fn best(&self) -> Option<&Network> {
        self.best.as_ref()
    }

    /// Where the run is safe, for messages.
    pub(super) fn saved(&self) -> String {
        let path = self.folder.file(RunFolder::CHECKPOINT);
        let path = path.display();
        match &self.saved {
            None => format!("there is no checkpoint in {path} yet"),
            Some(place) if place.batches == 0 => {
                format!("the last checkpoint is {path}, after epoch {}", place.epochs.len())
            }
            Some(place) => {
                format!("the last checkpoint is {path}, at epoch {}, batch {}", place.epoch(), place.batches)
            }
        }
    }

    /// Whether so many epochs in a row, up to the last, were no better than the best before them.
    pub(super) fn is_out_of_patience(
        &self,
        best: Option<&EpochSummary>,
        last: Option<&EpochSummary>,
    ) -> bool {
        let (Some(patience), Some(best), Some(last)) = (self.about.patience, best, last) else {
            return false;
        };
        last.epoch - best.epoch >= patience
    }

    /// Saves what is to be saved between these two steps, and ends the run when it is out of patience.
    pub(super) fn see(&mut self, snapshot: &Snapshot<'_>) -> Result<ControlFlow<()>> {
        let Snapshot { network, optimizer, place, stopping } = *snapshot;
        let is_epoch_over = place.batches == 0;
        let (best, last) = (place.best(), place.epochs.last());
        if is_epoch_over {
            if best.map(|best| best.epoch) == last.map(|last| last.epoch) {
                self.best = Some(network.clone());
                self.save_model(network, &place.epochs, RunFolder::BEST_MODEL)?;
            }
            self.save_model(network, &place.epochs, RunFolder::LAST_MODEL)?;
            self.save_metrics(place)?;
        }
        let is_due = |every: u64| optimizer.steps().is_multiple_of(every);
        if is_epoch_over || stopping || self.about.checkpoint_every.is_some_and(is_due) {
            self.save_checkpoint(snapshot)?;
        }
        let is_over = is_epoch_over && self.is_out_of_patience(best, last);
        Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn save_checkpoint(&mut self, snapshot: &Snapshot<'_>) -> Result<()> {
        let Snapshot { network, optimizer, place, .. } = *snapshot;
        let about = &self.about;
        let checkpoint = Checkpoint {
            best: self.best.as_ref().map(Cow::Borrowed),
            validation: Some(about.held_out),
            settings: Cow::Borrowed(&about.settings),
            ..Checkpoint::new(snapshot, &about.config, &about.image_shape, about.train)
        };
        let saved = save_checkpoint(&checkpoint, &self.folder.file(RunFolder::CHECKPOINT));
        if saved.is_err() && !network.parameters().is_finite() {
            // No loss has shown it yet.
            let (epoch, batch) = (place.epoch(), place.batches);
            return Err(FitError::NonFiniteParameters { epoch, batch, rate: optimizer.rate() }.into());
        }
        saved?;
        self.saved = Some(place.clone());
        Ok(())
    }

    fn save_model(&self, network: &Network, epochs: &[EpochSummary], name: &str) -> Result<()> {
        let about = &self.about;
        let history = History { epochs: epochs.to_vec(), stopped_early: false };
        let samples = usize::try_from(about.train.samples).unwrap_or(usize::MAX);
        let model = Model {
            network: network.clone(),
            loss: about.config.loss,
            image_shape: about.image_shape.clone(),
            class_names: about.class_names.clone(),
            record: Some(TrainingRecord::new(
                about.recipe_name.clone(),
                &about.config,
                about.rule,
                samples,
                &history,
            )),
        };
        Ok(save(&model, &self.folder.file(name))?)
    }

    fn save_metrics(&self, place: &Place) -> Result<()> {
        let batch_size = self.about.config.batch_size.get() as u64;
        let steps_per_epoch = self.about.train.samples.div_ceil(batch_size);
        let mut text = String::new();
        let mut best = place.epochs.first();
        for summary in &place.epochs {
            if best.is_some_and(|best| summary.measured().accuracy() > best.measured().accuracy()) {
                best = Some(summary);
            }
            let measured = summary.measured();
            let line = Metrics {
                epoch: summary.epoch,
                steps: u64::from(summary.epoch) * steps_per_epoch,
                train_loss: summary.train.mean_loss(),
                train_accuracy: summary.train.accuracy(),
                held_out: self.about.held_out_name,
                held_out_loss: measured.mean_loss(),
                held_out_accuracy: measured.accuracy(),
                rate: summary.rate,
                best_epoch: best.map_or(summary.epoch, |best| best.epoch),
            };
            text += &serde_json::to_string(&line).context("cannot write JSON")?;
            text.push('\n');
        }
        let path = self.folder.file(RunFolder::METRICS);
        Ok(write_atomically(&path, |writer| writer.write_all(text.as_bytes()))?)
    }

    /// The model to use: the best one where patience chooses it, else the last one.
    pub(super) fn chosen_model(&self) -> &'static str {
        if self.about.patience.is_some() { RunFolder::BEST_MODEL } else { RunFolder::LAST_MODEL }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}
