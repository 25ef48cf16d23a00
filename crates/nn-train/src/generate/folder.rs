//! A generated data set on its way to its folder: owns the files, the lock, how far it is on the disk, and that the
//! folder appears whole or not at all; refuses to know how images are made.
//!
//! It grows in a folder beside its own, and takes that name by one rename. Of the images, a state file says how many are
//! on the disk, and the SHA-256 of the file up to there. It is replaced after each some hundred megabytes, by a thread
//! that waits for the disk while more is made, and never says more than what was synced before. Whoever goes on reads
//! the images up to there once and compares, and throws the rest away.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, TrySendError},
    },
    thread,
};

use nn_core::idx_format::{self, IdxWriter};
use sha2::{Digest, Sha256};

use super::{
    GenerateError, Generation, GenerationPlan, InvalidGeneration,
    files::{Disk, GeneratedFile, Hook, Operation, Summed, copy, images_in, read_error, write_error},
    mirror::{Description, Manifest, State},
    pieces,
};
use crate::{
    ClassNames, DataFiles, DataWriteError, FileLock, LockError, Split,
    data_writer::{rename_folder, vacant},
    file::{is_temporary, remove_temporaries, sync_folder},
    fingerprint::hex,
    run_folder::create_folder,
};

/// Images are synced to the disk after each so many bytes, or when the disk is done with those before.
const SYNC_BYTES: u64 = 256 << 20;

/// The longest state file: it has some hundreds of bytes.
const MOST_STATE_BYTES: u64 = 64 << 10;

/// A generated data set in the making.
///
/// The training images and labels are generated, the test files and the names of the classes those of the source. In the
/// end there is a [manifest](Self::MANIFEST), too: what the data set was made of and by, and the SHA-256 of each file.
///
/// Where a process was stopped or killed, the next one with the same source and plan goes on. A folder has one process.
///
/// # Examples
/// ```
/// use std::{num::NonZeroUsize, ops::ControlFlow};
/// use nn_train::{Augmentation, DataFiles, GeneratedFolder, GenerationPlan, Split};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("larger");
/// # let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample").as_ref();
/// let train = DataFiles::open(sample, Split::Train)?;
/// let plan = GenerationPlan { images: 10_000, augmentation: Augmentation::MEDIUM, seed: 42 };
///
/// let mut folder = GeneratedFolder::open(&path, &train, None, plan)?;
/// let result = folder.fill(NonZeroUsize::MIN, |_done| ControlFlow::Break(()))?;
/// assert!(result.is_break() && folder.images_done() > 0);
/// drop(folder);
///
/// let mut folder = GeneratedFolder::open(&path, &train, None, plan)?;
/// assert!(folder.images_done() > 0);
/// assert!(folder.fill(NonZeroUsize::MIN, |_done| ControlFlow::Continue(()))?.is_continue());
/// let files = folder.publish()?;
/// assert_eq!(files[0].name, "train-images-idx3-ubyte");
/// assert_eq!(DataFiles::open(&path, Split::Train)?.len(), 10_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GeneratedFolder<'a> {
    generation: Generation<'a>,
    source: &'a DataFiles,
    test: Option<&'a DataFiles>,
    description: Description,
    source_files: Vec<GeneratedFile>,
    path: PathBuf,
    partial: PathBuf,
    /// On the file of images, which is written to.
    lock: Arc<FileLock>,
    /// Of the bytes in the file.
    hasher: Sha256,
    bytes: u64,
    done: u64,
    hook: Hook<'a>,
}

impl std::fmt::Debug for GeneratedFolder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, plan) = (&self.path, self.generation.plan());
        f.debug_struct("GeneratedFolder")
            .field("path", path)
            .field("plan", plan)
            .field("images_done", &self.done)
            .finish_non_exhaustive()
    }
}

impl<'a> GeneratedFolder<'a> {
    /// The file that says what the data set was made of and by.
    pub const MANIFEST: &'static str = "manifest.json";
    /// The file of an unfinished data set that says how far it is.
    pub const STATE: &'static str = "generate.json";

