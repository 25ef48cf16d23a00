//! The encoding of Protocol Buffers, as far as an ONNX graph needs it: owns how fields stand in bytes, and refuses to
//! know what they mean.
//!
//! A field is a key, its number times 8 plus the way its value is encoded, and the value: 0 an integer in groups of 7
//! bits, the lowest first; 1 and 5 eight and four bytes; 2 a length and so many bytes, which may be a message of their
//! own. See <https://protobuf.dev/programming-guides/encoding/>.
//!
//! The reader borrows, allocates nothing and goes into nothing by itself. A decoder that builds all messages would
//! take a hundred bytes and more for each two that a hostile file spends on an empty one.

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn integer(mut self, field: u32, value: u64) -> Message {
        self.key(field, 0);
        self.varint(value);
        self
    }

    pub(super) fn float(mut self, field: u32, value: f32) -> Message {
        self.key(field, 5);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u32, value: &[u8]) -> Message {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    pub(super) fn text(self, field: u32, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn message(self, field: u32, value: &Message) -> Message {
        self.bytes(field, &value.bytes)
    }

    fn key(&mut self, field: u32, encoding: u32) {
        self.varint(u64::from(field << 3 | encoding));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes, which nothing here asks for.
    Number,
}

impl<'a> Value<'a> {
    pub(super) fn integer(self) -> Result<u64, Malformed> {
        if let Value::Integer(integer) = self { Ok(integer) } else { Err(Malformed) }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Value::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// The fields of a message in a field.
    pub(super) fn fields(self) -> Result<Fields<'a>, Malformed> {
        self.bytes().map(Fields::of)
    }
}

/// These are no fields, or not those of the message that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The fields of a message, in their order; ends after the first that is malformed.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Value::Integer(varint(&mut self.rest)?),
            1 => self.take(8).map(|_| Value::Number)?,
            2 => {
                let len = varint(&mut self.rest)?;
                Value::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Number)?,
            // 3 and 4 are groups, which nobody has written for a decade; 6 and 7 are nothing.
            _ => return None,
        };
        Some((u32::try_from(key >> 3).ok()?, value))
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Integers without keys, as they are packed in one field; ends after the first that is malformed.
#[derive(Clone, Debug)]
pub(super) struct Integers<'a> {
    rest: &'a [u8],
}

impl<'a> Integers<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Integers<'a> {
        Integers { rest: bytes }
    }
}

impl Iterator for Integers<'_> {
    type Item = Result<u64, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let integer = varint(&mut self.rest).ok_or(Malformed);
        if integer.is_err() {
            self.rest = &[];
        }
        Some(integer)
    }
}

/// Takes an integer from the beginning of bytes.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        Fields::of(message).collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_encoding_guide() {
        // Field 1 of 150 and field 2 of "testing" are the guide's own examples.
        assert_eq!(Message::default().integer(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing").into_bytes();
        assert_eq!(text, b"\x12\x07testing");
        assert_eq!(Message::default().float(16, 1.0).into_bytes(), [0x85, 0x01, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn what_was_written_is_read() {
        let inner = Message::default().integer(3, u64::MAX);
        let message = Message::default().integer(1, 0).float(2, 0.5).message(300, &inner).text(4, "ä");
        let bytes = message.into_bytes();
        let fields = read(&bytes).unwrap();
        assert_eq!(fields[0], (1, Value::Integer(0)));
        assert_eq!(fields[1], (2, Value::Number));
        assert_eq!(fields[2].0, 300);
        assert_eq!(read(fields[2].1.bytes().unwrap()).unwrap(), [(3, Value::Integer(u64::MAX))]);
        assert_eq!((fields[3].0, fields[3].1.text()), (4, Ok("ä")));
    }

    #[test]
    fn every_cut_within_a_field_is_noticed() {
        let bytes = Message::default().text(2, "testing").float(5, 1.5).into_bytes();
        for len in 1..bytes.len() {
            assert_eq!(read(&bytes[..len]).is_ok(), len == 9, "{len}");
        }
    }

    #[test]
    fn lengths_without_end_groups_and_numbers_of_eleven_bytes_are_malformed() {
        let endless = [0xff; 11];
        let long = [&[0x0a][..], &[0xff; 9], &[0x01]].concat();
        for bytes in [&endless[..], &long, &[0x0b], &[0x0c], &[0x0f, 0], &[0x12, 3, 1, 2]] {
            assert_eq!(read(bytes), Err(Malformed), "{bytes:x?}");
        }
    }
}
