//! A pair of IDX files as a data set: owns their names, and the checks of one against the other, and refuses to know
//! what the images show.

use std::{
    ffi::OsStr,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{ClassNames, ClassNamesError};
use nn_core::{
    Dataset,
    idx_format::{Access, ElementType, Idx, IdxFile, MismatchError, OpenError, OpenOptions},
};

/// The two halves of a data set, as their files are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`.
    Train,
    /// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, or the same with `test`.
    Test,
}

impl Split {
    fn prefixes(self) -> &'static [&'static str] {
        match self {
            Split::Train => &["train"],
            Split::Test => &["t10k", "test"],
        }
    }

    /// The names of the images file and the labels file, as MNIST has them.
    #[must_use]
    pub const fn file_names(self) -> (&'static str, &'static str) {
        match self {
            Split::Train => ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
            Split::Test => ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Train => "training",
            Split::Test => "test",
        })
    }
}

/// An images file and its labels file, opened and checked against each other once.
///
/// The images stay where they are: mapped, if the file is plain and large. **Their file must not be changed in place
/// while this lives** ([`IdxFile`]'s contract; [`Access::Read`](nn_core::idx_format::Access::Read) lifts it). The
/// labels are copied.
///
/// Images are `u8` of any shape, MNIST's or not. Labels are integers of any width that fit in a byte; of a table of
/// labels, such as QMNIST's 60,000 x 8 of `i32`, the first column is the class.
///
/// # Examples
/// ```no_run
/// use nn_train::{DataFiles, Split};
///
/// let files = DataFiles::open("data/mnist".as_ref(), Split::Train)?;
/// assert_eq!((files.len(), files.image_shape(), files.classes()), (60_000, &[28, 28][..], 10));
/// let train = files.view(); // nothing is copied
/// assert_eq!(train.row(0).len(), 784);
/// # Ok::<(), nn_train::DataError>(())
/// ```
pub struct DataFiles {
    images: IdxFile,
    image_shape: Vec<usize>,
    labels: Vec<u8>,
    labels_path: PathBuf,
    classes: usize,
    class_names: Option<ClassNames>,
}

impl DataFiles {
    /// Finds and opens the two files of a split in a folder.
    ///
    /// Names may have a `-` or a `.` before `idx`, and may end in `.gz`; a plain file is preferred. A file
    /// [`ClassNames::FILE`] in the folder names the classes, and says how many there are.
    ///
    /// # Errors
    /// [`DataError`], whose [`hint`](DataError::hint) knows the usual remedies.
    pub fn open(folder: &Path, split: Split) -> Result<DataFiles, DataError> {
        DataFiles::open_with(folder, split, &OpenOptions::new())
    }

