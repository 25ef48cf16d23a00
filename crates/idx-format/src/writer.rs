//! The parser's inverse: a header first, then elements as they come, and a count that must be right in the end; it
//! writes to anything and leaves files, their names and their safe replacement to the caller.

use std::io::{self, Write};
use std::marker::PhantomData;

use ndarray::{ArrayRef, Dimension};
use zerocopy::IntoBytes;
use zerocopy::big_endian::U32;

use crate::{Element, Header, Shape, WriteError};

/// Encoded bytes gathered before they go to the writer.
const BUFFER_LEN: usize = 64 << 10;

/// Elements encoded between two looks at how full the buffer is.
const CHUNK: usize = 1024;

/// Writes one IDX file as a stream: header first, then items or elements in row-major order.
///
/// It buffers by itself, so a bare `File` is as good as a buffered one, and it never holds more than 64 KiB and a bit:
/// a data set larger than memory can be written item by item. Only [`finish`](Self::finish) makes the file whole; a
/// writer that is dropped without it leaves a truncated file, which every reader refuses.
///
/// Write a file that others may have mapped to another name, and rename it: see the
/// [contract](crate::IdxFile#contract). For a compressed file, hand in a gzip encoder.
///
/// # Examples
/// ```
/// use idx_format::{IdxWriter, Idx};
///
/// let mut writer = IdxWriter::<_, i16>::new(Vec::new(), &[2, 3])?;
/// writer.write_item(&[1, 2, 3])?;
/// writer.write_item(&[-1, -2, -3])?;
/// let bytes = writer.finish()?;
///
/// assert_eq!(bytes[..4], [0, 0, 0x0b, 2]);
/// assert_eq!(bytes[12..], [0, 1, 0, 2, 0, 3, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xfd]);
/// assert_eq!(Idx::parse(&bytes)?.shape(), [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the file is truncated unless `finish` is called"]
pub struct IdxWriter<W: Write, T: Element> {
    writer: W,
    buffer: Vec<u8>,
    item_len: usize,
    declared: usize,
    written: usize,
    element: PhantomData<T>,
}

impl<W: Write, T: Element> IdxWriter<W, T> {
    /// Begins a file of elements of type `T` whose dimensions have these lengths, the slowest first.
    ///
    /// # Errors
    /// [`WriteError::Rank`], [`WriteError::Length`] or [`WriteError::PayloadTooLarge`] if no header can say so: nothing
    /// is written then, nor in fact before the first 64 KiB are full.
    pub fn new(writer: W, lengths: &[usize]) -> Result<Self, WriteError> {
        let lengths = Lengths::new(lengths)?;
        let header = lengths.header::<T>()?;
        let mut buffer = Vec::with_capacity(header.file_len().min(BUFFER_LEN));
        lengths.encode::<T>(&mut buffer);
        Ok(Self {
            writer,
            buffer,
            item_len: header.item_shape().element_count(),
            declared: header.shape().element_count(),
            written: 0,
            element: PhantomData,
        })
    }

    /// Writes one whole item: as many elements as the dimensions after the first have together.
    ///
    /// # Errors
    /// [`WriteError::ItemLength`] if there are more or fewer, and as [`write_elements`](Self::write_elements).
    pub fn write_item(&mut self, item: &[T]) -> Result<(), WriteError> {
        if item.len() != self.item_len {
            return Err(WriteError::ItemLength { expected: self.item_len, found: item.len() });
        }
        self.write_elements(item)
    }

    /// Writes the next elements, any number of them.
    ///
    /// # Errors
    /// [`WriteError::TooMany`] if they would exceed the number declared: none of them is written then.
    /// [`WriteError::Io`] if the writer fails; the file is lost then.
    pub fn write_elements(&mut self, elements: &[T]) -> Result<(), WriteError> {
        let written = self.written.saturating_add(elements.len());
        if written > self.declared {
            return Err(WriteError::TooMany { expected: self.declared, found: written });
        }
        for chunk in elements.chunks(CHUNK) {
            for &element in chunk {
                self.buffer.extend_from_slice(T::Stored::from(element).as_bytes());
            }
            if self.buffer.len() >= BUFFER_LEN {
                self.write_buffer()?;
            }
        }
        self.written = written;
        Ok(())
    }

    /// Ends the file: checks the count, writes what is buffered, flushes, and gives the writer back.
    ///
    /// # Errors
    /// [`WriteError::TooFew`] if elements are missing, [`WriteError::Io`] if the writer fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.written < self.declared {
            return Err(WriteError::TooFew { expected: self.declared, found: self.written });
        }
        self.write_buffer()?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// The lengths of a file's dimensions, as they were given and as they are stored.
struct Lengths<'a> {
    given: &'a [usize],
    rank: u8,
    stored: Vec<U32>,
}

impl<'a> Lengths<'a> {
    fn new(given: &'a [usize]) -> Result<Self, WriteError> {
        let rank = u8::try_from(given.len()).ok().filter(|&rank| rank > 0);
        let rank = rank.ok_or(WriteError::Rank { found: given.len() })?;
        let stored = given
            .iter()
            .enumerate()
            .map(|(axis, &found)| {
                u32::try_from(found).map(U32::new).map_err(|_| WriteError::Length { axis, found })
            })
            .collect::<Result<Vec<U32>, WriteError>>()?;
        Ok(Self { given, rank, stored })
    }

    fn header<T: Element>(&self) -> Result<Header<'_>, WriteError> {
        Header::new(T::TYPE, Shape::new(&self.stored)).ok_or_else(|| WriteError::PayloadTooLarge {
            element_type: T::TYPE,
            lengths: self.given.to_vec(),
        })
    }

    fn encode<T: Element>(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&[0, 0, T::TYPE.code(), self.rank]);
        bytes.extend_from_slice(self.stored.as_bytes());
    }
}

/// The bytes before the elements of a file of type `T` whose dimensions have these lengths, for who writes the elements
/// in a way of their own.
///
/// # Errors
/// As [`IdxWriter::new`].
///
/// # Examples
/// ```
/// assert_eq!(idx_format::header_bytes::<u8>(&[5, 3])?, [0, 0, 8, 2, 0, 0, 0, 5, 0, 0, 0, 3]);
/// # Ok::<(), idx_format::WriteError>(())
/// ```
pub fn header_bytes<T: Element>(lengths: &[usize]) -> Result<Vec<u8>, WriteError> {
    let lengths = Lengths::new(lengths)?;
    lengths.header::<T>()?;
    let mut bytes = Vec::new();
    lengths.encode::<T>(&mut bytes);
    Ok(bytes)
}

/// Writes an array as one IDX file, in its logical order whatever its layout in memory, and gives the writer back.
///
/// # Errors
/// As [`IdxWriter::new`] (an array without dimensions cannot be written), and [`WriteError::Io`].
///
/// # Examples
/// ```
/// use idx_format::{Idx, ndarray::{Ix2, array}, write_array};
///
/// let rows = array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let bytes = write_array(Vec::new(), &rows)?;
/// assert_eq!(Idx::parse(&bytes)?.to_array::<f32, Ix2>()?, rows);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_array<W: Write, T: Element, D: Dimension>(
    writer: W,
    array: &ArrayRef<T, D>,
) -> Result<W, WriteError> {
    let mut writer = IdxWriter::new(writer, array.shape())?;
    match array.as_slice() {
        Some(elements) => writer.write_elements(elements)?,
        None => {
            for element in array {
                writer.write_elements(&[*element])?;
            }
        }
    }
    writer.finish()
}
