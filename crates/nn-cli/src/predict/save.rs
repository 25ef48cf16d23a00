//! What the network saw, as files: owns their names and that nothing else is replaced, and refuses to know what was
//! seen in them.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    failure::Advised,
    picture::{Picture, Size, picture_file, png_file},
    target,
};

/// Where to save.
pub(super) struct Saver {
    path: PathBuf,
    is_folder: bool,
    size: Size,
    /// Where the pictures that are looked at lie; none of them is replaced.
    sources: HashSet<PathBuf>,
    taken: HashSet<OsString>,
}

impl Saver {
    /// # Errors
    /// When there is no such place, or it is one file for several pictures.
    pub(super) fn new(path: &Path, size: Size, sources: &[PathBuf], count: usize) -> Result<Saver> {
        let is_folder =
            path.is_dir() || path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("png"));
        if is_folder {
            fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        } else if count > 1 {
            let message = format!("cannot save {count} pictures in {}: expected one", path.display());
            return Err(Advised::new(message, "name a folder").into());
        }
        let sources = sources.iter().filter_map(|source| fs::canonicalize(source).ok()).collect();
        Ok(Saver { path: path.to_owned(), is_folder, size, sources, taken: HashSet::new() })
    }

    /// Saves what was seen of a file, or of an image of a data set by its number.
    ///
    /// # Errors
    /// When the file cannot be written, or would replace something else.
    pub(super) fn save(&mut self, source: &Path, picture: &Picture) -> Result<()> {
        let path = match self.is_folder {
            true => {
                let name = self.free_name(source);
                self.path.join(name)
            }
            false => self.path.clone(),
        };
        if fs::canonicalize(&path).is_ok_and(|path| self.sources.contains(&path)) {
            let message = format!("cannot write {}: it is one of the pictures to look at", path.display());
            return Err(Advised::new(message, "name another folder").into());
        }
        let is_such = |path: &Path| {
            let found =
                picture_file::read(path).map(|found| Size { width: found.width, height: found.height });
            png_file::is_png(path) && found.is_ok_and(|found| found == self.size)
        };
        target::check(&path, &format!("a PNG file of {} pixels", self.size), is_such)?;
        let bytes = png_file::encode(picture)?;
        nn_train::write_atomically(&path, |writer| writer.write_all(&bytes))?;
        Ok(())
    }

    /// The name of the source with another ending, and a number where two sources have one name.
    fn free_name(&mut self, source: &Path) -> OsString {
        let stem = match source.file_stem() {
            Some(stem) if stem != "-" => stem.to_owned(),
            _ => "standard-input".into(),
        };
        let numbered = |number: u64| {
            let mut name = stem.clone();
            if number > 1 {
                name.push(format!("-{number}"));
            }
            name.push(".png");
            name
        };
        let name = (1..).map(numbered).find(|name| !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}
