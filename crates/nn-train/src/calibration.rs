//! Whether a network is right as often as it says: owns the bins of confidence and the errors that are made of them,
//! and refuses to know networks.

use std::num::NonZeroUsize;

use crate::Answer;

/// How confidence goes with accuracy.
///
/// Of the answers that are given with 80 % confidence, 80 % should be right. Answers are put into bins of equal width
/// by their confidence, and in each bin the two are compared. After Guo, Pleiss, Sun and Weinberger, *On Calibration of
/// Modern Neural Networks*, 2017.
///
/// Only the class that is predicted counts, as in that article. **What is no probability is taken for the nearest one**:
/// outputs below 0 or above 1, which a network with the mean squared error may have, for 0 and 1, and NaN for 0.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Calibration {
    /// The bins, from 0 to 1. A confidence on the border of two is in the lower one.
    pub bins: Vec<CalibrationBin>,
    /// The expected calibration error, ECE: the mean of the [gaps](CalibrationBin::gap), each weighted by the answers
    /// in its bin. 0 without any answers.
    pub expected_error: f64,
    /// The maximum calibration error, MCE: the greatest gap of a bin with answers in it.
    pub greatest_error: f64,
    /// The mean confidence of all answers, 0 without any.
    pub mean_confidence: f64,
}

/// The answers whose confidence is above `lower` and up to `upper`; in the first bin also those of confidence 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// The border below.
    pub lower: f64,
    /// The border above.
    pub upper: f64,
    /// Answers in the bin.
    pub samples: u64,
    /// Those that are right.
    pub correct: u64,
    /// The sum of their confidences.
    pub confidence_sum: f64,
}

impl CalibrationBin {
    /// The share of right answers; none in an empty bin.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.correct as f64 / self.samples as f64)
    }

    /// The mean confidence; none in an empty bin.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.confidence_sum / self.samples as f64)
    }

    /// The distance of the two: `|accuracy - confidence|`.
    #[must_use]
    pub fn gap(&self) -> Option<f64> {
        Some((self.accuracy()? - self.confidence()?).abs())
    }
}

