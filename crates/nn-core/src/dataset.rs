//! Owns the data set as borrowed bytes, and the batches cut from it. Knows no files and no order.

use crate::error::DatasetError;
use crate::targets::Targets;
use ndarray::Array2;
use std::ops::Range;

/// Samples of bytes with a class each: for MNIST, the mapped pixels (0 background to 255 ink) and
/// labels. Nothing is copied, so it is `Copy` and as cheap to pass as a slice.
///
/// # Examples
/// ```
/// use nn_core::Dataset;
/// let pixels = [0, 9, 0,  7, 0, 0]; // two samples of three features
/// let dataset = Dataset::new(&pixels, 3, &[4, 1], 10)?;
/// assert_eq!((dataset.len(), dataset.row(1), dataset.label(1)), (2, &[7, 0, 0][..], 1));
/// # Ok::<(), nn_core::DatasetError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dataset<'a> {
    pixels: &'a [u8],
    features: usize,
    labels: &'a [u8],
    classes: usize,
}

impl<'a> Dataset<'a> {
    /// Checks that `pixels` are one row of `features` bytes per label, and every label is below
    /// `classes` (at most 256).
    ///
    /// # Errors
    /// [`DatasetError`], naming what was expected and found.
    pub fn new(
        pixels: &'a [u8],
        features: usize,
        labels: &'a [u8],
        classes: usize,
    ) -> Result<Self, DatasetError> {
        if features == 0 {
            return Err(DatasetError::NoFeatures);
        }
        Self { pixels: &[], features, labels, classes: 256 }.with_pixels(pixels)?.with_classes(classes)
    }

    /// The same samples with other bytes, as many: what has become of them since.
    ///
    /// # Errors
    /// [`DatasetError::Length`] where `pixels` are not a row of [`features`](Self::features) bytes per label.
    ///
    /// # Examples
    /// ```
    /// use nn_core::Dataset;
    /// let dataset = Dataset::new(&[0, 9, 0, 7], 2, &[4, 1], 10)?;
    /// let inverted: Vec<u8> = dataset.pixels().iter().map(|pixel| 255 - pixel).collect();
    /// let dataset = dataset.with_pixels(&inverted)?;
    /// assert_eq!((dataset.row(1), dataset.label(1)), (&[255, 248][..], 1));
    /// # Ok::<(), nn_core::DatasetError>(())
    /// ```
    pub fn with_pixels(self, pixels: &'a [u8]) -> Result<Self, DatasetError> {
        let Self { features, labels, .. } = self;
        let expected = labels.len().saturating_mul(features);
        if pixels.len() != expected {
            let (labels, found) = (labels.len(), pixels.len());
            return Err(DatasetError::Length { labels, features, expected, found });
        }
        Ok(Self { pixels, ..self })
    }

    /// The same samples among another number of classes.
    ///
    /// # Errors
    /// [`DatasetError::Classes`] or [`DatasetError::Label`] where a label is not below `classes`.
    pub fn with_classes(self, classes: usize) -> Result<Self, DatasetError> {
        if classes == 0 || classes > 256 {
            return Err(DatasetError::Classes { classes });
        }
        match self.labels.iter().position(|&label| usize::from(label) >= classes) {
            None => Ok(Self { classes, ..self }),
            Some(index) => Err(DatasetError::Label { index, label: self.labels[index], classes }),
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes in a sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All samples' bytes, row after row.
    #[must_use]
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// All samples' classes.
    #[must_use]
    pub fn labels(&self) -> &'a [u8] {
        self.labels
    }

    /// The bytes of a sample.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    #[inline]
    #[track_caller]
    pub fn row(&self, index: usize) -> &'a [u8] {
        // Where this holds, the product is at most the number of bytes and can't overflow.
        assert!(index < self.len(), "index {index} of {} samples", self.len());
        &self.pixels[index * self.features..][..self.features]
    }

