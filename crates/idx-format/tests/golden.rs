//! Files of every element type, byte by byte, and the numbers that they hold; both directions.
//!
//! The bytes of the floating-point files were made by Python 3: `struct.pack(">6f", ...)` and `struct.pack(">6d", ...)`.

mod common;

use common::{IMAGES, file};
use idx_format::ndarray::{Array2, Array3, ArrayView2, Ix0, Ix1, Ix2, Ix3, IxDyn, array};
use idx_format::{Element, ElementType, Idx, big_endian, write_array};

/// Checks that the file reads as the array, borrowed and owned, and that the array writes as the file.
fn assert_golden<T: Element>(bytes: &[u8], expected: &Array2<T>) {
    let idx = Idx::parse(bytes).unwrap();
    assert_eq!(idx.element_type(), T::TYPE);
    assert_eq!(idx.to_array::<T, Ix2>().unwrap(), *expected);
    assert_eq!(idx.to_array::<T, IxDyn>().unwrap(), expected.clone().into_dyn());

    let borrowed: ArrayView2<'_, T::Stored> = idx.array::<T, Ix2>().unwrap();
    assert_eq!(borrowed.mapv(Into::<T>::into), *expected);
    assert_eq!(borrowed.as_ptr().cast::<u8>(), idx.payload().as_ptr(), "the view must not be a copy");

    assert_eq!(write_array(Vec::new(), expected).unwrap(), bytes);
}

#[test]
fn u8_bytes_are_what_they_are() {
    let bytes = [0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 127, 128, 254, 255];
    assert_golden::<u8>(&bytes, &array![[0, 1, 127], [128, 254, 255]]);
}

#[test]
fn i8_is_twos_complement() {
    let bytes = [0, 0, 0x09, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 127, 128, 254, 255];
    assert_golden::<i8>(&bytes, &array![[0, 1, 127], [-128, -2, -1]]);
}

#[test]
fn i16_is_big_endian() {
    let bytes =
        file(0x0b, &[2, 3], &[0x00, 0x01, 0x01, 0x00, 0x12, 0x34, 0x7f, 0xff, 0x80, 0x00, 0xff, 0xfe]);
    assert_golden::<i16>(&bytes, &array![[1, 256, 4660], [32767, -32768, -2]]);
}

#[test]
fn i32_is_big_endian() {
    let payload = [
        0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78, //
        0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xfe,
    ];
    let expected = array![[1, 16_777_216, 305_419_896], [i32::MAX, i32::MIN, -2]];
    assert_golden::<i32>(&file(0x0c, &[2, 3], &payload), &expected);
}

#[test]
fn f32_is_big_endian() {
    let payload = [
        0x3f, 0x80, 0x00, 0x00, 0xc0, 0x20, 0x00, 0x00, 0x3d, 0xcc, 0xcc, 0xcd, //
        0x7f, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00,
    ];
    let expected = array![[1.0, -2.5, 0.1], [f32::INFINITY, 1e-45, -0.0]];
    assert_golden::<f32>(&file(0x0d, &[2, 3], &payload), &expected);
}

#[test]
fn f64_is_big_endian() {
    let payload = [
        0x3f, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, //
        0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a, 0x7f, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, //
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18,
    ];
    let expected = array![[1.0, -2.5, 0.1], [f64::INFINITY, 5e-324, std::f64::consts::PI]];
    assert_golden::<f64>(&file(0x0e, &[2, 3], &payload), &expected);
}

#[test]
fn a_stored_element_is_one_big_endian_number() {
    let bytes = file(0x0c, &[2], &[0, 0, 1, 2, 0xff, 0xff, 0xff, 0xff]);
    let elements: &[big_endian::I32] = Idx::parse(&bytes).unwrap().elements::<i32>().unwrap();
    assert_eq!((elements[0].get(), elements[1].get()), (258, -1));
}

#[test]
fn elements_are_borrowed_at_every_alignment() {
    let golden = file(0x0e, &[1], &1.5_f64.to_be_bytes());
    for shift in 0..8 {
        let shifted = [vec![0xee; shift], golden.clone()].concat();
        let idx = Idx::parse(&shifted[shift..]).unwrap();
        assert_eq!(idx.array::<f64, Ix1>().unwrap()[0].get(), 1.5, "shifted by {shift}");
    }
}

#[test]
fn a_nan_keeps_its_payload() {
    let bytes = file(0x0d, &[1], &[0x7f, 0xc1, 0x23, 0x45]);
    let array = Idx::parse(&bytes).unwrap().to_array::<f32, Ix1>().unwrap();
    assert!(array[0].is_nan());
    assert_eq!(write_array(Vec::new(), &array).unwrap(), bytes);
}

