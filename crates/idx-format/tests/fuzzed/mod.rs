//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

#![allow(dead_code, reason = "a fuzz target uses one of these")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use idx_format::ndarray::IxDyn;
use idx_format::{Element, ElementType, Idx, OpenOptions, ParseError, Trailing, read, write_array};

/// The most that a stream may take here; the fuzzer's inputs are shorter.
const LIMIT: u64 = 1 << 16;

/// The parser: bytes are refused in words, or are a view that agrees with itself and is written as it was read.
pub(crate) fn idx(bytes: &[u8]) {
    match Idx::parse(bytes) {
        Ok(idx) => {
            assert_consistent(idx);
            assert_eq!(written(idx), bytes);
        }
        Err(error) => explain(&error),
    }
    match Idx::parse_with(bytes, Trailing::Ignore) {
        Ok(idx) => assert_consistent(idx),
        Err(error) => explain(&error),
    }
}

/// The way from a stream, of which the first byte says what becomes of the rest: it is the stream, or the inside of a
/// gzip stream whose header is right, or what is to be compressed.
pub(crate) fn gzip(bytes: &[u8]) {
    let Some((&way, rest)) = bytes.split_first() else { return };
    let options = OpenOptions::new().max_bytes(LIMIT);
    let stream = match way % 3 {
        0 => rest.to_vec(),
        1 => [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], rest].concat(),
        _ => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(rest).unwrap();
            let stream = encoder.finish().unwrap();
            // Whole and sound, so that what it holds alone decides.
            let found = read(&stream[..], &options);
            match Idx::parse(rest) {
                Ok(_) => assert_eq!(found.unwrap(), rest),
                Err(_) => assert!(found.is_err()),
            }
            stream
        }
    };
    for trailing in [Trailing::Reject, Trailing::Ignore] {
        match read(&stream[..], &options.trailing(trailing)) {
            Ok(file) => {
                assert!(file.len() as u64 <= LIMIT);
                assert_consistent(Idx::parse(&file).unwrap());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn explain(error: &ParseError) {
    assert!(!error.to_string().is_empty());
    let _ = error.hint();
}

fn assert_consistent(idx: Idx<'_>) {
    assert_eq!(idx.shape().element_count() * idx.element_type().size(), idx.payload().len());
    assert_eq!(idx.items().len(), idx.item_count());
    for (index, item) in idx.items().enumerate().take(3) {
        assert_eq!(Some(item), idx.item(index));
    }
    assert_eq!(idx.items().next_back(), idx.item_count().checked_sub(1).and_then(|last| idx.item(last)));
    assert_eq!(idx.item(idx.item_count()), None);
}

/// The file that the writer makes of the view.
fn written(idx: Idx<'_>) -> Vec<u8> {
    fn of<T: Element>(idx: Idx<'_>) -> Vec<u8> {
        write_array(Vec::new(), &idx.to_array::<T, IxDyn>().unwrap()).unwrap()
    }
    match idx.element_type() {
        ElementType::U8 => of::<u8>(idx),
        ElementType::I8 => of::<i8>(idx),
        ElementType::I16 => of::<i16>(idx),
        ElementType::I32 => of::<i32>(idx),
        ElementType::F32 => of::<f32>(idx),
        ElementType::F64 => of::<f64>(idx),
    }
}
