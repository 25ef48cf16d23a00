//! The box around a model or a checkpoint: owns magic numbers, versions, length and checksum, and refuses to know
//! what is inside.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | the magic number: `89 4E 4E 4D 0D 0A 1A 0A` of a model, `89 4E 4E 43 0D 0A 1A 0A` of a checkpoint |
//! | 8 | 4 | the format version, `u32`: 1, or a later one where there is something in it that version 1 has no place for |
//! | 12 | 8 | `n`, the length of the payload, `u64` |
//! | 20 | n | the payload |
//! | 20 + n | 32 | SHA-256 of all the bytes before it |
//!
//! Integers are little-endian. The file ends with the checksum. As in PNG, a magic number has a byte that is not
//! ASCII and both kinds of line end, so that a transfer as text is noticed at once.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// What a container holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// In messages.
    name: &'static str,
    magic: [u8; 8],
    latest_version: u32,
}

/// The format version of what has a place in it.
pub(crate) const FIRST_VERSION: u32 = 1;
/// The version with additions.
pub(crate) const WITH_ADDITION: u32 = 2;
/// Of checkpoints, the version with an order of blocks behind the additions.
pub(crate) const WITH_ORDER: u32 = 3;

pub(crate) const MODEL: Kind =
    Kind { name: "model", magic: *b"\x89NNM\r\n\x1a\n", latest_version: WITH_ADDITION };
pub(crate) const CHECKPOINT: Kind =
    Kind { name: "checkpoint", magic: *b"\x89NNC\r\n\x1a\n", latest_version: WITH_ORDER };

/// How much of a magic number tells the kind; the line ends after it tell whether the file is as it was.
const KIND_LEN: usize = 4;

/// Where the version stands.
const VERSION_AT: usize = 8;

/// Where the payload begins.
pub(crate) const HEADER_LEN: usize = 20;

pub(crate) const CHECKSUM_LEN: usize = 32;

/// Why bytes are no sound container of a model or a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The magic number is another one.
    #[error("not a {kind} file: expected the first bytes {expected:02x?}, found {found:02x?}")]
    Magic {
        /// `"model"` or `"checkpoint"`.
        kind: &'static str,
        /// The magic number of that kind.
        expected: [u8; 8],
        /// The first 8 bytes, or all there are.
        found: Vec<u8>,
    },
    /// The magic number is right where it tells the kind, and not where a transfer as text shows, or other damage does.
    #[error(
        "the file begins as a {kind} file does, but is damaged: expected the first bytes {expected:02x?}, found \
         {found:02x?}"
    )]
    Altered {
        /// `"model"` or `"checkpoint"`.
        kind: &'static str,
        /// The magic number of that kind.
        expected: [u8; 8],
        /// The first 8 bytes, or all there are.
        found: Vec<u8>,
    },
    /// A format that this release does not know: of a later one, or damage where the version stands.
    #[error("{kind} format version {found} at byte 8, expected {FIRST_VERSION} to {supported}")]
    Version {
        /// `"model"` or `"checkpoint"`.
        kind: &'static str,
        /// The version in the file.
        found: u32,
        /// The latest version that this release reads.
        supported: u32,
    },
    /// The file is larger than the reader is willing to load.
    #[error("the header declares a file of {found} bytes, more than the limit of {limit}")]
    Limit {
        /// The length that the header declares for the whole file.
        found: u64,
        /// [`Limits::max_bytes`](crate::Limits::max_bytes) for a file of this kind.
        limit: u64,
    },
    /// The end is missing.
    #[error("the file is cut off: expected {expected} bytes, found {found}")]
    CutOff {
        /// The length that the header declares for the whole file, or the least that such a file can have.
        expected: u64,
        /// The length of what there is.
        found: u64,
    },
    /// There is more after the end.
    #[error("the file goes on after its declared end at byte {expected}")]
    TrailingBytes {
        /// The length that the header declares for the whole file.
        expected: u64,
    },
    /// The content was damaged.
    #[error("the file is damaged: its SHA-256 is not the one stored at byte {offset}")]
    Checksum {
        /// Where the stored checksum begins.
        offset: u64,
    },
}

/// Puts what `fill` appends in its box.
pub(crate) fn seal(kind: Kind, version: u32, fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(kind.magic);
    bytes.extend(version.to_le_bytes());
    bytes.extend([0; size_of::<u64>()]);
    fill(&mut bytes);
    let payload_len = (bytes.len() - HEADER_LEN) as u64;
    bytes[HEADER_LEN - size_of::<u64>()..HEADER_LEN].copy_from_slice(&payload_len.to_le_bytes());
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}

