//! Owns the three products of a dense layer, Z = X W + b, dX = dZ W^T and dW = X^T dZ, and nothing of
//! where their numbers come from. Every sum runs over its terms in order, one after the other, whatever
//! the tile: the results do not depend on how rows are shared between threads.
//!
//! A tile of the result is summed in registers. One factor of the product gives it a number for each of its rows,
//! term after term; the other some lines, a panel, which stays in the first cache while other rows go over it.
//! Where a factor has its next term on another page of memory, it is packed into one piece first.

use crate::matrix::{Matrix, transpose};
use crate::panel::{
    STRIP_LINES, Scratch, inner_blocks, pack_columns, pack_lines, pack_strip, strip_width, tile_width,
};
use crate::parameters::Rows;
use crate::simd::{LANES, Line, Simd, floats, floats_mut, load_lines, store_lines};
use std::iter::once;
use std::ops::Range;
use zerocopy::IntoBytes;

/// Where the rows of a weight gradient go as soon as they are summed: into memory, or straight into an
/// update of the weights.
pub(crate) trait GradientSink<S: Simd> {
    /// Whether a row of zeros need not be given.
    fn ignores_zero(&self) -> bool;

    /// Asks for the memory that `take` of the same lines will change, without waiting for it.
    fn prefetch<const T: usize>(&self, simd: S, row: usize, start: usize);

    /// Takes `T` lines of row `row` of the gradient, counted from the first row asked for, beginning
    /// with line `start` of the row.
    fn take<const T: usize>(&mut self, simd: S, row: usize, start: usize, gradient: [S::Vector; T]);
}

/// Where a gradient's rows are kept.
pub(crate) struct StoreRows<'a> {
    /// Lines in a row.
    pub(crate) width: usize,
    /// Zero to begin with, where rows of zeros are not given.
    pub(crate) lines: &'a mut [Line],
}

impl<S: Simd> GradientSink<S> for StoreRows<'_> {
    #[inline(always)]
    fn ignores_zero(&self) -> bool {
        true
    }

    #[inline(always)]
    fn prefetch<const T: usize>(&self, simd: S, row: usize, start: usize) {
        simd.prefetch(self.lines[row * self.width + start..][..T].as_bytes());
    }

    #[inline(always)]
    fn take<const T: usize>(&mut self, simd: S, row: usize, start: usize, gradient: [S::Vector; T]) {
        store_lines(simd, gradient, &mut self.lines[row * self.width + start..]);
    }
}

/// Runs `$body` for all of `$lines`, `$L` of them at a time from `$line` on: as many as the tiles
/// are wide.
macro_rules! for_panels {
    ($S:ident, $lines:expr, |$line:ident, $L:ident| $body:expr) => {{
        let lines: Range<usize> = $lines;
        let mut $line = lines.start;
        while $line < lines.end {
            let width = tile_width::<$S>().min(lines.end - $line);
            match width {
                3 => for_panels!(@ $L 3, $body),
                2 => for_panels!(@ $L 2, $body),
                _ => for_panels!(@ $L 1, $body),
            }
            $line += width;
        }
    }};
    (@ $L:ident $l:literal, $body:expr) => {{
        const $L: usize = $l;
        $body
    }};
}

