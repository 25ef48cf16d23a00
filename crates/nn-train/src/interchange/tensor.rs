//! An array of numbers with a name: owns how numbers of several kinds become `f32`, and refuses to know what file they
//! stood in and what they are for.

use std::borrow::Cow;

use half::{bf16, f16};

use super::ImportError;

/// The kinds of floating-point numbers that are understood, and others by their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    /// Something else, such as integers.
    Other(String),
}

impl Element {
    pub(super) fn name(&self) -> &str {
        match self {
            Element::F16 => "f16",
            Element::Bf16 => "bf16",
            Element::F32 => "f32",
            Element::F64 => "f64",
            Element::Other(name) => name,
        }
    }

    /// Bytes of a number, of the kinds that are understood.
    fn len(&self) -> Option<usize> {
        match self {
            Element::F16 | Element::Bf16 => Some(2),
            Element::F32 => Some(4),
            Element::F64 => Some(8),
            Element::Other(_) => None,
        }
    }
}

/// An array as it stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    pub(super) element: Element,
    pub(super) big_endian: bool,
    pub(super) shape: Vec<usize>,
    /// Whether the first index changes fastest, as in Fortran.
    pub(super) column_major: bool,
    /// As many as shape and kind ask for, if the kind is one that is understood.
    pub(super) bytes: Cow<'a, [u8]>,
}

impl Tensor<'_> {
    /// How many numbers there are, if memory could hold so many.
    pub(super) fn count(shape: &[usize]) -> Option<usize> {
        shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length))
    }

    /// The shape without lengths of 1: biases are often kept as a row or as a column.
    pub(super) fn squeezed(&self) -> Vec<usize> {
        self.shape.iter().copied().filter(|&length| length != 1).collect()
    }

    /// The numbers in the order in which they stand in the file.
    pub(super) fn values(&self) -> Result<Vec<f32>, ImportError> {
        let Some(len) = self.element.len() else {
            let (name, found) = (self.name.clone(), self.element.name().to_owned());
            return Err(ImportError::ElementType { name, found });
        };
        let number = |bytes: &[u8]| {
            let mut reversed = [0; 8];
            let reversed = &mut reversed[..len];
            reversed.copy_from_slice(bytes);
            if self.big_endian {
                reversed.reverse();
            }
            match *reversed {
                [a, b] if self.element == Element::F16 => f16::from_le_bytes([a, b]).to_f32(),
                [a, b] => bf16::from_le_bytes([a, b]).to_f32(),
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                // Beyond what an f32 can hold it becomes infinite, which no model may be.
                [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
                _ => f32::NAN,
            }
        };
        Ok(self.bytes.chunks_exact(len).map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(element: Element, big_endian: bool, bytes: Vec<u8>) -> Tensor<'static> {
        let bytes = Cow::Owned(bytes);
        Tensor { name: "t".to_owned(), element, big_endian, shape: vec![3], column_major: false, bytes }
    }

    #[test]
    fn numbers_of_every_kind_become_the_nearest_f32() {
        let numbers = [1.5_f64, -0.1, 65504.0];
        let f16s = numbers.map(|number| f16::from_f64(number).to_le_bytes()).concat();
        // import numpy; print(float(numpy.float32(numpy.float16(-0.1))))
        assert_eq!(tensor(Element::F16, false, f16s).values().unwrap(), [1.5, -0.099_975_586, 65504.0]);
        // import torch; print(torch.tensor([-.1, 65504.], dtype=torch.bfloat16).tolist())
        let bf16s = numbers.map(|number| bf16::from_f64(number).to_le_bytes()).concat();
        assert_eq!(tensor(Element::Bf16, false, bf16s).values().unwrap(), [1.5, -0.100_097_656, 65536.0]);
        let expected = numbers.map(|number| number as f32);
        let f32s = expected.map(f32::to_le_bytes).concat();
        assert_eq!(tensor(Element::F32, false, f32s).values().unwrap(), expected);
        let f64s = numbers.map(f64::to_le_bytes).concat();
        assert_eq!(tensor(Element::F64, false, f64s).values().unwrap(), expected);
        let f64s = numbers.map(f64::to_be_bytes).concat();
        assert_eq!(tensor(Element::F64, true, f64s).values().unwrap(), expected);
    }

    #[test]
    fn integers_are_refused_by_name() {
        let error = tensor(Element::Other("i64".to_owned()), false, vec![0; 24]).values().unwrap_err();
        assert_eq!(error.to_string(), "tensor t: expected floating-point numbers, found i64");
    }
}
