//! Owns the losses and their derivatives, fused with softmax or sigmoid where that is the stable form.
//! Knows no network.

use crate::activation::{Activation, softmax};
use crate::error::UnknownName;
use crate::matrix::Matrix;
use crate::simd::{Kernel, Line, Simd, dispatch, floats, floats_mut};
use ndarray::{Array2, ArrayView2};
use std::{fmt, str::FromStr};

/// Probabilities are kept this far from 0 and 1 in [`Loss::BinaryCrossEntropy`], as in the article.
/// In `f32` the upper bound rounds to 1, so 1 - p is bounded too.
pub const PROBABILITY_CLIP: f32 = 1e-10;

/// How far the outputs A (N, C) are from the classes y of N samples: a mean over the batch, in nats
/// for the cross-entropies. The target t is the one-hot form of the class, 1 at y and 0 elsewhere, or any row of
/// numbers from 0 to 1 ([`Targets`](crate::Targets)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// -sum over the outputs of t ln softmax(z), on logits z: **not on the output of a softmax**. With a
    /// class it is -ln softmax(z)_y. dL/dz = (s softmax(z) - t) / N, with s the sum of t, usually 1.
    SoftmaxCrossEntropy,
    /// -sum over the outputs of t ln s(z) + (1 - t) ln(1 - s(z)), with s the sigmoid, on logits z:
    /// **not on the output of a sigmoid**. Computed as max(z, 0) - z t + ln(1 + e^-|z|), which never
    /// overflows. dL/dz = (s(z) - t) / N.
    SigmoidCrossEntropy,
    /// The article's cross-entropy, -sum over the outputs of t ln p + (1 - t) ln(1 - p), on
    /// probabilities p, **not on logits**: p comes from a sigmoid layer and is clipped to
    /// [1e-10, 1 - 1e-10]. dL/dp = (-t / p + (1 - t) / (1 - p)) / N.
    BinaryCrossEntropy,
    /// The mean over the outputs of (a - t)^2. dL/da = 2 (a - t) / (N C).
    MeanSquaredError,
}

/// The value of a loss and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Mean over the batch.
    pub value: f32,
    /// dL/dA: shape (N, C), of the outputs that the loss was given.
    pub gradient: Array2<f32>,
}

