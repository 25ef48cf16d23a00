//! Images as JSON: owns in which forms their numbers may come, and refuses to know what becomes of them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

/// The numbers of an image: a list, or a list of rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// Row by row.
    pub(super) values: Vec<f64>,
    /// How many numbers each row has, where there are rows.
    pub(super) rows: Vec<usize>,
}

/// What a body of JSON may be: numbers alone, or with what they mean.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) numbers: Numbers,
    /// The number that stands for all ink, or white.
    pub(super) white: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    pixels: Numbers,
    white: Option<f64>,
}

/// Whether bytes begin as JSON of an image does; no picture file does.
pub(super) fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start(), [b'[' | b'{', ..])
}

/// Reads the image in a body.
///
/// # Errors
/// What the reader says, with the line and column.
pub(super) fn read(body: &[u8]) -> serde_json::Result<Image> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Ok(Image { numbers: serde_json::from_slice(body)?, white: None });
    }
    let Fields { pixels, white } = serde_json::from_slice(body)?;
    Ok(Image { numbers: pixels, white })
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Numbers, D::Error> {
        let mut numbers = Numbers::default();
        deserializer.deserialize_seq(List { numbers: &mut numbers, is_row: false })?;
        Ok(numbers)
    }
}

/// A list whose numbers are added to those that are there.
struct List<'a> {
    numbers: &'a mut Numbers,
    /// Whether it is one of several.
    is_row: bool,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, or of rows of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let before = self.numbers.values.len();
        while list.next_element_seed(Item { numbers: self.numbers, is_in_row: self.is_row })?.is_some() {}
        let values = self.numbers.values.len() - before;
        if self.is_row {
            self.numbers.rows.push(values);
        } else if !self.numbers.rows.is_empty() && self.numbers.rows.iter().sum::<usize>() != values {
            return Err(A::Error::custom("expected numbers or rows of numbers, found both"));
        }
        Ok(())
    }
}

/// A number, or a row where there may be one.
struct Item<'a> {
    numbers: &'a mut Numbers,
    is_in_row: bool,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_in_row { "a number" } else { "a number or a row of numbers" })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.numbers.values.push(number);
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, row: A) -> Result<(), A::Error> {
        if self.is_in_row {
            return Err(A::Error::custom(
                "expected a number, found a list: an image is a list of rows at most",
            ));
        }
        List { numbers: self.numbers, is_row: true }.visit_seq(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(json: &str) -> Result<(Vec<f64>, Vec<usize>), String> {
        let image = read(json.as_bytes()).map_err(|error| error.to_string())?;
        Ok((image.numbers.values, image.numbers.rows))
    }

    #[test]
    fn a_list_and_a_list_of_rows_are_read_alone_and_as_a_field() {
        assert_eq!(numbers(" [0, 1.5, -2]"), Ok((vec![0.0, 1.5, -2.0], vec![])));
        assert_eq!(numbers("[[1,2,3],[4,5,6]]"), Ok((vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![3, 3])));
        assert_eq!(numbers("[[1],[],[2,3]]"), Ok((vec![1.0, 2.0, 3.0], vec![1, 0, 2])));
        assert_eq!(numbers("[]"), Ok((vec![], vec![])));
        assert_eq!(numbers(r#"{"pixels": [7]}"#), Ok((vec![7.0], vec![])));
        let image = read(br#"{"white": 1, "pixels": [[0.5]]}"#).unwrap();
        assert_eq!((image.white, image.numbers.rows), (Some(1.0), vec![1]));
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        for (json, message) in [
            ("[1, 2", "EOF while parsing a list at line 1 column 5"),
            ("[1, [2]]", "expected numbers or rows of numbers, found both"),
            ("[[1], 2]", "expected numbers or rows of numbers, found both"),
            ("[[[1]]]", "an image is a list of rows at most"),
            (r#"[1, "2"]"#, "expected a number or a row of numbers"),
            ("[[null]]", "expected a number"),
            ("[1] [2]", "trailing characters"),
            ("[1e999]", "number out of range"),
            ("{}", "missing field `pixels`"),
            (r#"{"pixels": [1], "pixel": 2}"#, "unknown field `pixel`"),
            (r#"{"pixels": 5}"#, "a list of numbers"),
            (r#"{"pixels": [1], "white": "1"}"#, "invalid type: string"),
        ] {
            let error = numbers(json).unwrap_err();
            assert!(error.contains(message), "{json}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(numbers(&deep).is_err());
    }
}
