//! Samples of several data sets as if they were of one: owns which of them has which sample, and refuses to know where
//! they came from.

use std::ops::Range;

use nn_core::{Dataset, Engine, Evaluation, Loss, Network};

/// The samples of a data set, or of several that are joined: numbered from the first of the first to the last of the
/// last. Nothing is copied, so it is `Copy`, as a [`Dataset`] is.
///
/// # Examples
/// ```
/// use nn_train::{Samples, nn_core::Dataset};
///
/// let digits = Dataset::new(&[0, 9, 0,  7, 0, 0], 3, &[4, 1], 10)?;
/// let more = Dataset::new(&[5, 5, 5], 3, &[11], 12)?;
/// let parts = [digits, more];
/// let samples = Samples::joined(&parts)?;
/// assert_eq!((samples.len(), samples.classes()), (3, 12));
/// assert_eq!((samples.row(2), samples.label(2)), (&[5, 5, 5][..], 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    parts: Parts<'a>,
    features: usize,
    classes: usize,
}

#[derive(Clone, Copy, Debug)]
enum Parts<'a> {
    One(Dataset<'a>),
    /// Of those of all of these, so many from there on.
    Several {
        all: &'a [Dataset<'a>],
        start: usize,
        len: usize,
    },
}

impl<'a> From<Dataset<'a>> for Samples<'a> {
    fn from(dataset: Dataset<'a>) -> Samples<'a> {
        let (features, classes) = (dataset.features(), dataset.classes());
        Samples { parts: Parts::One(dataset), features, classes }
    }
}

impl<'a> Samples<'a> {
    /// Those of the first data set, then those of the second, and so on. There are as many classes as any of them has.
    ///
    /// # Errors
    /// [`InvalidJoin`] where there is no data set, or their samples are not of one length.
    pub fn joined(parts: &'a [Dataset<'a>]) -> Result<Samples<'a>, InvalidJoin> {
        let (first, more) = parts.split_first().ok_or(InvalidJoin::Nothing)?;
        let features = first.features();
        if let Some(number) = more.iter().position(|part| part.features() != features) {
            let (part, found) = (number + 1, more[number].features());
            return Err(InvalidJoin::Features { part, expected: features, found });
        }
        if more.is_empty() {
            return Ok((*first).into());
        }
        let len = parts.iter().map(Dataset::len).sum();
        let classes = parts.iter().map(Dataset::classes).max().unwrap_or(0);
        Ok(Samples { parts: Parts::Several { all: parts, start: 0, len }, features, classes })
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.parts {
            Parts::One(dataset) => dataset.len(),
            Parts::Several { len, .. } => len,
        }
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// The bytes of a sample.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn row(&self, index: usize) -> &'a [u8] {
        let (dataset, index) = self.locate(index);
        dataset.row(index)
    }

    /// The class of a sample.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn label(&self, index: usize) -> u8 {
        let (dataset, index) = self.locate(index);
        dataset.label(index)
    }

    /// The data set of a sample, and its index there.
    #[track_caller]
    fn locate(&self, index: usize) -> (Dataset<'a>, usize) {
        match self.parts {
            Parts::One(dataset) => (dataset, index),
            Parts::Several { all, start, len } => {
                assert!(index < len, "index {index} of {len} samples");
                let mut rest = start + index;
                // They are few: to go through them is as fast as to search.
                for dataset in all {
                    if rest < dataset.len() {
                        return (*dataset, rest);
                    }
                    rest -= dataset.len();
                }
                unreachable!("the data sets have {len} samples from {start} on")
            }
        }
    }

    /// The first `count` samples and the rest.
    ///
    /// # Panics
    /// If `count` is greater than [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn split_at(&self, count: usize) -> (Samples<'a>, Samples<'a>) {
        (self.slice(0..count), self.slice(count..self.len()))
    }

    /// The samples `range`.
    ///
    /// # Panics
    /// If the range reaches past [`len`](Self::len).
    #[must_use]
    #[track_caller]
    pub fn slice(&self, range: Range<usize>) -> Samples<'a> {
        let parts = match self.parts {
            Parts::One(dataset) => Parts::One(dataset.slice(range)),
            Parts::Several { all, start, len } => {
                assert!(range.start <= range.end && range.end <= len, "samples {range:?} of {len}");
                Parts::Several { all, start: start + range.start, len: range.len() }
            }
        };
        Samples { parts, ..*self }
    }

    /// The samples as data sets, in their order. Each has the classes that it was joined with.
    pub fn parts(&self) -> impl Iterator<Item = Dataset<'a>> + use<'a> {
        let (one, (all, wanted)) = match self.parts {
            Parts::One(dataset) => (Some(dataset), (&[][..], 0..0)),
            Parts::Several { all, start, len } => (None, (all, start..start + len)),
        };
        let mut before = 0;
        let several = all.iter().filter_map(move |dataset| {
            let range = overlap(&wanted, before, dataset.len());
            before += dataset.len();
            (!range.is_empty()).then(|| dataset.slice(range))
        });
        one.into_iter().chain(several)
    }

    /// The data set, where all samples are of one.
    pub(crate) fn one(&self) -> Option<Dataset<'a>> {
        match self.parts {
            Parts::One(dataset) => Some(dataset),
            Parts::Several { .. } => None,
        }
    }

    /// As [`Engine::evaluate`]: the bits do not depend on how many data sets the samples are of.
    pub(crate) fn evaluate(&self, engine: &mut Engine, network: &Network, loss: Loss) -> Evaluation {
        let mut evaluation = Evaluation::new(network.outputs());
        for part in self.parts() {
            engine.evaluate_into(&mut evaluation, network, loss, part);
        }
        evaluation
    }
}