impl Loss {
    /// Every loss, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [
        Self::SoftmaxCrossEntropy,
        Self::SigmoidCrossEntropy,
        Self::BinaryCrossEntropy,
        Self::MeanSquaredError,
    ];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoftmaxCrossEntropy => "softmax-cross-entropy",
            Self::SigmoidCrossEntropy => "sigmoid-cross-entropy",
            Self::BinaryCrossEntropy => "binary-cross-entropy",
            Self::MeanSquaredError => "mean-squared-error",
        }
    }

    /// The activation that the output layer should have for this loss.
    #[must_use]
    pub const fn output_activation(self) -> Activation {
        match self {
            Self::SoftmaxCrossEntropy | Self::SigmoidCrossEntropy => Activation::Identity,
            Self::BinaryCrossEntropy | Self::MeanSquaredError => Activation::Sigmoid,
        }
    }

    /// Whether the loss is defined on the outputs of such a layer: logits for the two fused losses,
    /// probabilities for the article's, anything for the squared error.
    #[must_use]
    pub const fn accepts(self, output: Activation) -> bool {
        match self {
            Self::SoftmaxCrossEntropy | Self::SigmoidCrossEntropy => matches!(output, Activation::Identity),
            Self::BinaryCrossEntropy => matches!(output, Activation::Sigmoid | Activation::Softmax),
            Self::MeanSquaredError => true,
        }
    }

    /// The loss of outputs (N, C) against the classes of N samples, and its gradient.
    ///
    /// # Panics
    /// If there are not as many classes as rows, or a class is not below C.
    ///
    /// # Examples
    /// ```
    /// use nn_core::{Loss, ndarray::array};
    /// // Two equal logits: each class has probability 1/2, and the loss is ln 2.
    /// let evaluated = Loss::SoftmaxCrossEntropy.evaluate(array![[3.0, 3.0]].view(), &[1]);
    /// assert!((evaluated.value - 2_f32.ln()).abs() < 1e-6);
    /// assert_eq!(evaluated.gradient, array![[0.5, -0.5]]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn evaluate(self, outputs: ArrayView2<'_, f32>, classes: &[u8]) -> Evaluated {
        let (rows, units) = outputs.dim();
        assert_eq!(classes.len(), rows, "{} classes for {rows} rows of outputs", classes.len());
        for &class in classes {
            assert!(usize::from(class) < units, "class {class} of {units} outputs");
        }
        self.evaluate_rows(outputs, classes.iter().map(|&class| Target::Class(usize::from(class))))
    }

    /// The loss of outputs (N, C) against targets (N, C) from 0 to 1, and its gradient.
    ///
    /// # Panics
    /// If the shapes differ.
    ///
    /// # Examples
    /// ```
    /// use nn_core::{Loss, ndarray::array};
    /// let (outputs, targets) = (array![[3.0, 3.0]], array![[0.25, 0.75]]);
    /// let evaluated = Loss::SoftmaxCrossEntropy.evaluate_targets(outputs.view(), targets.view());
    /// assert!((evaluated.value - 2_f32.ln()).abs() < 1e-6);
    /// assert_eq!(evaluated.gradient, array![[0.25, -0.25]]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn evaluate_targets(self, outputs: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> Evaluated {
        let (found, expected) = (targets.dim(), outputs.dim());
        assert_eq!(found, expected, "targets of shape {found:?} for outputs of shape {expected:?}");
        let targets = targets.as_standard_layout();
        let numbers = targets.as_slice().expect("the standard layout is a slice");
        // A row of no outputs is no chunk, nor is there anything in it to evaluate.
        self.evaluate_rows(outputs, numbers.chunks(expected.1.max(1)).map(Target::Each))
    }

    fn evaluate_rows<'a>(
        self,
        outputs: ArrayView2<'_, f32>,
        targets: impl Iterator<Item = Target<'a>>,
    ) -> Evaluated {
        let mut gradient = Matrix::from_view(outputs);
        let sum = dispatch(EvaluateRows { loss: self, rows: &mut gradient, targets });
        let value = (sum / outputs.nrows().max(1) as f64) as f32;
        Evaluated { value, gradient: gradient.view().to_owned() }
    }

    /// What the network believes: outputs (N, C) as probabilities. Softmax or sigmoid of logits; the
    /// outputs themselves where the loss takes probabilities or plain numbers.
    #[must_use]
    pub fn probabilities(self, outputs: ArrayView2<'_, f32>) -> Array2<f32> {
        let activation = match self {
            Self::SoftmaxCrossEntropy => Activation::Softmax,
            Self::SigmoidCrossEntropy => Activation::Sigmoid,
            Self::BinaryCrossEntropy | Self::MeanSquaredError => return outputs.to_owned(),
        };
        if outputs.is_empty() {
            return outputs.to_owned();
        }
        let mut probabilities = Matrix::from_view(outputs);
        dispatch(ActivateRows { activation, rows: &mut probabilities });
        probabilities.view().to_owned()
    }

    /// One sample's loss. `d_row` holds the outputs on entry (padded to whole lines) and dL/dA on
    /// return, `scale` (one over the batch size) multiplied in.
    #[inline(always)]
    pub(crate) fn row<S: Simd>(
        self,
        simd: S,
        d_row: &mut [Line],
        units: usize,
        target: Target<'_>,
        scale: f32,
    ) -> f64 {
        match (self, target) {
            (Self::SoftmaxCrossEntropy, Target::Class(class)) => {
                // -ln softmax(z)_y = ln(sum over j of e^(z_j - m)) - (z_y - m), with m the greatest z.
                let z = floats(d_row)[class];
                let (greatest, sum) = softmax(simd, d_row, units);
                // dL/dz = (softmax(z) - t) / N.
                floats_mut(d_row)[class] -= 1.0;
                for line in d_row {
                    simd.store(simd.mul(simd.load(line), simd.splat(scale)), line);
                }
                f64::from(sum).ln() - f64::from(z - greatest)
            }
            (Self::SoftmaxCrossEntropy, Target::Each(targets)) => {
                // -sum of t ln softmax(z) = s ln(sum over j of e^z_j) - sum of t z, with s the sum of t.
                let (mut whole, mut dot) = (0.0, 0.0);
                for (&z, &t) in floats(d_row)[..units].iter().zip(targets) {
                    whole += f64::from(t);
                    dot += f64::from(t) * f64::from(z);
                }
                let (greatest, sum) = softmax(simd, d_row, units);
                for (p, &t) in floats_mut(d_row)[..units].iter_mut().zip(targets) {
                    *p = (whole as f32 * *p - t) * scale;
                }
                whole * (f64::from(greatest) + f64::from(sum).ln()) - dot
            }
            (Self::SigmoidCrossEntropy, _) => {
                let z = &floats(d_row)[..units];
                let loss = z.iter().enumerate().map(|(unit, &z)| {
                    let z = f64::from(z);
                    z.max(0.0) - z * f64::from(target.of(unit)) + (-z.abs()).exp().ln_1p()
                });
                let loss = loss.sum();
                Activation::Sigmoid.forward(simd, d_row, units);
                for (unit, s) in floats_mut(d_row)[..units].iter_mut().enumerate() {
                    *s = (*s - target.of(unit)) * scale;
                }
                loss
            }
            (Self::BinaryCrossEntropy, _) => {
                let mut loss = 0.0;
                for (unit, p) in floats_mut(d_row)[..units].iter_mut().enumerate() {
                    let (t, q) = (target.of(unit), (1.0 - *p).max(PROBABILITY_CLIP));
                    let clipped = p.max(PROBABILITY_CLIP);
                    // `max` would turn a NaN into the clip's bound and hide a diverged network.
                    if p.is_nan() {
                        loss = f64::NAN;
                        continue;
                    }
                    loss -= f64::from(t) * f64::from(clipped).ln() + f64::from(1.0 - t) * f64::from(q).ln();
                    *p = (-t / clipped + (1.0 - t) / q) * scale;
                }
                loss
            }
            (Self::MeanSquaredError, _) => {
                let mut loss = 0.0;
                for (unit, a) in floats_mut(d_row)[..units].iter_mut().enumerate() {
                    let error = *a - target.of(unit);
                    loss += f64::from(error) * f64::from(error);
                    *a = 2.0 * error * scale / units as f32;
                }
                loss / units as f64
            }
        }
    }
}

