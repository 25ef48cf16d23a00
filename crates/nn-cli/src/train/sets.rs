//! What is trained on, and what is not: owns the division of the files into samples to train on, to validate on and to
//! test on, and refuses to know what becomes of them.

use std::{borrow::Cow, num::NonZeroUsize, path::Path};

use anyhow::{Result, bail, ensure};
use nn_train::{
    Augmenter, DataFiles, Ingredients, JoinedFiles, Pages, Preprocessing, Samples, nn_core::Dataset,
};

use crate::{
    failure::Advised,
    output::{shape, thousands},
};

/// The most bytes of images to prepare, which are kept in memory, 4 GiB.
const MOST_PREPARED: u64 = 4 << 30;

/// Checks that the images of the files can be distorted, where a training is to do so.
///
/// # Errors
/// When they are no pictures.
pub(crate) fn check_distortions(ingredients: &Ingredients, files: &JoinedFiles) -> Result<()> {
    let Some(augmentation) = ingredients.augmentation else { return Ok(()) };
    // The seed decides what they look like and not whether there are any.
    if let Err(error) = Augmenter::new(augmentation, files.image_shape(), 0) {
        let message =
            format!("cannot distort the images in {}: {error}", files.files()[0].images().path().display());
        bail!(Advised::new(message, "--augment none trains on them as they are"));
    }
    Ok(())
}

/// Checks that the images of the files can be prepared so.
///
/// # Errors
/// When they are no pictures.
fn check_preparation(preprocessing: Preprocessing, files: &JoinedFiles) -> Result<()> {
    let Err(error) = preprocessing.check(files.image_shape()) else { return Ok(()) };
    let message =
        format!("cannot prepare the images in {}: {error}", files.files()[0].images().path().display());
    Err(Advised::new(message, "--preprocess none takes them as they are").into())
}

/// The images of the files as a network is shown them. Those to test on are like those to train on.
pub(crate) struct Images<'a> {
    train_files: &'a JoinedFiles,
    test_files: Option<&'a DataFiles>,
    train: Shown<'a>,
    test: Option<Cow<'a, [u8]>>,
}

/// All training images.
enum Shown<'a> {
    /// As they are in the files.
    Files(Vec<Dataset<'a>>),
    Prepared {
        pixels: Vec<u8>,
        labels: Vec<u8>,
    },
}

impl<'a> Images<'a> {
    pub(crate) fn new(
        train_files: &'a JoinedFiles,
        test_files: Option<&'a DataFiles>,
        preprocessing: Preprocessing,
        threads: NonZeroUsize,
    ) -> Result<Images<'a>> {
        check_preparation(preprocessing, train_files)?;
        if let Some(test_files) = test_files {
            check_alike(train_files, test_files)?;
        }
        let prepared = |files: &'a DataFiles| {
            preprocessing.apply_all(files.view().pixels(), files.image_shape(), threads)
        };
        let train = if preprocessing == Preprocessing::None {
            Shown::Files(train_files.parts())
        } else {
            let bytes = train_files.parts().iter().map(|part| part.pixels().len()).sum::<usize>();
            if bytes as u64 > MOST_PREPARED {
                let message = format!(
                    "cannot prepare all training images: expected at most {} bytes of them for --preprocess \
                     {preprocessing}, found {}",
                    thousands(MOST_PREPARED),
                    thousands(bytes)
                );
                bail!(Advised::new(
                    message,
                    "prepared images are kept in memory; --preprocess none reads those in the files as they are needed"
                ));
            }
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            for files in train_files.files() {
                match prepared(files) {
                    Cow::Owned(first) if pixels.is_empty() => pixels = first,
                    more => pixels.extend_from_slice(&more),
                }
                labels.extend_from_slice(files.view().labels());
            }
            Shown::Prepared { pixels, labels }
        };
        Ok(Images { train_files, test_files, train, test: test_files.map(prepared) })
    }

    /// All samples of the training files.
    pub(crate) fn all(&self) -> Result<Samples<'_>> {
        match &self.train {
            Shown::Files(parts) => Ok(Samples::joined(parts)?),
            Shown::Prepared { pixels, labels } => {
                let features = self.train_files.image_shape().iter().product();
                Ok(Dataset::new(pixels, features, labels, self.train_files.classes())?.into())
            }
        }
    }

    /// Who is told which of the samples are needed, where they are those in the files.
    pub(super) fn pages(&self) -> Option<&dyn Pages> {
        match self.train {
            Shown::Files(_) => Some(self.train_files),
            Shown::Prepared { .. } => None,
        }
    }
}

/// What is trained on, and what is not.
pub(crate) struct Sets<'a> {
    pub(crate) train: Samples<'a>,
    /// Who is told which of those are needed.
    pub(super) pages: Option<&'a dyn Pages>,
    /// The samples at the end of the training files that were kept from training, if any were.
    pub(crate) validation: Option<Samples<'a>>,
    /// The test set; there is this or `validation`.
    pub(crate) test: Option<Samples<'a>>,
    /// The folder that it is in.
    pub(super) test_folder: Option<&'a Path>,
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
            let images = train_files.files().iter().map(|files| files.images().path().display().to_string());
            let images = images.collect::<Vec<_>>().join(", ");
            let message = format!("no test set beside {images}, and no samples are kept for validation");
            bail!(Advised::new(message, "--validation 0.1 keeps a tenth of the training samples"));
        }
        let (train, validation) = all.split_at(all.len() - kept);
        let test = test_files.zip(images.test.as_deref());
        let test = test.map(|(files, pixels)| files.view().with_pixels(pixels)).transpose()?;
        Ok(Sets {
            train,
            pages: images.pages(),
            validation: (kept > 0).then_some(validation),
            test: test.map(Into::into),
            test_folder: test_files.and_then(|files| files.images().path().parent()),
        })
    }

    /// What the network is measured on after each epoch.
    pub(super) fn held_out(&self) -> Samples<'a> {
        self.validation.or(self.test).unwrap_or(self.train)
    }

    pub(super) fn held_out_name(&self) -> &'static str {
        if self.validation.is_some() { "validation" } else { "test" }
    }
}

/// Checks that a network for the training images can be asked about the test images.
fn check_alike(train: &JoinedFiles, test: &DataFiles) -> Result<()> {
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
