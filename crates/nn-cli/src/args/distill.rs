//! What may be typed after `distill`.

use std::path::PathBuf;

use clap::Args;

use super::{
    TrainArgs,
    value::{self, Teachers},
};
use crate::preset::PresetName;

const DISTILL_EXAMPLES: &str = "\
Examples:
  nn-cli distill wide1.model wide2.model wide3.model
  nn-cli distill deep.model --hidden 50 --output tiny.model
  nn-cli distill a.model b.model --teacher-share 0.5 --run taught

It is `nn-cli train --preset small --teacher MODEL,...`, and takes all that `train` takes; `nn-cli train --resume` goes on \
with such a run. The teachers are asked about each image as it is distorted for the network that learns, so that they \
must have been trained with the same --preprocess.";

/// A training with teachers.
#[derive(Debug, Args)]
// Its teachers are its arguments, and `train --resume` goes on with its runs.
#[command(mut_arg("teacher", |arg| arg.hide(true)), mut_arg("resume", |arg| arg.hide(true)))]
#[command(mut_arg("preset", |arg| {
    arg.help("The recipe to start from, which the flags below override [default: small]")
}))]
pub(crate) struct DistillArgs {
    /// The networks to learn from, several of them as a committee
    #[arg(required = true, value_name = "MODEL", conflicts_with = "teacher", value_parser = value::teacher)]
    models: Vec<PathBuf>,
    #[command(flatten)]
    train: TrainArgs,
}

impl DistillArgs {
    pub(crate) const EXAMPLES: &'static str = DISTILL_EXAMPLES;

    /// The training that is meant: of the small network, unless another one is asked for.
    pub(crate) fn train_args(&self) -> TrainArgs {
        let preset = self.train.preset.or(self.train.config.is_none().then_some(PresetName::Small));
        TrainArgs { preset, teacher: Some(Teachers(self.models.clone())), ..self.train.clone() }
    }
}
