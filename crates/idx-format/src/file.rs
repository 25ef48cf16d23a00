//! Opening a path: which bytes to map, read or decompress, and how to say that it failed; what the bytes mean is the
//! parser's business.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use zerocopy::big_endian::U32;

use crate::gzip::GZIP_MAGIC;
use crate::map::{self, map};
use crate::read::read_started;
use crate::{Access, ElementType, Idx, OpenError, OpenOptions, ReadError, Shape, hint};

/// Where the bytes of an opened file lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// In the file itself, mapped.
    Mapped,
    /// In memory, read from a plain file.
    Read,
    /// In memory, decompressed from gzip.
    Decompressed,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mapped => "mapped",
            Self::Read => "read",
            Self::Decompressed => "decompressed",
        })
    }
}

/// An opened and checked file, which owns its bytes or the mapping of them.
///
/// Opening checks everything that [`Idx::parse`] checks, in a time that does not depend on the length of a mapped
/// file; the first access to each page then loads it.
///
/// # Contract
/// Unless opened with [`Access::Read`], **the file must not be written to or truncated in place as long as the
/// `IdxFile` lives**, by this process or another: the compiler takes the bytes for constant, so a change is undefined
/// behaviour, and reading beyond a new, shorter end kills the process (SIGBUS). Deleting the file is harmless, and so
/// is *replacing* it: write the new one beside it and rename it over the old, which the mapping then keeps.
/// [`Access::Read`] asks for nothing.
///
/// # Examples
/// ```no_run
/// use idx_format::{IdxFile, ndarray::Ix3};
///
/// let file = IdxFile::open("data/mnist/train-images-idx3-ubyte")?;
/// let images = file.view().expect_images()?.array::<u8, Ix3>()?;
/// assert_eq!(images.dim(), (60_000, 28, 28));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IdxFile {
    path: PathBuf,
    bytes: Bytes,
    element_type: ElementType,
    /// Copied, so that a file changed in place against the contract cannot make shape and payload disagree.
    lengths: Box<[U32]>,
    payload: Range<usize>,
}

enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
    Decompressed(Vec<u8>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Read(bytes) | Self::Decompressed(bytes) => bytes,
        }
    }
}

impl IdxFile {
    /// Opens a file, plain or gzip (told apart by content, not by name), and checks it.
    ///
    /// Plain files of 64 KiB and more are mapped: **the [contract](Self#contract) holds**. A named pipe is waited for
    /// until somebody writes to it, unless [`OpenOptions::regular_files_only`] is chosen.
    ///
    /// # Errors
    /// [`OpenError`], which names the path and whose [`hint`](OpenError::hint) knows the usual remedies.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, &OpenOptions::new())
    }

    /// Opens a file in a chosen way and checks it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let bytes = load(path, options)?;
        let invalid = |source| OpenError::Parse { path: path.to_owned(), source };
        let idx = Idx::parse_with(bytes.as_slice(), options.trailing).map_err(invalid)?;
        let header_len = crate::header::header_len(idx.rank());
        Ok(Self {
            path: path.to_owned(),
            element_type: idx.element_type(),
            lengths: idx.shape().stored().into(),
            payload: header_len..header_len.saturating_add(idx.payload().len()),
            bytes,
        })
    }

    /// The checked view of the file.
    pub fn view(&self) -> Idx<'_> {
        // The range was taken from these bytes, whose number never changes, so it is within them.
        let payload = self.bytes.as_slice().get(self.payload.clone()).unwrap_or_default();
        Idx::new(self.element_type, Shape::new(&self.lengths), payload)
    }

    /// Says that the payload will be read here and there, in an order that follows no rule: the system loads what
    /// [`will_need`](Self::will_need) asks for, or whoever reads it, and not what lies around that, which may be many
    /// times as much.
    ///
    /// A hint for files that do not fit into memory: it changes nothing but how much is loaded, and nothing at all where
    /// no file is mapped.
    pub fn expect_no_order(&self) {
        if let Bytes::Mapped(mapping) = &self.bytes {
            map::expect_no_order(mapping);
        }
    }

    /// Says that these bytes of the [payload](Idx::payload) will soon be read: the system begins to load those that are
    /// mapped and not in memory yet, and does not wait for them.
    ///
    /// A hint: it changes nothing but the time that the first access to each page takes, and nothing at all where no
    /// file is mapped. What reaches beyond the payload is left out.
    pub fn will_need(&self, bytes: Range<usize>) {
        if let Some((mapping, bytes)) = self.mapped(bytes) {
            map::will_need(mapping, bytes);
        }
    }

    /// Loads these bytes of the [payload](Idx::payload) and waits until they are in memory and mapped, so that who reads
    /// them next has nothing to wait for. To be called by another thread than that one, for bytes that
    /// [`will_need`](Self::will_need) has asked for some time before: alone, it may load one page after the other.
    ///
    /// A hint, which is understood on Linux from 5.14 on, and comes to nothing elsewhere. What reaches beyond the payload
    /// is left out.
    pub fn load(&self, bytes: Range<usize>) {
        if let Some((mapping, bytes)) = self.mapped(bytes) {
            map::load(mapping, bytes);
        }
    }

    /// Says that these bytes of the [payload](Idx::payload) will not be read for long: the pages in which they lie no
    /// longer count to the memory of the process, and the system may use them for something else.
    ///
    /// A hint, too. The bytes stay what they are, and who reads them after all may have to wait until they are loaded
    /// again. With a page that is read, a system may map its neighbours, up to some MiB of them: to release all of the
    /// payload leaves nothing of it.
    ///
    /// # Examples
    /// ```no_run
    /// use idx_format::IdxFile;
    ///
    /// // The sum of all pixels of a file of any size, which is never in memory as a whole.
    /// let file = IdxFile::open("train-images-idx3-ubyte")?;
    /// let (mut sum, mut start) = (0_u64, 0);
    /// for bytes in file.view().payload().chunks(1 << 20) {
    ///     let end = start + bytes.len();
    ///     file.will_need(end..end + (1 << 20));
    ///     sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    ///     file.release(start..end);
    ///     start = end;
    /// }
    /// # Ok::<(), idx_format::OpenError>(())
    /// ```
    pub fn release(&self, bytes: Range<usize>) {
        if let Some((mapping, bytes)) = self.mapped(bytes) {
            map::release(mapping, bytes);
        }
    }

    /// The mapping, and where in it these bytes of the payload are, if the file is mapped and there are any.
    fn mapped(&self, bytes: Range<usize>) -> Option<(&Mmap, Range<usize>)> {
        let Bytes::Mapped(mapping) = &self.bytes else { return None };
        let within = |offset: usize| self.payload.start.saturating_add(offset).min(self.payload.end);
        let bytes = within(bytes.start)..within(bytes.end);
        (!bytes.is_empty()).then_some((mapping, bytes))
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the bytes lie.
    pub const fn storage(&self) -> Storage {
        match self.bytes {
            Bytes::Mapped(_) => Storage::Mapped,
            Bytes::Read(_) => Storage::Read,
            Bytes::Decompressed(_) => Storage::Decompressed,
        }
    }

    /// Whether the bytes lie in the file itself, and the [contract](Self#contract) holds.
    pub fn is_mapped(&self) -> bool {
        self.storage() == Storage::Mapped
    }
}

