//! The unsafe calls of the crate: mapping a file into memory, giving pages of it back, and asking for large ones.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;

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

/// Tells the system that the order in which a mapping is read follows no rule, so that what lies beside a page that is
/// read need not be loaded with it. It is a hint, as the others here.
pub(crate) fn expect_no_order(mapping: &Mmap) {
    #[cfg(unix)]
    let _ = mapping.advise(memmap2::Advice::Random);
    #[cfg(not(unix))]
    let _ = mapping;
}

/// Tells the system that these bytes of a mapping will soon be read. It is a hint: nothing comes of it where the system
/// refuses, or knows no such hints.
pub(crate) fn will_need(mapping: &Mmap, bytes: Range<usize>) {
    #[cfg(unix)]
    let _ = mapping.advise_range(memmap2::Advice::WillNeed, bytes.start, bytes.len());
    #[cfg(not(unix))]
    let _ = (mapping, bytes);
}

/// Has the system load these bytes of a mapping and waits for them, so that who reads them need not. A hint as well.
pub(crate) fn load(mapping: &Mmap, bytes: Range<usize>) {
    #[cfg(target_os = "linux")]
    let _ = mapping.advise_range(memmap2::Advice::PopulateRead, bytes.start, bytes.len());
    #[cfg(not(target_os = "linux"))]
    let _ = (mapping, bytes);
}

/// Gives the pages in which these bytes of a mapping lie back to the system, as a hint, too. Whoever reads them after
/// that finds what was there.
#[cfg_attr(
    unix,
    allow(unsafe_code, reason = "to give pages back is unsafe where they may have been written to")
)]
pub(crate) fn release(mapping: &Mmap, bytes: Range<usize>) {
    #[cfg(unix)]
    {
        let (advice, len) = (memmap2::UncheckedAdvice::DontNeed, bytes.len());
        // SAFETY: MADV_DONTNEED frees pages, and the next access to one of a private mapping of a file takes it "from
        // the up-to-date contents of the underlying mapped file" (madvise(2)). What that can change are the bytes that
        // somebody has written into such a mapping. Nobody has into this: an `Mmap` is mapped read-only, by `map`
        // above, and stays so, because nothing in this crate makes it writable or gives it away. So each byte is the
        // same before, while and after this, for every thread that reads it: that of the file, which does not change
        // by the same contract as in `map`.
        // The range is within the mapping, to which the one caller cuts it. The system rounds it to whole pages, which
        // are the mapping's own, for it begins and ends with a page.
        let _ = unsafe { mapping.unchecked_advise_range(advice, bytes.start, len) };
    }
    #[cfg(not(unix))]
    let _ = (mapping, bytes);
}

/// A large page where most memory has pages of 4 KiB, and a multiple of the page elsewhere.
const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages in memory that is about to be written to for the first time, as a hint as well: each page costs
/// a fault, and 512 of them a multiple of what it takes to fill one of 2 MiB.
#[cfg_attr(
    target_os = "linux",
    allow(unsafe_code, reason = "a hint about memory that memmap2 has not mapped goes to the system itself")
)]
pub(crate) fn prefer_large_pages(memory: &mut [MaybeUninit<u8>]) {
    #[cfg(target_os = "linux")]
    {
        let unaligned = memory.as_ptr().align_offset(LARGE_PAGE);
        let Some(aligned) = memory.get_mut(unaligned..) else { return };
        let (pages, _) = aligned.as_chunks_mut::<LARGE_PAGE>();
        let (start, len) = (pages.as_mut_ptr().cast(), size_of_val(pages));
        // SAFETY: the range is within one slice, which nobody else refers to, and begins and ends with a page.
        // MADV_HUGEPAGE changes which pages the system will take for it (madvise(2)), and nothing of what is in it.
        let _ = unsafe { libc::madvise(start, len, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}
