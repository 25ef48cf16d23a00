//! What may be typed after `sweep`.

use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, ThreadArgs};

const SWEEP_AFTER_HELP: &str = "\
The file is TOML. What stands at its top is what `train --config` takes: a preset and settings for all networks.
  preset = \"default\"
  validation = 0.1             training samples to choose by, always; 0.1 where nothing is said
  seeds = [1, 2, 3]            or a count; every combination is trained with each

  [grid]                       every combination of these
  hidden = [50, 100, [100, 50]]
  rate = [0.3, 0.5, 0.7]

  [random]                     or, in place of [grid], so many that are drawn
  trials = 50
  seed = 1
  batch = [25, 50, 100]
  rate = { from = 0.05, to = 1.0, scale = \"log\" }

  [budget]                     if there is to be one: what all trainings may take together
  epochs = 500                 or minutes = 30, by the clock, after which no training begins

  [halving]                    if most are to be given up early: all are trained for 2 epochs,
  rungs = [2, 4, 8]            the best share of them anew for 4, and so on
  keep = 0.5

Examples:
  nn-cli sweep rates.toml
  nn-cli sweep rates.toml --plan
  nn-cli sweep rates.toml --output sweeps/again --threads 2 --json

Each network is trained on one thread. Its folder has trials.csv, a row for each training as soon as it is over, and \
at the end report.html, best.model, the best combination trained once more on all training samples and measured once \
on the test set, and best.toml, with which `nn-cli train --config` makes the same network.

Ctrl-C ends the trainings that run, and the exit status is 130. The same command goes on where a sweep was left, even \
if it was killed. The results do not depend on the number of threads, but with minutes, which depend on the machine.";

#[derive(Debug, Args)]
#[command(after_help = SWEEP_AFTER_HELP)]
pub(crate) struct SweepArgs {
    /// What to try, in TOML
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where to keep the results, in a new folder or that of the same sweep, which goes on; by default sweeps/NAME,
    /// after the file
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Print what would be trained, and do nothing else
    #[arg(long)]
    pub(crate) plan: bool,
    /// Print one JSON object a line: the start, each training, each rung, the end
    #[arg(long)]
    pub(crate) json: bool,
}
