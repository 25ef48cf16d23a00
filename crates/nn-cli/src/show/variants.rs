//! What stands beside an image that is shown: owns which variants there are and what they are called, and refuses to
//! know how they are drawn and what is done to them, which is the library's.

use anyhow::{Context, Result};
use nn_train::{Augmenter, DataFiles, Preprocessing};

use crate::{
    args::ShowArgs,
    picture::{Picture, Size},
};

/// The image itself, the image as it is preprocessed, and as training sees it in each of its first epochs.
pub(super) struct Variants<'a> {
    files: &'a DataFiles,
    size: Size,
    preprocessing: Preprocessing,
    augmenter: Option<Augmenter>,
    epochs: u32,
}

/// What an image looks like, and what that is called if it is not the image itself.
pub(super) struct Variant {
    pub(super) name: Option<String>,
    pub(super) picture: Picture,
}

impl<'a> Variants<'a> {
    /// # Errors
    /// When the images are no pictures.
    pub(super) fn new(args: &ShowArgs, files: &'a DataFiles) -> Result<Variants<'a>> {
        let (images, shape) = (files.images().path(), files.image_shape());
        let size = Size::of(shape).with_context(|| format!("cannot draw {}", images.display()))?;
        let cannot = || format!("cannot distort {}", images.display());
        args.preprocess.check(shape).with_context(|| format!("cannot prepare {}", images.display()))?;
        let augmenter = |augmentation| Augmenter::new(augmentation, shape, args.seed).with_context(cannot);
        let augmenter = args.augment.and_then(|augment| augment.0).map(augmenter).transpose()?;
        let epochs = if augmenter.is_some() { args.versions } else { 0 };
        Ok(Variants { files, size, preprocessing: args.preprocess, augmenter, epochs })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// How many there are of an image.
    pub(super) fn count(&self) -> usize {
        self.names().count()
    }

    /// What they are called, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = Option<String>> {
        let upright = (self.preprocessing != Preprocessing::None).then(|| self.preprocessing.to_string());
        let epochs = (1..=self.epochs).map(|epoch| Some(format!("epoch {epoch}")));
        [None].into_iter().chain(upright.map(Some)).chain(epochs)
    }

    /// All of image `index`, in the order of their names.
    pub(super) fn of(&mut self, index: usize) -> Vec<Variant> {
        let dataset = self.files.view();
        let image = dataset.row(index);
        let mut preprocessed = vec![0; image.len()];
        self.preprocessing.apply(image, self.files.image_shape(), &mut preprocessed);
        let mut pixels = vec![image.to_vec()];
        if self.preprocessing != Preprocessing::None {
            pixels.push(preprocessed.clone());
        }
        if let Some(augmenter) = &mut self.augmenter {
            for epoch in 1..=self.epochs {
                let mut distorted = vec![0; image.len()];
                augmenter.augment(&preprocessed, dataset.label(index), epoch, index, &mut distorted);
                pixels.push(distorted);
            }
        }
        let variant =
            |(name, pixels): (_, Vec<u8>)| Variant { name, picture: Picture::new(self.size, &pixels) };
        self.names().zip(pixels).map(variant).collect()
    }
}
