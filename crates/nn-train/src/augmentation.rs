//! Distorted images for training: owns which distortions there are, how strong they are and that chance decides them
//! repeatably, and refuses to know networks, batches and epochs' ends.
//!
//! The distortions are those of Ciresan, Meier, Gambardella and Schmidhuber (*Deep, Big, Simple Neural Nets for
//! Handwritten Digit Recognition*, 2010): an affine one of rotation, scale, shear and shift, and after Simard,
//! Steinkraus and Platt (2003) an elastic one, which moves neighbouring pixels by nearly the same random distance. A
//! pixel of the result is looked up where both together say that it comes from, between four pixels of the image; what
//! comes from outside is background.

mod affine;
mod elastic;
mod error;
mod random;
mod text;
mod warp;

pub use self::error::InvalidAugmentation;

use self::{
    affine::{Affine, Motion},
    elastic::Elastic,
    random::Draws,
    warp::{LANES, MOST_PLACES, Warp},
};

/// How strongly images are distorted: how far chance may go each way. A number of 0 leaves out what it is of.
///
/// As text (`Display` and `FromStr` are inverses): the name of one of [`Augmentation::ALL_NAMED`], or a list of
/// settings such as `rotation=10,scale=0.1,elastic-strength=1.2`, where what is not named is off.
///
/// # Examples
/// ```
/// use nn_train::Augmentation;
///
/// assert_eq!("affine".parse(), Ok(Augmentation::AFFINE));
/// let turned: Augmentation = "rotation=30,shift=2".parse()?;
/// assert_eq!((turned.rotation, turned.shift, turned.scale), (30.0, 2.0, 0.0));
/// assert_eq!(turned.to_string(), "rotation=30,shift=2");
/// # Ok::<(), nn_train::InvalidAugmentation>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Degrees: turned by a uniform angle from minus this to this. At most 180.
    pub rotation: f32,
    /// A share: width and height are each multiplied by a uniform number from 1 - this to 1 + this. At most 0.9.
    pub scale: f32,
    /// Slanted by `x += s y` with a uniform `s` from minus this to this. At most 2.
    pub shear: f32,
    /// Pixels: moved by a uniform distance from minus this to this, across and down apart. At most 1000.
    pub shift: f32,
    /// Pixels: the root mean square, over images, of how far a pixel is moved across, and of how far it is moved down.
    /// The same for every pixel, whatever the smoothness. At most 100. (The alpha of Simard and of Ciresan is another
    /// number, which multiplies the smoothed noise: with their sigma of 6, an alpha of 36 moves by about 1 pixel.)
    pub elastic_strength: f32,
    /// Pixels: the deviation sigma of the Gaussian that smooths the movements. The movements of two pixels at a
    /// distance d have a correlation of about `exp(-d^2 / (4 sigma^2))`. From 1 to 1000; means nothing where the
    /// strength is 0.
    pub elastic_smoothness: f32,
    /// Whether classes 1 and 7 are turned and slanted by half of what others are ([`Augmentation::limit`]). **For
    /// digits:** of other data sets it spares two classes for no reason.
    pub class_limits: bool,
}

/// The deviation of the smoothing Gaussian where none is given, in the middle of Ciresan's 5 to 6.
const SMOOTHNESS: f32 = 5.5;

/// Without a distortion.
const STILL: Augmentation = Augmentation {
    rotation: 0.0,
    scale: 0.0,
    shear: 0.0,
    shift: 0.0,
    elastic_strength: 0.0,
    elastic_smoothness: SMOOTHNESS,
    class_limits: false,
};

/// The places of the numbers that decide a distortion, in a sample's [`Draws`]: a setting has its own, so that the
/// numbers of others do not depend on it.
mod place {
    pub(super) const ROTATION: u64 = 0;
    pub(super) const SCALE: [u64; 2] = [1, 2];
    pub(super) const SHEAR: u64 = 3;
    pub(super) const SHIFT: [u64; 2] = [4, 5];
    pub(super) const ELASTIC: u64 = 16;
}

impl Augmentation {
    /// Turned, scaled, slanted and moved a little.
    pub const AFFINE: Augmentation =
        Augmentation { rotation: 10.0, scale: 0.1, shear: 0.15, shift: 1.0, ..STILL };
    /// Pulled out of shape as by an unsteady hand, and nothing else.
    pub const ELASTIC: Augmentation = Augmentation { elastic_strength: 1.2, ..STILL };
    /// All distortions, each of them weak.
    pub const MEDIUM: Augmentation = Augmentation { elastic_strength: 0.8, ..Augmentation::AFFINE };
    /// All distortions as strong as a digit bears, near those of Ciresan's record, and for digits only.
    pub const STRONG: Augmentation = Augmentation {
        rotation: 15.0,
        scale: 0.15,
        shear: 0.2,
        shift: 1.5,
        elastic_strength: 1.2,
        class_limits: true,
        ..STILL
    };

