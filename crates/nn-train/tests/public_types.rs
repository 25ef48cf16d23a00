//! What other programs may do with the types: send them, share them, box their errors.

use nn_train::{
    Checkpoint, ContainerError, DataError, DataFiles, DecodeError, Fingerprint, FitConfig, FitError, History,
    Incompatible, InvalidCheckpoint, InvalidModel, InvalidPlace, InvalidSchedule, LoadError, Mismatch, Model,
    Place, RunError, RunFolder, SaveError, TrainingRecord, WriteError,
};

#[test]
fn data_models_and_histories_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<DataFiles>();
    check::<FitConfig>();
    check::<Checkpoint<'static>>();
    check::<Fingerprint>();
    check::<Place>();
    check::<RunFolder>();
    check::<History>();
    check::<Model>();
    check::<TrainingRecord>();
}

#[test]
fn errors_can_be_boxed_and_sent() {
    fn check<T: std::error::Error + Send + Sync + 'static>() {}
    check::<ContainerError>();
    check::<DataError>();
    check::<DecodeError>();
    check::<FitError>();
    check::<Incompatible>();
    check::<InvalidCheckpoint>();
    check::<InvalidModel>();
    check::<InvalidPlace>();
    check::<InvalidSchedule>();
    check::<LoadError>();
    check::<Mismatch>();
    check::<RunError>();
    check::<SaveError>();
    check::<WriteError>();
}
