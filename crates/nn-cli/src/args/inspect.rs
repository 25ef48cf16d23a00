//! What may be typed after `inspect`.

use std::path::PathBuf;

use clap::Args;

const INSPECT_EXAMPLES: &str = "\
Examples:
  nn-cli inspect data/sample
  nn-cli inspect data/sample/train-images-idx3-ubyte.gz
  nn-cli inspect mnist.model --json
  nn-cli inspect mnist.onnx
  nn-cli inspect runs/first";

#[derive(Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
pub(crate) struct InspectArgs {
    /// An IDX file, a folder with the files of a data set, a network that `nn-cli train` saved, a run or its
    /// checkpoint, or a safetensors, ONNX or npz file
    pub(crate) path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
