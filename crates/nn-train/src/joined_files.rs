//! Several pairs of files as one data set: owns whether they go together, and refuses to know where they were found.

use std::ops::Range;

use nn_core::Dataset;

use crate::{DataError, DataFiles, samples::overlap};

/// Files of one data set, joined in their order: those of several folders, or of one.
///
/// # Examples
/// ```no_run
/// use nn_train::{DataFiles, JoinedFiles, Samples, Split};
///
/// let files = |folder: &str| DataFiles::open(folder.as_ref(), Split::Train);
/// let files = JoinedFiles::new(vec![files("data/mnist")?, files("data/more")?])?;
/// let parts = files.parts();
/// let samples = Samples::joined(&parts)?; // nothing is copied
/// assert_eq!(samples.len(), files.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JoinedFiles {
    files: Vec<DataFiles>,
    classes: usize,
}

impl From<DataFiles> for JoinedFiles {
    fn from(files: DataFiles) -> JoinedFiles {
        JoinedFiles { classes: files.classes(), files: vec![files] }
    }
}

impl JoinedFiles {
    /// Joins the samples of these files, those of the first before those of the second.
    ///
    /// All images must be of one shape. Files that name the classes must give them the same names, and the others no
    /// label without a name; without names there are as many classes as any of the files has.
    ///
    /// # Errors
    /// [`DataError::Nothing`], [`DataError::OtherShape`], [`DataError::OtherNames`] or [`DataError::Unnamed`], which
    /// name the files.
    pub fn new(files: Vec<DataFiles>) -> Result<JoinedFiles, DataError> {
        let first = files.first().ok_or(DataError::Nothing)?;
        let path = |files: &DataFiles| files.images().path().to_owned();
        if let Some(other) = files.iter().find(|files| files.image_shape() != first.image_shape()) {
            return Err(DataError::OtherShape {
                path: path(other),
                found: other.image_shape().to_vec(),
                first: path(first),
                expected: first.image_shape().to_vec(),
            });
        }
        let classes = files.iter().map(DataFiles::classes).max().unwrap_or(0);
        if let Some(named) = files.iter().find(|files| files.class_names().is_some()) {
            for other in &files {
                if other.class_names().is_some_and(|names| Some(names) != named.class_names()) {
                    return Err(DataError::OtherNames { path: path(other), first: path(named) });
                }
                if other.classes() > named.classes() {
                    return Err(DataError::Unnamed {
                        labels: other.labels_path().to_owned(),
                        greatest: other.classes() - 1,
                        named: path(named),
                        names: named.classes(),
                    });
                }
            }
        }
        Ok(JoinedFiles { files, classes })
    }

    /// The files, of which there is at least one pair.
    #[must_use]
    pub fn files(&self) -> &[DataFiles] {
        &self.files
    }

    /// The samples of each pair, to be [joined](crate::Samples::joined).
    #[must_use]
    pub fn parts(&self) -> Vec<Dataset<'_>> {
        self.files.iter().map(DataFiles::view).collect()
    }

    /// The shape of one image, `[28, 28]` for MNIST.
    #[must_use]
    pub fn image_shape(&self) -> &[usize] {
        self.files[0].image_shape()
    }

    /// How many classes are named, or else the largest label that occurs, plus one.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What the classes are called, if one of the folders says so.
    #[must_use]
    pub fn class_names(&self) -> Option<&[String]> {
        self.files.iter().find_map(DataFiles::class_names)
    }

    /// The number of samples, which is above 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "files without samples cannot be opened")]
    pub fn len(&self) -> usize {
        self.files.iter().map(DataFiles::len).sum()
    }

    /// Calls `work` for each of the files that have some of these samples, with which of theirs those are.
    pub(crate) fn for_each(&self, samples: Range<usize>, work: impl Fn(&DataFiles, Range<usize>)) {
        let mut before = 0;
        for files in &self.files {
            let range = overlap(&samples, before, files.len());
            if !range.is_empty() {
                work(files, range);
            }
            before += files.len();
        }
    }
}
