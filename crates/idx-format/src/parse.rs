//! The parser, a pure function from bytes to a checked view: it allocates nothing but error messages, never panics,
//! and refuses to know of files, paths and compression.

use zerocopy::FromBytes;
use zerocopy::big_endian::U32;

use crate::error::FoundBytes;
use crate::header::{MAGIC_LEN, header_len};
use crate::{ElementType, Header, Idx, ParseError, Shape};

/// What to do with bytes after the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trailing {
    /// They are an error: header and payload must fill the input exactly.
    #[default]
    Reject,
    /// They are left out of the view. Allow this only for files known to carry padding: a header damaged so that it
    /// claims fewer items than there are goes unnoticed.
    Ignore,
}

impl<'a> Header<'a> {
    /// Reads the header at the start of `bytes` and looks at nothing behind it.
    ///
    /// The first 1024 bytes of a file always suffice.
    ///
    /// # Errors
    /// Every [`ParseError`] that concerns the header; never [`ParseError::PayloadTruncated`] or
    /// [`ParseError::TrailingBytes`].
    ///
    /// # Examples
    /// ```
    /// let start_of_file = [0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28];
    /// let header = idx_format::Header::parse(&start_of_file)?;
    /// assert_eq!(header.shape(), [60_000, 28, 28]);
    /// assert_eq!((header.header_len(), header.payload_len()), (16, 47_040_000));
    /// # Ok::<(), idx_format::ParseError>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        // Before the length: what begins like another format should be named as that, however short it is.
        if bytes.iter().take(2).any(|&byte| byte != 0) {
            return Err(ParseError::BadMagic { found: FoundBytes::start_of(bytes) });
        }
        let Some((&[_, _, code, rank], rest)) = bytes.split_first_chunk::<MAGIC_LEN>() else {
            return Err(ParseError::HeaderTruncated { expected: MAGIC_LEN, found: bytes.len() });
        };
        let element_type =
            ElementType::from_code(code).ok_or(ParseError::UnknownElementType { found: code })?;
        if rank == 0 {
            return Err(ParseError::NoDimensions);
        }
        let rank = usize::from(rank);
        let (lengths, _) = <[U32]>::ref_from_prefix_with_elems(rest, rank)
            .map_err(|_| ParseError::HeaderTruncated { expected: header_len(rank), found: bytes.len() })?;
        let shape = Shape::new(lengths);
        Header::new(element_type, shape)
            .ok_or_else(|| ParseError::PayloadTooLarge { element_type, lengths: shape.to_vec() })
    }
}

impl<'a> Idx<'a> {
    /// Checks a whole file and views it; header and payload must fill `bytes` exactly.
    ///
    /// The time it takes does not depend on the length of `bytes`, and it allocates nothing.
    ///
    /// # Errors
    /// [`ParseError`], which carries the byte offset, what was expected there and what was found.
    ///
    /// # Examples
    /// ```
    /// let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22];
    /// let idx = idx_format::Idx::parse(&bytes)?;
    /// assert_eq!(idx.payload(), [10, 11, 12, 20, 21, 22]);
    ///
    /// let error = idx_format::Idx::parse(&bytes[..17]).unwrap_err();
    /// assert_eq!(error.to_string(), "payload truncated at byte 17: expected 6 bytes of u8 2 x 3 from byte 12, found 5");
    /// # Ok::<(), idx_format::ParseError>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(bytes, Trailing::Reject)
    }

    /// Checks a whole file and views it, with a choice of what to do with bytes after the payload.
    ///
    /// # Errors
    /// As [`Idx::parse`]; with [`Trailing::Ignore`] never [`ParseError::TrailingBytes`].
    pub fn parse_with(bytes: &'a [u8], trailing: Trailing) -> Result<Self, ParseError> {
        let header = Header::parse(bytes)?;
        let (element_type, shape) = (header.element_type(), header.shape());
        // The header was parsed from these bytes, so they are at least as long as it is.
        let rest = bytes.get(header.header_len()..).unwrap_or_default();
        let Some((payload, behind)) = rest.split_at_checked(header.payload_len()) else {
            return Err(ParseError::PayloadTruncated {
                offset: header.header_len(),
                element_type,
                lengths: shape.to_vec(),
                expected: header.payload_len(),
                found: rest.len(),
            });
        };
        if trailing == Trailing::Reject && !behind.is_empty() {
            return Err(ParseError::TrailingBytes {
                offset: header.file_len(),
                element_type,
                lengths: shape.to_vec(),
            });
        }
        Ok(Idx::new(element_type, shape, payload))
    }
}
