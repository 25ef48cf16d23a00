//! Advice for the errors whose remedy is known: what the bytes seem to be, and which file was perhaps meant.

use std::path::{Path, PathBuf};

use crate::gzip::GZIP_MAGIC;
use crate::header::payload_len;
use crate::{ElementType, FoundBytes, MismatchError, OpenError, ParseError};

/// How other things begin that people take for IDX files.
const OTHER_FORMATS: [(&[u8], &str); 5] = [
    (&GZIP_MAGIC, "the bytes are compressed with gzip: decompress them, or let IdxFile open the file"),
    (b"PK", "this is a zip archive: unpack it, and open the files in it"),
    (b"version ", "this is a Git LFS pointer: fetch the file itself with `git lfs pull`"),
    (b"\x93NUMPY", "this is a NumPy array: IDX is another format"),
    (b"MATLAB", "this is a MATLAB file: the data set is published in IDX too"),
];

const WEB_PAGE: &str = "this is a web page, probably the error message of a server: download the file again, from another source";
const LITTLE_ENDIAN: &str = "the header seems to be little-endian: IDX is big-endian, so write the file again with the bytes of each number reversed";
const SWAPPED: &str = "are the files of images and labels swapped?";

/// No real file is longer than this: some eighty times the 8,100,000 images of the longest set in MNIST's shape.
const PLAUSIBLE_BYTES: u64 = 512 << 30;

impl ParseError {
    /// What probably happened and what to do about it, where that is known.
    ///
    /// ```
    /// let still_compressed = [0x1f, 0x8b, 0x08, 0x08, 0x6c, 0x37];
    /// let error = idx_format::Idx::parse(&still_compressed).unwrap_err();
    /// assert_eq!(error.to_string(), "bad magic number at byte 0: expected 00 00, found 1f 8b 08 08 6c 37");
    /// assert!(error.hint().is_some_and(|hint| hint.contains("gzip")));
    /// ```
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("the file is empty: was its download interrupted? download it again"),
            Self::BadMagic { found } => hint_from_start(found),
            Self::PayloadTooLarge { element_type, lengths } => reversed_payload_len(*element_type, lengths)
                .is_some_and(|len| len as u64 <= PLAUSIBLE_BYTES)
                .then_some(LITTLE_ENDIAN),
            Self::PayloadTruncated { element_type, lengths, found, .. } => {
                if reversed_payload_len(*element_type, lengths) == Some(*found) {
                    Some(LITTLE_ENDIAN)
                } else {
                    Some("the file is shorter than it says: was its download interrupted? download it again")
                }
            }
            Self::UnknownElementType { .. }
            | Self::NoDimensions
            | Self::HeaderTruncated { .. }
            | Self::TrailingBytes { .. } => None,
        }
    }
}

impl MismatchError {
    /// What probably happened and what to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotImages { .. } | Self::NotLabels { .. } => Some(SWAPPED),
            Self::ElementType { .. } | Self::Rank { .. } => None,
        }
    }
}

impl OpenError {
    /// What probably happened and what to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { similar: Some(similar), .. } => {
                Some(format!("there is a {}: open that", similar.display()))
            }
            Self::IsFolder { inside: Some(inside), .. } => {
                Some(format!("the file is {}, in that folder: open that", inside.display()))
            }
            // The opener has decompressed what was there, so this is a second layer.
            Self::Parse { source: ParseError::BadMagic { found }, .. }
                if found.as_bytes().starts_with(&GZIP_MAGIC) =>
            {
                Some("the file is compressed with gzip twice: decompress it once".to_owned())
            }
            Self::Parse { source, .. } => source.hint().map(str::to_owned),
            Self::Gzip { .. } => Some("was the download interrupted? download the file again".to_owned()),
            Self::OverLimit { claimed, .. } => Some(format!(
                "if the file is to be trusted, allow {claimed} bytes or more with OpenOptions::max_bytes"
            )),
            Self::NotRegular { .. } => Some("write what it gives to a file first, and open that".to_owned()),
            Self::NotFound { .. } | Self::IsFolder { .. } | Self::Io { .. } => None,
        }
    }
}

fn hint_from_start(found: &FoundBytes) -> Option<&'static str> {
    let bytes = found.as_bytes();
    let format = OTHER_FORMATS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, hint)| *hint);
    if format.is_some() {
        return format;
    }
    // A mark of UTF-8 and blanks may come before the tag.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"<") {
        return Some(WEB_PAGE);
    }
    match bytes {
        &[rank, code, 0, 0, ..] if rank > 0 && ElementType::from_code(code).is_some() => Some(LITTLE_ENDIAN),
        _ => None,
    }
}

/// What the payload would be, had the lengths been written in little-endian order under a header that was not.
fn reversed_payload_len(element_type: ElementType, lengths: &[usize]) -> Option<usize> {
    let reversed = |&length| u32::try_from(length).map_or(usize::MAX, |length| length.swap_bytes() as usize);
    payload_len(element_type, lengths.iter().map(reversed))
}

/// A file beside a missing one that differs only as the common names do: `train-images.idx3-ubyte` for
/// `train-images-idx3-ubyte`, with or without `.gz`.
pub(crate) fn similar_file(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let other =
        if plain.contains("-idx") { plain.replace("-idx", ".idx") } else { plain.replace(".idx", "-idx") };
    [plain.to_owned(), format!("{plain}.gz"), format!("{other}.gz"), other]
        .into_iter()
        .map(|candidate| path.with_file_name(candidate))
        .find(|candidate| candidate.is_file())
}

/// The file in a folder that bears the folder's name, or one like it: some archives unpack every file so.
pub(crate) fn file_inside(folder: &Path) -> Option<PathBuf> {
    let same_name = folder.join(folder.file_name()?);
    if same_name.is_file() { Some(same_name) } else { similar_file(&same_name) }
}
