//! Where samples come from: owns telling the kinds of sources apart and going through each, one sample in memory at a
//! time, and refuses to know where they go.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use nn_train::{ClassNames, DataFiles, Split};

use super::{
    labels::Labels,
    table::{Content, Table},
};
use crate::{
    args::{Invert, PictureArgs, Prepare},
    data,
    failure::Advised,
    output,
    picture::{Picture, Size},
    pictures,
};

/// MNIST's.
const USUAL_SIZE: Size = Size { width: 28, height: 28 };

pub(super) enum Source {
    /// Samples to be divided.
    Whole(Half),
    /// Samples that are divided, to train on and to test on.
    Halves(Option<Half>, Option<Half>),
}

/// Samples that belong together.
pub(super) enum Half {
    Idx(DataFiles),
    /// A folder for each label, in the order of the labels.
    Folders {
        path: PathBuf,
        folders: Vec<(String, PathBuf)>,
    },
    Table(Table),
}

impl Source {
    /// # Errors
    /// When there is nothing of a kind that is known.
    pub(super) fn find(path: &Path) -> Result<Source> {
        if path.is_dir() {
            return Source::in_folder(path);
        }
        if path.exists() {
            return Ok(Source::Whole(Half::Table(Table::open(path)?)));
        }
        let set = |split| data::open_named_if_present(path, split);
        match (set(Split::Train)?, set(Split::Test)?) {
            (None, None) => {
                let message = format!(
                    "no source {}: expected a folder, a CSV file or the start of the names of IDX files",
                    path.display()
                );
                bail!(Advised::new(message, "`nn-cli help convert` tells what a source is"));
            }
            (train, test) => Ok(Source::Halves(train.map(Half::Idx), test.map(Half::Idx))),
        }
    }

    fn in_folder(path: &Path) -> Result<Source> {
        let open = |split| data::open_if_present(path, split);
        match (open(Split::Train)?, open(Split::Test)?) {
            (None, None) => {}
            (train, test) => return Ok(Source::Halves(train.map(Half::Idx), test.map(Half::Idx))),
        }
        let folders = folders(path)?;
        let is_half = |(name, _): &(String, PathBuf)| name == "train" || name == "test";
        if !folders.is_empty() && folders.iter().all(is_half) {
            let half = |wanted: &str| match folders.iter().find(|(name, _)| name == wanted) {
                Some((_, path)) => Half::folders(path).map(Some),
                None => Ok(None),
            };
            return Ok(Source::Halves(half("train")?, half("test")?));
        }
        Half::folders(path).map(Source::Whole)
    }
}

/// The folders in a folder with their names, in the order of the numbers that they are, or by name. Hidden ones do not
/// count.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    let cannot = || format!("cannot read the folder {}", path.display());
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let name = entry.file_name().into_string().map_err(|name| {
            anyhow::anyhow!(
                "cannot use {}: expected a name in UTF-8, found {}",
                path.display(),
                name.display()
            )
        })?;
        if !name.starts_with('.') && entry.path().is_dir() {
            folders.push((name, entry.path()));
        }
    }
    folders.sort_by_cached_key(|(name, _)| (name.parse::<i64>().unwrap_or(i64::MAX), name.clone()));
    Ok(folders)
}

impl Half {
    fn folders(path: &Path) -> Result<Half> {
        let (mut used, mut empty) = (Vec::new(), Vec::new());
        for (name, folder) in folders(path)? {
            match pictures::in_folder(&folder)?.is_empty() {
                true => empty.push(folder),
                false => used.push((name, folder)),
            }
        }
        if !used.is_empty() {
            for folder in &empty {
                output::note(format_args!("no pictures in {}: it is no class", folder.display()));
            }
        }
        let folders = used;
        if folders.is_empty() {
            let message =
                format!("no data in {}: expected IDX files, or a folder for each class", path.display());
            bail!(Advised::new(message, "`nn-cli help convert` tells what a source is"));
        }
        Ok(Half::Folders { path: path.to_owned(), folders })
    }

    pub(super) fn is_idx(&self) -> bool {
        matches!(self, Half::Idx(_))
    }