/// What one sample's outputs should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// 1 of this unit, 0 of the others.
    Class(usize),
    /// A number for each unit.
    Each(&'a [f32]),
}

impl Target<'_> {
    #[inline(always)]
    fn of(self, unit: usize) -> f32 {
        match self {
            Self::Class(class) => f32::from(u8::from(unit == class)),
            Self::Each(targets) => targets[unit],
        }
    }
}

/// The sum of the rows' losses; the rows become their gradients.
struct EvaluateRows<'a, T> {
    loss: Loss,
    rows: &'a mut Matrix,
    targets: T,
}

impl<'b, T: Iterator<Item = Target<'b>>> Kernel for EvaluateRows<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let (units, scale) = (self.rows.columns(), 1.0 / self.rows.rows().max(1) as f32);
        let mut sum = 0.0;
        for (n, target) in self.targets.enumerate() {
            sum += self.loss.row(simd, self.rows.row_mut(n), units, target, scale);
        }
        sum
    }
}

struct ActivateRows<'a> {
    activation: Activation,
    rows: &'a mut Matrix,
}

impl Kernel for ActivateRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let units = self.rows.columns();
        for n in 0..self.rows.rows() {
            self.activation.forward(simd, self.rows.row_mut(n), units);
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|loss| loss.name() == name).ok_or_else(|| UnknownName {
            what: "loss",
            found: name.to_owned(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}