    /// Those that have a name, in the order in which they are listed to people.
    pub const ALL_NAMED: [(&'static str, Augmentation); 4] = [
        ("affine", Augmentation::AFFINE),
        ("elastic", Augmentation::ELASTIC),
        ("medium", Augmentation::MEDIUM),
        ("strong", Augmentation::STRONG),
    ];

    /// The share of rotation and shear that images of class `label` get: a half for the digits 1 and 7 where
    /// [`class_limits`](Self::class_limits) says so, else all. The two are told apart by slants; Ciresan turns them by
    /// 7.5 degrees where others are turned by 15.
    #[must_use]
    pub const fn limit(&self, label: u8) -> f32 {
        if self.class_limits && matches!(label, 1 | 7) { 0.5 } else { 1.0 }
    }

    /// Whether images stay what they are: every distance and angle is 0.
    #[must_use]
    pub fn is_still(&self) -> bool {
        let Augmentation { rotation, scale, shear, shift, elastic_strength, .. } = *self;
        [rotation, scale, shear, shift, elastic_strength] == [0.0; 5]
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`InvalidAugmentation::Number`] when one is not finite or outside of what its field says.
    pub fn check(&self) -> Result<(), InvalidAugmentation> {
        text::NUMBERS.iter().try_for_each(|number| number.check(number.get(self)))
    }
}

/// Distorts the images of a data set, one at a time. Each thread has its own.
///
/// # Examples
/// ```
/// use nn_train::Augmenter;
///
/// // A bar in the middle of 4 x 6 pixels.
/// let image = [
///     0, 0, 0, 0, 0, 0, //
///     0, 0, 250, 250, 0, 0,
///     0, 0, 250, 250, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ];
/// let mut augmenter = Augmenter::new("shift=1".parse()?, &[4, 6], 42)?;
/// let mut distorted = [0; 24];
/// augmenter.augment(&image, 0, 1, 17, &mut distorted);
/// assert_ne!(distorted, image);
///
/// // The same sample in the same epoch is distorted in the same way.
/// let mut again = [0; 24];
/// Augmenter::new("shift=1".parse()?, &[4, 6], 42)?.augment(&image, 0, 1, 17, &mut again);
/// assert_eq!(again, distorted);
/// # Ok::<(), nn_train::InvalidAugmentation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    rows: usize,
    columns: usize,
    seed: u64,
    warp: Warp,
    elastic: Option<Elastic>,
}

impl Augmenter {
    /// For images of this shape, height first: `[28, 28]` for MNIST. All memory is taken here, some 20 bytes for each
    /// pixel of one image.
    ///
    /// # Errors
    /// When the augmentation does not pass [`Augmentation::check`]; [`InvalidAugmentation::Shape`] when images of the
    /// shape are no grey pictures or have more than four million pixels.
    pub fn new(
        augmentation: Augmentation,
        image_shape: &[usize],
        seed: u64,
    ) -> Result<Augmenter, InvalidAugmentation> {
        augmentation.check()?;
        let (rows, columns) = sides(image_shape)
            .ok_or_else(|| InvalidAugmentation::Shape { image_shape: image_shape.to_vec() })?;
        let elastic = (augmentation.elastic_strength > 0.0).then(|| {
            Elastic::new(augmentation.elastic_strength, augmentation.elastic_smoothness, rows, columns)
        });
        Ok(Augmenter { augmentation, rows, columns, seed, warp: Warp::new(rows, columns), elastic })
    }

    /// Writes to `out` what the image of sample `index`, of class `label`, looks like in epoch `epoch`.
    ///
    /// Each pixel lies between four of the image, and what is fainter than 8 of 255 becomes 0: the blur of edges tells
    /// nothing, and zeros are cheap. Without any distortion the image is copied as it is.
    ///
    /// A pure function of the seed, the epoch, the index, the label and the image: the same bits on every processor, in
    /// any order and on any thread. Pixels are bytes row by row, 0 background. Allocates nothing.
    ///
    /// # Panics
    /// If `image` or `out` has another number of pixels than the shape.
    #[track_caller]
    pub fn augment(&mut self, image: &[u8], label: u8, epoch: u32, index: usize, out: &mut [u8]) {
        let pixels = self.rows * self.columns;
        assert!(
            image.len() == pixels && out.len() == pixels,
            "an image of {} and room for {} of {} x {} pixels",
            image.len(),
            out.len(),
            self.rows,
            self.columns
        );
        if self.augmentation.is_still() {
            out.copy_from_slice(image);
            return;
        }
        let draws = Draws::new(self.seed, epoch, index);
        let affine = self.affine(label, draws);
        self.warp.load(image);
        match &mut self.elastic {
            None => self.warp.draw(&affine, |_| |_| [[0.0; LANES]; 2], out),
            Some(elastic) => {
                elastic.draw(draws, place::ELASTIC);
                self.warp.draw(&affine, |row| elastic.of_row(row), out);
            }
        }
    }

    fn affine(&self, label: u8, draws: Draws) -> Affine {
        let Augmentation { rotation, scale, shear, shift, .. } = self.augmentation;
        let limit = self.augmentation.limit(label);
        let within = |most: f32, place: u64| f64::from(most) * draws.uniform(place);
        let motion = Motion {
            scale: place::SCALE.map(|place| 1.0 + within(scale, place)),
            shear: within(shear * limit, place::SHEAR),
            rotation: within(rotation * limit, place::ROTATION),
            shift: place::SHIFT.map(|place| within(shift, place)),
        };
        motion.inverse(self.rows, self.columns)
    }
}

/// Rows and columns of images that can be looked up.
fn sides(image_shape: &[usize]) -> Option<(usize, usize)> {
    let [rows, columns] = *image_shape else { return None };
    let places = rows.checked_add(2)?.checked_mul(columns.checked_add(2)?)?;
    (rows > 0 && columns > 0 && places <= MOST_PLACES).then_some((rows, columns))
}

#[cfg(test)]
mod tests;