    /// As [`open`](Self::open), with a choice of how the files come into memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(folder: &Path, split: Split, options: &OpenOptions) -> Result<DataFiles, DataError> {
        let [images, labels] = find_pair(folder, OsStr::new(""), split)?;
        let mut files = DataFiles::open_pair_with(&images, &labels, options)?;
        if let Some(names) = ClassNames::of_folder(folder)? {
            let found = names.as_slice().len();
            if found < files.classes {
                let path = folder.join(ClassNames::FILE);
                return Err(DataError::TooFewNames { path, found, greatest: files.classes - 1, labels });
            }
            files.classes = found;
            files.class_names = Some(names);
        }
        Ok(files)
    }

    /// Finds and opens the two files of a split of a data set whose files have its name: of `emnist-letters`, for
    /// example, `emnist-letters-train-images-idx3-ubyte` and its labels. The rest of a name may be as in
    /// [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_named_with(name: &Path, split: Split, options: &OpenOptions) -> Result<DataFiles, DataError> {
        let mut start = name.file_name().unwrap_or_default().to_owned();
        start.push("-");
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        let [images, labels] = find_pair(folder.unwrap_or(Path::new(".")), &start, split)?;
        DataFiles::open_pair_with(&images, &labels, options)
    }

    /// Opens an images file and the labels file that belongs to it, whatever their names are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_pair(images: &Path, labels: &Path) -> Result<DataFiles, DataError> {
        DataFiles::open_pair_with(images, labels, &OpenOptions::new())
    }

    /// As [`open_pair`](Self::open_pair), with a choice of how the files come into memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_pair_with(
        images: &Path,
        labels: &Path,
        options: &OpenOptions,
    ) -> Result<DataFiles, DataError> {
        let (images_path, labels_path) = (images, labels);
        let images = IdxFile::open_with(images_path, options)?;
        // They are copied, so that nothing is gained by a mapping of them.
        let label_file = IdxFile::open_with(labels_path, &options.access(Access::Read))?;

        let not_images = |source| DataError::NotImages { path: images_path.to_owned(), source };
        let not_labels = |source| DataError::NotLabels { path: labels_path.to_owned(), source };
        // Both shapes before any type: when the two files were swapped, that is the better message.
        let view = images.view().expect_images().map_err(not_images)?;
        let label_view = label_file.view().expect_labels().map_err(not_labels)?;
        if label_view.item_shape().element_count() == 0 {
            let shape = label_view.shape().to_vec();
            return Err(DataError::NoLabels { path: labels_path.to_owned(), shape });
        }
        view.elements::<u8>().map_err(not_images)?;
        let wide_labels = first_column(label_view).map_err(not_labels)?;

        let (image_count, label_count) = (view.item_count(), label_view.item_count());
        if image_count != label_count {
            return Err(DataError::Count {
                images: images_path.to_owned(),
                image_count,
                labels: labels_path.to_owned(),
                label_count,
            });
        }
        let image_shape = view.item_shape().to_vec();
        if image_count == 0 || image_shape.contains(&0) {
            let shape = view.shape().to_vec();
            return Err(DataError::Empty { path: images_path.to_owned(), shape });
        }
        let too_wide = |index, found| DataError::Label { path: labels_path.to_owned(), index, found };
        let mut labels = Vec::new();
        labels
            .try_reserve_exact(label_count)
            .map_err(|_| DataError::Memory { path: labels_path.to_owned(), labels: label_count })?;
        for (index, label) in wide_labels.enumerate() {
            labels.push(u8::try_from(label).map_err(|_| too_wide(index, label))?);
        }
        let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
        let labels_path = labels_path.to_owned();
        Ok(DataFiles { images, image_shape, labels, labels_path, classes, class_names: None })
    }

    /// The samples: each image a row of bytes, each label a byte.
    ///
    /// Its classes are [as many as here](Self::classes); [`Dataset::with_classes`] sets another number.
    #[must_use]
    pub fn view(&self) -> Dataset<'_> {
        let features = self.image_shape.iter().product();
        // `IdxFile` guarantees the length of the payload, and the labels are this struct's own: whatever happens to
        // the mapped file, these four fit together.
        Dataset::new(self.images.view().payload(), features, &self.labels, self.classes)
            .expect("the files were checked against each other when they were opened")
    }

    /// Where in the payload of the images file the bytes of these samples are.
    pub(crate) fn bytes_of(&self, samples: Range<usize>) -> Range<usize> {
        let features: usize = self.image_shape.iter().product();
        samples.start.saturating_mul(features)..samples.end.saturating_mul(features)
    }

    /// The shape of one image, `[28, 28]` for MNIST.
    #[must_use]
    pub fn image_shape(&self) -> &[usize] {
        &self.image_shape
    }

    /// How many classes are named, or else the largest label that occurs, plus one.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What the classes are called, if the folder says so: a name for each.
    #[must_use]
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_ref().map(ClassNames::as_slice)
    }

    pub(crate) fn names(&self) -> Option<&ClassNames> {
        self.class_names.as_ref()
    }

    /// The number of samples, which is above 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "files without samples cannot be opened")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The images file, to ask for its path and where its bytes lie.
    #[must_use]
    pub fn images(&self) -> &IdxFile {
        &self.images
    }

    /// The path of the labels file, as it was given or found.
    #[must_use]
    pub fn labels_path(&self) -> &Path {
        &self.labels_path
    }
}

