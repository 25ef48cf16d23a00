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
    Checkpoint, EpochSummary, EventLog, Fingerprint, FitConfig, FitError, History, JoinedFiles, Model, Place,
    Preprocessing, RunFolder, Snapshot, TrainingRecord,
    nn_core::{Network, Optimizer, Rule},
    save, save_checkpoint, write_atomically,
};
use serde::Serialize;

use super::{
    sets::Sets,
    task::{Lesson, Settings, Task, is_out_of_patience},
};
use crate::{config::Found, data::names, failure::of_training, model};

/// Keeps a run in its folder.
pub(super) struct Keeper {
    pub(super) folder: RunFolder,
    pub(super) about: About,
    /// The network as it was after the best epoch.
    best: Option<Network>,
    /// For TensorBoard.
    events: Option<EventLog>,
    /// Where the run is safe: its finished epochs, and the batches of the next.
    saved: Option<(usize, u64)>,
}

/// What does not change while the run goes on.
pub(super) struct About {
    pub(super) config: FitConfig,
    pub(super) image_shape: Vec<usize>,
    pub(super) class_names: Option<Vec<String>>,
    pub(super) train: Fingerprint,
    pub(super) held_out: Fingerprint,
    pub(super) held_out_name: &'static str,
    /// The folder to measure in: that of the test set, or else the first.
    pub(super) data: PathBuf,
    /// As JSON.
    pub(super) settings: String,
    pub(super) recipe_name: Option<String>,
    pub(super) rule: Rule,
    pub(super) preprocessing: Preprocessing,
    pub(super) checkpoint_every: Option<u64>,
    pub(super) patience: Option<u32>,
    /// Whether event files are asked for.
    pub(super) tensorboard: bool,
}

/// One epoch, as a line of `metrics.jsonl` and of `metrics.csv`. It has no time in it, so that a run has the same
/// metrics however often it was left.
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

/// The columns of `metrics.csv`: the fields of [`Metrics`], written out so that the table has its heading before its
/// first row.
const COLUMNS: [&str; 9] = [
    "epoch",
    "steps",
    "train_loss",
    "train_accuracy",
    "held_out",
    "held_out_loss",
    "held_out_accuracy",
    "rate",
    "best_epoch",
];

impl About {
    pub(super) fn new(
        task: &Task,
        sets: &Sets<'_>,
        train_files: &JoinedFiles,
        lesson: Option<Lesson>,
    ) -> Result<About> {
        let kept = sets.validation.map_or(0, |validation| validation.len());
        Ok(About {
            config: task.config(),
            image_shape: train_files.image_shape().to_vec(),
            class_names: train_files.class_names().map(<[String]>::to_vec),
            train: Fingerprint::of(sets.train),
            held_out: Fingerprint::of(sets.held_out()),
            held_out_name: sets.held_out_name(),
            data: task.folder_to_measure_in(sets).to_owned(),
            settings: serde_json::to_string(&task.settings(kept, lesson))
                .with_context(|| format!("cannot keep a run on the data in {}", names(&task.data)))?,
            recipe_name: task.recipe_name(),
            rule: task.recipe.rule,
            preprocessing: task.recipe.preprocessing,
            checkpoint_every: task.checkpoint_every,
            patience: task.patience,
            tensorboard: task.tensorboard,
        })
    }

    fn steps_per_epoch(&self) -> u64 {
        self.train.samples.div_ceil(self.config.batch_size.get() as u64)
    }
}

impl About {
    /// What the run was begun with, beside its settings.
    pub(super) fn found(&self, network: &Network) -> Found {
        Found {
            release: Checkpoint::RELEASE.to_owned(),
            train_samples: self.train.samples,
            train_sha256: self.train.hex(),
            held_out: self.held_out_name.to_owned(),
            held_out_samples: self.held_out.samples,
            held_out_sha256: self.held_out.hex(),
            image_shape: self.image_shape.clone(),
            layers: model::layers(network),
        }
    }
}

