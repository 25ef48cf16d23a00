//! Takes one IDX file out of a stream: never more bytes than its header claims and the limit allows, and memory only
//! for bytes that have arrived; it knows neither paths nor compression.

use std::io::{self, Read};

use crate::header::header_len;
use crate::{Header, ParseError, Trailing};

/// Bytes of the shortest header, that of one dimension.
const SHORTEST_HEADER: u64 = header_len(1) as u64;

/// Why a stream did not give a file; the opener adds the path.
pub(crate) enum ReadError {
    Io(io::Error),
    Parse(ParseError),
    OverLimit { claimed: u64 },
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads header and payload, and at most one byte more, so that the parser sees whether the length is exact.
///
/// `expected` is how many bytes the stream is known to hold, 0 if that is not known, as with a pipe: memory for no more
/// than that is reserved ahead. With [`Trailing::Ignore`] the rest of the stream is read and dropped, which lets gzip check its
/// sums and a pipe end in peace; it counts towards the limit.
pub(crate) fn read_idx(
    mut stream: impl Read,
    expected: u64,
    limit: u64,
    trailing: Trailing,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    stream.by_ref().take(SHORTEST_HEADER).read_to_end(&mut bytes)?;
    if let Some(&rank) = bytes.get(3) {
        let rest_of_header = (header_len(rank.into()) as u64).saturating_sub(SHORTEST_HEADER);
        stream.by_ref().take(rest_of_header).read_to_end(&mut bytes)?;
    }
    let file_len = Header::parse(&bytes).map_err(ReadError::Parse)?.file_len() as u64;
    if file_len > limit {
        return Err(ReadError::OverLimit { claimed: file_len });
    }

    let wanted = match trailing {
        Trailing::Reject => file_len.saturating_add(1),
        Trailing::Ignore => file_len,
    };
    let to_come = wanted.saturating_sub(bytes.len() as u64);
    // It fits: the file is no longer than the header claims, and that was checked against the address space.
    bytes.reserve_exact(usize::try_from(to_come.min(expected)).unwrap_or_default());
    stream.by_ref().take(to_come).read_to_end(&mut bytes)?;

    if trailing == Trailing::Ignore {
        let allowed = limit.saturating_sub(file_len);
        let dropped = io::copy(&mut stream.by_ref().take(allowed.saturating_add(1)), &mut io::sink())?;
        if dropped > allowed {
            return Err(ReadError::OverLimit { claimed: file_len.saturating_add(dropped) });
        }
    }
    Ok(bytes)
}
