//! Pipes in place of files: owns telling those that are waited for from others, and refuses to know what is read.

use std::path::Path;

/// Whether a path is a pipe in a folder (a FIFO): whoever opens it waits until somebody writes to it, and that may be
/// never.
///
/// The pipe that a shell makes of `<(command)` is none: it has a writer already, and lies in no folder.
#[cfg(unix)]
#[must_use]
pub fn is_named(path: &Path) -> bool {
    use std::{fs, os::unix::fs::FileTypeExt};

    // What lies in no folder has no true path.
    fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) && fs::canonicalize(path).is_ok()
}

/// Elsewhere no path is.
#[cfg(not(unix))]
#[must_use]
pub fn is_named(_path: &Path) -> bool {
    false
}
