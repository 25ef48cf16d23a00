//! The checked view of a file or of one of its items: typed elements and arrays, borrowed in place; it knows neither
//! where the bytes came from nor what they picture.

use std::fmt;

use ndarray::{Array, ArrayView, Dimension, IxDyn};
use zerocopy::FromBytes;

use crate::{Element, ElementType, MismatchError, Shape};

/// Elements of one type in one shape, borrowed from the bytes of a file: the whole of it, or one item.
///
/// The view is small and `Copy`; what it lends lives as long as the bytes do, not as long as the view.
///
/// ```
/// use idx_format::{Idx, ndarray::{Ix1, Ix2, array}};
///
/// let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22];
/// let idx = Idx::parse(&bytes)?;
/// assert_eq!(idx.array::<u8, Ix2>()?, array![[10, 11, 12], [20, 21, 22]]);
///
/// let second = idx.item(1).expect("there are two items");
/// assert_eq!(second.array::<u8, Ix1>()?, array![20, 21, 22]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Idx<'a> {
    element_type: ElementType,
    shape: Shape<'a>,
    /// Exactly as many bytes as the shape has elements, times their size.
    payload: &'a [u8],
}

impl<'a> Idx<'a> {
    /// Joins parts that belong together: the caller has checked that the payload fills the shape exactly.
    pub(crate) fn new(element_type: ElementType, shape: Shape<'a>, payload: &'a [u8]) -> Self {
        debug_assert_eq!(shape.element_count().checked_mul(element_type.size()), Some(payload.len()));
        Self { element_type, shape, payload }
    }

    /// The type of every element.
    pub const fn element_type(self) -> ElementType {
        self.element_type
    }

