#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub use nn_core;
pub use rand_chacha::ChaCha8Rng;

// In reading order: the data, what is done to images, the loop and what it follows, the judgement; then what is kept
// in files.
mod class_names;
mod data_writer;
mod dataset;
mod joined_files;
mod preparation;
mod samples;

mod augmentation;
mod deskew;
mod generate;

mod averaging;
mod feed;
mod fit;
mod history;
mod ingredients;
mod observer;
mod order;
mod pages;
mod place;
mod ranks;
mod schedule;
mod sequence;

mod answers;
mod calibration;
mod committee;
mod evaluate;
mod outputs;

mod event_log;
mod model;
mod record;
mod save;

mod checkpoint;
mod fingerprint;
mod run_folder;

pub mod interchange;

mod container;
mod description;
mod file;
mod lock;
mod mirror;
mod network_bytes;
mod parallel;

pub use answers::{Answer, answers, surest_mistakes};
pub use augmentation::{Augmentation, Augmenter, InvalidAugmentation};
pub use averaging::{Averaging, InvalidAveraging};
pub use calibration::{Calibration, CalibrationBin};
pub use checkpoint::{Checkpoint, InvalidCheckpoint, Mismatch};
pub use class_names::{ClassNames, ClassNamesError, InvalidClassNames};
pub use committee::{Committee, InvalidCommittee, InvalidTeacher, Teacher};
pub use container::ContainerError;
pub use data_writer::{DataWriteError, NewDataFolder, NewSamples};
pub use dataset::{DataError, DataFiles, Split};
pub use deskew::{InvalidPreprocessing, Preprocessing, deskew};
pub use evaluate::{ClassReport, ClassScore, Incompatible, evaluate};
pub use event_log::{EventError, EventLog};
pub use feed::TrainingSet;
pub use file::{WriteError, WriteStage, write_atomically};
pub use fingerprint::Fingerprint;
pub use fit::{FitConfig, FitError, fit, fit_from, fit_on};
pub use generate::{
    GenerateError, GeneratedFile, GeneratedFolder, Generation, GenerationPlan, InvalidGeneration,
};
pub use history::{EpochSummary, History};
pub use ingredients::{Ingredients, InvalidIngredient};
pub use joined_files::JoinedFiles;
pub use lock::{FileLock, LockError};
pub use model::{DecodeError, InvalidModel, Model};
pub use observer::{BatchReport, EpochReport, FitPlan, Observer, Snapshot};
pub use order::{InvalidOrder, Order, epoch_order, fill_epoch_order, initial_rng};
pub use outputs::Outputs;
pub use pages::Pages;
pub use place::{InvalidPlace, Place};
pub use preparation::{Ink, Preparation, PreparationError, Prepared};
pub use ranks::{Ranks, RanksError};
pub use record::TrainingRecord;
pub use run_folder::{RunError, RunFolder};
pub use samples::{InvalidJoin, Samples};
pub use save::{
    Limits, LoadError, SaveError, load, load_checkpoint, load_checkpoint_with, load_with, save,
    save_checkpoint,
};
pub use schedule::{InvalidSchedule, Schedule};