    /// The class of a sample.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    #[inline]
    #[track_caller]
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// The first `count` samples and the rest.
    ///
    /// # Panics
    /// If `count` is greater than [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn split_at(&self, count: usize) -> (Self, Self) {
        let (pixels, more_pixels) = self.pixels.split_at(count * self.features);
        let (labels, more_labels) = self.labels.split_at(count);
        (Self { pixels, labels, ..*self }, Self { pixels: more_pixels, labels: more_labels, ..*self })
    }

    /// The samples `range`.
    ///
    /// # Panics
    /// If the range reaches past [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn slice(&self, range: Range<usize>) -> Self {
        self.split_at(range.end).0.split_at(range.start).1
    }

    /// The share of bytes that are not 0: 0.19 for MNIST, 0.50 for Fashion-MNIST.
    #[must_use]
    pub fn density(&self) -> f64 {
        let lit = self.pixels.iter().filter(|&&pixel| pixel != 0).count();
        lit as f64 / self.pixels.len().max(1) as f64
    }

    /// The samples at `indices`, in that order; nothing is copied.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn batch(self, indices: &'a [usize]) -> Batch<'a> {
        self.check(indices);
        Batch { dataset: self, rows: Rows::At(indices), next: Rows::At(&[]), targets: Targets::Labels }
    }

    #[track_caller]
    fn check(&self, indices: &[usize]) {
        for &index in indices {
            assert!(index < self.len(), "index {index} of {} samples", self.len());
        }
    }

    /// All samples as one batch.
    #[must_use]
    pub fn all(self) -> Batch<'a> {
        self.run(0..self.len(), 0..0)
    }

    /// The samples `samples` as one batch, which those of `next` follow.
    pub(crate) fn run(self, samples: Range<usize>, next: Range<usize>) -> Batch<'a> {
        let rows = |run: Range<usize>| Rows::From(run.start, run.len());
        Batch { dataset: self, rows: rows(samples), next: rows(next), targets: Targets::Labels }
    }
}

/// Some samples, by reference: of a data set, or gathered from anywhere.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Of gathered samples it has their labels, in their order, and no pixels.
    dataset: Dataset<'a>,
    rows: Rows<'a>,
    /// The samples of the batch after this one, as far as they are known.
    next: Rows<'a>,
    targets: Targets<'a>,
}

/// Where the bytes of samples are.
#[derive(Clone, Copy, Debug)]
enum Rows<'a> {
    /// At these indices of the data set.
    At(&'a [usize]),
    /// From an index of the data set on, so many.
    From(usize, usize),
    /// Anywhere.
    Gathered(&'a [&'a [u8]]),
}

impl Rows<'_> {
    fn len(self) -> usize {
        match self {
            Self::At(indices) => indices.len(),
            Self::From(_, count) => count,
            Self::Gathered(rows) => rows.len(),
        }
    }
}