    /// The lengths of the dimensions, the slowest first.
    pub const fn shape(self) -> Shape<'a> {
        self.shape
    }

    /// The number of dimensions: 1 to 255 for a file, one less for its items.
    pub const fn rank(self) -> usize {
        self.shape.rank()
    }

    /// All elements as the bytes of the file: row-major, big-endian, no padding.
    pub const fn payload(self) -> &'a [u8] {
        self.payload
    }

    /// The number of items, which is the length of the first dimension; 0 for a single element.
    pub fn item_count(self) -> usize {
        self.shape.get(0).unwrap_or_default()
    }

    /// The shape of one item, which is the shape without its first dimension; a single element's is its own.
    pub fn item_shape(self) -> Shape<'a> {
        self.shape.of_item().unwrap_or(self.shape)
    }

    /// The item at an index of the first dimension: a view of the same type without that dimension.
    ///
    /// `None` if `index` is not below [`item_count`](Self::item_count). An item of a file of one dimension is a single
    /// element of rank 0.
    pub fn item(self, index: usize) -> Option<Idx<'a>> {
        let shape = self.shape.of_item()?;
        if index >= self.item_count() {
            return None;
        }
        let size = shape.element_count().checked_mul(self.element_type.size())?;
        let start = index.checked_mul(size)?;
        let payload = self.payload.get(start..start.checked_add(size)?)?;
        Some(Idx::new(self.element_type, shape, payload))
    }

    /// All items in order, as [`item`](Self::item) gives them.
    ///
    /// ```
    /// let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22];
    /// let idx = idx_format::Idx::parse(&bytes)?;
    /// let sums: Vec<u32> = idx.items().map(|item| item.payload().iter().map(|&b| u32::from(b)).sum()).collect();
    /// assert_eq!(sums, [33, 63]);
    /// # Ok::<(), idx_format::ParseError>(())
    /// ```
    pub fn items(self) -> impl ExactSizeIterator<Item = Idx<'a>> + DoubleEndedIterator + Clone + use<'a> {
        let shape = self.item_shape();
        let size = shape.element_count().saturating_mul(self.element_type.size());
        (0..self.item_count()).map(move |index| {
            // Within the payload for every index below the number of items, so neither fallback is ever taken.
            let start = index.saturating_mul(size);
            let payload = self.payload.get(start..start.saturating_add(size)).unwrap_or_default();
            Idx::new(self.element_type, shape, payload)
        })
    }

    /// All elements in row-major order, borrowed in their stored form.
    ///
    /// For `u8` and `i8` this is a plain slice of them; the wider types are big-endian numbers of alignment 1, whose
    /// `get()` gives the native one.
    ///
    /// # Errors
    /// [`MismatchError::ElementType`] if the file does not hold elements of type `T`: nothing is ever converted
    /// silently.
    ///
    /// # Examples
    /// ```
    /// let bytes = [0, 0, 0x0b, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe];
    /// let idx = idx_format::Idx::parse(&bytes)?;
    /// let elements = idx.elements::<i16>()?;
    /// assert_eq!((elements[0].get(), elements[1].get()), (258, -2));
    /// assert_eq!(idx.elements::<u8>().unwrap_err().to_string(), "expected elements of type u8, found i16");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn elements<T: Element>(self) -> Result<&'a [T::Stored], MismatchError> {
        // The cast cannot fail for the right type: the payload is a whole number of elements of alignment 1.
        match <[T::Stored]>::ref_from_bytes(self.payload) {
            Ok(elements) if T::TYPE == self.element_type => Ok(elements),
            _ => Err(MismatchError::ElementType { expected: T::TYPE, found: self.element_type }),
        }
    }

    /// The elements as an array that borrows them in their stored form, see [`elements`](Self::elements).
    ///
    /// `D` is one of `ndarray`'s dimensions: `Ix3` for a rank known beforehand, `IxDyn` for any.
    ///
    /// # Errors
    /// [`MismatchError::ElementType`] if the elements are not of type `T`, [`MismatchError::Rank`] if there are not as
    /// many dimensions as `D` has.
    ///
    /// # Examples
    /// ```
    /// use idx_format::{Idx, ndarray::{ArrayView2, Ix2, Ix3}};
    ///
    /// let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22];
    /// let idx = Idx::parse(&bytes)?;
    /// let rows: ArrayView2<'_, u8> = idx.array::<u8, Ix2>()?;
    /// assert_eq!(rows[[1, 0]], 20);
    /// assert_eq!(idx.array::<u8, Ix3>().unwrap_err().to_string(), "expected rank 3, found rank 2 (2 x 3)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn array<T: Element, D: Dimension>(self) -> Result<ArrayView<'a, T::Stored, D>, MismatchError> {
        // The elements fill the shape, so the number of dimensions is all that can be wrong.
        ArrayView::from_shape(IxDyn(&self.shape.to_vec()), self.elements::<T>()?)
            .and_then(ArrayView::into_dimensionality)
            .map_err(|_| self.rank_mismatch(D::NDIM.unwrap_or_default()))
    }

    /// The elements copied into an array of native numbers.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    ///
    /// # Examples
    /// ```
    /// use idx_format::{Idx, ndarray::{Ix1, array}};
    ///
    /// let bytes = [0, 0, 0x0d, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0];
    /// assert_eq!(Idx::parse(&bytes)?.to_array::<f32, Ix1>()?, array![1.0, -2.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_array<T: Element, D: Dimension>(self) -> Result<Array<T, D>, MismatchError> {
        Ok(self.array::<T, D>()?.mapv(Into::into))
    }

    /// The view itself, if it has this element type and this many dimensions.
    ///
    /// # Errors
    /// [`MismatchError::ElementType`] or [`MismatchError::Rank`].
    pub fn expect(self, element_type: ElementType, rank: usize) -> Result<Self, MismatchError> {
        if self.element_type != element_type {
            return Err(MismatchError::ElementType { expected: element_type, found: self.element_type });
        }
        if self.rank() != rank {
            return Err(self.rank_mismatch(rank));
        }
        Ok(self)
    }

    /// The view itself, if its items can be images, rows or other arrays: two dimensions or more, of any type.
    ///
    /// # Errors
    /// [`MismatchError::NotImages`], whose [`hint`](MismatchError::hint) asks whether two files were swapped.
    ///
    /// # Examples
    /// ```
    /// let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 3];
    /// let error = idx_format::Idx::parse(&labels)?.expect_images().unwrap_err();
    /// assert_eq!(error.to_string(), "expected images (rank 2 or more), found labels (rank 1: u8 2)");
    /// # Ok::<(), idx_format::ParseError>(())
    /// ```
    pub fn expect_images(self) -> Result<Self, MismatchError> {
        if self.rank() < 2 {
            return Err(MismatchError::NotImages {
                element_type: self.element_type,
                lengths: self.shape.to_vec(),
            });
        }
        Ok(self)
    }

    /// The view itself, if its items can be labels: one dimension, or two of integers wider than a byte.
    ///
    /// The second form is that of QMNIST, whose labels are `60000 x 8` of `i32` with the class in the first column.
    ///
    /// # Errors
    /// [`MismatchError::NotLabels`], whose [`hint`](MismatchError::hint) asks whether two files were swapped.
    pub fn expect_labels(self) -> Result<Self, MismatchError> {
        match (self.rank(), self.element_type) {
            (1, _) | (2, ElementType::I16 | ElementType::I32) => Ok(self),
            (_, element_type) => Err(MismatchError::NotLabels { element_type, lengths: self.shape.to_vec() }),
        }
    }

    fn rank_mismatch(self, expected: usize) -> MismatchError {
        MismatchError::Rank { expected, lengths: self.shape.to_vec() }
    }
}

/// Says what the view is of, and leaves out the elements, which may be millions.
impl fmt::Debug for Idx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idx")
            .field("element_type", &self.element_type)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}