impl fmt::Debug for IdxFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdxFile")
            .field("path", &self.path)
            .field("storage", &self.storage())
            .field("view", &self.view())
            .finish()
    }
}

fn load(path: &Path, options: &OpenOptions) -> Result<Bytes, OpenError> {
    let failed = |operation| move |source| OpenError::Io { operation, path: path.to_owned(), source };

    if options.regular_files_only {
        // Before it is opened: that would wait for somebody to write to the pipe.
        let kind = fs::metadata(path).map_err(|error| explained(path, error))?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            return Err(OpenError::NotRegular { path: path.to_owned() });
        }
    }
    let mut file = File::open(path).map_err(|error| explained(path, error))?;
    let metadata = file.metadata().map_err(failed("read"))?;
    if metadata.is_dir() {
        return Err(is_folder(path));
    }

    // Not by seeking back: the file may be a pipe.
    let mut start = Vec::new();
    file.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start).map_err(failed("read"))?;
    let compressed = start == GZIP_MAGIC;

    let wants_map = match options.access {
        Access::Auto => metadata.is_file() && metadata.len() >= options.map_from,
        Access::Map => true,
        Access::Read => false,
    };
    if wants_map && !compressed {
        return map(&file).map(Bytes::Mapped).map_err(failed("map"));
    }
    let bytes = read_started(&start, file, metadata.len(), options).map_err(|error| match error {
        ReadError::Io(source) => failed("read")(source),
        ReadError::Gzip(source) => OpenError::Gzip { path: path.to_owned(), source },
        ReadError::Parse(source) => OpenError::Parse { path: path.to_owned(), source },
        ReadError::OverLimit { limit, claimed } => {
            OpenError::OverLimit { path: path.to_owned(), limit, claimed }
        }
    })?;
    Ok(if compressed { Bytes::Decompressed(bytes) } else { Bytes::Read(bytes) })
}

/// Turns a refusal to open into the most telling error; some systems refuse folders already here.
fn explained(path: &Path, error: io::Error) -> OpenError {
    if error.kind() == io::ErrorKind::NotFound {
        OpenError::NotFound { path: path.to_owned(), similar: hint::similar_file(path) }
    } else if path.is_dir() {
        is_folder(path)
    } else {
        OpenError::Io { operation: "open", path: path.to_owned(), source: error }
    }
}

fn is_folder(path: &Path) -> OpenError {
    OpenError::IsFolder { path: path.to_owned(), inside: hint::file_inside(path) }
}