    /// Begins a data set where nothing is yet, or an empty folder, or goes on with one that was begun with the same
    /// source and plan. Of the latter, what is on the disk is read and compared with its checksum.
    ///
    /// # Errors
    /// [`GenerateError`]; nothing is touched that was not made by an earlier process for the same data set.
    pub fn open(
        path: &Path,
        source: &'a DataFiles,
        test: Option<&'a DataFiles>,
        plan: GenerationPlan,
    ) -> Result<GeneratedFolder<'a>, GenerateError> {
        GeneratedFolder::open_with(path, source, test, plan, &|_| Ok(()))
    }

    pub(super) fn open_with(
        path: &Path,
        source: &'a DataFiles,
        test: Option<&'a DataFiles>,
        plan: GenerationPlan,
        hook: Hook<'a>,
    ) -> Result<GeneratedFolder<'a>, GenerateError> {
        let generation = Generation::new(source.view(), source.image_shape(), plan)?;
        let header = header(&generation, path)?;
        let partial = partial_of(path)?;
        let description = Description::new(&plan, source);
        let source_files = [source.images().path(), source.labels_path()]
            .into_iter()
            .map(|path| copy(path, &mut io::sink(), path))
            .collect::<Result<Vec<_>, _>>()?;

        create_folder(&partial).map_err(write_error(&partial))?;
        let images = images_in(&partial);
        check_own(&partial, &header)?;
        // Where it is another file by now, another process has finished what was there, and given it its name.
        let lock = match FileLock::take(&images) {
            Ok(lock) => Arc::new(lock),
            Err(LockError::Taken { .. } | LockError::Moved { .. }) => {
                return Err(GenerateError::Locked { path: partial });
            }
            Err(LockError::Io { path, source, .. }) => return Err(write_error(&path)(source)),
        };
        vacant(path)?;
        let is_begun = check_own(&partial, &header)?;
        let mut folder = GeneratedFolder {
            generation,
            source,
            test,
            description,
            source_files,
            path: path.to_owned(),
            partial,
            lock,
            hasher: Sha256::new(),
            bytes: 0,
            done: 0,
            hook,
        };
        if is_begun { folder.go_on(&header) } else { folder.begin(&header) }?;
        remove_temporaries(&folder.partial).map_err(|(path, error)| write_error(&path)(error))?;
        Ok(folder)
    }

    /// How many images there are already.
    #[must_use]
    pub const fn images_done(&self) -> u64 {
        self.done
    }

    /// Where the files are until they are whole.
    #[must_use]
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    fn begin(&mut self, header: &[u8]) -> Result<(), GenerateError> {
        let images = self.images_path();
        let written = self.file().set_len(0).and_then(|()| self.write_images(header));
        written.map_err(write_error(&images))?;
        self.disk().keep(&self.state())
    }

    fn go_on(&mut self, header: &[u8]) -> Result<(), GenerateError> {
        let state_path = self.partial.join(Self::STATE);
        let damaged = |path: &Path, reason: String| GenerateError::Damaged { path: path.to_owned(), reason };
        let mut text = String::new();
        File::open(&state_path)
            .and_then(|file| file.take(MOST_STATE_BYTES).read_to_string(&mut text))
            .map_err(read_error(&state_path))?;
        let state = State::parse(&text).map_err(|reason| damaged(&state_path, reason))?;
        self.description.check(&state.description, &self.partial)?;

        let images = self.images_path();
        let most = self.generation.plan().images;
        if state.images_done > most {
            let reason = format!("expected at most {most} images, found {}", state.images_done);
            return Err(damaged(&state_path, reason));
        }
        // At most as many bytes as a whole file has, which the header was checked for.
        let length = header.len() as u64 + state.images_done * self.features();
        let found = self.file().metadata().map_err(read_error(&images))?.len();
        if found < length {
            let reason = format!("expected at least {length} bytes, found {found}");
            return Err(damaged(&images, reason));
        }
        self.hash_images(length).map_err(read_error(&images))?;
        let found = hex(&self.hasher.clone().finalize());
        if found != state.sha256 {
            let (done, expected) = (state.images_done, state.sha256);
            let reason = format!(
                "expected SHA-256 {expected} of its first {done} images and what is before them, found {found}"
            );
            return Err(damaged(&images, reason));
        }
        let cut = self.file().set_len(length).and_then(|()| self.file().seek(SeekFrom::Start(length)));
        cut.map_err(write_error(&images))?;
        (self.done, self.bytes) = (state.images_done, length);
        Ok(())
    }

    /// Hashes the images file from its beginning.
    fn hash_images(&mut self, length: u64) -> io::Result<()> {
        self.file().seek(SeekFrom::Start(0))?;
        let mut left = length;
        let mut buffer = vec![0; 1 << 20];
        while left > 0 {
            let piece = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.file().read_exact(&mut buffer[..piece])?;
            self.hasher.update(&buffer[..piece]);
            left -= piece as u64;
        }
        Ok(())
    }

    /// Makes what is missing of the images, on so many threads, while this one hashes and writes. `observe` is told how
    /// many images there are, after each some hundreds of kilobytes; if it breaks, so does this, and what was made is
    /// kept for the next time.
    ///
    /// # Errors
    /// [`GenerateError`]; what was made is kept for the next time, as far as the disk takes it.
    pub fn fill(
        &mut self,
        threads: NonZeroUsize,
        observe: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GenerateError> {
        let piece = pieces::images_in_a_piece(self.generation.samples.features());
        self.fill_by(piece, SYNC_BYTES, threads, observe)
    }

    /// As [`fill`](Self::fill), in pieces of so many images, synced after each so many bytes.
    pub(super) fn fill_by(
        &mut self,
        piece: u64,
        sync_bytes: u64,
        threads: NonZeroUsize,
        mut observe: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GenerateError> {
        let images = self.images_path();
        let generation = self.generation.clone();
        let first = self.done;
        let (lock, description) = (Arc::clone(&self.lock), self.description.clone());
        let (partial, hook) = (self.partial.clone(), self.hook);
        // A write that failed before may have left something behind.
        self.file().seek(SeekFrom::Start(self.bytes)).map_err(write_error(&images))?;
        let filled = thread::scope(|scope| {
            let (tell, states) = mpsc::sync_channel::<State>(1);
            let syncing = thread::Builder::new().spawn_scoped(scope, move || {
                let disk = Disk { lock: &lock, partial: &partial, hook };
                states.iter().try_for_each(|state| disk.keep(&state))
            });
            let syncing = syncing.map_err(write_error(&images))?;
            let mut unsynced = 0;
            let filled = pieces::for_each(&generation, first, piece, threads, |_, pixels| {
                if let Err(error) = self.write_images(pixels) {
                    return ControlFlow::Break(Err(write_error(&images)(error)));
                }
                self.done += pixels.len() as u64 / self.features();
                unsynced += pixels.len() as u64;
                if unsynced >= sync_bytes {
                    let state = self.state_of(&description);
                    match tell.try_send(state) {
                        Ok(()) => unsynced = 0,
                        Err(TrySendError::Full(_)) => {}
                        // It failed, and says why when it is waited for.
                        Err(TrySendError::Disconnected(_)) => return ControlFlow::Break(Ok(())),
                    }
                }
                match observe(self.done) {
                    ControlFlow::Continue(()) => ControlFlow::Continue(()),
                    ControlFlow::Break(()) => ControlFlow::Break(Ok(())),
                }
            });
            drop(tell);
            let synced = syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match filled {
                ControlFlow::Break(Err(error)) => Err(error),
                ControlFlow::Break(Ok(())) => synced.map(|()| ControlFlow::Break(())),
                ControlFlow::Continue(()) => synced.map(|()| ControlFlow::Continue(())),
            }
        });
        if filled.is_err() {
            // What is there may be kept all the same: on a full disk, what is cut off has left room for the state.
            let _ = self.file().set_len(self.bytes).map(|()| self.disk().keep(&self.state()));
            return filled;
        }
        self.disk().keep(&self.state())?;
        filled
    }

    /// Writes the other files, and gives the folder its name: the generated files, and those that were copied.
    ///
    /// # Errors
    /// [`GenerateError`]; what was made is kept for the next time.
    ///
    /// # Panics
    /// If images are missing.
    pub fn publish(self) -> Result<Vec<GeneratedFile>, GenerateError> {
        let images = self.generation.plan().images;
        assert!(self.done == images, "{} of {images} images", self.done);
        self.check_whole()?;
        let (images_name, labels_name) = Split::Train.file_names();
        let sha256 = self.hasher.clone().finalize().into();
        let mut files = vec![GeneratedFile { name: images_name.to_owned(), bytes: self.bytes, sha256 }];
        files.push(self.write(labels_name, |file, path| {
            let idx = |source| DataWriteError::Idx { path: path.to_owned(), source };
            // So many have a header, as that of the images has shown.
            let mut writer = IdxWriter::<_, u8>::new(file, &[images as usize]).map_err(idx)?;
            for image in 0..images {
                writer.write_elements(&[self.generation.label(image)]).map_err(idx)?;
            }
            writer.finish().map_err(idx)?;
            Ok(())
        })?);
        if let Some(names) = self.source.names() {
            files.push(self.write_text(ClassNames::FILE, &names.to_text())?);
        }
        if let Some(test) = self.test {
            let (images, labels) = Split::Test.file_names();
            for (name, from) in [(images, test.images().path()), (labels, test.labels_path())] {
                let ending = if from.extension().is_some_and(|ending| ending == "gz") { ".gz" } else { "" };
                let name = format!("{name}{ending}");
                files.push(self.write(&name, |file, path| copy(from, file, path).map(drop))?);
            }
        }
        let manifest = Manifest::new(&self.description, &self.source_files, &files).to_json();
        files.push(self.write_text(Self::MANIFEST, &manifest)?);

        let (path, partial) = (self.path.clone(), self.partial.clone());
        self.check_whole()?;
        let named = (self.hook)(Operation::SyncFolder)
            .and_then(|()| sync_folder(&partial))
            .and_then(|()| (self.hook)(Operation::Rename));
        named.map_err(write_error(&path))?;
        // Where a folder cannot be renamed while a file in it is open.
        #[cfg(not(unix))]
        drop(self);
        rename_folder(&partial, &path).map_err(write_error(&path))?;
        // It says that all is there, which does no harm.
        let _ = fs::remove_file(path.join(Self::STATE));
        Ok(files)
    }

    /// That the file of images is still the one that was written, and as long.
    fn check_whole(&self) -> Result<(), GenerateError> {
        self.disk().check_held()?;
        let (path, expected) = (self.images_path(), self.bytes);
        let found = self.file().metadata().map_err(read_error(&path))?.len();
        if found != expected {
            let reason = format!("expected {expected} bytes, found {found}");
            return Err(GenerateError::Damaged { path, reason });
        }
        Ok(())
    }

    fn write_text(&self, name: &str, text: &str) -> Result<GeneratedFile, GenerateError> {
        self.write(name, |file, path| file.write_all(text.as_bytes()).map_err(write_error(path)))
    }

    /// Writes a whole file, durably. `write` is told its path, for its errors.
    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut Summed<&File>, &Path) -> Result<(), GenerateError>,
    ) -> Result<GeneratedFile, GenerateError> {
        let path = self.partial.join(name);
        let created = (self.hook)(Operation::WriteFile).and_then(|()| File::create(&path));
        let file = created.map_err(write_error(&path))?;
        let mut summed = Summed::new(&file);
        write(&mut summed, &path)?;
        file.sync_all().map_err(write_error(&path))?;
        Ok(summed.named(name.to_owned()))
    }

    fn write_images(&mut self, bytes: &[u8]) -> io::Result<()> {
        (self.hook)(Operation::WriteImages)?;
        self.file().write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn state(&self) -> State {
        self.state_of(&self.description)
    }

    fn state_of(&self, description: &Description) -> State {
        let sha256 = hex(&self.hasher.clone().finalize());
        State { description: description.clone(), images_done: self.done, sha256 }
    }

    fn disk(&self) -> Disk<'_> {
        Disk { lock: &self.lock, partial: &self.partial, hook: self.hook }
    }

    /// The images, which a shared reference writes to as well.
    fn file(&self) -> &File {
        self.lock.file()
    }

    fn images_path(&self) -> PathBuf {
        images_in(&self.partial)
    }

    fn features(&self) -> u64 {
        self.generation.samples.features() as u64
    }
}

