//! Opening a path: which bytes to map, read or decompress, and how to say that it failed; what the bytes mean is the
//! parser's business.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use zerocopy::big_endian::U32;

use crate::gzip::{GZIP_MAGIC, GzipReader};
use crate::map::map;
use crate::read::{ReadError, read_idx};
use crate::{ElementType, GzipError, Idx, OpenError, Shape, Trailing, hint};

/// The default of [`OpenOptions::max_bytes`]: 4 GiB, which is five million images of 28 x 28.
pub const DEFAULT_MAX_BYTES: u64 = 4 << 30;

/// Below this a copy costs less than a mapping, its page faults and its contract.
const SHORTEST_MAPPED_FILE: u64 = 64 << 10;

/// How to bring the bytes of a file into memory. Gzip files are decompressed into memory in all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Map plain files of 64 KiB and more, read everything else. **The [contract](IdxFile#contract) holds.**
    #[default]
    Auto,
    /// Map every plain file, and fail if the system cannot. **The [contract](IdxFile#contract) holds.**
    Map,
    /// Read the file into memory, whatever its length: what happens to it afterwards does not matter.
    Read,
}

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

/// How [`IdxFile::open_with`] opens a file: access [`Auto`](Access::Auto), at most 4 GiB in memory, an exact length,
/// unless told otherwise.
///
/// ```no_run
/// use idx_format::{Access, IdxFile, OpenOptions};
///
/// let options = OpenOptions::new().access(Access::Read).max_bytes(100 << 20);
/// let file = IdxFile::open_with("train-images-idx3-ubyte.gz", &options)?;
/// # Ok::<(), idx_format::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    access: Access,
    max_bytes: u64,
    trailing: Trailing,
}

impl OpenOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self { access: Access::Auto, max_bytes: DEFAULT_MAX_BYTES, trailing: Trailing::Reject }
    }

    /// Whether to map or to read.
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The most bytes to read or decompress into memory, header included. A mapping takes no memory and is not limited.
    pub const fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// What to do with bytes after the payload (inside the gzip stream; behind its end they are always an error).
    pub const fn trailing(mut self, trailing: Trailing) -> Self {
        self.trailing = trailing;
        self
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
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
    /// Plain files of 64 KiB and more are mapped: **the [contract](Self#contract) holds**.
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
        Access::Auto => metadata.is_file() && metadata.len() >= SHORTEST_MAPPED_FILE,
        Access::Map => true,
        Access::Read => false,
    };
    if wants_map && !compressed {
        return map(&file).map(Bytes::Mapped).map_err(failed("map"));
    }

    let whole = start.as_slice().chain(file);
    if compressed {
        let stream = GzipReader::new(BufReader::new(whole));
        read_idx(stream, 0, options.max_bytes, options.trailing).map(Bytes::Decompressed)
    } else {
        read_idx(whole, metadata.len(), options.max_bytes, options.trailing).map(Bytes::Read)
    }
    .map_err(|error| match error {
        ReadError::Io(source) => match source.downcast::<GzipError>() {
            Ok(source) => OpenError::Gzip { path: path.to_owned(), source },
            Err(source) => failed("read")(source),
        },
        ReadError::Parse(source) => OpenError::Parse { path: path.to_owned(), source },
        ReadError::OverLimit { claimed } => {
            OpenError::OverLimit { path: path.to_owned(), limit: options.max_bytes, claimed }
        }
    })
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
