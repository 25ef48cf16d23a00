//! What event files say, read by a program of its own: the framing and the few messages, and which of them TensorBoard
//! would show. It shares no code with what writes them, and refuses to know what they should say.

use std::{collections::BTreeMap, fs, path::Path};

use super::names;

/// An event, as far as it matters here.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    FileVersion(String),
    Start { step: u64 },
    Scalars { step: u64, values: Vec<(String, f32)> },
}

/// The event files of a folder, in their order.
pub(crate) fn event_files(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|name| name.contains("tfevents")).collect()
}

/// What TensorBoard shows of a folder: tag, then step, then value.
#[track_caller]
pub(crate) fn shown(folder: &Path) -> BTreeMap<String, BTreeMap<u64, f32>> {
    let mut shown: BTreeMap<String, BTreeMap<u64, f32>> = BTreeMap::new();
    for name in event_files(folder) {
        for event in events(&fs::read(folder.join(name)).unwrap()) {
            match event {
                Event::FileVersion(version) => assert_eq!(version, "brain.Event:2"),
                Event::Start { step } => {
                    shown.values_mut().for_each(|steps| drop(steps.split_off(&step)));
                }
                Event::Scalars { step, values } => {
                    for (tag, value) in values {
                        let twice = shown.entry(tag).or_default().insert(step, value);
                        assert_eq!(twice, None, "twice at step {step}");
                    }
                }
            }
        }
    }
    shown.retain(|_, steps| !steps.is_empty());
    shown
}

/// The events of a file, of which the last one may be cut off.
#[track_caller]
pub(crate) fn events(mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<12>() {
        let (length, checksum) = header.split_first_chunk::<8>().unwrap();
        assert_eq!(masked(length), u32::from_le_bytes(checksum.try_into().unwrap()));
        let length = u64::from_le_bytes(*length) as usize;
        if rest.len() < length + 4 {
            break;
        }
        let (data, rest) = rest.split_at(length);
        let (checksum, rest) = rest.split_first_chunk::<4>().unwrap();
        assert_eq!(masked(data), u32::from_le_bytes(*checksum));
        events.push(event(data));
        bytes = rest;
    }
    events
}

/// CRC-32C bit by bit, as in RFC 3720, with the mask of the format.
fn masked(data: &[u8]) -> u32 {
    let crc = data.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    });
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A field of a message.
#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn fields(mut data: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !data.is_empty() {
        let key = varint(&mut data);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut data)),
            1 => Field::Number(u64::from_le_bytes(take(&mut data, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut data) as usize;
                Field::Bytes(take(&mut data, length))
            }
            5 => Field::Number(u32::from_le_bytes(take(&mut data, 4).try_into().unwrap()).into()),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn take<'a>(data: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (bytes, rest) = data.split_at(length);
    *data = rest;
    bytes
}

fn varint(data: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first().expect("a whole number");
        *data = rest;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            break;
        }
    }
    value
}

fn event(data: &[u8]) -> Event {
    let fields = fields(data);
    let find = |number: u64| fields.iter().find(|(found, _)| *found == number).map(|(_, field)| *field);
    let step = match find(2) {
        Some(Field::Number(step)) => step,
        _ => 0,
    };
    let Some(Field::Number(wall_time)) = find(1) else { panic!("an event without a time") };
    assert!(f64::from_bits(wall_time) > 1.6e9, "later than 2020");
    match (find(3), find(5), find(7)) {
        (Some(Field::Bytes(version)), None, None) => {
            Event::FileVersion(String::from_utf8(version.to_vec()).unwrap())
        }
        (None, Some(Field::Bytes(summary)), None) => Event::Scalars {
            step,
            values: self::fields(summary).into_iter().map(|(_, field)| scalar(field)).collect(),
        },
        (None, None, Some(Field::Bytes(session))) => {
            assert!(matches!(self::fields(session)[..], [(1, Field::Number(1))]), "a start");
            Event::Start { step }
        }
        _ => panic!("an event of another kind"),
    }
}

fn scalar(value: Field<'_>) -> (String, f32) {
    let Field::Bytes(value) = value else { panic!("no message") };
    match fields(value)[..] {
        [(1, Field::Bytes(tag)), (2, Field::Number(bits))] => {
            (String::from_utf8(tag.to_vec()).unwrap(), f32::from_bits(bits as u32))
        }
        _ => panic!("no scalar"),
    }
}
