//! Owns the activation functions and their derivatives. Knows no layers.

use crate::dropout::RowMask;
use crate::error::UnknownName;
use crate::simd::{LANES, Line, Simd, exp, floats, sigmoid, tanh};
use std::{fmt, str::FromStr};

/// The slope of [`Activation::LeakyRelu`] below 0.
pub const LEAKY_SLOPE: f32 = 0.01;

/// A function f that turns a layer's pre-activations Z into its activations A = f(Z).
///
/// Every derivative here can be told from A alone, so a trace need not remember Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// f(z) = z; f'(z) = 1. The output layer of a network whose loss takes logits.
    Identity,
    /// f(z) = 1 / (1 + e^-z); f' = a (1 - a).
    Sigmoid,
    /// f(z) = max(0, z); f'(z) = 1 where z > 0, else 0. At 0 any number from 0 to 1 is a subgradient;
    /// 0 is the usual choice (the article takes 1).
    Relu,
    /// f(z) = z where z > 0, else 0.01 z; f'(z) = 1 where z > 0, else 0.01 ([`LEAKY_SLOPE`]).
    LeakyRelu,
    /// f(z) = tanh z; f' = 1 - a^2.
    Tanh,
    /// f(z)_i = e^z_i / sum over j of e^z_j, over the units of a layer; at the last layer only.
    /// df_i / dz_j = a_i ((i = j) - a_j). **Not to be followed by a loss that takes logits.**
    Softmax,
}

impl Activation {
    /// Every activation, in the order in which they are listed to people.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Sigmoid, Self::Relu, Self::LeakyRelu, Self::Tanh, Self::Softmax];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Sigmoid => "sigmoid",
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky-relu",
            Self::Tanh => "tanh",
            Self::Softmax => "softmax",
        }
    }

    /// Whether each unit's activation depends on its own pre-activation only. All but softmax.
    #[must_use]
    pub const fn is_elementwise(self) -> bool {
        !matches!(self, Self::Softmax)
    }

    /// f(z) of sixteen units. Softmax, which looks at all units of a layer together, is done by
    /// [`softmax`].
    #[inline(always)]
    fn function<S: Simd>(self, simd: S, z: S::Vector) -> S::Vector {
        match self {
            Self::Identity | Self::Softmax => z,
            Self::Sigmoid => sigmoid(simd, z),
            Self::Relu => simd.max(simd.splat(0.0), z),
            Self::LeakyRelu => simd.max(simd.mul(simd.splat(LEAKY_SLOPE), z), z),
            Self::Tanh => tanh(simd, z),
        }
    }

    /// f'(z) of sixteen units, told from a = f(z).
    #[inline(always)]
    fn derivative<S: Simd>(self, simd: S, a: S::Vector) -> S::Vector {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        match self {
            Self::Identity | Self::Softmax => one,
            Self::Sigmoid => simd.mul(a, simd.sub(one, a)),
            Self::Relu => simd.select_greater(a, zero, one, zero),
            Self::LeakyRelu => simd.select_greater(a, zero, one, simd.splat(LEAKY_SLOPE)),
            Self::Tanh => simd.sub(one, simd.mul(a, a)),
        }
    }

    /// A = f(Z), in place, over one sample's padded row of `units` numbers.
    #[inline(always)]
    pub(crate) fn forward<S: Simd>(self, simd: S, row: &mut [Line], units: usize) {
        match self {
            Self::Identity => {}
            Self::Softmax => {
                softmax(simd, row, units);
            }
            _ => {
                for line in row.iter_mut() {
                    simd.store(self.function(simd, simd.load(line)), line);
                }
                // The padding must stay 0, and sigmoid has made it 1/2.
                pad(simd, row, units, 0.0);
            }
        }
    }

    /// dZ = dA * f'(Z), in place over `d_row`, with f' told from the activations A of `row`.
    #[inline(always)]
    pub(crate) fn backward<S: Simd>(self, simd: S, row: &[Line], d_row: &mut [Line]) {
        match self {
            Self::Identity => {}
            Self::Softmax => {
                // dZ_j = sum over i of dA_i a_i ((i = j) - a_j) = a_j (dA_j - sum over i of dA_i a_i);
                // the padding of A is zero, and so is that of dZ.
                let dot: f32 = floats(row).iter().zip(floats(d_row)).map(|(a, d_a)| a * d_a).sum();
                for (a, d) in row.iter().zip(d_row) {
                    let change = simd.sub(simd.load(d), simd.splat(dot));
                    simd.store(simd.mul(simd.load(a), change), d);
                }
            }
            _ => {
                for (a, d) in row.iter().zip(d_row) {
                    simd.store(simd.mul(simd.load(d), self.derivative(simd, simd.load(a))), d);
                }
            }
        }
    }

    /// As [`backward`](Self::backward) for a hidden layer of which some were dropped. `row` holds A' = A m / kept,
    /// m being 0 or 1 by the mask, and `d_row` dA'. So dA = dA' m / kept, and f' is told from A = A' kept
    /// where it matters: where m is 0, so is dA.
    #[inline(always)]
    pub(crate) fn backward_dropped<S: Simd>(
        self,
        simd: S,
        row: &[Line],
        (mask, kept): (RowMask, f32),
        d_row: &mut [Line],
    ) {
        for (line, (a, d)) in row.iter().zip(d_row).enumerate() {
            let factors = mask.factors(line * LANES);
            let d_a = simd.mul(simd.load(d), simd.load(&factors));
            let a = simd.mul(simd.load(a), simd.splat(kept));
            simd.store(simd.mul(d_a, self.derivative(simd, a)), d);
        }
    }
}

/// Fills the padding of a row of `units` numbers.
#[inline(always)]
fn pad<S: Simd>(simd: S, row: &mut [Line], units: usize, value: f32) {
    let used = units - (row.len() - 1) * LANES;
    let last = row.last_mut().expect("a layer has at least one unit");
    simd.store(simd.select_first(used, simd.load(last), simd.splat(value)), last);
}

/// Turns `units` logits z of a padded row into probabilities that sum to 1, with m the greatest z:
/// e^(z_j - m) / s, where s is the sum of all e^(z_j - m). To subtract m changes nothing but keeps e^z
/// from overflowing. Gives ln of the sum of all e^z, which is m + ln s, as (m, s).
#[inline(always)]
pub(crate) fn softmax<S: Simd>(simd: S, row: &mut [Line], units: usize) -> (f32, f32) {
    // e^-infinity is 0: the padding adds nothing, and is 0 in the end.
    pad(simd, row, units, f32::NEG_INFINITY);
    let mut greatest = simd.load(&row[0]);
    for line in &row[1..] {
        greatest = simd.max(greatest, simd.load(line));
    }
    let greatest = simd.greatest(greatest);
    let mut sum = simd.splat(0.0);
    for line in row.iter_mut() {
        let power = exp(simd, simd.sub(simd.load(line), simd.splat(greatest)));
        sum = simd.add(sum, power);
        simd.store(power, line);
    }
    let sum = simd.sum(sum);
    for line in row.iter_mut() {
        simd.store(simd.div(simd.load(line), simd.splat(sum)), line);
    }
    (greatest, sum)
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Activation {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|activation| activation.name() == name).ok_or_else(|| UnknownName {
            what: "activation",
            found: name.to_owned(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}
