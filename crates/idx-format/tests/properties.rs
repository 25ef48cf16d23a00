//! What must hold for every file: round trips of all types and ranks, and no panic on any bytes whatever.

mod common;

use common::TYPES;
use idx_format::ndarray::IxDyn;
use idx_format::{Element, ElementType, Header, Idx, IdxWriter, ParseError, Trailing, write_array};
use proptest::collection::vec;
use proptest::prelude::*;

/// A valid file of any type: rank 1 to 6 with lengths 0 to 4, or up to 255 dimensions of length 1.
fn any_file() -> impl Strategy<Value = (u8, Vec<u32>, Vec<u8>)> {
    let lengths =
        prop_oneof![4 => vec(0..=4_u32, 1..=6), 1 => (1..=255_usize).prop_map(|rank| vec![1; rank])];
    (proptest::sample::select(&TYPES[..]), lengths).prop_flat_map(|((code, size), lengths)| {
        let bytes = lengths.iter().product::<u32>() as usize * size;
        (Just(code), Just(lengths), vec(any::<u8>(), bytes))
    })
}

/// Reads the elements as native numbers and writes them again, as a whole array and item by item.
fn rewritten<T: Element>(idx: Idx<'_>) -> [Vec<u8>; 2] {
    let array = idx.to_array::<T, IxDyn>().unwrap();
    let at_once = write_array(Vec::new(), &array).unwrap();

    let mut writer = IdxWriter::<_, T>::new(Vec::new(), &idx.shape().to_vec()).unwrap();
    for item in idx.items() {
        let item = item.to_array::<T, IxDyn>().unwrap();
        writer.write_item(item.as_slice().unwrap()).unwrap();
    }
    [at_once, writer.finish().unwrap()]
}

/// What must hold of a view however it came about.
fn assert_consistent(idx: Idx<'_>) {
    let size = idx.element_type().size();
    assert_eq!(idx.shape().iter().product::<usize>() * size, idx.payload().len());
    assert_eq!(idx.items().len(), idx.item_count());
    for (index, item) in idx.items().enumerate().take(5) {
        assert_eq!(Some(item), idx.item(index));
    }
    assert_eq!(idx.item(idx.item_count()), None);
    // No file of these tests is so long that a shape with elements could not be copied.
    match idx.element_type() {
        ElementType::U8 => assert_eq!(idx.array::<u8, IxDyn>().unwrap().len(), idx.payload().len()),
        ElementType::I8 => assert_eq!(idx.array::<i8, IxDyn>().unwrap().len(), idx.payload().len()),
        ElementType::I16 => assert_eq!(idx.array::<i16, IxDyn>().unwrap().len() * 2, idx.payload().len()),
        ElementType::I32 => assert_eq!(idx.array::<i32, IxDyn>().unwrap().len() * 4, idx.payload().len()),
        ElementType::F32 => assert_eq!(idx.array::<f32, IxDyn>().unwrap().len() * 4, idx.payload().len()),
        ElementType::F64 => assert_eq!(idx.array::<f64, IxDyn>().unwrap().len() * 8, idx.payload().len()),
    }
}

proptest! {
    #[test]
    fn writing_what_was_read_gives_the_same_bytes((code, lengths, payload) in any_file()) {
        let bytes = common::file(code, &lengths, &payload);
        let idx = Idx::parse(&bytes).unwrap();
        prop_assert_eq!(idx.element_type().code(), code);
        prop_assert!(idx.shape().iter().eq(lengths.iter().map(|&length| length as usize)));
        prop_assert_eq!(idx.payload(), &payload);
        assert_consistent(idx);

        let again = match idx.element_type() {
            ElementType::U8 => rewritten::<u8>(idx),
            ElementType::I8 => rewritten::<i8>(idx),
            ElementType::I16 => rewritten::<i16>(idx),
            ElementType::I32 => rewritten::<i32>(idx),
            ElementType::F32 => rewritten::<f32>(idx),
            ElementType::F64 => rewritten::<f64>(idx),
        };
        prop_assert_eq!(&again[0], &bytes);
        prop_assert_eq!(&again[1], &bytes);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_as_truncated((code, lengths, payload) in any_file()) {
        let bytes = common::file(code, &lengths, &payload);
        for end in 0..bytes.len() {
            for trailing in [Trailing::Reject, Trailing::Ignore] {
                match Idx::parse_with(&bytes[..end], trailing) {
                    Err(ParseError::Empty) => prop_assert_eq!(end, 0),
                    Err(ParseError::HeaderTruncated { expected, found }) => {
                        prop_assert!(end < bytes.len() - payload.len());
                        prop_assert!(found == end && found < expected);
                    }
                    Err(ParseError::PayloadTruncated { offset, expected, found, .. }) => {
                        prop_assert_eq!((offset + found, expected), (end, payload.len()));
                    }
                    other => prop_assert!(false, "cut at {}: {:?}", end, other),
                }
            }
        }
    }

    #[test]
    fn a_file_made_longer_is_refused((code, lengths, payload) in any_file(), more in vec(any::<u8>(), 1..9)) {
        let exact = common::file(code, &lengths, &payload);
        let longer = [exact.clone(), more].concat();
        let refused = matches!(Idx::parse(&longer), Err(ParseError::TrailingBytes { offset, .. }) if offset == exact.len());
        prop_assert!(refused);
        prop_assert_eq!(Idx::parse_with(&longer, Trailing::Ignore).unwrap(), Idx::parse(&exact).unwrap());
    }

    #[test]
    fn flipping_any_bit_of_the_header_is_an_error_or_another_valid_view((code, lengths, payload) in any_file()) {
        let bytes = common::file(code, &lengths, &payload);
        for bit in 0..(bytes.len() - payload.len()) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            for trailing in [Trailing::Reject, Trailing::Ignore] {
                match Idx::parse_with(&flipped, trailing) {
                    Ok(idx) => assert_consistent(idx),
                    Err(error) => {
                        prop_assert!(!error.to_string().is_empty());
                        let _ = error.hint();
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(idx) = Idx::parse_with(&bytes, Trailing::Ignore) {
            assert_consistent(idx);
        }
    }

    #[test]
    fn arbitrary_lengths_never_panic(
        (code, _) in proptest::sample::select(&TYPES[..]),
        lengths in vec(prop_oneof![Just(0), Just(1), Just(u32::MAX), Just(1 << 16), any::<u32>()], 1..9),
    ) {
        let bytes = common::header(code, &lengths);
        if let Ok(header) = Header::parse(&bytes) {
            let expected = lengths.iter().map(|&length| u128::from(length)).product::<u128>()
                * header.element_type().size() as u128;
            prop_assert_eq!(header.payload_len() as u128, expected);
            prop_assert_eq!(header.shape().element_count() * header.element_type().size(), header.payload_len());
            let _ = header.item_shape().element_count();
        }
        if let Ok(idx) = Idx::parse(&bytes) {
            prop_assert!(idx.payload().is_empty());
            assert_consistent(idx);
        }
    }
}