/// Why data sets cannot be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJoin {
    /// There is none.
    #[error("expected at least one data set to join, found none")]
    Nothing,
    /// Their samples are not of one length.
    #[error(
        "expected samples of {expected} bytes as in the first data set, found {found} in number {part}, from 0"
    )]
    Features {
        /// Which data set differs, from 0.
        part: usize,
        /// The bytes of a sample of the first.
        expected: usize,
        /// The bytes of a sample of that one.
        found: usize,
    },
}

/// Which of `len` samples, which come after `before` others, are wanted, counted from their first.
pub(crate) fn overlap(wanted: &Range<usize>, before: usize, len: usize) -> Range<usize> {
    let within = |index: usize| index.clamp(before, before + len) - before;
    within(wanted.start)..within(wanted.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3, 0, 5 and 2 samples of two bytes, each of which holds its number; and the same in one piece.
    fn check(judge: impl Fn(Samples<'_>, Samples<'_>)) {
        let pixels: Vec<u8> = (0..10).flat_map(|n| [n, 100 + n]).collect();
        let labels: Vec<u8> = (0..10).map(|n| n % 4).collect();
        let whole = Dataset::new(&pixels, 2, &labels, 4).unwrap();
        let parts = [0..3, 3..3, 3..8, 8..10].map(|range| whole.slice(range));
        judge(Samples::joined(&parts).unwrap(), whole.into());
    }

    fn all(samples: Samples<'_>) -> Vec<(&[u8], u8)> {
        (0..samples.len()).map(|index| (samples.row(index), samples.label(index))).collect()
    }

    #[test]
    fn every_slice_of_joined_samples_is_that_of_the_whole() {
        check(|joined, whole| {
            for start in 0..=10 {
                for end in start..=10 {
                    let (joined, whole) = (joined.slice(start..end), whole.slice(start..end));
                    assert_eq!((joined.len(), joined.is_empty()), (end - start, start == end));
                    assert_eq!(all(joined), all(whole));
                    let rows = joined.parts().flat_map(|part| part.pixels().iter().copied());
                    assert!(rows.eq(whole.parts().flat_map(|part| part.pixels().iter().copied())));
                    assert!(joined.parts().all(|part| !part.is_empty()));
                    for count in 0..=end - start {
                        let (first, rest) = joined.split_at(count);
                        assert_eq!([all(first), all(rest)].concat(), all(whole));
                    }
                }
            }
        });
    }

    #[test]
    fn samples_beyond_a_slice_are_none_of_it() {
        check(|joined, _| {
            let slice = joined.slice(2..9);
            assert!(std::panic::catch_unwind(|| slice.row(7)).is_err());
            assert!(std::panic::catch_unwind(|| slice.slice(3..8)).is_err());
        });
    }

    #[test]
    fn what_cannot_be_joined_is_refused() {
        let (two, three) =
            (Dataset::new(&[1, 2], 2, &[0], 2).unwrap(), Dataset::new(&[1; 3], 3, &[0], 2).unwrap());
        assert_eq!(Samples::joined(&[]).unwrap_err(), InvalidJoin::Nothing);
        let error = Samples::joined(&[two, two, three]).unwrap_err();
        assert_eq!(error, InvalidJoin::Features { part: 2, expected: 2, found: 3 });
    }
}
