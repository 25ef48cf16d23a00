//! MNIST's own way from a picture of a digit to an image of a model: owns finding the ink, its scale and its place, and
//! refuses to know files, colors and what the digit is.
//!
//! The way is the one that [LeCun, Cortes and Burges](http://yann.lecun.com/exdb/mnist/) describe and QMNIST rebuilt:
//! the ink's box is scaled, with its aspect kept, until the longer side is 20 of 28 pixels; greys come from averaging
//! areas; and the box is moved by whole pixels until the center of mass is in the middle. Before that stands what their
//! scanner did not need: which of dark and light is the ink, uneven light, and specks.

mod background;
mod ink;
mod layout;

use self::ink::Found;
use crate::dataset::spelled;

/// The longer side of the pictures in which ink is looked for; larger ones are reduced first. A digit that takes a tenth
/// of such a picture still has five pixels for each of the 20 that it becomes.
const WORKING_SIDE: usize = 1024;

/// Which of dark and light is the ink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ink {
    /// What differs from the border of the picture.
    #[default]
    Auto,
    /// Dark on light, as on paper.
    Dark,
    /// Light on dark, as MNIST's own images.
    Light,
}

/// How pictures of any size become images for a model.
///
/// # Examples
/// ```
/// use nn_train::Preparation;
///
/// // A black bar, 20 wide and 40 high, on white paper of 100 x 60 pixels.
/// let mut grey = vec![255; 100 * 60];
/// for row in 10..50 {
///     grey[100 * row + 70..100 * row + 90].fill(0);
/// }
/// let prepared = Preparation::of(&[28, 28])?.apply(100, 60, &grey)?;
/// assert!(prepared.is_inverted);
/// // 10 wide and 20 high now, in the middle.
/// assert_eq!(prepared.pixels.iter().filter(|&&pixel| pixel == 255).count(), 10 * 20);
/// assert_eq!(prepared.pixels[28 * 13 + 14], 255);
/// # Ok::<(), nn_train::PreparationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    width: usize,
    height: usize,
    ink: Ink,
}

/// A picture as a model takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Row by row from the top: 0 background to 255 ink, as many as the model's images have.
    pub pixels: Vec<u8>,
    /// Whether the ink was dark, so that dark became light.
    pub is_inverted: bool,
}

impl Preparation {
    /// For a model whose images have this shape, height first: `[28, 28]` for MNIST.
    ///
    /// # Errors
    /// [`PreparationError::Shape`] when images of the shape are no grey pictures.
    pub fn of(image_shape: &[usize]) -> Result<Preparation, PreparationError> {
        match *image_shape {
            [height, width] if height > 0 && width > 0 => Ok(Preparation { width, height, ink: Ink::Auto }),
            _ => Err(PreparationError::Shape { image_shape: image_shape.to_vec() }),
        }
    }

    /// The same, told which of dark and light is the ink.
    #[must_use]
    pub const fn ink(mut self, ink: Ink) -> Self {
        self.ink = ink;
        self
    }

    /// Prepares a picture: `grey` has `width * height` pixels row by row from the top, 0 black to 255 white.
    ///
    /// Memory and time are in proportion to the picture, some 30 MB and tens of milliseconds at most beside it.
    ///
    /// # Errors
    /// [`PreparationError::Blank`] when there is no ink to be found; [`PreparationError::Length`] when there is another
    /// number of pixels.
    pub fn apply(&self, width: usize, height: usize, grey: &[u8]) -> Result<Prepared, PreparationError> {
        if grey.is_empty() || width.checked_mul(height) != Some(grey.len()) {
            return Err(PreparationError::Length { width, height, found: grey.len() });
        }
        let picture = Plane::reduced(width, height, grey);
        let Found { is_dark, ink } = ink::find(&picture, self.ink).ok_or(PreparationError::Blank)?;
        Ok(Prepared { pixels: layout::lay_out(&ink, self.width, self.height), is_inverted: is_dark })
    }
}

/// Why a picture cannot be prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PreparationError {
    /// Nothing in the picture stands out.
    #[error("expected a picture of something, found a blank one")]
    Blank,
    /// Not as many pixels as the size says.
    #[error("expected {width} x {height} pixels, more than none, found {found}")]
    Length {
        /// Pixels of a row.
        width: usize,
        /// Rows.
        height: usize,
        /// How many pixels there are.
        found: usize,
    },
    /// The model does not take grey pictures.
    #[error("expected a model for images of height x width, found {}", spelled(image_shape))]
    Shape {
        /// The shape of its images.
        image_shape: Vec<usize>,
    },
}

/// Numbers in place of pixels, row by row.
struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Plane {
    /// A grey picture, so far reduced that its longer side is at most [`WORKING_SIDE`]; each value is the mean of the
    /// pixels that it stands for.
    fn reduced(width: usize, height: usize, grey: &[u8]) -> Plane {
        let factor = width.max(height).div_ceil(WORKING_SIDE);
        if factor == 1 {
            return Plane { width, height, values: grey.iter().map(|&pixel| pixel.into()).collect() };
        }
        let (columns, rows) = (width.div_ceil(factor), height.div_ceil(factor));
        let mut values = Vec::with_capacity(columns * rows);
        let mut sums = vec![0_u32; columns];
        for band in grey.chunks(factor * width) {
            sums.fill(0);
            for row in band.chunks(width) {
                for (sum, pixels) in sums.iter_mut().zip(row.chunks(factor)) {
                    *sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
                }
            }
            let band_rows = band.len() / width;
            for (column, &sum) in sums.iter().enumerate() {
                let count = factor.min(width - column * factor) * band_rows;
                values.push(sum as f32 / count as f32);
            }
        }
        Plane { width: columns, height: rows, values }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }
}
