#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub use nn_core;
pub use rand_chacha::ChaCha8Rng;

// In reading order: the data, the loop and what it follows, the judgement; then what is kept in files.
mod class_names;
mod data_writer;
mod dataset;
mod preparation;

mod fit;
mod history;
mod observer;
mod order;
mod place;
mod schedule;

mod evaluate;

mod model;
mod record;
mod save;

mod checkpoint;
mod fingerprint;
mod run_folder;

mod container;
mod description;
mod file;
mod mirror;
mod network_bytes;

pub use checkpoint::{Checkpoint, InvalidCheckpoint, Mismatch};
pub use class_names::{ClassNames, ClassNamesError, InvalidClassNames};
pub use container::ContainerError;
pub use data_writer::{DataWriteError, NewDataFolder, NewSamples};
pub use dataset::{DataError, DataFiles, Split};
pub use evaluate::{ClassReport, ClassScore, Incompatible, evaluate};
pub use file::{WriteError, WriteStage, write_atomically};
pub use fingerprint::Fingerprint;
pub use fit::{FitConfig, FitError, fit, fit_from};
pub use history::{EpochSummary, History};
pub use model::{DecodeError, InvalidModel, Model};
pub use observer::{BatchReport, EpochReport, FitPlan, Observer, Snapshot};
pub use order::{epoch_order, fill_epoch_order, initial_rng};
pub use place::{InvalidPlace, Place};
pub use preparation::{Ink, Preparation, PreparationError, Prepared};
pub use record::TrainingRecord;
pub use run_folder::{RunError, RunFolder};
pub use save::{
    Limits, LoadError, SaveError, load, load_checkpoint, load_checkpoint_with, load_with, save,
    save_checkpoint,
};
pub use schedule::{InvalidSchedule, Schedule};
