//! The formats that models are exchanged in: owns their names and how each is known, by a file's name or by its first
//! bytes, and refuses to know what is inside.

use std::{fmt, path::Path, str::FromStr};

/// A format that other programs read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Tensors with names, without code: what PyTorch, JAX and most others load.
    Safetensors,
    /// A graph of operators with its numbers: what ONNX Runtime and its like run.
    Onnx,
    /// NumPy's arrays in a zip file.
    Npz,
}

impl Format {
    /// Every format, in the order in which they are listed to people.
    pub const ALL: [Format; 3] = [Format::Safetensors, Format::Onnx, Format::Npz];

    /// The name that [`FromStr`] reads, and the usual extension of a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::Onnx => "onnx",
            Format::Npz => "npz",
        }
    }

    /// The format that a file's name ends with, in small letters or capitals.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?;
        Format::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.name()))
    }

    /// The format that bytes begin like. **Whether they are a sound file is not known by that.**
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Format> {
        match bytes {
            // A file in a zip archive, or the end of an empty one.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Npz),
            // A length below 2^32, and then JSON.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Some(Format::Safetensors),
            // The version of the representation, below 128, comes first; then names, or the graph itself.
            [0x08, 1..0x80, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] => Some(Format::Onnx),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No format has such a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected safetensors, onnx or npz, found {found:?}")]
pub struct UnknownFormat {
    found: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat { found: name.to_owned() })
    }
}

/// What else a file may be that people try to bring here, and what to do about it.
pub(super) fn known_stranger(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'H', b'D', b'F', ..] => Some("an HDF5 file"),
        [0x80, 2..=5, ..] => Some("a Python pickle"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some("a single NumPy array"),
        [0x89, b'N', b'N', b'M', ..] => Some("a model of this project"),
        [0x89, b'N', b'N', b'C', ..] => Some("a checkpoint of this project"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_name_and_by_the_name_of_a_file() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
            let path = format!("folder.zip/digits.{}", format.name().to_uppercase());
            assert_eq!(Format::of_path(path.as_ref()), Some(format));
        }
        for path in ["onnx", "digits.model", "digits.npz.gz", ""] {
            assert_eq!(Format::of_path(path.as_ref()), None, "{path}");
        }
        assert_eq!(
            "pt".parse::<Format>().unwrap_err().to_string(),
            "expected safetensors, onnx or npz, found \"pt\""
        );
    }

    #[test]
    fn idx_files_and_short_ones_begin_like_no_format() {
        for bytes in [&b""[..], b"PK", b"\x00\x00\x08\x03\x00\x00\xea\x60", b"\x08\x08", b"{}"] {
            assert_eq!(Format::of_bytes(bytes), None, "{bytes:x?}");
        }
    }
}