#[test]
fn items_are_views_without_the_first_dimension() {
    let idx = Idx::parse(&IMAGES).unwrap();
    assert_eq!((idx.item_count(), idx.rank()), (2, 3));
    assert_eq!(idx.item_shape(), [3, 5]);

    let second = idx.item(1).unwrap();
    assert_eq!(second.shape(), [3, 5]);
    assert_eq!(second.payload(), &IMAGES[31..]);
    let row = second.item(2).unwrap();
    assert_eq!(row.array::<u8, Ix1>().unwrap(), array![120, 121, 122, 123, 124]);
    let pixel = row.item(3).unwrap();
    assert_eq!(
        (pixel.rank(), pixel.item_count(), pixel.shape().to_string().as_str()),
        (0, 0, "a single element")
    );
    assert_eq!(pixel.array::<u8, Ix0>().unwrap().into_scalar(), &123);

    assert_eq!(idx.item(2), None);
    assert_eq!(idx.item(usize::MAX), None);
    assert_eq!(pixel.item(0), None);
    assert_eq!(pixel.items().len(), 0);
}

#[test]
fn items_of_wide_elements_start_at_whole_elements() {
    let bytes = file(0x0b, &[2, 3], &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]);
    let idx = Idx::parse(&bytes).unwrap();
    assert_eq!(idx.item(1).unwrap().to_array::<i16, Ix1>().unwrap(), array![4, 5, 6]);
}

#[test]
fn iteration_gives_every_item_in_order_from_both_ends() {
    let idx = Idx::parse(&IMAGES).unwrap();
    let items: Vec<_> = idx.items().collect();
    assert_eq!(items, [idx.item(0).unwrap(), idx.item(1).unwrap()]);
    assert_eq!(idx.items().len(), 2);
    assert_eq!(idx.items().next_back(), idx.item(1));
}

#[test]
fn lengths_of_zero_are_well_defined() {
    // No items of 3 x 5.
    let none = file(0x0c, &[0, 3, 5], &[]);
    let idx = Idx::parse(&none).unwrap();
    assert_eq!((idx.item_count(), idx.items().count(), idx.item(0)), (0, 0, None));
    assert_eq!(idx.item_shape(), [3, 5]);
    assert_eq!(idx.array::<i32, Ix3>().unwrap().dim(), (0, 3, 5));
    assert_eq!(write_array(Vec::new(), &Array3::<i32>::zeros((0, 3, 5))).unwrap(), none);

    // Three items of nothing.
    let empty = file(0x08, &[3, 0], &[]);
    let idx = Idx::parse(&empty).unwrap();
    assert_eq!(idx.item_count(), 3);
    assert_eq!(idx.item(2).unwrap().shape(), [0]);
    assert!(idx.item(2).unwrap().payload().is_empty());
    assert_eq!(idx.item(3), None);
    assert_eq!(idx.items().count(), 3);
    assert_eq!(idx.array::<u8, Ix2>().unwrap().dim(), (3, 0));

    // Four thousand million items of nothing: claimed, not made.
    let many = file(0x08, &[u32::MAX, 0], &[]);
    let idx = Idx::parse(&many).unwrap();
    assert_eq!(idx.items().len(), u32::MAX as usize);
    assert_eq!(idx.item(1_000_000_000).unwrap().shape(), [0]);
}

#[test]
fn all_255_dimensions_work() {
    let mut lengths = [1; 255];
    lengths[1] = 2;
    lengths[254] = 3;
    let bytes = file(0x08, &lengths, &[10, 11, 12, 20, 21, 22]);
    let idx = Idx::parse(&bytes).unwrap();
    assert_eq!(idx.rank(), 255);
    assert_eq!(idx.shape().to_string(), "1 x 2 x 1 x 1 x 1 x 1 x 1 x 1 x ... (255 dimensions)");
    let array = idx.to_array::<u8, IxDyn>().unwrap();
    assert_eq!(write_array(Vec::new(), &array).unwrap(), bytes);

    let mut item = idx.item(0).unwrap().item(1).unwrap();
    while item.rank() > 1 {
        item = item.item(0).unwrap();
    }
    assert_eq!(item.payload(), [20, 21, 22]);
}

#[test]
fn arrays_are_written_in_logical_order_whatever_their_layout() {
    let rows = array![[1_i16, 2, 3], [4, 5, 6]];
    let expected = file(0x0b, &[3, 2], &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]);
    assert_eq!(write_array(Vec::new(), &rows.t()).unwrap(), expected);
}

#[test]
fn codes_and_names_agree_with_the_format() {
    let table: Vec<_> = ElementType::ALL.iter().map(|kind| (kind.code(), kind.size())).collect();
    assert_eq!(table, common::TYPES);
    let names: Vec<_> = ElementType::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["u8", "i8", "i16", "i32", "f32", "f64"]);
    for code in 0..=255 {
        assert_eq!(
            ElementType::from_code(code).map(ElementType::code),
            table.iter().map(|row| row.0).find(|&c| c == code)
        );
    }
}