/// Runs `$body` for all of `$rows`, `$M` of them at a time from `$row` on. The largest tile is 8 rows of
/// 3 lines where 32 registers are a line wide each, else 6 rows of 1.
macro_rules! for_rows {
    ($S:ident, $rows:expr, |$row:ident, $M:ident| $body:expr) => {{
        let rows: Range<usize> = $rows;
        let mut $row = rows.start;
        while $row < rows.end {
            let height = match rows.end - $row {
                8.. if $S::WIDE => 8,
                6.. if !$S::WIDE => 6,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            match height {
                8 => for_rows!(@ $M 8, $body),
                6 => for_rows!(@ $M 6, $body),
                4 => for_rows!(@ $M 4, $body),
                2 => for_rows!(@ $M 2, $body),
                _ => for_rows!(@ $M 1, $body),
            }
            $row += height;
        }
    }};
    (@ $M:ident $m:literal, $body:expr) => {{
        const $M: usize = $m;
        $body
    }};
}

/// Z += X W, with X (N, I) and W (I, O).
#[inline(always)]
pub(crate) fn add_product<S: Simd>(simd: S, x: &Matrix, weights: Rows<'_>, z: &mut Matrix) {
    let (inputs, width) = (weights.shape.inputs, weights.shape.width());
    let is_panel = width <= tile_width::<S>();
    let mut scratch = Scratch::of(if is_panel { 0 } else { STRIP_LINES });
    for inner in inner_blocks::<S>(inputs) {
        let weights = weights.of(inner.clone());
        for first in (0..width).step_by(strip_width::<S>()) {
            let strip = first..width.min(first + strip_width::<S>());
            let panels = match is_panel {
                true => weights.lines,
                false => pack_strip(simd, weights, strip.clone(), &mut scratch),
            };
            for_panels!(S, strip, |line, L| {
                let panel = panels[(line - first) * inner.len()..][..L * inner.len()].as_chunks::<L>().0;
                for_rows!(S, 0..z.rows(), |row, M| {
                    let mut terms: [&[f32]; M] = [&[]; M];
                    let mut sums = [[simd.splat(0.0); L]; M];
                    for m in 0..M {
                        terms[m] = &x.row_floats(row + m)[inner.clone()];
                        sums[m] = load_lines(simd, &z.row(row + m)[line..]);
                    }
                    sums = product_tile(simd, terms, panel, sums);
                    for m in 0..M {
                        store_lines(simd, sums[m], &mut z.row_mut(row + m)[line..]);
                    }
                });
            });
        }
    }
}

/// Lines of dZ^T that W is gone over for at a time: those of 128 samples.
const SAMPLE_LINES: usize = 8;

/// Rows of dX^T that are summed at a time: whole tiles, and whole lines of dX.
const TURNED_ROWS: usize = 48;

/// dX = dZ W^T, with dZ (N, O) and W (I, O), as dX^T = W dZ^T: W, by far the largest, is read as it lies, row after row,
/// and the others are turned over.
#[inline(always)]
pub(crate) fn transposed_product<S: Simd>(simd: S, d_z: &Matrix, weights: Rows<'_>, d_x: &mut Matrix) {
    let (inputs, outputs, width) = (weights.shape.inputs, weights.shape.outputs, d_x.width());
    let all = d_z.rows().div_ceil(LANES);
    let mut scratch = Scratch::of(all * outputs + TURNED_ROWS * SAMPLE_LINES);
    let (turned, sums) = scratch.split_at_mut(all * outputs);
    turn(simd, d_z, turned);
    for first in (0..all).step_by(SAMPLE_LINES) {
        let lines = SAMPLE_LINES.min(all - first);
        for input in (0..inputs).step_by(TURNED_ROWS) {
            let rows = TURNED_ROWS.min(inputs - input);
            for inner in inner_blocks::<S>(outputs) {
                for_rows!(S, 0..rows, |row, M| {
                    let mut terms: [&[f32]; M] = [&[]; M];
                    for m in 0..M {
                        terms[m] = &floats(weights.row(input + row + m))[inner.clone()];
                    }
                    for_panels!(S, first..first + lines, |line, L| {
                        let panel =
                            &turned[line * outputs..][..L * outputs].as_chunks::<L>().0[inner.clone()];
                        let sums = &mut sums[row * lines + line - first..];
                        let mut tile = [[simd.splat(0.0); L]; M];
                        if inner.start > 0 {
                            for m in 0..M {
                                tile[m] = load_lines(simd, &sums[m * lines..]);
                            }
                        }
                        tile = product_tile(simd, terms, panel, tile);
                        for m in 0..M {
                            store_lines(simd, tile[m], &mut sums[m * lines..]);
                        }
                    });
                });
            }
            let d_x = &mut d_x.lines_mut()[first * LANES * width + input / LANES..];
            transpose(simd, &sums[..rows * lines], lines, d_x, width);
        }
    }
}

/// Writes dZ^T panel after panel.
#[inline(always)]
fn turn<S: Simd>(simd: S, d_z: &Matrix, turned: &mut [Line]) {
    let (outputs, width) = (d_z.columns(), d_z.width());
    let lines = 0..d_z.rows().div_ceil(LANES);
    // Cut as the product goes over them.
    for first in lines.clone().step_by(SAMPLE_LINES) {
        for_panels!(S, first..lines.end.min(first + SAMPLE_LINES), |line, L| {
            let samples = line * LANES..d_z.rows().min((line + L) * LANES);
            let d_z = &d_z.lines()[samples.start * width..samples.end * width];
            transpose(simd, d_z, width, &mut turned[line * outputs..][..L * outputs], L);
        });
    }
}

/// M rows x L lines of sums += a b, with those rows' terms of `a` and a panel of `b`.
#[inline(always)]
fn product_tile<S: Simd, const M: usize, const L: usize>(
    simd: S,
    terms: [&[f32]; M],
    panel: &[[Line; L]],
    mut sums: [[S::Vector; L]; M],
) -> [[S::Vector; L]; M] {
    // Slices of one length leave the loop one check.
    let mut rows: [&[f32]; M] = [&[]; M];
    for m in 0..M {
        rows[m] = &terms[m][..panel.len()];
    }
    for (k, b) in panel.iter().enumerate() {
        let b: [S::Vector; L] = load_lines(simd, b);
        for m in 0..M {
            let a = simd.splat(rows[m][k]);
            for l in 0..L {
                sums[m][l] = simd.mul_add(a, b[l], sums[m][l]);
            }
        }
    }
    sums
}

/// Lines in a row of dZ from which on as many panels go over X as pay for packing it.
const PACKED_FROM: usize = 16;

/// dW = X^T dZ for the inputs `rows`. The parts are the X and dZ of some of the batch's samples each.
#[inline(always)]
pub(crate) fn weight_gradient<'a, S: Simd>(
    simd: S,
    parts: impl Iterator<Item = (&'a Matrix, &'a Matrix)> + Clone,
    rows: Range<usize>,
    width: usize,
    sink: &mut impl GradientSink<S>,
) {
    if width < PACKED_FROM {
        for_panels!(S, 0..width, |line, L| {
            for_rows!(S, rows.clone(), |row, M| {
                let parts = parts.clone().map(|(x, d_z)| {
                    let x = (floats(x.lines()).get(row..).unwrap_or_default(), x.width() * LANES);
                    (x, (d_z.lines().get(line..).unwrap_or_default(), d_z.width()))
                });
                gradient_tile::<S, M, L>(simd, parts, (row - rows.start, line), sink);
            });
        });
        return;
    }
    // In their matrices, each sample's numbers are on other pages of memory.
    let samples: usize = parts.clone().map(|(x, _)| x.rows()).sum();
    let x_lines = (rows.len() * samples).div_ceil(LANES);
    let mut scratch = Scratch::of(x_lines + tile_width::<S>() * samples);
    let (packed_x, packed_d_z) = scratch.split_at_mut(x_lines);
    let packed_x = floats_mut(packed_x);
    for_rows!(S, rows.clone(), |row, M| {
        let x = parts.clone().map(|(x, _)| x);
        pack_columns::<M>(x, row, &mut packed_x[(row - rows.start) * samples..][..M * samples]);
    });
    for_panels!(S, 0..width, |line, L| {
        let d_z = pack_lines::<L>(parts.clone().map(|(_, d_z)| d_z), line, packed_d_z);
        for_rows!(S, rows.clone(), |row, M| {
            let x = &packed_x[(row - rows.start) * samples..][..M * samples];
            gradient_tile::<S, M, L>(simd, once(((x, M), (d_z, L))), (row - rows.start, line), sink);
        });
    });
}

