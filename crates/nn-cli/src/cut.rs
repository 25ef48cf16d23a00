//! Files that are cut while they are mapped: owns what is said then, and refuses to know what the files hold.
//!
//! A page that is gone raises SIGBUS in the thread that reads it, and the system's answer is to end the program without
//! a word. Here it says which file it was, and ends with the status of a failure.

#[cfg(unix)]
mod handler;

use anyhow::Result;
use nn_train::nn_core::idx_format::IdxFile;

/// Sees to it that the program says so if this file is mapped and then cut, until the program ends.
///
/// # Errors
/// When the system refuses, or there are more such files than a command has.
#[cfg(unix)]
pub(crate) fn watch(file: &IdxFile) -> Result<()> {
    use std::io::{self, IsTerminal};

    use anyhow::Context;

    use crate::{failure::Advised, output::one_line};

    if !file.is_mapped() {
        return Ok(());
    }
    // A progress bar may stand in the line that the cursor is in.
    let new_line = if io::stderr().is_terminal() { "\n" } else { "" };
    let pixels = file.view().payload();
    let message = format!(
        "{new_line}error: cannot read {}: expected {} bytes of elements as when it was opened, found the file cut (SIGBUS)\n\
         hint: replace a file by renaming a new one over it, never in place; if nobody did, is its disk damaged or gone?\n",
        one_line(&file.path().display().to_string()),
        pixels.len()
    );
    let path = file.path().display();
    match handler::watch(pixels, message) {
        Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
            let message =
                format!("cannot map {path}: expected at most {} files that are, found more", handler::MOST);
            Err(Advised::new(
                message,
                "join them in fewer folders: one IDX file counts up to 4,294,967,295 images",
            )
            .into())
        }
        result => result.with_context(|| format!("cannot watch over {path}")),
    }
}

/// Elsewhere a file that is mapped cannot be cut.
#[cfg(not(unix))]
pub(crate) fn watch(_file: &IdxFile) -> Result<()> {
    Ok(())
}