impl Calibration {
    /// Puts answers into so many bins; 15 is what most articles use.
    ///
    /// # Examples
    /// ```
    /// use std::num::NonZeroUsize;
    /// use nn_train::{Answer, Calibration};
    ///
    /// let answer = |predicted, confidence| {
    ///     Answer { sample: 0, label: 1, predicted, confidence, label_probability: 0.0 }
    /// };
    /// let answers = [answer(1, 0.75), answer(0, 0.75), answer(1, 0.25)];
    /// let calibration = Calibration::new(&answers, NonZeroUsize::new(2).unwrap());
    /// assert_eq!(calibration.bins[0].gap(), Some(0.75)); // always right, but 25 % sure
    /// assert_eq!(calibration.bins[1].gap(), Some(0.25)); // right once in two, but 75 % sure
    /// assert_eq!(calibration.expected_error, (1.0 * 0.75 + 2.0 * 0.25) / 3.0);
    /// ```
    #[must_use]
    pub fn new(answers: &[Answer], bins: NonZeroUsize) -> Calibration {
        let count = bins.get();
        let border = |number: usize| number as f64 / count as f64;
        let empty = |number: usize| CalibrationBin {
            lower: border(number),
            upper: border(number + 1),
            samples: 0,
            correct: 0,
            confidence_sum: 0.0,
        };
        let mut bins: Vec<CalibrationBin> = (0..count).map(empty).collect();
        for answer in answers {
            let confidence = f64::from(answer.confidence);
            let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
            // The first bin whose upper border is not below; the last one's is 1.
            let number = bins.partition_point(|bin| bin.upper < confidence).min(count - 1);
            let bin = &mut bins[number];
            bin.samples += 1;
            bin.correct += u64::from(answer.is_right());
            bin.confidence_sum += confidence;
        }
        let whole = answers.len().max(1) as f64;
        let gaps = || bins.iter().filter_map(|bin| Some((bin.samples as f64, bin.gap()?)));
        let expected_error = gaps().map(|(samples, gap)| samples * gap).sum::<f64>() / whole;
        let greatest_error = gaps().map(|(_, gap)| gap).fold(0.0, f64::max);
        let mean_confidence = bins.iter().map(|bin| bin.confidence_sum).sum::<f64>() / whole;
        Calibration { bins, expected_error, greatest_error, mean_confidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(answers: &[(f32, bool)]) -> Vec<Answer> {
        let answer = |(sample, &(confidence, is_right)): (usize, &(f32, bool))| Answer {
            sample,
            label: 2,
            predicted: if is_right { 2 } else { 1 },
            confidence,
            label_probability: 0.0,
        };
        answers.iter().enumerate().map(answer).collect()
    }

    fn calibration(of: &[(f32, bool)], bins: usize) -> Calibration {
        Calibration::new(&answers(of), NonZeroUsize::new(bins).unwrap())
    }

    const GOLDEN: [(f32, bool); 14] = [
        (0.97, true),
        (0.99, true),
        (0.91, false),
        (0.95, true),
        (0.83, true),
        (0.88, false),
        (0.62, true),
        (0.64, false),
        (0.71, true),
        (0.55, false),
        (0.31, false),
        (0.36, true),
        (0.24, false),
        (0.98, true),
    ];

    #[test]
    fn the_errors_are_those_that_scikit_learns_calibration_curve_gives() {
        // from sklearn.calibration import calibration_curve
        // right, confidence = columns of GOLDEN, the latter as float32
        // accuracy, mean = calibration_curve(right, confidence, n_bins=5, strategy="uniform")
        // counts = numpy.histogram(confidence, bins=5, range=(0, 1))[0]
        // gaps = abs(accuracy - mean)
        // counts              -> [0, 3, 1, 3, 7]
        // accuracy            -> [1/3, 0, 2/3, 5/7]
        // mean                -> [0.3033333371082942, 0.550000011920929, 0.6566666563351949, 0.9300000071525574]
        // (counts[counts > 0] * gaps).sum() / 14, gaps.max(), confidence.mean()
        //                     -> 0.15571429154702593, 0.550000011920929, 0.71000004
        let calibration = calibration(&GOLDEN, 5);
        let samples: Vec<u64> = calibration.bins.iter().map(|bin| bin.samples).collect();
        assert_eq!(samples, [0, 3, 1, 3, 7]);
        let accuracy: Vec<_> = calibration.bins.iter().map(CalibrationBin::accuracy).collect();
        assert_eq!(accuracy, [None, Some(1.0 / 3.0), Some(0.0), Some(2.0 / 3.0), Some(5.0 / 7.0)]);
        let means = [
            0.303_333_337_108_294_2,
            0.550_000_011_920_929,
            0.656_666_656_335_194_9,
            0.930_000_007_152_557_4,
        ];
        for (bin, mean) in calibration.bins[1..].iter().zip(means) {
            assert!((bin.confidence().unwrap() - mean).abs() < 1e-7, "{bin:?}");
        }
        assert!((calibration.expected_error - 0.155_714_291_547_025_93).abs() < 1e-7, "{calibration:?}");
        assert!((calibration.greatest_error - 0.550_000_011_920_929).abs() < 1e-7, "{calibration:?}");
        assert!((calibration.mean_confidence - 0.710_000_04).abs() < 1e-7, "{calibration:?}");
    }

    #[test]
    fn a_confidence_on_a_border_is_in_the_bin_below_and_zero_in_the_first() {
        let calibration =
            calibration(&[(0.0, true), (0.25, true), (0.5, true), (0.75, true), (1.0, true)], 4);
        let samples: Vec<u64> = calibration.bins.iter().map(|bin| bin.samples).collect();
        assert_eq!(samples, [2, 1, 1, 1]);
    }

    #[test]
    fn what_is_no_probability_is_the_nearest_one() {
        let calibration =
            calibration(&[(-0.5, true), (f32::NAN, false), (1.5, true), (f32::INFINITY, true)], 5);
        assert_eq!((calibration.bins[0].samples, calibration.bins[0].confidence()), (2, Some(0.0)));
        assert_eq!((calibration.bins[4].samples, calibration.bins[4].confidence()), (2, Some(1.0)));
        assert_eq!((calibration.expected_error, calibration.greatest_error), (0.25, 0.5));
    }

    #[test]
    fn no_answers_make_no_errors_and_no_nan() {
        let calibration = calibration(&[], 15);
        assert_eq!(calibration.bins.len(), 15);
        assert_eq!(
            (calibration.expected_error, calibration.greatest_error, calibration.mean_confidence),
            (0.0, 0.0, 0.0)
        );
        assert!(calibration.bins.iter().all(|bin| bin.gap().is_none()));
    }
}
