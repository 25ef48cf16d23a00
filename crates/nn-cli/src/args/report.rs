//! What may be typed after `report`.

use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, SplitName, ThreadArgs};

const REPORT_EXAMPLES: &str = "\
Examples:
  nn-cli report first
  nn-cli report runs/first --pictures figures
  nn-cli report mnist.model --output mnist.html
  nn-cli report mnist.model --split train --json

The page is one file that needs no other, for any browser, in light and dark, and for paper. A model that is not of a run \
has no curves. Images that are not of height x width are not drawn.";

#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub(crate) struct ReportArgs {
    /// A run, by its folder or its name in runs/, or a network that `nn-cli train` saved
    #[arg(value_name = "RUN|MODEL")]
    pub(crate) subject: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set to measure on
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// Where to write the page; an earlier report of that name is replaced, no other file is
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub(crate) output: PathBuf,
    /// Also write each figure as an SVG file into this folder, which is made where it is missing
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pictures: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Print the numbers of the report as one JSON object; the page is written all the same
    #[arg(long)]
    pub(crate) json: bool,
}