impl<'a> Batch<'a> {
    /// Samples whose bytes lie anywhere, such as in several data sets: `rows` of `features` bytes each, and a label
    /// below `classes` for each of them. A step over them has the bits of one over the same samples of a [`Dataset`].
    ///
    /// # Panics
    /// If there are not as many labels as rows, a row is of another length, or a label is not below `classes`.
    ///
    /// # Examples
    /// ```
    /// use nn_core::Batch;
    /// let (here, there) = ([0, 9, 0, 7, 0, 0], [1, 2, 3]); // samples of three features
    /// let rows: [&[u8]; 2] = [&there, &here[3..]];
    /// let batch = Batch::of_rows(&rows, &[4, 1], 3, 10);
    /// assert_eq!((batch.len(), batch.row(1), batch.label(0)), (2, &[7, 0, 0][..], 4));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn of_rows(rows: &'a [&'a [u8]], labels: &'a [u8], features: usize, classes: usize) -> Self {
        let (count, found) = (rows.len(), labels.len());
        assert_eq!(count, found, "{found} labels for {count} rows");
        check_rows(rows, features);
        for &label in labels {
            assert!(usize::from(label) < classes, "class {label} of {classes} classes");
        }
        let dataset = Dataset { pixels: &[], features, labels, classes };
        Batch { dataset, rows: Rows::Gathered(rows), next: Rows::At(&[]), targets: Targets::Labels }
    }

    /// As [`followed_by`](Self::followed_by), of samples whose bytes lie anywhere.
    ///
    /// # Panics
    /// If a row is not as long as those of this batch.
    #[must_use]
    #[track_caller]
    pub fn followed_by_rows(self, rows: &'a [&'a [u8]]) -> Self {
        check_rows(rows, self.dataset.features);
        Self { next: Rows::Gathered(rows), ..self }
    }

    /// The same batch, with word of the samples that come after it. A step changes nothing for it but
    /// asks for their bytes while it computes: those of a shuffled batch lie far apart in memory, and
    /// to wait for them takes a tenth of the time of a small network's step.
    ///
    /// # Panics
    /// If an index is not below the data set's length, or the batch is of [gathered rows](Self::of_rows).
    #[must_use]
    #[track_caller]
    pub fn followed_by(self, indices: &'a [usize]) -> Self {
        assert!(
            !matches!(self.rows, Rows::Gathered(_)),
            "indices after a batch of rows, which are of no data set"
        );
        self.dataset.check(indices);
        Self { next: Rows::At(indices), ..self }
    }

    /// The same batch with other targets than its labels.
    ///
    /// # Panics
    /// If the targets are not of as many samples as the batch has, one of their classes is not below
    /// [`classes`](Self::classes) or their probabilities have fewer columns than that, or a share is not
    /// between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// use nn_core::{Dataset, Targets, ndarray::array};
    /// let dataset = Dataset::new(&[0, 9, 7, 0], 2, &[0, 1], 3)?;
    /// // The second sample is mixed: three quarters of class 1, a quarter of class 2.
    /// let targets = Targets::Mixed { other_labels: &[0, 2], shares: &[1.0, 0.75] };
    /// let batch = dataset.all().with_targets(targets);
    /// assert_eq!(batch.targets(3, 0.0), array![[1.0, 0.0, 0.0], [0.0, 0.75, 0.25]]);
    /// # Ok::<(), nn_core::DatasetError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_targets<'b: 'a>(self, targets: Targets<'b>) -> Self {
        targets.check(self.len(), self.classes());
        Self { targets: targets.reborrow(), ..self }
    }

    /// What each of so many outputs should be for each sample, shape (N, outputs), with
    /// [label smoothing](crate::Objective::label_smoothing): what
    /// [`Loss::evaluate_targets`](crate::Loss::evaluate_targets) takes.
    ///
    /// # Panics
    /// If there are fewer outputs than [`classes`](Self::classes), or the targets are probabilities of another
    /// number.
    #[must_use]
    #[track_caller]
    pub fn targets(&self, outputs: usize, label_smoothing: f32) -> Array2<f32> {
        let classes = self.classes();
        assert!(classes <= outputs, "{classes} classes for {outputs} outputs");
        self.targets.check_outputs(outputs);
        let mut targets = Array2::zeros((self.len(), outputs));
        for (n, mut row) in targets.outer_iter_mut().enumerate() {
            let row = row.as_slice_mut().expect("the rows of a new array are slices");
            self.targets.fill(n, self.label(n), label_smoothing, row);
        }
        targets
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in a sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.dataset.features
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.dataset.classes
    }

    /// The bytes of the batch's `n`-th sample.
    ///
    /// # Panics
    /// If `n` is not below [`len`](Self::len).
    #[must_use]
    #[inline]
    #[track_caller]
    pub fn row(&self, n: usize) -> &'a [u8] {
        match self.rows {
            Rows::Gathered(rows) => rows[n],
            _ => self.dataset.row(self.index(n)),
        }
    }

    /// The class of the batch's `n`-th sample.
    ///
    /// # Panics
    /// If `n` is not below [`len`](Self::len).
    #[must_use]
    #[inline]
    #[track_caller]
    pub fn label(&self, n: usize) -> u8 {
        self.dataset.label(self.index(n))
    }

    pub(crate) fn kind_of_targets(&self) -> Targets<'a> {
        self.targets
    }

    /// The bytes of the `n`-th sample of the batch that follows, if it is known.
    #[inline(always)]
    pub(crate) fn next_row(&self, n: usize) -> Option<&'a [u8]> {
        match self.next {
            Rows::At(indices) => indices.get(n).map(|&index| self.dataset.row(index)),
            Rows::Gathered(rows) => rows.get(n).copied(),
            Rows::From(start, count) => (n < count).then(|| self.dataset.row(start + n)),
        }
    }

    /// The samples `range` of this batch.
    #[must_use]
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let targets = self.targets.slice(range.clone());
        let (mut dataset, mut rows) = (self.dataset, self.rows);
        match &mut rows {
            Rows::At(indices) => *indices = &indices[range],
            Rows::From(start, count) => (*start, *count) = (*start + range.start, range.len()),
            Rows::Gathered(rows) => {
                dataset.labels = &dataset.labels[range.clone()];
                *rows = &rows[range];
            }
        }
        Self { dataset, rows, targets, ..*self }
    }

    /// Where the label of a sample is, and its bytes if they were not gathered.
    #[inline]
    #[track_caller]
    fn index(&self, n: usize) -> usize {
        match self.rows {
            Rows::At(indices) => indices[n],
            Rows::From(start, count) => {
                assert!(n < count, "sample {n} of a batch of {count}");
                start + n
            }
            Rows::Gathered(_) => n,
        }
    }
}

#[track_caller]
fn check_rows(rows: &[&[u8]], features: usize) {
    for row in rows {
        let found = row.len();
        assert_eq!(found, features, "a row of {found} bytes, expected {features}");
    }
}
