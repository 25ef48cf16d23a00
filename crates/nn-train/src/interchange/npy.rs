//! One NumPy array, the content of a `.npy` file: owns its header and the order of its numbers, and refuses to know what
//! it is for.
//!
//! Six bytes of magic number, two of version, the length of the header (two bytes in version 1, four in 2 and 3), the
//! header, and the numbers. The header is a Python dictionary of `descr`, `fortran_order` and `shape`; see
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! The header is read here because the libraries that do it parse any Python literal, by recursion that a hostile
//! header steers; these three keys need none.

use std::borrow::Cow;

use super::tensor::{Element, Tensor};

const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header, which NumPy itself limits to 10,000 characters.
const MAX_HEADER_LEN: usize = 10_000;

/// The bytes of a file of little-endian `f32`, row by row.
pub(super) fn of_floats(shape: &[usize], numbers: impl Iterator<Item = f32>) -> Vec<u8> {
    let mut bytes = header("<f4", shape);
    bytes.extend(numbers.flat_map(f32::to_le_bytes));
    bytes
}

/// The bytes of a file of bytes.
pub(super) fn of_bytes(shape: &[usize], numbers: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut bytes = header("|u1", shape);
    bytes.extend(numbers);
    bytes
}

/// The bytes of a file of one text, which NumPy reads without its pickles.
pub(super) fn of_text(text: &str) -> Vec<u8> {
    // NumPy has no text of no characters.
    let len = text.chars().count().max(1);
    let mut bytes = header(&format!("<U{len}"), &[]);
    bytes.extend(text.chars().flat_map(|character| u32::from(character).to_le_bytes()));
    bytes.resize(bytes.len() + 4 * (len - text.chars().count()), 0);
    bytes
}

fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let shape = match shape {
        // A comma makes a tuple of it.
        [length] => format!("({length},)"),
        lengths => format!("({})", lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // The numbers begin at a multiple of 64, after ten bytes, the header and a line feed.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10 - 1;
    header.extend(std::iter::repeat_n(' ', padded - header.len()));
    header.push('\n');
    let len = u16::try_from(header.len()).expect("a shape of a few lengths takes some hundred characters");
    [MAGIC, &[1, 0], &len.to_le_bytes(), header.as_bytes()].concat()
}

/// The array of a file's bytes, or what is wrong with them.
pub(super) fn parse<'a>(name: &str, bytes: Cow<'a, [u8]>) -> Result<Tensor<'a>, String> {
    let (header, start) = split_header(&bytes)?;
    let header = Header::parse(header)?;
    let (element, big_endian, len) = header.element();
    let expected = Tensor::count(&header.shape)
        .and_then(|count| count.checked_mul(len))
        .ok_or_else(|| format!("expected numbers that fit in memory, found the shape {:?}", header.shape))?;
    let found = bytes.len() - start;
    if found != expected {
        return Err(format!("expected {expected} bytes of {} after the header, found {found}", header.descr));
    }
    let numbers = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[start..]),
        Cow::Owned(mut bytes) => {
            bytes.drain(..start);
            Cow::Owned(bytes)
        }
    };
    let column_major = header.fortran_order;
    Ok(Tensor {
        name: name.to_owned(),
        element,
        big_endian,
        shape: header.shape,
        column_major,
        bytes: numbers,
    })
}

