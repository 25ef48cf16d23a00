//! What is trained on, and what is not: owns the division of the files into samples to train on, to validate on and to
//! test on, and refuses to know what becomes of them.

use std::{borrow::Cow, num::NonZeroUsize};

use anyhow::{Result, bail, ensure};
use nn_train::{Augmenter, DataFiles, Ingredients, Preprocessing, nn_core::Dataset};

use crate::{
    failure::Advised,
    output::{shape, thousands},
};

/// Checks that the images of the files can be distorted, where a training is to do so.
///
/// # Errors
/// When they are no pictures.
pub(crate) fn check_distortions(ingredients: &Ingredients, files: &DataFiles) -> Result<()> {
    let Some(augmentation) = ingredients.augmentation else { return Ok(()) };
    // The seed decides what they look like and not whether there are any.
    if let Err(error) = Augmenter::new(augmentation, files.image_shape(), 0) {
        let message = format!("cannot distort the images in {}: {error}", files.images().path().display());
        bail!(Advised::new(message, "--augment none trains on them as they are"));
    }
    Ok(())
}

/// The images of the files as a network is shown them.
pub(crate) struct Images<'a> {
    train_files: &'a DataFiles,
    test_files: Option<&'a DataFiles>,
    /// Where they are others than those in the files.
    train: Cow<'a, [u8]>,
    test: Option<Cow<'a, [u8]>>,
}

impl<'a> Images<'a> {
    pub(crate) fn new(
        train_files: &'a DataFiles,
        test_files: Option<&'a DataFiles>,
        preprocessing: Preprocessing,
        threads: NonZeroUsize,
    ) -> Result<Images<'a>> {
        preprocessing.check(train_files.image_shape())?;
        let prepared = |files: &'a DataFiles| {
            preprocessing.apply_all(files.view().pixels(), files.image_shape(), threads)
        };
        let (train, test) = (prepared(train_files), test_files.map(prepared));
        Ok(Images { train_files, test_files, train, test })
    }

    /// All samples of the training files.
    pub(crate) fn all(&self) -> Result<Dataset<'_>> {
        Ok(self.train_files.view().with_pixels(&self.train)?)
    }
}

/// What is trained on, and what is not.
pub(crate) struct Sets<'a> {
    pub(crate) train: Dataset<'a>,
    /// The samples at the end of the training files that were kept from training, if any were.
    pub(crate) validation: Option<Dataset<'a>>,
    /// The test set; there is this or `validation`.
    pub(crate) test: Option<Dataset<'a>>,
}

impl<'a> Sets<'a> {
    /// Keeps the last `kept` samples of the training files from training.
    pub(crate) fn new(kept: usize, images: &'a Images<'_>) -> Result<Self> {
        let Images { train_files, test_files, .. } = *images;
        let all = images.all()?;
        if kept >= all.len() {
            let message = format!(
                "--validation keeps {} of {} training samples, expected fewer",
                thousands(kept),
                thousands(all.len())
            );
            bail!(Advised::new(message, "a fraction such as 0.1 suits any data set"));
        }
        if kept == 0 && test_files.is_none() {
            let path = train_files.images().path();
            let message =
                format!("no test set beside {}, and no samples are kept for validation", path.display());
            bail!(Advised::new(message, "--validation 0.1 keeps a tenth of the training samples"));
        }
        if let Some(test_files) = test_files {
            check_alike(train_files, test_files)?;
        }
        let (train, validation) = all.split_at(all.len() - kept);
        let test = test_files.zip(images.test.as_deref());
        let test = test.map(|(files, pixels)| files.view().with_pixels(pixels)).transpose()?;
        Ok(Sets { train, validation: (kept > 0).then_some(validation), test })
    }

    /// What the network is measured on after each epoch.
    pub(super) fn held_out(&self) -> Dataset<'a> {
        self.validation.or(self.test).unwrap_or(self.train)
    }

    pub(super) fn held_out_name(&self) -> &'static str {
        if self.validation.is_some() { "validation" } else { "test" }
    }
}

/// Checks that a network for the training images can be asked about the test images.
fn check_alike(train: &DataFiles, test: &DataFiles) -> Result<()> {
    let (expected, found) = (train.image_shape(), test.image_shape());
    let path = test.images().path().display();
    ensure!(
        expected == found,
        "expected test images of {} like those to train on, found {} in {path}",
        shape(expected),
        shape(found)
    );
    ensure!(
        test.classes() <= train.classes(),
        "expected test labels from 0 to {} like those to train on, found {} in {}",
        train.classes() - 1,
        test.classes() - 1,
        test.labels_path().display()
    );
    Ok(())
}