/// Says what the files are, and leaves out the labels, which may be thousands.
impl fmt::Debug for DataFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataFiles")
            .field("images", &self.images)
            .field("labels_path", &self.labels_path)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

/// Why two files are no data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder has none of the names that a split's file may have.
    #[error("no {split} {what} in {}, expected one of: {}", folder.display(), tried.join(", "))]
    NotFound {
        /// The folder.
        folder: PathBuf,
        /// The split.
        split: Split,
        /// `"images"` or `"labels"`.
        what: &'static str,
        /// The names that were looked for.
        tried: Vec<String>,
    },
    /// A file could not be opened, or is not IDX.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The images file holds something else.
    #[error("cannot use {} as images", path.display())]
    NotImages {
        /// The images file.
        path: PathBuf,
        /// What was expected and found.
        source: MismatchError,
    },
    /// The labels file holds something else.
    #[error("cannot use {} as labels", path.display())]
    NotLabels {
        /// The labels file.
        path: PathBuf,
        /// What was expected and found.
        source: MismatchError,
    },
    /// The numbers of images and labels differ.
    #[error(
        "expected one label for each image, found {image_count} images in {} and {label_count} labels in {}",
        images.display(),
        labels.display()
    )]
    Count {
        /// The images file.
        images: PathBuf,
        /// How many images it holds.
        image_count: usize,
        /// The labels file.
        labels: PathBuf,
        /// How many labels it holds.
        label_count: usize,
    },
    /// There are no images, or images of no pixels.
    #[error("expected at least one image of at least one pixel in {}, found the shape {}", path.display(), spelled(shape))]
    Empty {
        /// The images file.
        path: PathBuf,
        /// Its shape, the number of images first.
        shape: Vec<usize>,
    },
    /// A table of labels has no columns.
    #[error("expected at least one column of labels in {}, found the shape {}", path.display(), spelled(shape))]
    NoLabels {
        /// The labels file.
        path: PathBuf,
        /// Its shape, the number of samples first.
        shape: Vec<usize>,
    },
    /// A label is negative, or more than a byte.
    #[error("label {found} of sample {index} in {}, expected 0 to 255", path.display())]
    Label {
        /// The labels file.
        path: PathBuf,
        /// The sample, counted from 0.
        index: usize,
        /// Its label.
        found: i32,
    },
    /// The file of class names cannot be used.
    #[error(transparent)]
    ClassNames(#[from] ClassNamesError),
    /// There are labels without a name.
    #[error(
        "expected a name for each class up to {greatest}, the greatest label in {}, found {found} in {}",
        labels.display(),
        path.display()
    )]
    TooFewNames {
        /// The file of names.
        path: PathBuf,
        /// How many it has.
        found: usize,
        /// The greatest label.
        greatest: usize,
        /// The labels file.
        labels: PathBuf,
    },
    /// There is nothing to join.
    #[error("expected at least one data set to join, found none")]
    Nothing,
    /// Files to be joined have images of another shape.
    #[error(
        "expected images of {} in {}, as in {}, found {}",
        spelled(expected),
        path.display(),
        first.display(),
        spelled(found)
    )]
    OtherShape {
        /// The images file that differs.
        path: PathBuf,
        /// Its images' shape.
        found: Vec<usize>,
        /// The images file of the first.
        first: PathBuf,
        /// The shape of its images.
        expected: Vec<usize>,
    },
    /// Files to be joined have other names for the classes.
    #[error("expected the same names of classes beside {} as beside {}, found others", path.display(), first.display())]
    OtherNames {
        /// The images file beside which there are others.
        path: PathBuf,
        /// The first images file with names beside it.
        first: PathBuf,
    },
    /// Files to be joined have labels that the others have no name for.
    #[error(
        "expected a name for each class up to {greatest}, the greatest label in {}, found {names} beside {}",
        labels.display(),
        named.display()
    )]
    Unnamed {
        /// The labels file.
        labels: PathBuf,
        /// Its greatest label.
        greatest: usize,
        /// The images file with names beside it.
        named: PathBuf,
        /// How many names there are.
        names: usize,
    },
    /// There is no memory for the labels.
    #[error("no memory for the {labels} labels of {}", path.display())]
    Memory {
        /// The labels file.
        path: PathBuf,
        /// How many there are, a byte each.
        labels: usize,
    },
}

