//! Files put together by hand: the tests must not use the writer to judge the parser.

#![allow(dead_code, reason = "each test program uses some of these")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The codes of all six element types and their sizes in bytes, written out again from the format's description.
pub(crate) const TYPES: [(u8, usize); 6] = [(0x08, 1), (0x09, 1), (0x0b, 2), (0x0c, 4), (0x0d, 4), (0x0e, 8)];

/// A file of `u8`, 2 x 3 x 5, with every element different.
pub(crate) const IMAGES: [u8; 46] = [
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, // the header
    0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, // the first item
    100, 101, 102, 103, 104, 110, 111, 112, 113, 114, 120, 121, 122, 123, 124, // the second
];

/// A file of `u8`, 7, as labels are.
pub(crate) const LABELS: [u8; 15] = [0, 0, 8, 1, 0, 0, 0, 7, 5, 0, 4, 1, 9, 2, 1];

/// The bytes of a header.
pub(crate) fn header(code: u8, lengths: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, u8::try_from(lengths.len()).unwrap()];
    for length in lengths {
        bytes.extend(length.to_be_bytes());
    }
    bytes
}

/// The bytes of a file.
pub(crate) fn file(code: u8, lengths: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(code, lengths);
    bytes.extend(payload);
    bytes
}

/// The bytes as one gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
