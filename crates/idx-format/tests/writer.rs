//! The streaming writer: it says no to what the format cannot hold and to a wrong count, and writes the rest in pieces.

mod common;

use std::io::{self, Write};

use common::{IMAGES, file};
use idx_format::ndarray::arr0;
use idx_format::{Idx, IdxWriter, WriteError, write_array};

fn message<T>(result: Result<T, WriteError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn items_and_elements_can_be_mixed() {
    let mut writer = IdxWriter::<_, u8>::new(Vec::new(), &[2, 3, 5]).unwrap();
    writer.write_item(&IMAGES[16..31]).unwrap();
    writer.write_elements(&IMAGES[31..33]).unwrap();
    writer.write_elements(&[]).unwrap();
    writer.write_elements(&IMAGES[33..]).unwrap();
    assert_eq!(writer.finish().unwrap(), IMAGES);
}

#[test]
fn shapes_that_no_header_can_hold_are_refused() {
    let new = |lengths: &[usize]| message(IdxWriter::<_, f64>::new(Vec::new(), lengths));
    assert_eq!(new(&[]), "expected 1 to 255 dimensions, found 0");
    assert_eq!(new(&[1; 256]), "expected 1 to 255 dimensions, found 256");
    assert_eq!(message(write_array(Vec::new(), &arr0(1.0_f32))), "expected 1 to 255 dimensions, found 0");
}

#[test]
#[cfg(target_pointer_width = "64")] // Elsewhere no array is as long.
fn shapes_beyond_32_bits_or_the_address_space_are_refused() {
    let new = |lengths: &[usize]| message(IdxWriter::<_, f64>::new(Vec::new(), lengths));
    assert_eq!(
        new(&[2, 4_294_967_296]),
        "expected at most 4294967295 as length of dimension 1, found 4294967296"
    );
    assert_eq!(
        new(&[0, 4_294_967_295, 4_294_967_295]),
        "expected at most 9223372036854775807 bytes of payload, found f64 0 x 4294967295 x 4294967295"
    );
}

#[test]
fn a_wrong_count_is_refused_and_the_surplus_not_written() {
    let mut writer = IdxWriter::<_, i16>::new(Vec::new(), &[2, 3]).unwrap();
    assert_eq!(message(writer.write_item(&[1, 2])), "expected items of 3 elements, found 2");
    writer.write_item(&[1, 2, 3]).unwrap();
    assert_eq!(message(writer.write_elements(&[4, 5, 6, 7])), "expected 6 elements in all, found 7 or more");
    writer.write_item(&[4, 5, 6]).unwrap();
    assert_eq!(message(writer.write_item(&[7, 8, 9])), "expected 6 elements in all, found 9 or more");
    assert_eq!(writer.finish().unwrap(), file(0x0b, &[2, 3], &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]));

    let mut writer = IdxWriter::<_, i16>::new(Vec::new(), &[2, 3]).unwrap();
    writer.write_item(&[1, 2, 3]).unwrap();
    assert_eq!(message(writer.finish()), "expected 6 elements in all, found only 3");
}

#[test]
fn no_elements_make_a_header() {
    let writer = IdxWriter::<_, f32>::new(Vec::new(), &[0, 3, 5]).unwrap();
    assert_eq!(writer.finish().unwrap(), common::header(0x0d, &[0, 3, 5]));

    let mut writer = IdxWriter::<_, f32>::new(Vec::new(), &[2, 0]).unwrap();
    writer.write_item(&[]).unwrap();
    assert_eq!(writer.finish().unwrap(), common::header(0x0d, &[2, 0]));
}

/// Counts what it takes and how often, and refuses everything beyond its capacity.
#[derive(Default)]
struct Meter {
    taken: usize,
    calls: usize,
    largest: usize,
    flushed: bool,
    capacity: Option<usize>,
}

impl Write for Meter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.capacity.is_some_and(|capacity| self.taken + buffer.len() > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.taken += buffer.len();
        self.calls += 1;
        self.largest = self.largest.max(buffer.len());
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = true;
        Ok(())
    }
}

#[test]
fn many_small_items_reach_the_writer_in_few_large_pieces() {
    let mut writer = IdxWriter::<_, f64>::new(Meter::default(), &[20_000, 3, 5]).unwrap();
    for _ in 0..20_000 {
        writer.write_item(&[0.5; 15]).unwrap();
    }
    let meter = writer.finish().unwrap();
    assert_eq!(meter.taken, 16 + 20_000 * 15 * 8);
    assert!(meter.calls <= 40, "{} calls", meter.calls);
    assert!(meter.flushed);
}

#[test]
fn one_large_item_is_not_buffered_as_a_whole() {
    let mut writer = IdxWriter::<_, f64>::new(Meter::default(), &[1, 300_000]).unwrap();
    writer.write_item(&vec![0.5; 300_000]).unwrap();
    let meter = writer.finish().unwrap();
    assert_eq!(meter.taken, 12 + 300_000 * 8);
    assert!(meter.largest < 80_000, "{} bytes at once", meter.largest);
}

#[test]
fn a_failing_writer_is_reported_with_its_cause() {
    use std::error::Error as _;

    let full = Meter { capacity: Some(20), ..Meter::default() };
    let mut writer = IdxWriter::<_, u8>::new(full, &[2, 3, 5]).unwrap();
    writer.write_elements(&IMAGES[16..]).unwrap();
    let error = writer.finish().err().expect("an error");
    assert_eq!(error.to_string(), "cannot write");
    let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_dropped_writer_leaves_no_valid_file() {
    let mut bytes = Vec::new();
    let mut writer = IdxWriter::<_, u8>::new(&mut bytes, &[2, 3, 5]).unwrap();
    writer.write_elements(&IMAGES[16..]).unwrap();
    drop(writer);
    assert!(Idx::parse(&bytes).is_err());
}
