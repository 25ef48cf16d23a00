//! One file of every kind that must be refused, with the exact words and whether there is advice.

mod common;

use common::{IMAGES, LABELS, file, header};
use idx_format::{Header, Idx, MismatchError, ParseError, Trailing};

/// What the bytes are, the bytes, the message, and a word of the hint if there is one.
type Row = (&'static str, Vec<u8>, &'static str, Option<&'static str>);

fn malformed() -> Vec<Row> {
    let mut longer = IMAGES.to_vec();
    longer.push(b'\n');
    let reversed_labels = [&[0, 0, 8, 1, 7, 0, 0, 0], &LABELS[8..]].concat();
    vec![
        ("no bytes", vec![], "empty input: expected a header at byte 0, found the end", Some("empty")),
        (
            "gzip",
            vec![0x1f, 0x8b, 0x08, 0x08, 0x6c, 0x37, 0x0c, 0x4c, 0x00, 0x03],
            "bad magic number at byte 0: expected 00 00, found 1f 8b 08 08 6c 37 0c 4c",
            Some("gzip"),
        ),
        (
            "a web page",
            b"<!DOCTYPE html>".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 3c 21 44 4f 43 54 59 50",
            Some("web page"),
        ),
        (
            "a web page after a byte order mark and a line break",
            b"\xef\xbb\xbf\r\n<html>".to_vec(),
            "bad magic number at byte 0: expected 00 00, found ef bb bf 0d 0a 3c 68 74",
            Some("web page"),
        ),
        (
            "one bracket",
            b"<".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 3c",
            Some("web page"),
        ),
        (
            "a zip archive",
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 50 4b 03 04 14 00 00 00",
            Some("zip"),
        ),
        (
            "a Git LFS pointer",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 76 65 72 73 69 6f 6e 20",
            Some("LFS"),
        ),
        (
            "a NumPy array",
            b"\x93NUMPY\x01\x00v\x00{".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 93 4e 55 4d 50 59 01 00",
            Some("NumPy"),
        ),
        (
            "a MATLAB file",
            b"MATLAB 5.0 MAT-file".to_vec(),
            "bad magic number at byte 0: expected 00 00, found 4d 41 54 4c 41 42 20 35",
            Some("MATLAB"),
        ),
        (
            "a little-endian header",
            [&[3, 8, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0], &IMAGES[16..]].concat(),
            "bad magic number at byte 0: expected 00 00, found 03 08 00 00 02 00 00 00",
            Some("little-endian"),
        ),
        (
            "another format whose second byte alone is not zero",
            vec![0, 7, 8, 1, 0, 0, 0, 0],
            "bad magic number at byte 0: expected 00 00, found 00 07 08 01 00 00 00 00",
            None,
        ),
        ("one zero", vec![0], "header truncated at byte 1: expected 4 bytes of header, found 1", None),
        (
            "two zeros and a type",
            vec![0, 0, 8],
            "header truncated at byte 3: expected 4 bytes of header, found 3",
            None,
        ),
        (
            "a code in the gap",
            vec![0, 0, 0x0a, 1, 0, 0, 0, 0],
            "unknown element type at byte 2: expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e, found 0x0a",
            None,
        ),
        (
            "zeros",
            vec![0; 16],
            "unknown element type at byte 2: expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e, found 0x00",
            None,
        ),
        (
            "rank 0 with one element",
            vec![0, 0, 8, 0, 42],
            "no dimensions at byte 3: expected 1 to 255, found 0",
            None,
        ),
        (
            "lengths missing",
            IMAGES[..15].to_vec(),
            "header truncated at byte 15: expected 16 bytes of header, found 15",
            None,
        ),
        (
            "255 dimensions claimed, none there",
            vec![0, 0, 8, 255],
            "header truncated at byte 4: expected 1024 bytes of header, found 4",
            None,
        ),
        (
            "an empty payload",
            IMAGES[..16].to_vec(),
            "payload truncated at byte 16: expected 30 bytes of u8 2 x 3 x 5 from byte 16, found 0",
            Some("interrupted"),
        ),
        (
            "the last byte missing",
            IMAGES[..45].to_vec(),
            "payload truncated at byte 45: expected 30 bytes of u8 2 x 3 x 5 from byte 16, found 29",
            Some("interrupted"),
        ),
        (
            "half an element",
            file(0x0c, &[2], &[0, 0, 0, 1, 0, 0]),
            "payload truncated at byte 14: expected 8 bytes of i32 2 from byte 8, found 6",
            Some("interrupted"),
        ),
        (
            "lengths in little-endian order",
            reversed_labels,
            "payload truncated at byte 15: expected 117440512 bytes of u8 117440512 from byte 8, found 7",
            Some("little-endian"),
        ),
        (
            "one byte too many",
            longer,
            "trailing bytes at byte 46: expected u8 2 x 3 x 5 to end there, found more",
            None,
        ),
        (
            "bytes after no elements",
            file(0x08, &[0, 28, 28], &[1]),
            "trailing bytes at byte 16: expected u8 0 x 28 x 28 to end there, found more",
            None,
        ),
        (
            "more bytes than a machine has addresses",
            file(0x0e, &[u32::MAX, 3, u32::MAX], &[]),
            "payload too large at byte 4: expected at most 9223372036854775807 bytes, \
             found f64 4294967295 x 3 x 4294967295",
            None,
        ),
        (
            "more bytes than that, times no items",
            file(0x08, &[0, u32::MAX, u32::MAX, u32::MAX], &[]),
            "payload too large at byte 4: expected at most 9223372036854775807 bytes, \
             found u8 0 x 4294967295 x 4294967295 x 4294967295",
            None,
        ),
        (
            "as many dimensions as fit, all of them long",
            file(0x08, &[u32::MAX; 255], &[]),
            "payload too large at byte 4: expected at most 9223372036854775807 bytes, \
             found u8 4294967295 x 4294967295 x 4294967295 x 4294967295 x 4294967295 x 4294967295 x 4294967295 \
             x 4294967295 x ... (255 dimensions)",
            None,
        ),
        (
            "lengths that are too large in the other order too",
            file(0x08, &[1 << 31, 1 << 31, 4], &[]),
            "payload too large at byte 4: expected at most 9223372036854775807 bytes, \
             found u8 2147483648 x 2147483648 x 4",
            None,
        ),
        (
            "lengths of MNIST in little-endian order",
            file(0x08, &[60_000_u32.swap_bytes(), 28_u32.swap_bytes(), 28_u32.swap_bytes()], &[0; 9]),
            "payload too large at byte 4: expected at most 9223372036854775807 bytes, \
             found u8 1625948160 x 469762048 x 469762048",
            Some("little-endian"),
        ),
    ]
}

#[test]
#[cfg(target_pointer_width = "64")] // Some of the messages name the largest address.
fn every_malformed_file_is_refused_in_these_words() {
    for (what, bytes, message, hint) in malformed() {
        let error = Idx::parse(&bytes).expect_err(what);
        assert_eq!(error.to_string(), message, "{what}");
        match (error.hint(), hint) {
            (None, None) => {}
            (Some(found), Some(word)) => assert!(found.contains(word), "{what}: {found}"),
            (found, expected) => panic!("{what}: expected a hint with {expected:?}, found {found:?}"),
        }
    }
}

#[test]
fn messages_are_one_line_without_a_full_stop() {
    for (what, bytes, ..) in malformed() {
        let error = Idx::parse(&bytes).expect_err(what);
        for text in [Some(error.to_string()), error.hint().map(str::to_owned)].into_iter().flatten() {
            assert!(!text.ends_with('.') && !text.contains('\n'), "{what}: {text}");
            assert!(!text.starts_with(char::is_uppercase), "{what}: {text}");
        }
    }
}

#[test]
fn the_largest_payload_is_one_byte_below_the_limit_of_the_address_space() {
    // (2^31 - 1) * (2^31 + 1) * 2 = 2^63 - 2, and 2^31 * 2^32 would be 2^63.
    let fits = header(0x08, &[(1 << 31) - 1, (1 << 31) + 1, 2]);
    if cfg!(target_pointer_width = "64") {
        assert_eq!(Header::parse(&fits).unwrap().payload_len(), isize::MAX as usize - 1);
    }
    let too_large = header(0x08, &[1 << 31, 1 << 31, 2]);
    assert!(matches!(Header::parse(&too_large), Err(ParseError::PayloadTooLarge { .. })));
}

#[test]
fn a_header_is_read_without_its_payload() {
    let header = Header::parse(&IMAGES[..16]).unwrap();
    assert_eq!(header.shape(), [2, 3, 5]);
    assert_eq!((header.item_count(), header.item_shape().to_vec()), (2, vec![3, 5]));
    assert_eq!((header.header_len(), header.payload_len(), header.file_len()), (16, 30, 46));
    assert_eq!(Header::parse(&IMAGES[..15]), Err(ParseError::HeaderTruncated { expected: 16, found: 15 }));
}

#[test]
fn trailing_bytes_are_left_out_when_they_are_to_be_ignored() {
    let longer = [IMAGES.as_slice(), b"padding"].concat();
    let idx = Idx::parse_with(&longer, Trailing::Ignore).unwrap();
    assert_eq!(idx, Idx::parse(&IMAGES).unwrap());
    assert!(matches!(
        Idx::parse_with(&longer[..45], Trailing::Ignore),
        Err(ParseError::PayloadTruncated { .. })
    ));
}

#[test]
fn swapped_images_and_labels_are_told_apart() {
    let images = Idx::parse(&IMAGES).unwrap();
    let labels = Idx::parse(&LABELS).unwrap();
    assert_eq!(images.expect_images(), Ok(images));
    assert_eq!(labels.expect_labels(), Ok(labels));

    let error = labels.expect_images().unwrap_err();
    assert_eq!(error.to_string(), "expected images (rank 2 or more), found labels (rank 1: u8 7)");
    assert!(error.hint().unwrap().contains("swapped"));

    let error = images.expect_labels().unwrap_err();
    assert_eq!(error.to_string(), "expected labels (rank 1), found images (rank 3: u8 2 x 3 x 5)");
    assert!(error.hint().unwrap().contains("swapped"));
}

#[test]
fn labels_of_several_columns_are_labels_if_they_are_wider_than_a_byte() {
    // The form of QMNIST: 8 columns of `i32` for each label; here 2 labels of 3.
    let columns = file(0x0c, &[2, 3], &[0; 24]);
    assert!(Idx::parse(&columns).unwrap().expect_labels().is_ok());
    let rows = file(0x08, &[2, 3], &[0; 6]);
    assert!(matches!(Idx::parse(&rows).unwrap().expect_labels(), Err(MismatchError::NotLabels { .. })));
}

#[test]
fn another_type_or_rank_than_expected_is_named() {
    use idx_format::ElementType::{I16, U8};
    use idx_format::ndarray::{Ix2, IxDyn};

    let images = Idx::parse(&IMAGES).unwrap();
    assert_eq!(images.expect(U8, 3), Ok(images));
    assert_eq!(images.expect(I16, 3).unwrap_err().to_string(), "expected elements of type i16, found u8");
    assert_eq!(images.expect(U8, 2).unwrap_err().to_string(), "expected rank 2, found rank 3 (2 x 3 x 5)");
    assert_eq!(images.array::<u8, Ix2>().unwrap_err(), images.expect(U8, 2).unwrap_err());
    // The size is the same, the type is not.
    assert_eq!(
        images.array::<i8, IxDyn>().unwrap_err().to_string(),
        "expected elements of type i8, found u8"
    );
    assert_eq!(images.expect(U8, 2).unwrap_err().hint(), None);
}
