//! The one unsafe call of the crate: mapping a file into memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading.
///
/// The caller hands on the contract in the documentation of [`IdxFile`](crate::IdxFile): nobody changes or truncates
/// the file in place while the mapping lives.
#[allow(unsafe_code, reason = "mapping a file is unsafe at heart; this module holds nothing else")]
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: `Mmap::map` has one requirement: that the file "is not modified" while the mapping lives, "in or out of
    // process". Of the other things that a shared slice of bytes needs, memmap2 guarantees address, length and
    // lifetime (the mapping outlives the descriptor), and `u8` has no invalid values.
    // Within the process: this crate opens files for reading only, maps them read-only, and lends no `&mut`.
    // Out of process, and in the rest of this one: no program can prevent it, so it is a documented condition of
    // `Access::Auto` and `Access::Map`, and `Access::Read` is for those who cannot meet it. Replacing the file by
    // renaming another over it meets it: the mapping keeps the old file.
    // If it is broken all the same, the damage is held small: the header is copied at opening, so the shape that views
    // rely on never changes and no view leaves the mapping; changed bytes are other `u8`s of the payload, and a
    // truncated file ends the process with a signal (SIGBUS) and not with a read elsewhere.
    unsafe { Mmap::map(file) }
}
