//! What is done to every image before it is learnt from or judged: owns the upright stance of digits and the names of
//! the choices, and refuses to know networks, files and chance.

use std::{borrow::Cow, fmt, num::NonZeroUsize, str::FromStr};

use nn_core::UnknownName;

use crate::{dataset::spelled, parallel};

/// The steepest slant that is taken away, two pixels a row. MNIST's digits lean by 1.87 at most. What leans further is
/// a flat mark, such as a dash, which there is no reason to stretch along its rows.
const STEEPEST: f64 = 2.0;

/// Writes `image` to `out` with its rows moved sideways until its principal axis stands upright.
///
/// LeCun, Bottou, Bengio and Haffner (*Gradient-Based Learning Applied to Document Recognition*, 1998) deslant so,
/// though every pixel of ink counts the same there, and as much as it is lit here. With the pixels as masses, `mu11`
/// and `mu02` their second moments about the center of mass (xy and yy), the slant is `s = mu11 / mu02`, at most 2
/// either way; the pixel at (x, y) comes from `(x + s (y - center), y)`, between two pixels of its row. The center of
/// mass stays where it is, for MNIST's images have it in the middle already. What comes from outside is 0, and what
/// leaves the image is lost. An image without ink or all in one row is copied.
///
/// # Panics
/// If `image` or `out` has another number of pixels than `rows * columns`.
///
/// # Examples
/// ```
/// use nn_train::deskew;
///
/// let slash = [
///     0, 0, 0, 9, 0, //
///     0, 0, 9, 0, 0,
///     0, 9, 0, 0, 0,
/// ];
/// let mut upright = [1; 15];
/// deskew(&slash, 3, 5, &mut upright);
/// assert_eq!(upright, [0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0]);
/// ```
#[track_caller]
pub fn deskew(image: &[u8], rows: usize, columns: usize, out: &mut [u8]) {
    assert!(
        rows.checked_mul(columns) == Some(image.len()) && out.len() == image.len(),
        "an image of {} and room for {} of {rows} x {columns} pixels",
        image.len(),
        out.len()
    );
    let Some(Slant { slant, center }) = Slant::of(image, columns) else {
        out.copy_from_slice(image);
        return;
    };
    let lines = image.chunks_exact(columns).zip(out.chunks_exact_mut(columns));
    for (row, (from, to)) in lines.enumerate() {
        shift(from, slant * (row as f64 - center), to);
    }
}

/// How an image leans.
struct Slant {
    slant: f64,
    /// The row of the center of mass.
    center: f64,
}

impl Slant {
    /// None where there is nothing to lean. All sums are whole numbers, so nothing is lost in them.
    fn of(image: &[u8], columns: usize) -> Option<Slant> {
        let (mut mass, mut x, mut y, mut xy, mut yy) = (0_u64, 0_u64, 0_u64, 0_u128, 0_u128);
        for (row, line) in image.chunks_exact(columns.max(1)).enumerate() {
            let (mut of_row, mut moment) = (0_u64, 0_u64);
            for (column, &pixel) in line.iter().enumerate() {
                of_row += u64::from(pixel);
                moment += u64::from(pixel) * column as u64;
            }
            let row = row as u64;
            mass += of_row;
            x += moment;
            y += of_row * row;
            xy += u128::from(moment) * u128::from(row);
            yy += u128::from(of_row) * u128::from(row) * u128::from(row);
        }
        // Both moments times the square of the mass; the second is never below 0.
        let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
        let spread = u128::from(mass) * yy - product(y, y);
        if spread == 0 {
            return None;
        }
        let (together, apart) = (u128::from(mass) * xy, product(x, y));
        let leaning =
            if together >= apart { (together - apart) as f64 } else { -((apart - together) as f64) };
        let slant = (leaning / spread as f64).clamp(-STEEPEST, STEEPEST);
        Some(Slant { slant, center: y as f64 / mass as f64 })
    }
}

