//! The moment after a training: owns that a trained network reaches some disk, and refuses to know how it was trained.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Result;
use nn_train::{Model, SaveError, WriteError, WriteStage};

use crate::output;

/// How many names to try in a folder.
const MOST_NAMES: u32 = 100;

/// Saves a model, and where that fails, saves it under another name, so that no training is lost.
///
/// # Errors
/// When it could not be saved at `path`, also if it was saved elsewhere: whoever runs this expects it there.
pub(super) fn keep(model: &Model, path: &Path) -> Result<()> {
    let Err(error) = nn_train::save(model, path) else {
        return Ok(());
    };
    // After a failure to sync the folder, the file is in place.
    let may_fit_elsewhere = matches!(
        error,
        SaveError::Write(WriteError { stage, .. }) if stage != WriteStage::SyncFolder
    );
    if may_fit_elsewhere
        && let Some(elsewhere) = spare_paths(path).find(|spare| nn_train::save(model, spare).is_ok())
    {
        output::note(format_args!("saved the network in {} instead", elsewhere.display()));
    }
    Err(error.into())
}

/// A free name beside the file, and one in the current folder, which may be on another disk.
fn spare_paths(path: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = path.parent().map(Path::to_owned);
    let name = path.file_name().unwrap_or_default().to_owned();
    let free_name = move |folder: PathBuf| {
        (1..=MOST_NAMES)
            .map(|number| {
                let mut name = name.clone();
                name.push(format!(".{number}"));
                folder.join(name)
            })
            .find(|path| path.symlink_metadata().is_err())
    };
    beside.into_iter().chain(env::current_dir().ok()).filter_map(free_name)
}
