//! What may be typed after `train`.

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};
use nn_train::{
    Augmentation, Averaging, Preprocessing, Schedule,
    nn_core::{Activation, Loss, Rule},
};

use super::{
    FoldersArgs, ThreadArgs,
    value::{
        self, Clip, DropoutShares, Hidden, InitializerChoice, OrNone, OrderChoice, RunName, Teachers,
        Validation,
    },
};
use crate::preset::{self, PresetName};

fn train_after_help() -> String {
    format!(
        "Presets (--config and flags override them; another --optimizer brings a --rate of its own):\n{}\n\n{TRAIN_EXAMPLES}",
        preset::help_text()
    )
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  nn-cli train
  nn-cli train --hidden 300,100 --epochs 20 --output large.model
  nn-cli train --preset article --activation relu --rate 0.01
  nn-cli train --optimizer adam --rate 0.001 --schedule cosine --validation 0.1
  nn-cli train --data data/fashion-mnist --output fashion.model --json
  nn-cli train --data data/mnist --data data/mnist8m --epochs 1
  nn-cli train --run first --epochs 30 --patience 5 --validation 0.1
  nn-cli train --resume first
  nn-cli train --epochs 30 --tui
  nn-cli train --config runs/first/config.toml --seed 2 --run second
  nn-cli train --optimizer adam --print-config
  nn-cli train --preset small --output small.model
  nn-cli train --augment medium --average ema:0.999 --epochs 30
  nn-cli train --preset small --teacher wide1.model,wide2.model
  mpirun -n 4 nn-cli train --distributed --batch 400 --run four

Ctrl-C stops training after the step; the network of the last finished epoch is saved, or of a run a checkpoint, and \
the exit status is 130. So do SIGTERM and, on Linux, SIGHUP, with 143 and 129. A second Ctrl-C or SIGTERM ends the \
program at once; no file is damaged by it.

The same seed, data and recipe give the same file, byte for byte, with any number of threads.";

#[derive(Clone, Debug, Default, Args)]
#[command(after_help = train_after_help())]
#[command(group = ArgGroup::new("kept").args(["run", "resume"]))]
pub(crate) struct TrainArgs {
    /// The recipe to start from, which the flags below override [default: default]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) preset: Option<PresetName>,
    /// A configuration in TOML, such as the config.toml of a run, which repeats it; the flags override it, and it
    /// overrides the preset
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// Print the configuration that would be trained with, in TOML, and do nothing else
    #[arg(long, conflicts_with_all = ["kept", "json", "output"])]
    pub(crate) print_config: bool,

    /// Units of each hidden layer: 100, or 300,100 for two layers, or none
    #[arg(long, value_name = "UNITS,...", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) hidden: Option<Hidden>,
    /// Activation of the hidden layers
    #[arg(long, value_name = "NAME", value_parser = value::hidden_activation(), help_heading = "Network")]
    pub(crate) activation: Option<Activation>,
    /// What training minimises, averaged over the samples of a step
    #[arg(long, value_name = "NAME", value_parser = value::loss(), help_heading = "Network")]
    pub(crate) loss: Option<Loss>,
    /// Activation of the last layer; by default the one that suits the loss (identity: the loss takes logits)
    #[arg(long, value_name = "NAME", value_parser = value::activation(), help_heading = "Network")]
    pub(crate) output_activation: Option<Activation>,
    /// How the first weights are drawn: he, glorot, normal:DEVIATION (as normal:0.01; biases too), or auto, which is
    /// he for layers of ReLU and glorot for others
    #[arg(long, value_name = "NAME", value_parser = value::initializer(), help_heading = "Network")]
    pub(crate) initializer: Option<InitializerChoice>,

    /// How a gradient changes the weights
    #[arg(long, value_name = "NAME", value_parser = value::rule(), help_heading = "Recipe")]
    pub(crate) optimizer: Option<Rule>,
    /// The learning rate at its highest, above 0
    #[arg(long, aliases = ["learning-rate", "lr"], value_name = "NUMBER", value_parser = value::rate,
        allow_negative_numbers = true, help_heading = "Recipe")]
    pub(crate) rate: Option<f32>,
    /// How the rate moves: constant; step:EPOCHS:FACTOR, multiplied by FACTOR after each so many epochs; cosine, down
    /// to 0; one-cycle or one-cycle:WARMUP, up from 0 for that share of all steps (0.3), then down to 0
    #[arg(long, value_name = "SCHEDULE", value_parser = value::schedule(), help_heading = "Recipe")]
    pub(crate) schedule: Option<Schedule>,
    /// Samples in a step
    #[arg(long, value_name = "COUNT", value_parser = value::at_least_one::<usize>, allow_negative_numbers = true,
        help_heading = "Recipe")]
    pub(crate) batch: Option<usize>,
    /// How often every training sample is seen
    #[arg(long, value_name = "COUNT", value_parser = value::at_least_one::<u32>, allow_negative_numbers = true,
        help_heading = "Recipe")]
    pub(crate) epochs: Option<u32>,
    /// Distort each image anew in every epoch: affine, elastic, medium (both, moderately), strong, or a list such as
    /// rotation=10,scale=0.1,shear=0.1,shift=1,elastic-strength=1, or none
    #[arg(long, value_name = "NAME|LIST", value_parser = value::augmentation_or_none(), help_heading = "Ingredients")]
    pub(crate) augment: Option<OrNone<Augmentation>>,
    /// Prepare each image so before the network sees it, now and whenever the saved network is asked: deskew, upright
    #[arg(long, value_name = "NAME", value_parser = value::preprocessing(), help_heading = "Ingredients")]
    pub(crate) preprocess: Option<Preprocessing>,
    /// Mix each sample with another one, images and labels alike, by shares from Beta(NUMBER, NUMBER); 0 is none
    #[arg(long, value_name = "NUMBER", value_parser = value::share, allow_negative_numbers = true,
        help_heading = "Ingredients")]
    pub(crate) mixup: Option<f32>,
    /// The share of each target that all classes get alike; 0 is none
    #[arg(long, value_name = "SHARE", value_parser = value::share_below_one, allow_negative_numbers = true,
        help_heading = "Ingredients")]
    pub(crate) label_smoothing: Option<f32>,
    /// Drop that share of the hidden units in each step, or of the inputs and of the hidden units: 0.5, or 0.2,0.5
    #[arg(long, value_name = "[INPUTS,]HIDDEN", allow_hyphen_values = true, help_heading = "Ingredients")]
    pub(crate) dropout: Option<DropoutShares>,
    /// Take that share of each weight, times the rate, away in each step; 0 is none
    #[arg(long, value_name = "NUMBER", value_parser = value::weight_decay, allow_negative_numbers = true,
        help_heading = "Ingredients")]
    pub(crate) weight_decay: Option<f32>,
    /// Shorten gradients that are longer than this, or none
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true, help_heading = "Ingredients")]
    pub(crate) clip: Option<OrNone<Clip>>,
    /// Average the weights: ema:DECAY, as ema:0.999, a moving average; tail:SHARE, as tail:0.25, over the last steps;
    /// or none
    #[arg(long, value_name = "KIND:NUMBER", value_parser = value::averaging(), help_heading = "Ingredients")]
    pub(crate) average: Option<OrNone<Averaging>>,
    /// Learn from what these networks say of each image, too, several of them as a committee: distillation
    #[arg(long, value_name = "MODEL,...", help_heading = "Ingredients")]
    pub(crate) teacher: Option<Teachers>,
    /// How much of the target is the teachers' answer; the rest is the label [default: 0.9]
    #[arg(long, value_name = "SHARE", value_parser = value::share, allow_negative_numbers = true,
        help_heading = "Ingredients")]
    pub(crate) teacher_share: Option<f32>,

    /// Decides the first weights, the order of the samples and whatever else is left to chance: a whole number of up to
    /// 64 bits [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, help_heading = "Recipe")]
    pub(crate) seed: Option<u64>,
    /// In which order an epoch visits the samples: full, a shuffle of all of them; blocks or blocks:BLOCK,WINDOW, for
    /// data larger than memory, a shuffle of blocks of 128 samples, and of the samples in each window of 512 blocks; or
    /// auto, which is blocks for training images of 1 GiB or more that are mapped, and full for others [default: auto]
    #[arg(long, value_name = "ORDER", value_parser = value::order(), help_heading = "Recipe")]
    pub(crate) order: Option<OrderChoice>,

    #[command(flatten)]
    pub(crate) data: FoldersArgs,
    /// Samples at the end of the training files to keep for validation: a COUNT, or a FRACTION such as 0.1. With 0
    /// each epoch is measured on the test set [default: 0]
    #[arg(long, value_name = "FRACTION|COUNT", allow_negative_numbers = true)]
    pub(crate) validation: Option<Validation>,
    /// Where to save the network; an earlier model of that name is replaced, no other file is
    #[arg(short, long, value_name = "FILE", default_value = "mnist.model", conflicts_with = "kept")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Watch the training on a dashboard: its curves, its speed and a few misread images. `q` stops it as Ctrl-C does
    #[arg(long, conflicts_with = "json")]
    pub(crate) tui: bool,
    /// Print one JSON object a line: the start, each epoch, the end
    #[arg(long)]
    pub(crate) json: bool,

    /// Keep all of the training in a new folder, runs/NAME or the FOLDER of a path such as ./NAME: checkpoints to go
    /// on from, the last and the best network, and what each epoch came to, as JSON lines and as a CSV table
    #[arg(long, value_name = "NAME|FOLDER", help_heading = "Runs")]
    pub(crate) run: Option<RunName>,
    /// Go on with a run where its last checkpoint is, to the same result, bit for bit, as if it had never been left
    #[arg(long, value_name = "NAME|FOLDER", help_heading = "Runs")]
    pub(crate) resume: Option<RunName>,
    /// Save a checkpoint of the run after each so many steps too, not only after each epoch
    #[arg(long, value_name = "STEPS", requires = "kept", help_heading = "Runs")]
    pub(crate) checkpoint_every: Option<NonZeroU64>,
    /// End the run when so many epochs in a row were no better than the best before them; `best.model` has that one
    #[arg(long, value_name = "EPOCHS", value_parser = value::at_least_one::<u32>, requires = "kept",
        help_heading = "Runs")]
    pub(crate) patience: Option<u32>,
    /// Write event files for TensorBoard, too; a run that has begun with them goes on with them
    #[arg(long, requires = "kept", help_heading = "Runs")]
    pub(crate) tensorboard: bool,

    /// Train together with the other processes that mpirun started: each has its part of every batch, and the first
    /// reports and saves. Of a program that was built with `--features mpi`
    #[arg(long, conflicts_with = "print_config", help_heading = "Several machines")]
    pub(crate) distributed: bool,
    /// How long to wait for the other processes before giving up [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = value::at_least_one::<u32>, requires = "distributed",
        allow_negative_numbers = true, help_heading = "Several machines")]
    pub(crate) rank_timeout: Option<u32>,
}

/// Far longer than a step takes, or the saving between two.
const USUAL_RANK_TIMEOUT: u32 = 60;

impl TrainArgs {
    pub(crate) fn preset(&self) -> PresetName {
        self.preset.unwrap_or(PresetName::Default)
    }

    pub(crate) fn rank_timeout(&self) -> Duration {
        Duration::from_secs(self.rank_timeout.unwrap_or(USUAL_RANK_TIMEOUT).into())
    }

    /// Where the run is to be kept, if it is one.
    pub(crate) fn is_run(&self) -> bool {
        self.run.is_some() || self.resume.is_some()
    }
}
