#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub use nn_core;
pub use rand_chacha::ChaCha8Rng;

// In reading order: the data, the loop and what it follows, the judgement; then what is kept in files.
mod dataset;

mod fit;
mod observer;
mod order;
mod schedule;

mod evaluate;

mod model;
mod record;
mod save;

mod container;
mod file;
mod mirror;

pub use container::ContainerError;
pub use dataset::{DataError, DataFiles, Split};
pub use evaluate::{ClassReport, ClassScore, Incompatible, evaluate};
pub use file::{WriteError, WriteStage, write_atomically};
pub use fit::{FitConfig, FitError, History, fit};
pub use model::{DecodeError, InvalidModel, Model};
pub use observer::{BatchReport, EpochReport, FitPlan, Observer};
pub use order::{epoch_order, fill_epoch_order, initial_rng};
pub use record::TrainingRecord;
pub use save::{Limits, LoadError, SaveError, load, load_with, save};
pub use schedule::{InvalidSchedule, Schedule};