    /// Whether the samples come one class after the other, or may.
    pub(super) fn is_by_class(&self) -> bool {
        match self {
            Half::Idx(_) => false,
            Half::Folders { .. } => true,
            Half::Table(table) => table.is_of_paths(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Half::Idx(files) => files.images().path(),
            Half::Folders { path, .. } => path,
            Half::Table(table) => table.path(),
        }
    }

    /// The labels that stand in text; of numbers in a file none is needed.
    pub(super) fn label_texts(&self) -> Result<BTreeSet<String>> {
        match self {
            Half::Idx(_) => Ok(BTreeSet::new()),
            Half::Folders { folders, .. } => Ok(folders.iter().map(|(name, _)| name.clone()).collect()),
            Half::Table(table) => table.label_texts(),
        }
    }

    /// The names that the source itself has for its classes.
    pub(super) fn class_names(&self) -> Result<Option<ClassNames>> {
        let read = |folder: &Path| -> Result<Option<ClassNames>> {
            let path = folder.join(ClassNames::FILE);
            Ok(if path.is_file() { Some(ClassNames::read(&path)?) } else { None })
        };
        match self {
            Half::Idx(files) => {
                Ok(files.class_names().map(|names| ClassNames::new(names.to_vec())).transpose()?)
            }
            Half::Folders { path, .. } => match (read(path)?, path.parent()) {
                // Those of both halves lie above them.
                (None, Some(above)) if path.ends_with("train") || path.ends_with("test") => read(above),
                (names, _) => Ok(names),
            },
            Half::Table(table) => read(table.folder()),
        }
    }

    /// The size of its images, or that they are to have.
    pub(super) fn size(&self, asked: Option<Size>) -> Result<Size> {
        let own = match self {
            Half::Idx(files) => Some(Size::of(files.image_shape())?),
            Half::Folders { .. } => None,
            Half::Table(table) => table.size(asked)?,
        };
        match (own, asked) {
            (Some(own), Some(asked)) if own != asked => {
                let message = format!("expected images of {asked} in {}, found {own}", self.path().display());
                bail!(Advised::new(message, "--size is for pictures; leave it out"));
            }
            (own, asked) => Ok(own.or(asked).unwrap_or(USUAL_SIZE)),
        }
    }

    /// Calls `visit` with the pixels and the class of each sample.
    pub(super) fn for_each(
        &self,
        args: &PictureArgs,
        labels: &Labels,
        size: Size,
        mut visit: impl FnMut(&[u8], u8) -> Result<()>,
    ) -> Result<()> {
        match self {
            Half::Idx(files) => {
                let dataset = files.view();
                for index in 0..dataset.len() {
                    let at = || format!("cannot use image {index} of {}", self.path().display());
                    let class = labels.class_of_number(dataset.label(index).into()).with_context(at)?;
                    let pixels = as_asked(dataset.row(index), size, args).with_context(at)?;
                    visit(pixels.as_deref().unwrap_or(dataset.row(index)), class)?;
                }
            }
            Half::Folders { folders, .. } => {
                for (name, folder) in folders {
                    let class =
                        labels.class(name).with_context(|| format!("cannot use {}", folder.display()))?;
                    for file in pictures::in_folder(folder)? {
                        visit(&pictures::see(&file, size, args)?.picture.pixels, class)?;
                    }
                }
            }
            Half::Table(table) => table.for_each(|row| {
                let class = labels.class(row.label)?;
                match row.content {
                    Content::Path(path) => visit(&pictures::see(&path, size, args)?.picture.pixels, class),
                    Content::Pixels(pixels) => {
                        let changed = as_asked(pixels, size, args)?;
                        visit(changed.as_deref().unwrap_or(pixels), class)
                    }
                }
            })?,
        }
        Ok(())
    }
}

/// Pixels that are those of an image already, changed only if that was asked for outright.
fn as_asked(pixels: &[u8], size: Size, args: &PictureArgs) -> Result<Option<Vec<u8>>> {
    ensure!(pixels.len() == size.width * size.height, "expected {size} pixels, found {}", pixels.len());
    if args.prepare != Prepare::Yes && args.invert != Invert::Yes {
        return Ok(None);
    }
    let seen = pictures::as_seen(Picture::new(size, pixels), size, args)?;
    Ok(Some(seen.picture.pixels))
}
