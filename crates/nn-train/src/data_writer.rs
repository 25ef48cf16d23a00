//! A data set on its way to a folder: owns the order in which samples are put into files, the names of these, and that
//! the folder appears whole or not at all; refuses to know where the samples come from.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use nn_core::idx_format::{self, IdxWriter};

use crate::{
    ClassNames, FileLock, LockError, Split,
    file::{folder_of, sync_folder},
    run_folder::create_folder,
};

/// A new data folder, in the making.
///
/// It grows under a hidden name beside its own and takes that by one rename, in [`publish`](Self::publish). When it is
/// dropped before, nothing stays. One process at a time makes a folder of that name: a locked file beside it says so.
///
/// # Examples
/// ```
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("shapes");
/// use nn_train::{DataFiles, NewDataFolder, Split};
///
/// let new = NewDataFolder::create(&folder)?;
/// let mut samples = new.samples([2, 3])?;
/// samples.push(&[0, 255, 0, 0, 255, 0], 1)?;
/// samples.push(&[255, 255, 255, 0, 0, 0], 0)?;
/// samples.write(Split::Train, [1, 0])?;
/// new.publish()?;
///
/// let train = DataFiles::open(&folder, Split::Train)?;
/// assert_eq!((train.len(), train.view().label(1)), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NewDataFolder {
    path: PathBuf,
    staging: PathBuf,
    /// Held until all is in its place or gone, and the file with it.
    lock: FileLock,
}

impl NewDataFolder {
    /// Begins a folder where nothing is yet, or an empty one. What an earlier process that was ended left of the same is
    /// removed.
    ///
    /// # Errors
    /// [`DataWriteError::Occupied`] when there is something, [`DataWriteError::InUse`] while another process makes it,
    /// and [`DataWriteError::Io`].
    pub fn create(path: &Path) -> Result<NewDataFolder, DataWriteError> {
        let at = |source| DataWriteError::Io { path: path.to_owned(), source };
        let name = vacant(path)?;
        let hidden = |ending| {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(ending);
            folder_of(path).join(hidden)
        };
        let staging = hidden(".making");
        create_folder(folder_of(path)).map_err(at)?;
        let lock = FileLock::take(&hidden(".lock")).map_err(|error| match error {
            LockError::Io { path, source, .. } => DataWriteError::Io { path, source },
            LockError::Taken { .. } | LockError::Moved { .. } => {
                DataWriteError::InUse { path: path.to_owned() }
            }
        })?;
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
            _ => {}
        }
        fs::create_dir(&staging).map_err(at)?;
        Ok(NewDataFolder { path: path.to_owned(), staging, lock })
    }

    /// Where its files are until it is published.
    #[must_use]
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Begins to gather samples, images of `[height, width]`. They wait on the disk, not in memory.
    ///
    /// # Errors
    /// [`DataWriteError::Io`].
    pub fn samples(&self, image_shape: [usize; 2]) -> Result<NewSamples, DataWriteError> {
        let path = self.staging.join(".samples");
        let at = |source| DataWriteError::Io { path: path.clone(), source };
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(at)?;
        // Of the file, which stays as long as it is open, there is no need of a name.
        #[cfg(unix)]
        fs::remove_file(&path).map_err(at)?;
        Ok(NewSamples {
            staging: self.staging.clone(),
            path,
            pixels: BufWriter::new(file),
            image_shape,
            labels: Vec::new(),
        })
    }

    /// Writes the names of the classes.
    ///
    /// # Errors
    /// [`DataWriteError::Io`].
    pub fn write_class_names(&self, names: &ClassNames) -> Result<(), DataWriteError> {
        self.write(ClassNames::FILE, |writer| writer.write_all(names.to_text().as_bytes()))
    }

    /// Writes another file of the folder, such as one that tells where the data is from.
    ///
    /// # Errors
    /// [`DataWriteError::Io`].
    pub fn write(
        &self,
        name: impl AsRef<Path>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), DataWriteError> {
        let path = self.staging.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut file = BufWriter::new(file);
            write(&mut file)?;
            file.flush()?;
            file.get_ref().sync_all()
        });
        written.map_err(|source| DataWriteError::Io { path, source })
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// [`DataWriteError::Io`].
    pub fn publish(self) -> Result<(), DataWriteError> {
        let at = |source| DataWriteError::Io { path: self.path.clone(), source };
        // Left over where an open file keeps its name.
        let _ = fs::remove_file(self.staging.join(".samples"));
        sync_folder(&self.staging).map_err(at)?;
        rename_folder(&self.staging, &self.path).map_err(at)
    }
}

impl Drop for NewDataFolder {
    fn drop(&mut self) {
        // After it was published there is nothing under this name.
        let _ = fs::remove_dir_all(&self.staging);
        // It is locked still: who opens it now finds that the name is gone.
        let _ = fs::remove_file(self.lock.path());
    }
}