/// Writes the row of which each pixel comes from `distance` to the right, between two pixels.
fn shift(from: &[u8], distance: f64, to: &mut [u8]) {
    let whole = distance.floor();
    let share = (distance - whole) as f32;
    let between = |left: u8, right: u8| {
        let (left, right) = (f32::from(left), f32::from(right));
        (left + share * (right - left) + 0.5) as u8
    };
    to.fill(0);
    // The left of the two pixels of column 0; both numbers are about as large as an image at most.
    let whole = whole as isize;
    let (skipped, first) = (whole.min(0).unsigned_abs(), whole.max(0).unsigned_abs());
    let (Some(to), Some(from)) = (to.get_mut(skipped.saturating_sub(1)..), from.get(first..)) else { return };
    let Some((&outermost, _)) = from.split_first() else { return };
    let to = if skipped == 0 {
        to
    } else {
        // The background to the left of the first pixel, and that.
        let Some((edge, rest)) = to.split_first_mut() else { return };
        *edge = between(0, outermost);
        rest
    };
    let rights = from[1..].iter().chain([&0]);
    for (to, (&left, &right)) in to.iter_mut().zip(from.iter().zip(rights)) {
        *to = between(left, right);
    }
}

/// What is done to every image, in training and afterwards.
///
/// As text (`Display` and `FromStr`): `none`, `deskew`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preprocessing {
    /// Nothing.
    #[default]
    None,
    /// [`deskew`]: slanted digits are made upright.
    Deskew,
}

impl Preprocessing {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Preprocessing; 2] = [Preprocessing::None, Preprocessing::Deskew];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Preprocessing::None => "none",
            Preprocessing::Deskew => "deskew",
        }
    }

    /// Checks that images of this shape, height first, can be preprocessed.
    ///
    /// # Errors
    /// When they must be grey pictures and are not.
    pub fn check(self, image_shape: &[usize]) -> Result<(), InvalidPreprocessing> {
        match self {
            Preprocessing::Deskew if image_shape.len() != 2 => {
                Err(InvalidPreprocessing::Shape { image_shape: image_shape.to_vec() })
            }
            Preprocessing::None | Preprocessing::Deskew => Ok(()),
        }
    }

    /// Writes to `out` what becomes of an image of this shape.
    ///
    /// # Panics
    /// If the shape does not pass [`check`](Self::check), or `image` or `out` has another number of pixels than it
    /// says.
    #[track_caller]
    pub fn apply(self, image: &[u8], shape: &[usize], out: &mut [u8]) {
        match (self, shape) {
            (Preprocessing::None, _) => out.copy_from_slice(image),
            (Preprocessing::Deskew, &[rows, columns]) => deskew(image, rows, columns, out),
            (Preprocessing::Deskew, _) => panic!("images of {} are no grey pictures", spelled(shape)),
        }
    }

    /// What becomes of images that follow one another in `pixels`, by so many threads.
    ///
    /// # Panics
    /// If the shape does not pass [`check`](Self::check), or `pixels` are no whole number of images.
    #[must_use]
    #[track_caller]
    pub fn apply_all<'a>(
        self,
        pixels: &'a [u8],
        image_shape: &[usize],
        threads: NonZeroUsize,
    ) -> Cow<'a, [u8]> {
        let features = image_shape.iter().product::<usize>().max(1);
        assert!(
            self.check(image_shape).is_ok() && pixels.len().is_multiple_of(features),
            "{} pixels of images of {}",
            pixels.len(),
            spelled(image_shape)
        );
        if self == Preprocessing::None {
            return Cow::Borrowed(pixels);
        }
        let mut out = vec![0; pixels.len()];
        let share = (pixels.len() / features).div_ceil(threads.get()).max(1) * features;
        parallel::for_each(pixels.chunks(share).zip(out.chunks_mut(share)), |(images, out)| {
            for (image, out) in images.chunks_exact(features).zip(out.chunks_exact_mut(features)) {
                self.apply(image, image_shape, out);
            }
        });
        Cow::Owned(out)
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Preprocessing {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Preprocessing, UnknownName> {
        Preprocessing::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| UnknownName {
            what: "preprocessing",
            found: text.to_owned(),
            expected: Preprocessing::ALL.map(Preprocessing::name).join(", "),
        })
    }
}

/// Why images cannot be preprocessed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPreprocessing {
    /// The images are no grey pictures.
    #[error("expected images of rows x columns to make upright, found {}", spelled(image_shape))]
    Shape {
        /// The shape of the images.
        image_shape: Vec<usize>,
    },
}
