//! Files that appear whole or not at all: owns the one way in which this crate puts a file on a disk, and refuses to
//! know what is in it.

use std::{
    fmt, fs,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Writes a file so that, whatever happens, `path` holds either its old content or all of the new.
///
/// `write` fills a new file beside `path`, of an unpredictable name; then the bytes are flushed and synced to the
/// disk, the file is renamed to `path`, and the rename itself is synced. A process that has the old file mapped or
/// open keeps the old content. An existing file passes its permissions on to the new one, and a symbolic link stays
/// where it is while the file it points at is replaced.
///
/// # Errors
/// [`WriteError`] names the path, the stage and the cause. The temporary file is removed first, also when `write`
/// panics. After a failed [`WriteStage::SyncFolder`] the new content is in place, but a power cut may still bring
/// back the old; after all other failures the old content is.
///
/// # Examples
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("figures.csv");
/// nn_train::write_atomically(&path, |writer| {
///     writeln!(writer, "epoch,accuracy")?;
///     writeln!(writer, "1,0.9612")
/// })?;
/// assert_eq!(std::fs::read_to_string(&path)?, "epoch,accuracy\n1,0.9612\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    publish(&Disk, path, write)
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {stage} {}", path.display())]
#[non_exhaustive]
pub struct WriteError {
    /// How far the writing came.
    pub stage: WriteStage,
    /// The file that was to be written, as the caller named it.
    pub path: PathBuf,
    /// What the operating system, or the caller's `write`, said.
    pub source: io::Error,
}

/// The stages of [`write_atomically`], in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteStage {
    /// Finding the file that `path` means, which must be a regular file or none.
    Resolve,
    /// Creating the temporary file.
    Create,
    /// Writing its content.
    Write,
    /// Handing the last bytes to the operating system.
    Flush,
    /// Waiting until they are on the disk.
    Sync,
    /// Renaming the temporary file.
    Rename,
    /// Waiting until the rename is on the disk; the new content is in place.
    SyncFolder,
}

impl fmt::Display for WriteStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WriteStage::Resolve => "find a regular file to replace at",
            WriteStage::Create => "create a temporary file beside",
            WriteStage::Write => "write the temporary file of",
            WriteStage::Flush => "flush the temporary file of",
            WriteStage::Sync => "sync the temporary file of",
            WriteStage::Rename => "rename the temporary file to",
            WriteStage::SyncFolder => "sync the folder of the new file",
        })
    }
}

/// The operations that can fail, so that the tests can make each of them fail.
trait FileSystem {
    type File: Write;
    fn create_new(&self, path: &Path) -> io::Result<Self::File>;
    fn set_permissions(&self, file: &Self::File, permissions: fs::Permissions) -> io::Result<()>;
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

struct Disk;

impl FileSystem for Disk {
    type File = fs::File;

    fn create_new(&self, path: &Path) -> io::Result<fs::File> {
        fs::File::create_new(path)
    }

    fn set_permissions(&self, file: &fs::File, permissions: fs::Permissions) -> io::Result<()> {
        file.set_permissions(permissions)
    }

    fn sync(&self, file: &fs::File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }
}

/// Waits until the names in a folder are on the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder)?.sync_all() {
        // Some network file systems have no such operation, and then nothing more can be done.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

/// Other systems do not open folders, and write a rename through by themselves or not at all.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn publish<F: FileSystem>(
    file_system: &F,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let at = |stage| move |source| WriteError { stage, path: path.to_owned(), source };

    let (target, permissions) = resolve(path).map_err(at(WriteStage::Resolve))?;
    let (temporary, file) = create_beside(file_system, &target).map_err(at(WriteStage::Create))?;
    // Declared after `temporary`, so that on every way out the file is closed before it is removed.
    let mut writer = BufWriter::new(file);
    if let Some(permissions) = permissions {
        file_system.set_permissions(writer.get_ref(), permissions).map_err(at(WriteStage::Create))?;
    }
    write(&mut writer).map_err(at(WriteStage::Write))?;
    writer.flush().map_err(at(WriteStage::Flush))?;
    file_system.sync(writer.get_ref()).map_err(at(WriteStage::Sync))?;
    drop(writer);
    file_system.rename(&temporary.0, &target).map_err(at(WriteStage::Rename))?;
    file_system.sync_folder(folder_of(&target)).map_err(at(WriteStage::SyncFolder))
}