/// M rows x L lines of X^T dZ, summed and taken.
#[inline(always)]
fn gradient_tile<'a, S: Simd, const M: usize, const L: usize>(
    simd: S,
    parts: impl Iterator<Item = ((&'a [f32], usize), (&'a [Line], usize))>,
    (row, line): (usize, usize),
    sink: &mut impl GradientSink<S>,
) {
    // The weights come from main memory while their gradient is summed.
    for m in 0..M {
        sink.prefetch::<L>(simd, row + m, line);
    }
    let sums = outer_tile::<S, M, L>(simd, parts);
    for (m, sums) in sums.into_iter().enumerate() {
        sink.take(simd, row + m, line, sums);
    }
}

/// M rows x L lines of X^T dZ, the sum over the samples of some parts. Of each part are given the numbers of X from the
/// tile's first row on, with those of the next sample after a stride, and so the lines of dZ.
#[inline(always)]
fn outer_tile<'a, S: Simd, const M: usize, const L: usize>(
    simd: S,
    parts: impl Iterator<Item = ((&'a [f32], usize), (&'a [Line], usize))>,
) -> [[S::Vector; L]; M] {
    let mut sums = [[simd.splat(0.0); L]; M];
    for ((x, x_stride), (d_z, d_z_stride)) in parts {
        // Slices that begin with the tile in every row leave the loop one check each.
        for (x, d_z) in x.chunks(x_stride).zip(d_z.chunks(d_z_stride)) {
            let x: &[f32; M] = x.first_chunk().expect("a tile lies within the rows");
            let d_z: [S::Vector; L] = load_lines(simd, d_z);
            for m in 0..M {
                let x = simd.splat(x[m]);
                for l in 0..L {
                    sums[m][l] = simd.mul_add(x, d_z[l], sums[m][l]);
                }
            }
        }
    }
    sums
}

/// db = the sum over N of dZ, whose parts are those of some of the batch's samples each.
#[inline(always)]
pub(crate) fn bias_gradient<'a, S: Simd>(
    simd: S,
    parts: impl Iterator<Item = &'a Matrix> + Clone,
    row: usize,
    width: usize,
    sink: &mut impl GradientSink<S>,
) {
    for line in 0..width {
        let mut sum = simd.splat(0.0);
        for d_z in parts.clone() {
            for n in 0..d_z.rows() {
                sum = simd.add(sum, simd.load(&d_z.row(n)[line]));
            }
        }
        sink.take(simd, row, line, [sum]);
    }
}

#[cfg(test)]
mod tests;
