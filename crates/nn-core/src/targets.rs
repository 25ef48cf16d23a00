//! Owns what the outputs of a batch should be, where that is more than one class a sample. Knows no loss.

use ndarray::{ArrayView2, s};
use std::ops::Range;

/// What the outputs of a batch's samples should be. Everything is indexed by the place n in the batch, not
/// by the sample's index in the data set.
///
/// A loss takes the target t of an output from 0 to 1; onehot(y) is 1 at the class y and 0 elsewhere.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// t = onehot(label).
    Labels,
    /// t = share onehot(label) + (1 - share) onehot(other label), for samples that were mixed of two
    /// (Zhang et al. 2018, "mixup"; Yun et al. 2019, "CutMix").
    Mixed {
        /// The other class of each sample, N of them.
        other_labels: &'a [u8],
        /// The share of the sample's own class, 0 to 1, N of them.
        shares: &'a [f32],
    },
    /// t = share p + (1 - share) onehot(label), with p what another network believes (Hinton et al. 2015,
    /// "Distilling the Knowledge in a Neural Network", at a temperature that is in p already).
    Teacher {
        /// p, shape (N, C), with a column for each output of the network that learns.
        probabilities: ArrayView2<'a, f32>,
        /// The share of p, 0 to 1.
        share: f32,
    },
}

impl<'a> Targets<'a> {
    /// Whether each target is one class.
    #[inline(always)]
    pub(crate) const fn are_labels(&self) -> bool {
        matches!(self, Self::Labels)
    }

    /// # Panics
    /// If these are not the targets of `samples` samples of `classes` classes.
    #[track_caller]
    pub(crate) fn check(&self, samples: usize, classes: usize) {
        let is_share = |share: f32| (0.0..=1.0).contains(&share);
        match *self {
            Self::Labels => {}
            Self::Mixed { other_labels, shares } => {
                let (others, count) = (other_labels.len(), shares.len());
                assert_eq!(others, samples, "{others} other labels for a batch of {samples} samples");
                assert_eq!(count, samples, "{count} shares for a batch of {samples} samples");
                for &label in other_labels {
                    assert!(usize::from(label) < classes, "class {label} of {classes} classes");
                }
                for &share in shares {
                    assert!(is_share(share), "a share of {share}, expected 0 to 1");
                }
            }
            Self::Teacher { probabilities, share } => {
                let (rows, columns) = probabilities.dim();
                assert_eq!(
                    rows, samples,
                    "probabilities of shape ({rows}, {columns}) for a batch of {samples} samples"
                );
                assert!(
                    columns >= classes,
                    "probabilities of shape ({rows}, {columns}) for a batch of {classes} classes"
                );
                assert!(is_share(share), "a share of {share}, expected 0 to 1");
            }
        }
    }

    /// # Panics
    /// If these are not targets for so many outputs.
    #[track_caller]
    pub(crate) fn check_outputs(&self, outputs: usize) {
        if let Self::Teacher { probabilities, .. } = self {
            let (rows, columns) = probabilities.dim();
            assert_eq!(
                columns, outputs,
                "probabilities of shape ({rows}, {columns}) for a network of {outputs} outputs"
            );
        }
    }

    /// The same for a shorter time, which the compiler does not see by itself: to it, the lifetime of a view is
    /// a part of its type.
    pub(crate) fn reborrow<'b>(self) -> Targets<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Labels => Targets::Labels,
            Self::Mixed { other_labels, shares } => Targets::Mixed { other_labels, shares },
            Self::Teacher { probabilities, share } => {
                Targets::Teacher { probabilities: probabilities.reborrow(), share }
            }
        }
    }

    /// Those of the samples `range`.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        match self {
            Self::Labels => self,
            Self::Mixed { other_labels, shares } => {
                Self::Mixed { other_labels: &other_labels[range.clone()], shares: &shares[range] }
            }
            Self::Teacher { probabilities, share } => {
                Self::Teacher { probabilities: probabilities.slice_move(s![range, ..]), share }
            }
        }
    }

    /// The class that counts as right for sample `n`, whose label is `label`: of two, that with the greater share.
    ///
    /// # Panics
    /// If the targets are mixed ones of `n` samples or fewer.
    #[inline(always)]
    #[must_use]
    pub fn judged(&self, n: usize, label: u8) -> u8 {
        match self {
            Self::Mixed { other_labels, shares } if shares[n] < 0.5 => other_labels[n],
            _ => label,
        }
    }

    /// Writes the target of sample `n`, whose class is `label`. Each onehot(y) is smoothed to
    /// (1 - smoothing) onehot(y) + smoothing / C.
    #[inline(always)]
    pub(crate) fn fill(&self, n: usize, label: u8, smoothing: f32, target: &mut [f32]) {
        let floor = smoothing / target.len() as f32;
        match self {
            Self::Labels => {
                target.fill(floor);
                target[usize::from(label)] += 1.0 - smoothing;
            }
            Self::Mixed { other_labels, shares } => {
                target.fill(floor);
                target[usize::from(label)] += (1.0 - smoothing) * shares[n];
                target[usize::from(other_labels[n])] += (1.0 - smoothing) * (1.0 - shares[n]);
            }
            Self::Teacher { probabilities, share } => {
                let rest = 1.0 - share;
                for (target, p) in target.iter_mut().zip(probabilities.row(n)) {
                    *target = share * p + rest * floor;
                }
                target[usize::from(label)] += rest * (1.0 - smoothing);
            }
        }
    }
}
