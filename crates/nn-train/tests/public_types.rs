//! What other programs may do with the types: send them, share them, box their errors.

use nn_train::{
    Augmentation, Augmenter, Checkpoint, ContainerError, DataError, DataFiles, DecodeError, Fingerprint,
    FitConfig, FitError, History, Incompatible, InvalidAugmentation, InvalidCheckpoint, InvalidModel,
    InvalidPlace, InvalidPreprocessing, InvalidSchedule, LoadError, Mismatch, Model, Place, Preprocessing,
    RunError, RunFolder, SaveError, TrainingRecord, WriteError,
};

#[test]
fn data_models_and_histories_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<Augmentation>();
    check::<Augmenter>();
    check::<DataFiles>();
    check::<FitConfig>();
    check::<Checkpoint<'static>>();
    check::<Fingerprint>();
    check::<Place>();
    check::<Preprocessing>();
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
    check::<InvalidAugmentation>();
    check::<InvalidCheckpoint>();
    check::<InvalidModel>();
    check::<InvalidPlace>();
    check::<InvalidPreprocessing>();
    check::<InvalidSchedule>();
    check::<LoadError>();
    check::<Mismatch>();
    check::<RunError>();
    check::<SaveError>();
    check::<WriteError>();
}