/// The name of a folder that can be made: nothing is there, or an empty folder.
pub(crate) fn vacant(path: &Path) -> Result<&OsStr, DataWriteError> {
    let is_free = match fs::read_dir(path) {
        // A link to an empty folder is none that a rename could replace.
        Ok(mut entries) => entries.next().is_none() && !is_link(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.symlink_metadata().is_err(),
        // It is a file, or a folder above it is one, and then nothing is there.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory && path.symlink_metadata().is_ok() => {
            false
        }
        Err(source) => return Err(DataWriteError::Io { path: path.to_owned(), source }),
    };
    let name = path.file_name().filter(|_| is_free);
    name.ok_or_else(|| DataWriteError::Occupied { path: path.to_owned() })
}

/// Gives a whole folder the name of one that is not there, or empty.
pub(crate) fn rename_folder(from: &Path, to: &Path) -> io::Result<()> {
    // An empty folder is replaced by the rename on some systems only.
    match fs::remove_dir(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Whether a path is a link, even if it ends with a slash, which would lead to what it is a link to.
fn is_link(path: &Path) -> bool {
    path.file_name().is_some_and(|name| folder_of(path).join(name).is_symlink())
}

/// Samples that are going to be files of a data folder.
#[derive(Debug)]
pub struct NewSamples {
    staging: PathBuf,
    path: PathBuf,
    pixels: BufWriter<File>,
    image_shape: [usize; 2],
    labels: Vec<u8>,
}

impl NewSamples {
    /// Adds a sample.
    ///
    /// # Errors
    /// [`DataWriteError::Pixels`] when it is no image of the shape, and [`DataWriteError::Io`].
    pub fn push(&mut self, pixels: &[u8], label: u8) -> Result<(), DataWriteError> {
        let [height, width] = self.image_shape;
        if pixels.len() != height * width {
            return Err(DataWriteError::Pixels { expected: height * width, found: pixels.len() });
        }
        self.pixels
            .write_all(pixels)
            .map_err(|source| DataWriteError::Io { path: self.path.clone(), source })?;
        self.labels.push(label);
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels, in the order in which they came.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Writes the two files of a split: the samples with these numbers, in this order.
    ///
    /// # Errors
    /// [`DataWriteError`].
    ///
    /// # Panics
    /// If a number is not below [`len`](Self::len).
    pub fn write(
        &mut self,
        split: Split,
        order: impl IntoIterator<Item = usize, IntoIter: ExactSizeIterator>,
    ) -> Result<(), DataWriteError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| DataWriteError::Io { path, source }
        };
        self.pixels.flush().map_err(at(&self.path))?;
        let order = order.into_iter();
        let [height, width] = self.image_shape;
        let (images_name, labels_name) = split.file_names();
        let (images_path, labels_path) = (self.staging.join(images_name), self.staging.join(labels_name));
        let create = |path: &Path| File::create(path).map_err(at(path));
        let mut images = writer(create(&images_path)?, &[order.len(), height, width], &images_path)?;
        let mut labels = writer(create(&labels_path)?, &[order.len()], &labels_path)?;
        let mut image = vec![0; height * width];
        let source = self.pixels.get_mut();
        let mut place = None;
        for number in order {
            let label = self.labels[number];
            // To seek where it stands already would cost a call for each image.
            if place != Some(number) {
                let start = number as u64 * image.len() as u64;
                source.seek(SeekFrom::Start(start)).map_err(at(&self.path))?;
            }
            place = Some(number + 1);
            source.read_exact(&mut image).map_err(at(&self.path))?;
            let idx = |path: &Path| {
                let path = path.to_owned();
                move |source| DataWriteError::Idx { path, source }
            };
            images.write_item(&image).map_err(idx(&images_path))?;
            labels.write_item(&[label]).map_err(idx(&labels_path))?;
        }
        // More may be pushed.
        source.seek(SeekFrom::End(0)).map_err(at(&self.path))?;
        for (writer, path) in [(images, &images_path), (labels, &labels_path)] {
            let file =
                writer.finish().map_err(|source| DataWriteError::Idx { path: path.clone(), source })?;
            file.sync_all().map_err(at(path))?;
        }
        Ok(())
    }
}

fn writer(file: File, lengths: &[usize], path: &Path) -> Result<IdxWriter<File, u8>, DataWriteError> {
    IdxWriter::new(file, lengths).map_err(|source| DataWriteError::Idx { path: path.to_owned(), source })
}

/// Why a data folder could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataWriteError {
    /// Something is there already.
    #[error("cannot make the data folder {}: expected nothing there, or an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is at it.
    #[error("cannot make the data folder {}: another process is making it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The format has no numbers for so much.
    #[error("cannot write {}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        source: idx_format::WriteError,
    },
    /// An image of another shape.
    #[error("expected an image of {expected} pixels, found {found}")]
    Pixels {
        /// The pixels of the other images.
        expected: usize,
        /// Those of this one.
        found: usize,
    },
}