/// The text of a file that [`of_text`] made, if it holds one.
pub(super) fn text(tensor: &Tensor<'_>) -> Option<String> {
    let is_text = matches!(&tensor.element, Element::Other(descr) if descr.contains('U'));
    let (characters, rest) = tensor.bytes.as_chunks::<4>();
    if !is_text || !tensor.shape.is_empty() || !rest.is_empty() {
        return None;
    }
    let code = |&bytes: &[u8; 4]| {
        if tensor.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let text: Option<String> = characters.iter().map(|bytes| char::from_u32(code(bytes))).collect();
    text.map(|text| text.trim_end_matches('\0').to_owned())
}

/// The header's text, and where the numbers begin.
fn split_header(bytes: &[u8]) -> Result<(&str, usize), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("expected a NumPy array, found another file")?;
    let (len, start) = match *rest {
        [1, 0, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 10),
        [2 | 3, 0, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        [major, minor, _, _, ..] => {
            return Err(format!("expected version 1.0, 2.0 or 3.0 of the format, found {major}.{minor}"));
        }
        _ => return Err("the file is cut off in its header".to_owned()),
    };
    if len > MAX_HEADER_LEN {
        return Err(format!("expected a header of at most {MAX_HEADER_LEN} bytes, found {len}"));
    }
    let header = bytes.get(start..start + len).ok_or("the file is cut off in its header")?;
    let header = str::from_utf8(header).map_err(|_| "expected a header in UTF-8")?;
    Ok((header, start + len))
}

#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Header, String> {
        let malformed = || {
            let shown: String = text.trim_end().chars().take(120).collect();
            format!("expected a header of descr, fortran_order and shape, found {shown:?}")
        };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = Rest(text).after("{").ok_or_else(malformed)?;
        while let Some((key, after)) = rest.quoted() {
            let value = after.after(":").ok_or_else(malformed)?;
            rest = match key {
                "descr" => {
                    let Some((found, after)) = value.quoted() else {
                        return Err("expected numbers of one kind, found records of several".to_owned());
                    };
                    descr = Some(found.to_owned());
                    after
                }
                "fortran_order" => {
                    let (found, after) = value.truth().ok_or_else(malformed)?;
                    fortran_order = Some(found);
                    after
                }
                "shape" => {
                    let (found, after) = value.tuple().ok_or_else(malformed)?;
                    shape = Some(found);
                    after
                }
                _ => return Err(malformed()),
            };
            match rest.after(",") {
                Some(after) => rest = after,
                None => break,
            }
        }
        let closed = rest.after("}").is_some_and(|rest| rest.0.trim().is_empty());
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) if closed => {
                Ok(Header { descr, fortran_order, shape })
            }
            _ => Err(malformed()),
        }
    }

    /// The kind of number, whether its highest byte comes first, and how many bytes it has.
    fn element(&self) -> (Element, bool, usize) {
        let (order, kind) = match self.descr.as_bytes().first() {
            Some(b'<' | b'>' | b'|' | b'=') => self.descr.split_at(1),
            _ => ("<", &*self.descr),
        };
        // Whatever characters a hostile header has.
        let digits = kind.trim_start_matches(|character: char| !character.is_ascii_digit());
        let number: usize = digits.parse().unwrap_or(0);
        let element = match kind {
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            "O" => Element::Other("Python objects".to_owned()),
            _ => Element::Other(self.descr.clone()),
        };
        // Texts count characters of four bytes. Objects are pickled: nobody knows their length.
        let len = if kind.starts_with('U') { number.saturating_mul(4) } else { number };
        (element, order == ">", len)
    }
}

