//! Data sets of any size, made of a smaller one: owns which image and which label stand at which place, and refuses to
//! know files and what is done with the images.
//!
//! Image `i` of a data set that is made of `n` samples is sample `i % n` in round `i / n`. Round 0 is the samples as they
//! are, as in InfiMNIST (Loosli, Canu and Bottou, *Training Invariant Support Vector Machines using Selective Sampling*,
//! 2007), from which MNIST8M comes. In round `r` from 1 on they are what a training with the same augmentation and seed
//! sees in its epoch `r`. Labels are those of the samples. So an image is a pure function of samples, augmentation, seed
//! and place, and neither threads nor pieces nor interruptions change a bit of it.
//!
//! It has the same bits on every machine, too. [`Augmenter`] decides all by whole numbers, and by additions,
//! multiplications, divisions and square roots of floats that IEEE 754 rounds in one way. It calls no function of the
//! system's mathematical library, and Rust never fuses a multiplication with an addition by itself.

mod error;
mod files;
mod folder;
mod mirror;
mod pieces;

use std::{num::NonZeroUsize, ops::ControlFlow};

use nn_core::Dataset;

pub use self::{
    error::{GenerateError, InvalidGeneration},
    files::GeneratedFile,
    folder::GeneratedFolder,
};
use crate::{Augmentation, Augmenter, dataset::spelled};

/// What decides a generated data set, beside the samples that it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GenerationPlan {
    /// How many images, from 1 to as many as an IDX file counts, 4,294,967,295.
    pub images: u64,
    /// How the samples are distorted from the second round on.
    pub augmentation: Augmentation,
    /// Decides the distortions.
    pub seed: u64,
}

/// The images of a generated data set, as a function of their places. Nothing is kept of them.
///
/// # Examples
/// ```
/// use std::{num::NonZeroUsize, ops::ControlFlow};
/// use nn_train::{Augmenter, Generation, GenerationPlan, nn_core::Dataset};
///
/// // Two images of 2 x 3 pixels.
/// let pixels = [0, 250, 0, 0, 250, 0, 90, 0, 0, 255, 255, 0];
/// let samples = Dataset::new(&pixels, 6, &[1, 0], 2)?;
/// let augmentation = "shift=1".parse()?;
/// let plan = GenerationPlan { images: 5, augmentation, seed: 42 };
/// let generation = Generation::new(samples, &[2, 3], plan)?;
///
/// let mut made = Vec::new();
/// let result: ControlFlow<()> = generation.for_each_piece(0, NonZeroUsize::MIN, |_, images| {
///     made.extend_from_slice(images);
///     ControlFlow::Continue(())
/// });
/// assert!(result.is_continue());
/// assert_eq!(made.len(), 5 * 6);
/// // The samples themselves come first, and then the samples as training sees them in its first epoch.
/// assert_eq!(made[..12], pixels);
/// let mut expected = [0; 6];
/// Augmenter::new(augmentation, &[2, 3], 42)?.augment(&pixels[6..], 0, 1, 1, &mut expected);
/// assert_eq!(made[18..24], expected);
/// assert_eq!((0..5).map(|image| generation.label(image)).collect::<Vec<_>>(), [1, 0, 1, 0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generation<'a> {
    samples: Dataset<'a>,
    image_shape: &'a [usize],
    plan: GenerationPlan,
    augmenter: Augmenter,
}

impl<'a> Generation<'a> {
    /// Of these samples, which are images of this shape, height first.
    ///
    /// # Errors
    /// [`InvalidGeneration`] when there is no sample, they are no grey pictures of the shape, the augmentation is none, or
    /// there are no images to make, or more than an IDX file can count.
    pub fn new(
        samples: Dataset<'a>,
        image_shape: &'a [usize],
        plan: GenerationPlan,
    ) -> Result<Generation<'a>, InvalidGeneration> {
        if plan.images == 0 || u32::try_from(plan.images).is_err() {
            return Err(InvalidGeneration::Images { found: plan.images });
        }
        if samples.is_empty() {
            return Err(InvalidGeneration::NoSamples);
        }
        let augmenter = Augmenter::new(plan.augmentation, image_shape, plan.seed)?;
        if image_shape.iter().product::<usize>() != samples.features() {
            let (image_shape, features) = (spelled(image_shape), samples.features());
            return Err(InvalidGeneration::Shape { image_shape, features });
        }
        Ok(Generation { samples, image_shape, plan, augmenter })
    }

    /// What it was made with.
    #[must_use]
    pub const fn plan(&self) -> &GenerationPlan {
        &self.plan
    }

    /// The label of image `image`.
    ///
    /// # Panics
    /// If there is no such image.
    #[must_use]
    #[track_caller]
    pub fn label(&self, image: u64) -> u8 {
        assert!(image < self.plan.images, "image {image} of {}", self.plan.images);
        self.samples.label(self.place(image).1)
    }

    /// The round of an image that is there, and the sample that it shows.
    fn place(&self, image: u64) -> (u32, usize) {
        let samples = self.samples.len() as u64;
        // A round is at most an image's number, of which u32 has all; a sample's number is below one of usize.
        ((image / samples) as u32, (image % samples) as usize)
    }

    /// Makes the images from number `first` on, and hands them to `take` in their order, some hundreds of kilobytes at a
    /// time: the number of the first of them, and their pixels, image after image. Ends early when `take` breaks.
    ///
    /// `threads` of them are made for this; `take` is called by this one meanwhile. Images that were made and not yet
    /// taken have at most 4 MB for each thread, or four images where these are larger.
    pub fn for_each_piece<B>(
        &self,
        first: u64,
        threads: NonZeroUsize,
        take: impl FnMut(u64, &[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        pieces::for_each(self, first, pieces::images_in_a_piece(self.samples.features()), threads, take)
    }

    /// Writes the images from number `first` on, as many as there is room for.
    fn make(&self, augmenter: &mut Augmenter, first: u64, out: &mut [u8]) {
        for (image, out) in (first..).zip(out.chunks_exact_mut(self.samples.features())) {
            let (round, index) = self.place(image);
            let sample = self.samples.row(index);
            match round {
                0 => out.copy_from_slice(sample),
                _ => augmenter.augment(sample, self.samples.label(index), round, index, out),
            }
        }
    }
}

#[cfg(test)]
mod tests;
