//! What other programs may do with the types: send them, share them, box their errors.

use nn_train::{
    ContainerError, DataError, DataFiles, DecodeError, FitConfig, FitError, History, Incompatible,
    InvalidModel, InvalidSchedule, LoadError, Model, SaveError, TrainingRecord, WriteError,
};

#[test]
fn data_models_and_histories_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<DataFiles>();
    check::<FitConfig>();
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
    check::<InvalidModel>();
    check::<InvalidSchedule>();
    check::<LoadError>();
    check::<SaveError>();
    check::<WriteError>();
}