/// The file that `path` means once symbolic links are followed, and its permissions when it exists.
///
/// A rename would replace anything, `/dev/null` included, so what exists must be a regular file.
fn resolve(path: &Path) -> io::Result<(PathBuf, Option<fs::Permissions>)> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((path.to_owned(), None)),
        metadata => metadata?,
    };
    let (target, metadata) = if metadata.is_symlink() {
        let target = fs::canonicalize(path)?;
        let metadata = fs::metadata(&target)?;
        (target, metadata)
    } else {
        (path.to_owned(), metadata)
    };
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((target, Some(metadata.permissions())))
}

/// A file that is removed when this is dropped, if it still bears this name: a rename saves it.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // On failure there is another error to report, and on success nothing to remove.
        let _ = fs::remove_file(&self.0);
    }
}

const TEMPORARY_START: &str = ".nn-train-";
const TEMPORARY_END: &str = ".tmp";

/// Removes the files in a folder that were made by [`write_atomically`] and have not got their own names, where nobody
/// writes but who asks.
///
/// # Errors
/// With the path that could not be read or removed.
pub(crate) fn remove_temporaries(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let path = entry.path();
        if is_temporary(&entry.file_name().to_string_lossy())
            && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
        {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Whether a file of this name was made by [`write_atomically`] and has not got its own name yet.
pub(crate) fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(TEMPORARY_START).and_then(|name| name.strip_suffix(TEMPORARY_END));
    random.is_some_and(|random| {
        random.len() == 16 && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn create_beside<F: FileSystem>(file_system: &F, target: &Path) -> io::Result<(Temporary, F::File)> {
    // The standard library's source of random bits: the keys of a hasher. There are 64 of them, so a name that is
    // taken is reported like any other failure.
    let random = RandomState::new().build_hasher().finish();
    let path = folder_of(target).join(format!("{TEMPORARY_START}{random:016x}{TEMPORARY_END}"));
    let file = file_system.create_new(&path)?;
    Ok((Temporary(path), file))
}

/// The folder of a file: a bare name lies in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Operation {
        Create,
        SetPermissions,
        Write,
        Flush,
        Sync,
        Rename,
        SyncFolder,
    }

    /// A disk that runs `fail` before each operation.
    struct FaultyDisk<F>(std::rc::Rc<RefCell<F>>);

    struct FaultyFile<F> {
        file: fs::File,
        fail: std::rc::Rc<RefCell<F>>,
    }

    impl<F: FnMut(Operation) -> io::Result<()>> FaultyDisk<F> {
        fn new(fail: F) -> FaultyDisk<F> {
            FaultyDisk(std::rc::Rc::new(RefCell::new(fail)))
        }

        fn before(&self, operation: Operation) -> io::Result<()> {
            (self.0.borrow_mut())(operation)
        }
    }

    impl<F: FnMut(Operation) -> io::Result<()>> Write for FaultyFile<F> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            (self.fail.borrow_mut())(Operation::Write)?;
            // One byte at a time is the worst that a file may do.
            self.file.write(&bytes[..bytes.len().min(1)])
        }

        fn flush(&mut self) -> io::Result<()> {
            (self.fail.borrow_mut())(Operation::Flush)?;
            self.file.flush()
        }
    }

    impl<F: FnMut(Operation) -> io::Result<()>> FileSystem for FaultyDisk<F> {
        type File = FaultyFile<F>;

        fn create_new(&self, path: &Path) -> io::Result<FaultyFile<F>> {
            self.before(Operation::Create)?;
            Ok(FaultyFile { file: Disk.create_new(path)?, fail: self.0.clone() })
        }

        fn set_permissions(&self, file: &FaultyFile<F>, permissions: fs::Permissions) -> io::Result<()> {
            self.before(Operation::SetPermissions)?;
            Disk.set_permissions(&file.file, permissions)
        }

        fn sync(&self, file: &FaultyFile<F>) -> io::Result<()> {
            self.before(Operation::Sync)?;
            Disk.sync(&file.file)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.before(Operation::Rename)?;
            Disk.rename(from, to)
        }

        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.before(Operation::SyncFolder)?;
            Disk.sync_folder(folder)
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_failure_of_any_operation_leaves_the_old_file_or_the_new_one_and_nothing_else() {
        use Operation::{Create, Flush, Rename, SetPermissions, Sync, SyncFolder, Write};

        let mut operations = Vec::new();
        for failing in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "old").unwrap();

            let mut calls = Vec::new();
            let disk = FaultyDisk::new(|operation| {
                calls.push(operation);
                if calls.len() == failing + 1 { Err(io::Error::other("injected")) } else { Ok(()) }
            });
            let result = publish(&disk, &path, |writer| writer.write_all(b"the new"));
            drop(disk);

            assert_eq!(names(folder.path()), ["file"], "failing call {failing}");
            let Some(&failed) = calls.get(failing) else {
                result.unwrap();
                operations = calls;
                break;
            };
            let error = result.unwrap_err();
            let stage = match failed {
                Create | SetPermissions => WriteStage::Create,
                // The content is shorter than the buffer, so it is the flush that writes it.
                Write | Flush => WriteStage::Flush,
                Sync => WriteStage::Sync,
                Rename => WriteStage::Rename,
                SyncFolder => WriteStage::SyncFolder,
            };
            assert_eq!(error.stage, stage, "{failed:?}");
            assert_eq!(error.source.to_string(), "injected");
            let content = fs::read_to_string(&path).unwrap();
            assert_eq!(content, if failed == SyncFolder { "the new" } else { "old" }, "{failed:?}");
        }
        // One write for each byte: every operation, in this order, was made to fail.
        let expected = [&[Create, SetPermissions][..], &[Write; 7], &[Flush, Sync, Rename, SyncFolder]];
        assert_eq!(operations, expected.concat());
    }

    /// At every write (there is one for each byte), flush, sync and rename of a checkpoint's save.
    #[test]
    fn a_failure_of_any_operation_leaves_the_earlier_checkpoint_or_the_new_one() {
        let new = include_bytes!("../tests/golden/checkpoint-v1.bin");
        let expected = crate::Checkpoint::from_bytes(new).unwrap();
        let earlier = crate::Checkpoint { best: None, ..expected.clone() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        for failing in 0.. {
            fs::write(&path, earlier.to_bytes().unwrap()).unwrap();
            let mut calls = Vec::new();
            let disk = FaultyDisk::new(|operation| {
                calls.push(operation);
                if calls.len() == failing + 1 { Err(io::Error::other("injected")) } else { Ok(()) }
            });
            let result = publish(&disk, &path, |writer| writer.write_all(new));
            drop(disk);

            assert_eq!(names(folder.path()), ["checkpoint"], "failing call {failing}");
            let found = crate::load_checkpoint(&path).unwrap();
            let Some(&failed) = calls.get(failing) else {
                result.unwrap();
                assert_eq!(found, expected);
                assert!(failing > new.len(), "{failing} operations");
                break;
            };
            assert_eq!(result.unwrap_err().source.to_string(), "injected");
            let is_new = failed == Operation::SyncFolder;
            assert_eq!(found, if is_new { expected.clone() } else { earlier.clone() }, "{failed:?}");
        }
    }

    #[test]
    fn a_disk_that_fills_up_at_any_byte_leaves_the_old_file() {
        // More than one buffer of `BufWriter` (8 KiB), so that some failures come in `write` and some in `flush`.
        let content = vec![b'n'; 8 * 1024 + 700];
        let mut stages = Vec::new();
        for room in (0..content.len()).step_by(97) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "old").unwrap();

            let mut written = 0;
            let disk = FaultyDisk::new(|operation| {
                written += usize::from(operation == Operation::Write);
                if written > room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            });
            let error =
                publish(&disk, &path, |writer| content.chunks(100).try_for_each(|c| writer.write_all(c)))
                    .unwrap_err();

            assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
            stages.push(error.stage);
            assert_eq!(fs::read_to_string(&path).unwrap(), "old");
            assert_eq!(names(folder.path()), ["file"]);
        }
        stages.dedup();
        assert_eq!(stages, [WriteStage::Write, WriteStage::Flush]);
    }
}
