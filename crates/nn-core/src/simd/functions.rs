//! Owns exp, sigmoid and tanh on vectors: the same bits on every machine with the same instructions,
//! which the C library's functions do not promise. The polynomials are those of the Cephes
//! mathematical library (Moshier, `expf.c` and `tanhf.c`), good to two units in the last place.

use super::Simd;

/// Below this, e^x is under the smallest normal number and taken as 0.
const EXP_LOW: f32 = -87.336_54;
/// Above this, e^x is over the largest number; e^x stays at its value here, 3.4e38.
const EXP_HIGH: f32 = 88.722_83;

/// e^x.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
    // e^x = 2^n e^r with n whole and |r| <= ln 2 / 2; ln 2 is taken in two parts so that r is exact.
    // Arguments stand so that a NaN passes through `min` and `max`.
    let clamped = simd.min(simd.splat(EXP_HIGH), simd.max(simd.splat(EXP_LOW), x));
    let n = simd.round(simd.mul(clamped, simd.splat(std::f32::consts::LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-0.693_359_4), clamped);
    let r = simd.mul_add(n, simd.splat(2.121_944_4e-4), r);
    let mut polynomial = simd.splat(1.987_569_2e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        polynomial = simd.mul_add(polynomial, r, simd.splat(coefficient));
    }
    let power = simd.mul_add(polynomial, simd.mul(r, r), simd.add(r, simd.splat(1.0)));
    // n reaches 128 at the top: 2^n is made in two halves.
    let half = simd.round(simd.mul(n, simd.splat(0.5)));
    let power = simd.mul(power, simd.power_of_two(half));
    let power = simd.mul(power, simd.power_of_two(simd.sub(n, half)));
    simd.select_greater(simd.splat(EXP_LOW), x, simd.splat(0.0), power)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
    let one = simd.splat(1.0);
    simd.div(one, simd.add(one, exp(simd, simd.sub(simd.splat(0.0), x))))
}

/// (e^x - e^-x) / (e^x + e^-x).
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
    // Near 0 the quotient loses its digits to cancellation, so there an odd polynomial stands in.
    let square = simd.mul(x, x);
    let mut polynomial = simd.splat(-5.704_988_7e-3);
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        polynomial = simd.mul_add(polynomial, square, simd.splat(coefficient));
    }
    let near = simd.mul_add(simd.mul(polynomial, square), x, x);
    // tanh x = 1 - 2 / (e^2x + 1), which reaches +-1 without overflow.
    let e = exp(simd, simd.add(x, x));
    let far = simd.sub(simd.splat(1.0), simd.div(simd.splat(2.0), simd.add(e, simd.splat(1.0))));
    simd.select_greater(square, simd.splat(0.625 * 0.625), far, near)
}