/// What is left of a header, to be taken apart from its beginning.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn after(self, sign: &str) -> Option<Rest<'a>> {
        self.0.trim_start().strip_prefix(sign).map(Rest)
    }

    fn quoted(self) -> Option<(&'a str, Rest<'a>)> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (quoted, rest) = text[1..].split_once(quote)?;
        (!quoted.contains('\\')).then_some((quoted, Rest(rest)))
    }

    fn truth(self) -> Option<(bool, Rest<'a>)> {
        let truth = self.after("True").map(|rest| (true, rest));
        truth.or_else(|| self.after("False").map(|rest| (false, rest)))
    }

    fn tuple(self) -> Option<(Vec<usize>, Rest<'a>)> {
        let (inside, rest) = self.after("(")?.0.split_once(')')?;
        let mut lengths = Vec::new();
        let inside = inside.trim();
        let inside = inside.strip_suffix(',').unwrap_or(inside);
        if !inside.is_empty() {
            for length in inside.split(',') {
                // Python 2 wrote 3L.
                lengths.push(length.trim().trim_end_matches('L').parse().ok()?);
            }
        }
        Some((lengths, Rest(rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(text: &str) -> Result<Header, String> {
        Header::parse(text)
    }

    #[test]
    fn a_file_has_the_bytes_that_numpy_writes() {
        // import io, numpy; f = io.BytesIO()
        // numpy.save(f, numpy.array([[1, -2, .5], [0, 3, 1e-3]], "<f4")); print(f.getvalue())
        let mut expected = b"\x93NUMPY\x01\x00v\x00".to_vec();
        expected.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
        expected.extend([b' '; 58]);
        expected.push(b'\n');
        let numbers = [1.0_f32, -2.0, 0.5, 0.0, 3.0, 1e-3];
        expected.extend(numbers.map(f32::to_le_bytes).concat());
        assert_eq!(of_floats(&[2, 3], numbers.into_iter()), expected);
    }

    #[test]
    fn headers_of_other_writers_are_read() {
        let header = |descr: &str, fortran_order, shape: &[usize]| {
            Ok(Header { descr: descr.to_owned(), fortran_order, shape: shape.to_vec() })
        };
        for (text, expected) in [
            ("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 5), }   \n", header("<f8", true, &[3, 5])),
            ("{\"shape\":(3,),\"descr\":\"|u1\",\"fortran_order\":False}", header("|u1", false, &[3])),
            ("{ 'descr' : '>f4' , 'fortran_order' : False , 'shape' : ( ) }", header(">f4", false, &[])),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 5L), }", header("<f4", false, &[3, 5])),
        ] {
            assert_eq!(header_of(text), expected);
        }
    }

    #[test]
    fn other_headers_are_refused_with_what_was_found() {
        for text in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ((3,),)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f4', 'other': False, 'shape': (3,)}",
            "((((((((((((((((((((((((",
        ] {
            let message = header_of(text).unwrap_err();
            assert!(
                message.starts_with("expected a header of descr, fortran_order and shape, found "),
                "{message}"
            );
        }
        let records = "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}";
        assert_eq!(header_of(records).unwrap_err(), "expected numbers of one kind, found records of several");
    }

    #[test]
    fn a_file_ends_where_its_shape_says() {
        let file = of_floats(&[3, 2], [0.25_f32; 6].into_iter());
        let tensor = parse("W1", Cow::Borrowed(&file)).unwrap();
        assert_eq!((tensor.shape.as_slice(), tensor.values().unwrap()), (&[3, 2][..], vec![0.25; 6]));
        for len in 0..file.len() {
            assert!(parse("W1", Cow::Borrowed(&file[..len])).is_err(), "{len}");
        }
        let longer = [&file[..], &[0]].concat();
        let message = parse("W1", Cow::Owned(longer)).unwrap_err();
        assert_eq!(message, "expected 24 bytes of <f4 after the header, found 25");
    }

    #[test]
    fn a_shape_that_no_memory_holds_is_refused() {
        let mut file = MAGIC.to_vec();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 3)}}", u64::MAX);
        file.extend([1, 0, header.len() as u8, 0]);
        file.extend(header.as_bytes());
        assert!(parse("W1", Cow::Owned(file)).unwrap_err().contains("expected numbers that fit in memory"));
    }

    #[test]
    fn kinds_of_any_characters_are_others() {
        for kind in ["é4", "", "<", "<é", "大", ">\u{1f600}8"] {
            let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (3, 2)}}");
            let (element, ..) = header_of(&text).unwrap().element();
            assert_eq!(element, Element::Other(kind.to_owned()));
        }
    }

    #[test]
    fn texts_come_back_as_they_were() {
        for expected in ["", "a", "größer, 大"] {
            let file = of_text(expected);
            assert_eq!(text(&parse("description", Cow::Owned(file)).unwrap()).as_deref(), Some(expected));
        }
        let numbers = of_floats(&[1], [1.0].into_iter());
        assert_eq!(text(&parse("b1", Cow::Owned(numbers)).unwrap()), None);
    }
}
