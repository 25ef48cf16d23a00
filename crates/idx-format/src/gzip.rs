//! Decompression as a stream that says exactly what is wrong with it; how much of the stream to take is the reader's
//! business, and the length that a gzip trailer claims is nobody's.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::GzipError;

/// The first two bytes of every gzip stream.
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads all members of a gzip stream, as `gzip -d` does, and refuses anything else behind the last one.
///
/// What is wrong with the stream itself is a [`GzipError`] inside the `io::Error`; any other error is the input's own.
#[derive(Debug)]
pub(crate) struct GzipReader<R> {
    /// The member being read; `None` after the last.
    member: Option<GzDecoder<Counted<R>>>,
}

impl<R: BufRead> GzipReader<R> {
    pub(crate) fn new(compressed: R) -> Self {
        Self { member: Some(GzDecoder::new(Counted { inner: compressed, consumed: 0 })) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer) {
                // The member has ended and its checksum is right.
                Ok(0) if !buffer.is_empty() => {
                    self.member = match self.member.take() {
                        Some(ended) => next_member(ended.into_inner())?,
                        None => None,
                    }
                }
                Ok(count) => return Ok(count),
                Err(error) => return Err(explained(error, member.get_ref().consumed)),
            }
        }
        Ok(0)
    }
}

fn next_member<R: BufRead>(mut rest: Counted<R>) -> io::Result<Option<GzDecoder<Counted<R>>>> {
    match rest.fill_buf()?.first() {
        None => Ok(None),
        Some(&byte) if byte == GZIP_MAGIC[0] => Ok(Some(GzDecoder::new(rest))),
        Some(_) => Err(gzip_error(GzipError::TrailingBytes { offset: rest.consumed })),
    }
}

/// Tells damage, which the decoder reports as these three kinds, from failures of the input beneath it.
fn explained(error: io::Error, offset: u64) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => gzip_error(GzipError::Truncated { offset }),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            gzip_error(GzipError::Corrupt { offset, reason: error.to_string() })
        }
        _ => error,
    }
}

/// A reader that is never interrupted: the decoder takes an interruption for damage, or for the end.
#[derive(Debug)]
pub(crate) struct Uninterrupted<R>(pub(crate) R);

impl<R: Read> Read for Uninterrupted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

fn gzip_error(error: GzipError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A reader that knows how many bytes were taken from it.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    consumed: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.consumed = self.consumed.saturating_add(count as u64);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.consumed = self.consumed.saturating_add(count as u64);
    }
}