impl DataError {
    /// What probably happened and what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            DataError::NotFound { folder, .. } if !folder.is_dir() => "there is no such folder",
            DataError::NotFound { .. } => {
                "files of other names can be opened too, by the paths of the images and the labels"
            }
            DataError::Open(error) => return error.hint(),
            DataError::NotImages { source, .. } | DataError::NotLabels { source, .. } => source.hint()?,
            DataError::Count { .. } => "do both files belong to the same split of the same data set?",
            DataError::ClassNames(_) | DataError::TooFewNames { .. } => {
                "the file has one name a line, the first that of label 0; without it, classes are numbers"
            }
            DataError::OtherShape { .. } => "only images of one shape can be trained on together",
            DataError::OtherNames { .. } | DataError::Unnamed { .. } => {
                "labels must mean the same in all folders, whose classes.txt has one name a line, the first that of \
                 label 0"
            }
            DataError::Nothing
            | DataError::Empty { .. }
            | DataError::NoLabels { .. }
            | DataError::Label { .. }
            | DataError::Memory { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// A shape as people write it: 5 x 28 x 28.
pub(crate) fn spelled(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// The images and the labels of a split.
fn find_pair(folder: &Path, start: &OsStr, split: Split) -> Result<[PathBuf; 2], DataError> {
    Ok([find(folder, start, split, "images", "idx3")?, find(folder, start, split, "labels", "idx1")?])
}

/// The first existing file of those that may be a split's images or labels, with names that begin with `start`.
fn find(
    folder: &Path,
    start: &OsStr,
    split: Split,
    what: &'static str,
    idx: &str,
) -> Result<PathBuf, DataError> {
    let mut tried = Vec::new();
    for suffix in ["", ".gz"] {
        for prefix in split.prefixes() {
            for separator in ['-', '.'] {
                let mut name = start.to_owned();
                name.push(format!("{prefix}-{what}{separator}{idx}-ubyte{suffix}"));
                let path = folder.join(&name);
                // What cannot be told apart from a file is left to the opener, who says what is wrong with it.
                if path.try_exists().unwrap_or(true) {
                    return Ok(path);
                }
                tried.push(name.display().to_string());
            }
        }
    }
    Err(DataError::NotFound { folder: folder.to_owned(), split, what, tried })
}

/// The first label of each row, of which there is one, of whatever integer type, not yet known to fit in a byte.
fn first_column(labels: Idx<'_>) -> Result<Box<dyn Iterator<Item = i32> + '_>, MismatchError> {
    let columns = labels.item_shape().element_count();
    Ok(match labels.element_type() {
        ElementType::I8 => {
            Box::new(labels.elements::<i8>()?.iter().step_by(columns).map(|&label| label.into()))
        }
        ElementType::I16 => {
            Box::new(labels.elements::<i16>()?.iter().step_by(columns).map(|label| label.get().into()))
        }
        ElementType::I32 => {
            Box::new(labels.elements::<i32>()?.iter().step_by(columns).map(|label| label.get()))
        }
        // The usual type; floating-point labels end here too, and are refused.
        ElementType::U8 | ElementType::F32 | ElementType::F64 => {
            Box::new(labels.elements::<u8>()?.iter().step_by(columns).map(|&label| label.into()))
        }
    })
}