/// Checks everything, and gives version and payload back.
pub(crate) fn open(kind: Kind, bytes: &[u8]) -> Result<(u32, &[u8]), ContainerError> {
    let expected = declared_len(kind, bytes)?;
    let found = bytes.len() as u64;
    if found < expected {
        return Err(ContainerError::CutOff { expected, found });
    }
    if found > expected {
        return Err(ContainerError::TrailingBytes { expected });
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
    if Sha256::digest(content)[..] != *checksum {
        return Err(ContainerError::Checksum { offset: content.len() as u64 });
    }
    let (version, _) = content[VERSION_AT..].split_first_chunk().expect("the header is there");
    Ok((u32::from_le_bytes(*version), &content[HEADER_LEN..]))
}

/// Reads a container that [`open`] can check, and stops early where the header already says no.
///
/// The outer error is the reader's, the inner one is about what was read. Memory grows with the bytes that are
/// there, never with the length that the header declares.
pub(crate) fn read(
    kind: Kind,
    reader: &mut dyn Read,
    max_bytes: u64,
) -> io::Result<Result<Vec<u8>, ContainerError>> {
    let mut bytes = Vec::new();
    reader.take(HEADER_LEN as u64).read_to_end(&mut bytes)?;
    let expected = match declared_len(kind, &bytes) {
        Ok(expected) if expected > max_bytes => {
            return Ok(Err(ContainerError::Limit { found: expected, limit: max_bytes }));
        }
        Ok(expected) => expected,
        Err(error) => return Ok(Err(error)),
    };
    // One byte more than declared shows whether the file goes on.
    reader.take(expected - HEADER_LEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// The length of the whole file, as its header declares it.
fn declared_len(kind: Kind, bytes: &[u8]) -> Result<u64, ContainerError> {
    let Kind { name: kind, magic: expected, latest_version } = kind;
    let found = &bytes[..bytes.len().min(expected.len())];
    if !expected.starts_with(found) {
        let (is_such, found) = (found.starts_with(&expected[..KIND_LEN]), found.to_vec());
        return Err(match is_such {
            true => ContainerError::Altered { kind, expected, found },
            false => ContainerError::Magic { kind, expected, found },
        });
    }
    let around = HEADER_LEN + CHECKSUM_LEN;
    let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Err(ContainerError::CutOff { expected: around as u64, found: bytes.len() as u64 });
    };
    let [.., v0, v1, v2, v3, n0, n1, n2, n3, n4, n5, n6, n7] = *header;
    let version = u32::from_le_bytes([v0, v1, v2, v3]);
    if !(FIRST_VERSION..=latest_version).contains(&version) {
        return Err(ContainerError::Version { kind, found: version, supported: latest_version });
    }
    // A sum beyond 2^64 stays there: no limit admits it, and no file is that long.
    Ok(u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]).saturating_add(around as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &[u8] = b"thirty bytes, give or take one";

    fn seal(payload: &[u8]) -> Vec<u8> {
        super::seal(MODEL, FIRST_VERSION, |bytes| bytes.extend(payload))
    }

    fn open(bytes: &[u8]) -> Result<&[u8], ContainerError> {
        super::open(MODEL, bytes).map(|(_, payload)| payload)
    }

    fn read(reader: &mut dyn Read, max_bytes: u64) -> io::Result<Result<Vec<u8>, ContainerError>> {
        super::read(MODEL, reader, max_bytes)
    }

    #[test]
    fn a_box_has_the_documented_bytes() {
        // import hashlib, struct
        // box = b"\x89NNM\r\n\x1a\n" + struct.pack("<IQ", 1, 3) + b"abc"
        // print((box + hashlib.sha256(box).digest()).hex())
        let expected = "894e4e4d0d0a1a0a01000000030000000000000061626311eaa9390249506fe1250253c72b4fa5b56daeb1eb9e9948d589915f9f92bcc2";
        let hex: String = seal(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn what_was_sealed_is_opened() {
        for payload in [&b""[..], b"a", PAYLOAD] {
            let sealed = seal(payload);
            assert_eq!(open(&sealed), Ok(payload));
            assert_eq!(read(&mut &sealed[..], sealed.len() as u64).unwrap(), Ok(sealed.clone()));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let sealed = seal(PAYLOAD);
        for found in 0..sealed.len() {
            let expected = if found < HEADER_LEN { 52 } else { sealed.len() as u64 };
            let error = ContainerError::CutOff { expected, found: found as u64 };
            assert_eq!(open(&sealed[..found]), Err(error));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sealed = seal(PAYLOAD);
        for bit in 0..8 * sealed.len() {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = open(&damaged).unwrap_err();
            let fits = match bit / 8 {
                0..4 => matches!(error, ContainerError::Magic { .. }),
                4..8 => matches!(error, ContainerError::Altered { .. }),
                8..12 => matches!(error, ContainerError::Version { .. }),
                12..20 => {
                    matches!(error, ContainerError::CutOff { .. } | ContainerError::TrailingBytes { .. })
                }
                _ => matches!(error, ContainerError::Checksum { .. }),
            };
            assert!(fits, "bit {bit}: {error:?}");
        }
    }

    #[test]
    fn bytes_after_the_end_are_refused() {
        let mut sealed = seal(PAYLOAD);
        let expected = sealed.len() as u64;
        sealed.push(0);
        assert_eq!(open(&sealed), Err(ContainerError::TrailingBytes { expected }));
        let bytes = read(&mut &sealed[..], expected).unwrap().unwrap();
        assert_eq!(open(&bytes), Err(ContainerError::TrailingBytes { expected }));
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones_named() {
        for version in [7, 0] {
            let mut sealed = seal(PAYLOAD);
            sealed[8] = version;
            assert_eq!(
                open(&sealed).unwrap_err().to_string(),
                format!("model format version {version} at byte 8, expected 1 to 2")
            );
        }
    }

    #[test]
    fn a_model_that_was_transferred_as_text_is_known_as_one() {
        let text = String::from_utf8_lossy(&seal(PAYLOAD)[1..]).replace("\r\n", "\n");
        let altered: Vec<u8> = MODEL.magic[..1].iter().copied().chain(text.into_bytes()).collect();
        assert_eq!(
            open(&altered).unwrap_err().to_string(),
            "the file begins as a model file does, but is damaged: expected the first bytes \
             [89, 4e, 4e, 4d, 0d, 0a, 1a, 0a], found [89, 4e, 4e, 4d, 0a, 1a, 0a, 01]"
        );
        assert!(matches!(super::open(CHECKPOINT, &altered), Err(ContainerError::Magic { .. })));
    }

    #[test]
    fn versions_are_told_apart() {
        for version in [FIRST_VERSION, WITH_ADDITION, WITH_ORDER] {
            let sealed = super::seal(CHECKPOINT, version, |bytes| bytes.extend(PAYLOAD));
            assert_eq!(super::open(CHECKPOINT, &sealed), Ok((version, PAYLOAD)));
        }
    }

    #[test]
    fn another_file_is_refused_by_its_first_bytes() {
        let error = open(b"\x00\x00\x08\x03\x00\x00\xea\x60\x00\x00").unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a model file: expected the first bytes [89, 4e, 4e, 4d, 0d, 0a, 1a, 0a], \
             found [00, 00, 08, 03, 00, 00, ea, 60]"
        );
        let error = ContainerError::Magic { kind: "model", expected: MODEL.magic, found: b"PK".to_vec() };
        assert_eq!(open(b"PK").unwrap_err(), error);
    }

    #[test]
    fn a_model_is_no_checkpoint_and_the_other_way_round() {
        let error = super::open(CHECKPOINT, &seal(PAYLOAD)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a checkpoint file: expected the first bytes [89, 4e, 4e, 43, 0d, 0a, 1a, 0a], \
             found [89, 4e, 4e, 4d, 0d, 0a, 1a, 0a]"
        );
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_anything_is_read() {
        struct Header<'a>(&'a [u8]);
        impl Read for Header<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                assert!(!self.0.is_empty(), "read on after the header");
                self.0.read(buffer)
            }
        }
        for declared in [949_u64, u64::MAX - 51, u64::MAX] {
            let mut sealed = seal(PAYLOAD);
            sealed[12..20].copy_from_slice(&declared.to_le_bytes());
            let found = declared.saturating_add(52);
            let error = read(&mut Header(&sealed[..HEADER_LEN]), 1000).unwrap().unwrap_err();
            assert_eq!(error, ContainerError::Limit { found, limit: 1000 });
        }
    }
}
