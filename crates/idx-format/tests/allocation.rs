//! A hostile header must not cost memory: an allocator counts every byte that is asked for.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use common::{IMAGES, file, gzip, header};
use idx_format::ndarray::Ix3;
use idx_format::{Access, ElementType, Idx, IdxFile, OpenError, OpenOptions};

struct Counting;

thread_local! {
    /// Bytes that this thread has asked for, those given back included.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one adds a counter to the system's")]
// SAFETY: every call is passed on unchanged to the system allocator, which keeps the trait's promises; the counter is
// a thread-local number without a destructor, so that touching it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get().saturating_add(layout.size()));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System` with this layout, as the caller promises of this allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that a call asks for; what it returns is dropped.
fn asked<R>(call: impl FnOnce() -> R) -> usize {
    let before = ASKED.get();
    drop(black_box(call()));
    ASKED.get() - before
}

const LIMIT: usize = 64 << 10;

/// Headers that claim between 4 GiB and more than there is, with almost nothing behind them.
fn hostile() -> Vec<Vec<u8>> {
    vec![
        file(0x08, &[u32::MAX], &[1, 2, 3]),
        file(0x08, &[u32::MAX, 28, 28], &[1, 2, 3]),
        file(0x0e, &[1 << 30, 1 << 30], &[1, 2, 3]),
        file(0x0e, &[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]),
        file(0x08, &[u32::MAX, 0], &[]),
        file(0x08, &[u32::MAX; 255], &[]),
        header(0x0c, &[3; 255]),
        vec![0, 0, 8, 255],
    ]
}

#[test]
fn the_counter_counts() {
    assert_eq!(asked(|| Vec::<u8>::with_capacity(12_345)), 12_345);
}

#[test]
fn parsing_and_iterating_a_valid_file_allocates_nothing() {
    let bytes = file(0x08, &[2, 3, 5], &IMAGES[16..]);
    assert_eq!(
        asked(|| Idx::parse(&bytes).unwrap().items().map(|item| item.payload().len()).sum::<usize>()),
        0
    );
    let shape_only = asked(|| Idx::parse(&bytes).unwrap().array::<u8, Ix3>().unwrap().dim());
    assert!(shape_only <= 256, "{shape_only} bytes");
}

#[test]
fn parsing_a_hostile_header_allocates_no_more_than_its_message() {
    for bytes in hostile() {
        let count = asked(|| Idx::parse(&bytes).map(|idx| idx.items().len()));
        assert!(count <= 255 * size_of::<usize>(), "{count} bytes for {:?}", &bytes[..4]);
    }
}

#[test]
fn opening_a_hostile_file_allocates_less_than_64_kib_however_it_is_opened() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("hostile");
    for bytes in hostile() {
        for (kind, content) in [("plain", bytes.clone()), ("gzip", gzip(&bytes))] {
            std::fs::write(&path, content).unwrap();
            for access in [Access::Auto, Access::Map, Access::Read] {
                let options = OpenOptions::new().access(access).max_bytes(u64::MAX);
                let count = asked(|| IdxFile::open_with(&path, &options));
                assert!(count < LIMIT, "{count} bytes for {kind} {:?} by {access:?}", &bytes[..4]);
            }
        }
    }
}

#[test]
fn a_gzip_bomb_behind_an_honest_header_allocates_less_than_64_kib() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("bomb.gz");
    let mut bomb = IMAGES.to_vec();
    bomb.resize(20 << 20, 0);
    std::fs::write(&path, gzip(&bomb)).unwrap();
    let count = asked(|| IdxFile::open(&path).unwrap_err());
    assert!(count < LIMIT, "{count} bytes");
}

/// What a file holds: type, lengths and payload.
type Content = (ElementType, Vec<usize>, Vec<u8>);

/// Opens the bytes from a file, plain or gzip, and says what came of it and how much memory it asked for.
fn opened(path: &std::path::Path, bytes: &[u8]) -> (Option<Content>, usize) {
    std::fs::write(path, bytes).unwrap();
    let mut found = None;
    let count = asked(|| {
        let file = IdxFile::open(path)?;
        let view = file.view();
        found = Some((view.element_type(), view.shape().to_vec(), view.payload().to_vec()));
        Ok::<(), OpenError>(())
    });
    (found, count)
}

/// A small file, cut at every length and with every bit flipped in turn, must cost no more than this.
const MEGABYTE: usize = 1_000_000;

/// 3 x 5 x 14 pixels, a few hundred bytes, of which no two neighbours are alike.
fn small() -> Vec<u8> {
    let payload: Vec<u8> = (0..3 * 5 * 14_u32).map(|i| (i * 37 % 251) as u8).collect();
    file(0x08, &[3, 5, 14], &payload)
}

#[test]
fn a_small_file_cut_anywhere_is_refused_and_takes_no_megabyte() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("cut");
    for whole in [small(), gzip(&small())] {
        for len in 0..whole.len() {
            let (found, count) = opened(&path, &whole[..len]);
            assert!(found.is_none(), "cut at {len}");
            assert!(count < MEGABYTE, "{count} bytes, cut at {len}");
        }
        assert!(opened(&path, &whole).0.is_some());
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_exactly_the_changed_pixel_and_takes_no_megabyte() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("flipped");
    let mut bytes = small();
    let (header, pixels) = (16, bytes[16..].to_vec());
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (found, count) = opened(&path, &bytes);
        assert!(count < MEGABYTE, "{count} bytes, bit {bit}");
        let mut expected = pixels.clone();
        if let Some(place) = (bit / 8).checked_sub(header) {
            expected[place] ^= 1 << (bit % 8);
            assert_eq!(found, Some((ElementType::U8, vec![3, 5, 14], expected)), "bit {bit}");
        } else if bit == 16 {
            // The format has no checksum: this bit alone makes another sound file, of the other type of one byte,
            // which nobody who asked for `u8` is given.
            assert_eq!(found, Some((ElementType::I8, vec![3, 5, 14], expected)));
        } else {
            assert_eq!(found, None, "bit {bit}");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_flipped_bit_in_a_compressed_file_is_an_error_or_changes_nothing_and_takes_no_megabyte() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("flipped.gz");
    let mut bytes = gzip(&small());
    let whole = opened(&path, &bytes).0.unwrap();
    let mut unnoticed = 0;
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (found, count) = opened(&path, &bytes);
        assert!(count < MEGABYTE, "{count} bytes, bit {bit}");
        if let Some(found) = found {
            assert_eq!(found, whole, "bit {bit}");
            unnoticed += 1;
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    // Time, level and system in the header of gzip, 6 bytes, some of its flags, and the bits that fill up a byte
    // before data that could not be compressed: the content does not depend on them.
    assert!((48..8 * 8).contains(&unnoticed), "{unnoticed} bits of {}", 8 * bytes.len());
}