impl Keeper {
    /// Begins a run: after this it exists.
    pub(super) fn begin(
        folder: RunFolder,
        about: About,
        config: &str,
        network: &Network,
        optimizer: &Optimizer,
    ) -> Result<Keeper> {
        write_atomically(&folder.file(RunFolder::CONFIG), |writer| writer.write_all(config.as_bytes()))?;
        let mut keeper = Keeper { folder, about, best: None, events: None, saved: None };
        let place = Place::default();
        keeper.save_metrics(&place)?;
        // Whether there are such files is how a later life knows that they are wanted.
        keeper.log_events(&place)?;
        let snapshot = Snapshot { network, optimizer, place: &place, judged: network, stopping: false };
        keeper.save_checkpoint(&snapshot)?;
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
        let saved = Some((place.epochs.len(), place.batches));
        let mut keeper = Keeper { folder, about, best, events: None, saved };
        keeper.save_metrics(place)?;
        keeper.log_events(place)?;
        if let (Some(best), Some(summary)) = (&keeper.best, place.best()) {
            let until = summary.epoch as usize;
            keeper.save_model(best, &place.epochs[..until], RunFolder::BEST_MODEL)?;
        }
        // Within an epoch the network is past the last model, which is there from the end of the epoch before; or from
        // that of this one, where a process was killed before its checkpoint: it is going to be the same again.
        if place.batches == 0 && !place.epochs.is_empty() {
            keeper.save_model(&place.judged(network), &place.epochs, RunFolder::LAST_MODEL)?;
        }
        Ok(keeper)
    }

    /// What else watches the training, if anything does.
    pub(super) fn events(&mut self) -> Option<&mut EventLog> {
        self.events.as_mut()
    }

    /// Whether the events could be written, which are given up.
    pub(super) fn close_events(&mut self) -> Result<()> {
        Ok(self.events.take().map_or(Ok(()), EventLog::into_result)?)
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
            Some((epochs, 0)) => format!("the last checkpoint is {path}, after epoch {epochs}"),
            Some((epochs, batches)) => {
                format!("the last checkpoint is {path}, at epoch {}, batch {batches}", epochs + 1)
            }
        }
    }

    /// Saves what is to be saved between these two steps, and ends the run when it is out of patience.
    pub(super) fn see(&mut self, snapshot: &Snapshot<'_>) -> Result<ControlFlow<()>> {
        let Snapshot { judged, optimizer, place, stopping, .. } = *snapshot;
        let is_epoch_over = place.batches == 0;
        let (best, last) = (place.best(), place.epochs.last());
        let is_due = |every: u64| optimizer.steps().is_multiple_of(every);
        let is_saved = is_epoch_over || stopping || self.about.checkpoint_every.is_some_and(is_due);
        if is_saved {
            self.folder.check_held()?;
        }
        if is_epoch_over {
            if best.map(|best| best.epoch) == last.map(|last| last.epoch) {
                self.best = Some(judged.clone());
                self.save_model(judged, &place.epochs, RunFolder::BEST_MODEL)?;
            }
            self.save_model(judged, &place.epochs, RunFolder::LAST_MODEL)?;
            self.save_metrics(place)?;
        }
        if is_saved {
            self.save_checkpoint(snapshot)?;
        }
        let is_over = is_epoch_over && is_out_of_patience(self.about.patience, best, last);
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
            let error = FitError::NonFiniteParameters { epoch, batch, rate: optimizer.rate() };
            return Err(of_training(error, about.rule, &about.config.ingredients));
        }
        saved?;
        self.saved = Some((place.epochs.len(), place.batches));
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
            preprocessing: about.preprocessing,
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
        let steps_per_epoch = self.about.steps_per_epoch();
        let mut text = String::new();
        let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        table.write_record(COLUMNS)?;
        let mut best = place.epochs.first();
        for summary in &place.epochs {
            if best.is_some_and(|best| summary.is_better_than(best)) {
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
            table.serialize(line)?;
        }
        let table = table.into_inner().context("cannot write a table")?;
        for (name, bytes) in [(RunFolder::METRICS, text.as_bytes()), (RunFolder::METRICS_TABLE, &table)] {
            write_atomically(&self.folder.file(name), |writer| writer.write_all(bytes))?;
        }
        Ok(())
    }

    /// The events of the run for TensorBoard, from this place on, if they are asked for or have been before.
    fn log_events(&mut self, place: &Place) -> Result<()> {
        let folder = self.folder.path();
        if self.about.tensorboard || EventLog::is_in(folder)? {
            let (held_out, steps_per_epoch) = (self.about.held_out_name, self.about.steps_per_epoch());
            self.events = Some(EventLog::create(folder, held_out, place, steps_per_epoch)?);
        }
        Ok(())
    }

    /// The file of the network to use.
    pub(super) fn chosen_model(&self) -> &'static str {
        Settings::chosen_model(self.about.patience)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}
