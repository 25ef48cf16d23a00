//! How a file is to be brought into memory, and how much of that it may take: owns the choices and their defaults, and
//! refuses to know how they are carried out.

use crate::Trailing;

/// The default of [`OpenOptions::max_bytes`]: 1 GiB.
///
/// Of the published sets of 28 x 28 pixels the longest that comes compressed, EMNIST's ByClass, has 547 MB; a machine
/// on which somebody trains can spare twice that, and would be brought down by much more.
pub const DEFAULT_MAX_BYTES: u64 = 1 << 30;

/// The default of [`OpenOptions::map_from`]: below 64 KiB a copy costs less than a mapping, its page faults and its
/// contract.
pub const DEFAULT_MAP_FROM: u64 = 64 << 10;

/// How to bring the bytes of a file into memory. Gzip files are decompressed into memory in all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Map plain files of [`OpenOptions::map_from`] bytes and more, read everything else. **The
    /// [contract](crate::IdxFile#contract) holds.**
    #[default]
    Auto,
    /// Map every plain file, and fail if the system cannot. **The [contract](crate::IdxFile#contract) holds.**
    Map,
    /// Read the file into memory, whatever its length: what happens to it afterwards does not matter.
    Read,
}

/// How [`IdxFile::open_with`](crate::IdxFile::open_with) opens a file: access [`Auto`](Access::Auto), mapped from 64 KiB
/// on, at most 1 GiB in memory, an exact length, pipes too, unless told otherwise.
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
    pub(crate) access: Access,
    pub(crate) map_from: u64,
    pub(crate) max_bytes: u64,
    pub(crate) trailing: Trailing,
    pub(crate) regular_files_only: bool,
}

impl OpenOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            access: Access::Auto,
            map_from: DEFAULT_MAP_FROM,
            max_bytes: DEFAULT_MAX_BYTES,
            trailing: Trailing::Reject,
            regular_files_only: false,
        }
    }

    /// Whether to map or to read.
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The shortest plain file that [`Access::Auto`] maps, in bytes; shorter ones are read, and may then be changed or
    /// truncated by others without harm.
    pub const fn map_from(mut self, bytes: u64) -> Self {
        self.map_from = bytes;
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

    /// Whether to refuse what is no regular file before it is opened: to open a named pipe is to wait until somebody
    /// writes to it, and that may be never.
    pub const fn regular_files_only(mut self, only: bool) -> Self {
        self.regular_files_only = only;
        self
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}
