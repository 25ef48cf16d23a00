//! Owns the products of the first layer over bytes that are mostly 0: the sums visit only what is lit.
//! An input of 0 adds nothing to a sum, so the results are those of the dense products.

use crate::bits::{BLOCK, ones, places};
use crate::dense::GradientSink;
use crate::inputs::{Group, Inputs, Section};
use crate::matrix::Matrix;
use crate::simd::{Line, Simd, load_lines, store_lines};
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

pub(crate) use with_tile;

/// Cuts `width` lines into tiles of nearly equal width, as few as fit the registers.
#[inline(always)]
pub(crate) fn tiles<S: Simd>(_simd: S, width: usize) -> impl Iterator<Item = Range<usize>> {
    let most = if S::WIDE { 8 } else { 7 };
    let count = width.div_ceil(most);
    (0..count).map(move |tile| tile * width / count..(tile + 1) * width / count)
}

/// The product X W of a section's inputs. The strip of weights of each lit input is added to the row of
/// its sample, scaled by the input's value. Blocks of 64 inputs go over all samples, so that their
/// strips stay in the first cache.
#[inline(always)]
pub(crate) fn product<S: Simd>(
    simd: S,
    inputs: Inputs<'_>,
    section: &Section,
    weights: &[Line],
    product: &mut Matrix,
) {
    for tile in tiles(simd, product.width()) {
        with_tile!(tile.len(), T => add_strips::<S, T>(simd, inputs, section, weights, tile.start, product));
    }
}

#[inline(always)]
fn add_strips<S: Simd, const T: usize>(
    simd: S,
    inputs: Inputs<'_>,
    section: &Section,
    weights: &[Line],
    start: usize,
    product: &mut Matrix,
) {
    let (width, values) = (product.width(), section.values());
    for block in 0..section.blocks() {
        // The strips of the block's inputs. The last block has fewer than 64; the rest are never lit.
        let strips = &weights[block * BLOCK * width + start..];
        let first = section.inputs().start + block * BLOCK;
        for (n, ((bytes, lit), row)) in section.block(block).zip(product.rows_mut()).enumerate() {
            if start == 0 {
                inputs.prefetch_next(simd, n, first);
            }
            if lit == 0 && block > 0 {
                continue;
            }
            let row = &mut row[start..];
            let mut sums = [simd.splat(0.0); T];
            if block > 0 {
                sums = load_lines(simd, row);
            }
            for j in ones(lit) {
                let x = simd.splat(values[usize::from(bytes[j])]);
                let strip: [S::Vector; T] = load_lines(simd, &strips[j * width..]);
                for t in 0..T {
                    sums[t] = simd.mul_add(x, strip[t], sums[t]);
                }
            }
            store_lines(simd, sums, row);
        }
    }
}

/// dW = X^T dZ for the inputs `inputs` of a section: the row of an input is the sum of the dZ of the
/// samples in which it is lit, each scaled by the input's value there.
#[inline(always)]
pub(crate) fn weight_gradient<S: Simd>(
    simd: S,
    section: &Section,
    inputs: Range<usize>,
    d_z: &Matrix,
    sink: &mut impl GradientSink<S>,
) {
    for tile in tiles(simd, d_z.width()) {
        for block in inputs.start / BLOCK..inputs.end.div_ceil(BLOCK) {
            let start = block * BLOCK;
            let mut wanted = places(inputs.start.max(start) - start..inputs.end.min(start + BLOCK) - start);
            if sink.ignores_zero() {
                wanted &= section.lit_in_any(block);
            }
            let row = |j| start + j - inputs.start;
            with_tile!(tile.len(), T => {
                if section.rows() == 1 {
                    // The one sample's dZ stays in the registers, and no map of its own is needed.
                    let d_z: [S::Vector; T] = load_lines(simd, &d_z.row(0)[tile.start..]);
                    let (bytes, _) = section.block(block).next().expect("one row");
                    for j in ones(wanted) {
                        let x = simd.splat(section.values()[usize::from(bytes[j])]);
                        let mut sums = [simd.splat(0.0); T];
                        for t in 0..T {
                            sums[t] = simd.mul_add(x, d_z[t], sums[t]);
                        }
                        sink.take(simd, row(j), tile.start, sums);
                    }
                } else if S::WIDE {
                    // Neighbours are mostly lit in the same samples: the dZ of a sample in which either
                    // is lit is loaded once for both.
                    for j in ones((wanted | wanted >> 1) & EVEN) {
                        let [even, odd] = sum_lit::<S, T, 2>(simd, section.groups(block), j, d_z, tile.start);
                        if wanted >> j & 1 != 0 {
                            sink.take(simd, row(j), tile.start, even);
                        }
                        if wanted >> j & 2 != 0 {
                            sink.take(simd, row(j + 1), tile.start, odd);
                        }
                    }
                } else {
                    for j in ones(wanted) {
                        let [sums] = sum_lit::<S, T, 1>(simd, section.groups(block), j, d_z, tile.start);
                        sink.take(simd, row(j), tile.start, sums);
                    }
                }
            });
        }
    }
}

/// The map of the even places.
const EVEN: u64 = u64::MAX / 3;

/// The rows of dW, T lines of each, that belong to P neighbouring inputs from input `j` of the block on.
/// Where one of them is dark, it adds 0 to its sum.
#[inline(always)]
fn sum_lit<'a, S: Simd, const T: usize, const P: usize>(
    simd: S,
    groups: impl Iterator<Item = Group<'a>>,
    j: usize,
    d_z: &Matrix,
    start: usize,
) -> [[S::Vector; T]; P] {
    let mut sums = [[simd.splat(0.0); T]; P];
    let width = d_z.width();
    for (group, d_z) in groups.zip(d_z.lines().chunks(BLOCK * width)) {
        let d_z = &d_z[start..];
        let mut lit = 0;
        for p in 0..P {
            lit |= group.lit_rows(j + p);
        }
        for n in ones(lit) {
            let d_z: [S::Vector; T] = load_lines(simd, &d_z[n * width..]);
            for p in 0..P {
                let x = simd.splat(group.value(n, j + p));
                for t in 0..T {
                    sums[p][t] = simd.mul_add(x, d_z[t], sums[p][t]);
                }
            }
        }
    }
    sums
}