/// The bytes before the images.
fn header(generation: &Generation<'_>, path: &Path) -> Result<Vec<u8>, GenerateError> {
    let found = generation.plan().images;
    let images = usize::try_from(found).map_err(|_| InvalidGeneration::Images { found })?;
    let lengths: Vec<usize> = [images].into_iter().chain(generation.image_shape.iter().copied()).collect();
    let idx = |source| DataWriteError::Idx { path: images_in(path), source };
    Ok(idx_format::header_bytes::<u8>(&lengths).map_err(idx)?)
}

/// Where the files of a folder are until they are whole.
fn partial_of(path: &Path) -> Result<PathBuf, GenerateError> {
    let mut name = vacant(path)?.to_owned();
    name.push(".partial");
    Ok(path.with_file_name(name))
}

/// Whether there is a data set to go on with. If not, nothing else is there, but for what a process leaves that is
/// killed before it has begun one: no more of the images than their header.
fn check_own(partial: &Path, header: &[u8]) -> Result<bool, GenerateError> {
    let occupied = |path: &Path| DataWriteError::Occupied { path: path.to_owned() };
    let names = names(partial).map_err(read_error(partial))?;
    let images = images_in(partial);
    let found = images.symlink_metadata().ok();
    // A link would lead to a file elsewhere.
    if found.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        return Err(occupied(&images).into());
    }
    if names.iter().any(|name| name == GeneratedFolder::STATE) {
        return match found {
            Some(_) => Ok(true),
            None => Err(GenerateError::Damaged { path: images, reason: "it is missing".to_owned() }),
        };
    }
    let is_own = |name: &String| name == Split::Train.file_names().0 || is_temporary(name);
    if !names.iter().all(is_own) {
        return Err(occupied(partial).into());
    }
    if found.is_some() {
        let mut start = Vec::new();
        let read =
            File::open(&images).and_then(|file| file.take(1 + header.len() as u64).read_to_end(&mut start));
        read.map_err(read_error(&images))?;
        if !header.starts_with(&start) {
            return Err(occupied(&images).into());
        }
    }
    Ok(false)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    fs::read_dir(folder)?.map(|entry| entry.map(name)).collect()
}
