//! Pages that are asked for and given back: the bytes stay what they are, and the memory goes.

mod common;

use std::fs;

use idx_format::{Access, IdxFile, OpenOptions};
use tempfile::TempDir;

/// 3 x 5 x 70,001 bytes: about a MiB, and no whole number of pages.
const LENGTHS: [u32; 3] = [3, 5, 70_001];

fn payload() -> Vec<u8> {
    (0..3 * 5 * 70_001_u32).map(|i| (i * 7 % 251) as u8).collect()
}

/// The file, in a folder that goes with it.
fn opened(access: Access) -> (TempDir, IdxFile) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("images");
    fs::write(&path, common::file(0x08, &LENGTHS, &payload())).unwrap();
    let file = IdxFile::open_with(path, &OpenOptions::new().access(access)).unwrap();
    (folder, file)
}

#[test]
fn released_bytes_are_what_they_were() {
    let payload = payload();
    for access in [Access::Map, Access::Read] {
        let (_folder, file) = opened(access);
        for range in [0..1, 0..4096, 5000..5001, 100_000..900_000, 0..payload.len()] {
            file.will_need(range.clone());
            assert!(file.view().payload() == payload);
            file.load(range.clone());
            assert!(file.view().payload() == payload);
            file.release(range);
            assert!(file.view().payload() == payload);
        }
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "they are what is tried")]
fn ranges_beyond_the_payload_are_cut_to_it() {
    let (_folder, file) = opened(Access::Map);
    let len = payload().len();
    for range in [len - 1..len + 1, len..len + 4096, usize::MAX - 1..usize::MAX, 0..usize::MAX, 7..7, 9..3] {
        file.will_need(range.clone());
        file.load(range.clone());
        file.release(range);
    }
    assert!(file.view().payload() == payload());
}

/// How much of the file is in the memory of this process, in KiB.
#[cfg(target_os = "linux")]
fn resident(file: &IdxFile) -> u64 {
    let path = file.path().to_str().unwrap();
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_file = maps.lines().skip_while(|line| !line.ends_with(path));
    let line = of_file.take_while(|line| !line.starts_with("VmFlags")).find(|line| line.starts_with("Rss:"));
    line.expect("the file is mapped").split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn released_pages_leave_the_memory_of_the_process() {
    let (_folder, file) = opened(Access::Map);
    let sum = |file: &IdxFile| file.view().payload().iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let before = sum(&file);
    let whole = resident(&file);
    assert!(whole >= 1024, "{whole} KiB");

    // The second quarter; pages may have up to 64 KiB.
    let quarter = payload().len() / 4;
    file.release(quarter..2 * quarter);
    let rest = resident(&file);
    assert!(rest <= whole - 128, "{rest} of {whole} KiB");
    assert!(rest >= whole / 2, "{rest} of {whole} KiB");

    file.release(0..payload().len());
    assert_eq!(resident(&file), 0);
    assert_eq!(sum(&file), before);
}

#[cfg(target_os = "linux")]
#[test]
fn loaded_pages_are_in_the_memory_of_the_process_before_they_are_read() {
    let (_folder, file) = opened(Access::Map);
    file.expect_no_order();
    file.release(0..payload().len());
    assert_eq!(resident(&file), 0);
    let quarter = payload().len() / 4;
    file.will_need(quarter..2 * quarter);
    file.load(quarter..2 * quarter);
    let loaded = resident(&file);
    assert!(loaded >= quarter as u64 / 1024, "{loaded} KiB");
}
