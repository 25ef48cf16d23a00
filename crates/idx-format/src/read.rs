//! Takes one IDX file out of a stream, plain or gzip: never more bytes than its header claims and the limit allows, and
//! memory only for bytes that have arrived; it knows no paths.

use std::io::{self, BufReader, Read};

use crate::gzip::{GZIP_MAGIC, GzipReader, Uninterrupted};
use crate::header::header_len;
use crate::map::prefer_large_pages;
use crate::{GzipError, Header, Idx, OpenOptions, ReadError, Trailing};

/// Bytes of the shortest header, that of one dimension.
const SHORTEST_HEADER: u64 = header_len(1) as u64;

/// Reads one file from anything that can be read, plain or gzip (told by its first two bytes), and checks it.
///
/// What comes back is the file once decompressed: header and payload, and nothing else, so that
/// [`Idx::parse`] of it succeeds. Of a plain stream no more is taken than is needed to see that it ends there. Of
/// `options`, how to map and what to refuse do not matter here.
///
/// # Errors
/// [`ReadError`]; its memory is bounded as [`OpenOptions::max_bytes`] says, whatever the stream claims.
///
/// # Examples
/// ```
/// use idx_format::{Idx, OpenOptions, read};
///
/// let stream = [0, 0, 8, 1, 0, 0, 0, 3, 10, 11, 12];
/// let bytes = read(&stream[..], &OpenOptions::new())?;
/// assert_eq!(Idx::parse(&bytes)?.payload(), [10, 11, 12]);
/// let error = read(&stream[..], &OpenOptions::new().max_bytes(10)).unwrap_err();
/// assert_eq!(error.to_string(), "expected at most 10 bytes, found 11 or more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(mut stream: impl Read, options: &OpenOptions) -> Result<Vec<u8>, ReadError> {
    let mut start = Vec::new();
    stream.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    read_started(&start, stream, 0, options)
}

/// As [`read`], of a stream whose first bytes, as many as gzip's magic number has, were taken already.
///
/// `expected` is how many bytes the stream is known to hold, 0 if that is not known, as with a pipe: memory for no more
/// than that is reserved ahead.
pub(crate) fn read_started(
    start: &[u8],
    rest: impl Read,
    expected: u64,
    options: &OpenOptions,
) -> Result<Vec<u8>, ReadError> {
    let whole = start.chain(rest);
    let bytes = if start == GZIP_MAGIC {
        read_idx(GzipReader::new(BufReader::new(Uninterrupted(whole))), 0, options)?
    } else {
        read_idx(whole, expected, options)?
    };
    Idx::parse_with(&bytes, options.trailing)?;
    Ok(bytes)
}

/// Reads header and payload, and at most one byte more, so that the parser sees whether the length is exact.
///
/// With [`Trailing::Ignore`] the rest of the stream is read and dropped, which lets gzip check its sums and a pipe end
/// in peace; it counts towards the limit.
fn read_idx(mut stream: impl Read, expected: u64, options: &OpenOptions) -> Result<Vec<u8>, ReadError> {
    let limit = options.max_bytes;
    let mut bytes = Vec::new();
    stream.by_ref().take(SHORTEST_HEADER).read_to_end(&mut bytes)?;
    if let Some(&rank) = bytes.get(3) {
        let rest_of_header = (header_len(rank.into()) as u64).saturating_sub(SHORTEST_HEADER);
        stream.by_ref().take(rest_of_header).read_to_end(&mut bytes)?;
    }
    let file_len = Header::parse(&bytes)?.file_len() as u64;
    if file_len > limit {
        return Err(ReadError::OverLimit { limit, claimed: file_len });
    }

    let wanted = match options.trailing {
        Trailing::Reject => file_len.saturating_add(1),
        Trailing::Ignore => file_len,
    };
    let to_come = wanted.saturating_sub(bytes.len() as u64);
    // It fits: the file is no longer than the header claims, and that was checked against the address space.
    let ahead = usize::try_from(to_come.min(expected)).unwrap_or_default();
    bytes.try_reserve_exact(ahead).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    prefer_large_pages(bytes.spare_capacity_mut());
    stream.by_ref().take(to_come).read_to_end(&mut bytes)?;

    if options.trailing == Trailing::Ignore {
        let allowed = limit.saturating_sub(file_len);
        let dropped = io::copy(&mut stream.by_ref().take(allowed.saturating_add(1)), &mut io::sink())?;
        if dropped > allowed {
            return Err(ReadError::OverLimit { limit, claimed: file_len.saturating_add(dropped) });
        }
    }
    Ok(bytes)
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<GzipError>() {
            Ok(source) => Self::Gzip(source),
            Err(source) => Self::Io(source),
        }
    }
}
