//! Owns the products of the first layer over bytes that are mostly 0: the sums visit only what is lit.
//! An input of 0 adds nothing to a sum, so the results are those of the dense products.

use crate::dense::GradientSink;
use crate::inputs::{BLOCK, InputRows, PIXEL_VALUE, ones};
use crate::matrix::Matrix;
use crate::parameters::Rows;
use crate::simd::{Simd, load_lines, store_lines};
use crate::trace::Pass;
use std::ops::Range;

/// Runs `$body` with the constant `$T` equal to `$width`, 1 to 8, so that a tile of that many lines is
/// held in registers.
macro_rules! with_tile {
    ($width:expr, $T:ident => $body:expr) => {
        match $width {
            1 => {
                const $T: usize = 1;
                $body
            }
            2 => {
                const $T: usize = 2;
                $body
            }
            3 => {
                const $T: usize = 3;
                $body
            }
            4 => {
                const $T: usize = 4;
                $body
            }
            5 => {
                const $T: usize = 5;
                $body
            }
            6 => {
                const $T: usize = 6;
                $body
            }
            7 => {
                const $T: usize = 7;
                $body
            }
            8 => {
                const $T: usize = 8;
                $body
            }
            _ => unreachable!("tiles are at most 8 lines wide"),
        }
    };
}

/// Cuts `width` lines into tiles of nearly equal width, as few as fit the registers.
fn tiles<S: Simd>(_simd: S, width: usize) -> impl Iterator<Item = Range<usize>> {
    let most = if S::WIDE { 8 } else { 7 };
    let count = width.div_ceil(most);
    (0..count).map(move |tile| tile * width / count..(tile + 1) * width / count)
}

/// Z += X W. The strip of weights of each lit input is added to the row of its sample, scaled by the
/// input's value. Blocks of 64 inputs go over all samples, so that their strips stay in the first
/// cache.
#[inline(always)]
pub(crate) fn add_product<S: Simd>(simd: S, inputs: &InputRows, weights: Rows<'_>, z: &mut Matrix) {
    for tile in tiles(simd, z.width()) {
        with_tile!(tile.len(), T => add_strips::<S, T>(simd, inputs, weights, tile.start, z));
    }
}

#[inline(always)]
fn add_strips<S: Simd, const T: usize>(
    simd: S,
    inputs: &InputRows,
    weights: Rows<'_>,
    start: usize,
    z: &mut Matrix,
) {
    let (width, values) = (weights.shape.width(), &PIXEL_VALUE);
    for block in 0..inputs.blocks() {
        // The strips of the block's inputs. The last block has fewer than 64; the rest are never lit.
        let strips = &weights.lines[block * BLOCK * width + start..];
        for n in 0..inputs.rows() {
            let (bytes, lit) = inputs.block(n, block);
            if lit == 0 {
                continue;
            }
            let z = &mut z.row_mut(n)[start..];
            let mut sums: [S::Vector; T] = load_lines(simd, z);
            for j in ones(lit) {
                let x = simd.splat(values[usize::from(bytes[j])]);
                let strip: [S::Vector; T] = load_lines(simd, &strips[j * width..]);
                for t in 0..T {
                    sums[t] = simd.mul_add(x, strip[t], sums[t]);
                }
            }
            store_lines(simd, sums, z);
        }
    }
}

/// dW = X^T dZ for the inputs `rows`: the row of an input is the sum of the dZ of the samples in which
/// it is lit, each scaled by the input's value there.
#[inline(always)]
pub(crate) fn weight_gradient<'a, S: Simd>(
    simd: S,
    passes: impl Iterator<Item = Pass<'a>> + Clone,
    rows: Range<usize>,
    width: usize,
    sink: &mut impl GradientSink<S>,
) {
    for tile in tiles(simd, width) {
        with_tile!(tile.len(), T => {
            for input in rows.clone() {
                sum_lit::<S, T>(simd, passes.clone(), input, input - rows.start, tile.start, sink);
            }
        });
    }
}

#[inline(always)]
fn sum_lit<'a, S: Simd, const T: usize>(
    simd: S,
    passes: impl Iterator<Item = Pass<'a>>,
    input: usize,
    row: usize,
    start: usize,
    sink: &mut impl GradientSink<S>,
) {
    let mut sums = [simd.splat(0.0); T];
    let mut any = 0;
    for pass in passes {
        let (inputs, d_z) = (&pass.trace.inputs, &pass.d_z[0]);
        for group in 0..inputs.rows().div_ceil(BLOCK) {
            let samples = inputs.lit_samples(group, input);
            any |= samples;
            for n in ones(samples) {
                let n = group * BLOCK + n;
                let x = simd.splat(inputs.value(n, input));
                let d_z: [S::Vector; T] = load_lines(simd, &d_z.row(n)[start..]);
                for t in 0..T {
                    sums[t] = simd.mul_add(x, d_z[t], sums[t]);
                }
            }
        }
    }
    if any != 0 || !sink.ignores_zero() {
        sink.take(simd, row, start, sums);
    }
}
