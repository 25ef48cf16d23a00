//! The header as checked values (element type, lengths of the dimensions) and the one rule of how large a payload may
//! be; it neither reads bytes (`parse.rs`) nor holds elements (`view.rs`).

use std::fmt;

use zerocopy::big_endian::U32;

use crate::ElementType;

/// Bytes before the lengths: two zeros, the code of the element type, the number of dimensions.
pub(crate) const MAGIC_LEN: usize = 4;

/// Dimensions that [`Display`](fmt::Display) of a shape spells out; a header of 255 would fill the screen.
const DISPLAYED_DIMENSIONS: usize = 8;

/// The lengths of the dimensions, the slowest first, borrowed from the header.
///
/// It prints as `60000 x 28 x 28` and compares with slices and arrays of `usize`.
///
/// ```
/// let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22];
/// let shape = idx_format::Idx::parse(&bytes)?.shape();
///
/// assert_eq!(shape, [2, 3]);
/// assert_eq!(shape.to_string(), "2 x 3");
/// assert_eq!((shape.rank(), shape.element_count()), (2, 6));
/// # Ok::<(), idx_format::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape<'a> {
    lengths: &'a [U32],
}

impl<'a> Shape<'a> {
    /// Wraps lengths whose payload [`payload_len`] has found to fit in memory.
    pub(crate) const fn new(lengths: &'a [U32]) -> Self {
        Self { lengths }
    }

    /// The number of dimensions: 1 to 255 for a file, and 0 for an item of a file of one dimension.
    pub const fn rank(self) -> usize {
        self.lengths.len()
    }

    /// The length of one dimension, or `None` if there are not so many.
    pub fn get(self, axis: usize) -> Option<usize> {
        self.lengths.get(axis).copied().map(length_in_memory)
    }

    /// The lengths, the slowest dimension first.
    pub fn iter(self) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + Clone + use<'a> {
        self.lengths.iter().copied().map(length_in_memory)
    }

    /// The lengths as a vector, as `ndarray` likes them.
    pub fn to_vec(self) -> Vec<usize> {
        self.iter().collect()
    }

    /// The product of the lengths: 0 if one of them is 0, and 1 for a shape without dimensions.
    pub fn element_count(self) -> usize {
        // It cannot overflow: the product of the lengths that are not 0 was checked to fit.
        self.iter().product()
    }

    /// The shape of one item: this shape without its first dimension. A shape without dimensions has no items.
    pub(crate) fn of_item(self) -> Option<Shape<'a>> {
        self.lengths.split_first().map(|(_, lengths)| Shape { lengths })
    }

    /// The lengths as the header stores them.
    pub(crate) const fn stored(self) -> &'a [U32] {
        self.lengths
    }
}

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lengths(f, self.iter())
    }
}

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq<[usize]> for Shape<'_> {
    fn eq(&self, other: &[usize]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl PartialEq<&[usize]> for Shape<'_> {
    fn eq(&self, other: &&[usize]) -> bool {
        *self == **other
    }
}

impl<const RANK: usize> PartialEq<[usize; RANK]> for Shape<'_> {
    fn eq(&self, other: &[usize; RANK]) -> bool {
        *self == *other.as_slice()
    }
}

/// What stands before the payload: the element type and the lengths of 1 to 255 dimensions.
///
/// [`Header::parse`] needs only the first bytes of a file; [`Idx::parse`](crate::Idx::parse) checks the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header<'a> {
    element_type: ElementType,
    shape: Shape<'a>,
    payload_len: usize,
}

impl<'a> Header<'a> {
    /// Joins what the parser has checked; `None` if the payload would not fit in memory (see [`payload_len`]).
    pub(crate) fn new(element_type: ElementType, shape: Shape<'a>) -> Option<Self> {
        let payload_len = payload_len(element_type, shape.iter())?;
        Some(Self { element_type, shape, payload_len })
    }

    /// The type of every element.
    pub const fn element_type(self) -> ElementType {
        self.element_type
    }

    /// The lengths of the dimensions.
    pub const fn shape(self) -> Shape<'a> {
        self.shape
    }

    /// The number of items, which is the length of the first dimension: 60000 for `60000 x 28 x 28`.
    pub fn item_count(self) -> usize {
        self.shape.get(0).unwrap_or_default()
    }

    /// The shape of one item, which is the shape without its first dimension: `28 x 28` for `60000 x 28 x 28`.
    pub fn item_shape(self) -> Shape<'a> {
        self.shape.of_item().unwrap_or(self.shape)
    }

    /// Bytes of the header: 4 and another 4 for each dimension, so 8 to 1024.
    pub const fn header_len(self) -> usize {
        header_len(self.shape.rank())
    }

    /// Bytes that the header claims to follow: the product of the lengths times the size of an element.
    pub const fn payload_len(self) -> usize {
        self.payload_len
    }

    /// Bytes of the whole file: header and payload.
    pub const fn file_len(self) -> usize {
        self.header_len().saturating_add(self.payload_len)
    }
}

/// Bytes of a header of so many dimensions.
pub(crate) const fn header_len(rank: usize) -> usize {
    MAGIC_LEN.saturating_add(rank.saturating_mul(size_of::<U32>()))
}

/// Bytes of a payload, or `None` if it does not fit in memory.
///
/// The lengths that are not 0, times the size of an element, must not exceed `isize::MAX`, *even when another length
/// is 0* and the payload therefore empty. This is `ndarray`'s own rule; with it every shape that passes can be viewed,
/// and no product of some of its lengths can overflow.
pub(crate) fn payload_len(element_type: ElementType, lengths: impl Iterator<Item = usize>) -> Option<usize> {
    let mut bound = element_type.size();
    let mut empty = false;
    for length in lengths {
        if length == 0 {
            empty = true;
        } else {
            bound = bound.checked_mul(length)?;
        }
    }
    isize::try_from(bound).ok()?;
    Some(if empty { 0 } else { bound })
}

/// Writes lengths as people do, `60000 x 28 x 28`, and no more than the first few of many.
pub(crate) fn write_lengths(
    f: &mut fmt::Formatter<'_>,
    mut lengths: impl ExactSizeIterator<Item = usize>,
) -> fmt::Result {
    let rank = lengths.len();
    let Some(first) = lengths.next() else { return f.write_str("a single element") };
    write!(f, "{first}")?;
    for length in lengths.take(DISPLAYED_DIMENSIONS.saturating_sub(1)) {
        write!(f, " x {length}")?;
    }
    if rank > DISPLAYED_DIMENSIONS { write!(f, " x ... ({rank} dimensions)") } else { Ok(()) }
}

/// A stored length as a number of this machine; the assertion makes the conversion lossless.
fn length_in_memory(length: U32) -> usize {
    const { assert!(usize::BITS >= u32::BITS) };
    length.get() as usize
}
