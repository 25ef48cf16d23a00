//! What may be typed after `man`.

use std::path::PathBuf;

use clap::Args;

const MAN_EXAMPLES: &str = "\
Examples:
  nn-cli man | man -l -
  nn-cli man train | man -l -
  nn-cli man --output ~/.local/share/man/man1";

#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// The command to print the page of; without it, the page of the program
    #[arg(conflicts_with = "output")]
    pub(crate) command: Option<String>,
    /// Write all pages into this folder instead, a file for each; it is made where it is missing, and earlier pages
    /// there are replaced
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}
