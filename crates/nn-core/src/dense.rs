//! Owns the three products of a dense layer, Z = X W + b, dX = dZ W^T and dW = X^T dZ, and nothing of
//! where their numbers come from. Every sum runs over its terms in order, one after the other, whatever
//! the tile: the results do not depend on how rows are shared between threads.
//!
//! A tile of the result is summed in registers. One factor of the product gives it a number for each of its rows,
//! term after term; the other some lines, a panel, read from beginning to end. A factor of thousands of columns that is
//! gone over again and again has its next term far away, so it is packed into one piece first (`panel.rs`).

use crate::matrix::{Matrix, Strided, transpose};
use crate::panel::{BAND_LINES, Scratch, band_width, inner_blocks, pack, pack_band, tile_width};
use crate::parameters::Rows;
use crate::simd::{LANES, Line, Simd, floats_mut, load_lines, store_lines};
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
    // A W no wider than a tile is a panel as it lies.
    let is_panel = width <= tile_width::<S>();
    let mut scratch = Scratch::of(if is_panel { 0 } else { BAND_LINES });
    for inner in inner_blocks::<S>(inputs) {
        let weights = weights.of(inner.clone());
        for first in (0..width).step_by(band_width::<S>()) {
            let band = first..width.min(first + band_width::<S>());
            let panels =
                if is_panel { weights.lines } else { pack_band::<S>(weights, band.clone(), &mut scratch) };
            for_panels!(S, band, |line, L| {
                let panel = panels[(line - first) * inner.len()..][..L * inner.len()].as_chunks::<L>().0;
                for_rows!(S, 0..z.rows(), |row, M| {
                    let x = Strided::numbers(x.lines(), x.width(), (row, inner.start));
                    let z = &mut z.lines_mut()[row * width + line..];
                    product_tile::<S, M, L>(simd, x, panel, (z, width));
                });
            });
        }
    }
}

/// Lines of dZ^T that W is gone over for at a time: those of 128 samples.
const SAMPLE_LINES: usize = 8;

/// Rows of dX^T that are summed at a time: whole tiles, and whole lines of dX.
const TRANSPOSED_ROWS: usize = 48;

/// dX = dZ W^T, with dZ (N, O) and W (I, O), as dX^T = W dZ^T: W, by far the largest, is read as it lies, and the others
/// are transposed. All of dX is written, which has the rows of dZ.
#[inline(always)]
pub(crate) fn transposed_product<S: Simd>(simd: S, d_z: &Matrix, weights: Rows<'_>, d_x: &mut Matrix) {
    let (inputs, outputs, width) = (weights.shape.inputs, weights.shape.outputs, d_x.width());
    let all = d_z.rows().div_ceil(LANES);
    let most = SAMPLE_LINES.min(all);
    let mut scratch = Scratch::of(most * (outputs + TRANSPOSED_ROWS));
    let (panels, sums) = scratch.split_at_mut(most * outputs);
    for first in (0..all).step_by(SAMPLE_LINES) {
        let lines = SAMPLE_LINES.min(all - first);
        for_panels!(S, 0..lines, |line, L| {
            let start = (first + line) * LANES;
            let samples = start..d_z.rows().min(start + L * LANES);
            let d_z = &d_z.lines()[samples.start * d_z.width()..samples.end * d_z.width()];
            transpose(simd, d_z, weights.shape.width(), &mut panels[line * outputs..][..L * outputs], L);
        });
        for input in (0..inputs).step_by(TRANSPOSED_ROWS) {
            let rows = TRANSPOSED_ROWS.min(inputs - input);
            let sums = &mut sums[..rows * lines];
            sums.fill(Line::default());
            for inner in inner_blocks::<S>(outputs) {
                for_rows!(S, 0..rows, |row, M| {
                    let place = (input + row, inner.start);
                    let weights = Strided::numbers(weights.lines, weights.shape.width(), place);
                    for_panels!(S, 0..lines, |line, L| {
                        let panel =
                            &panels[line * outputs..][..L * outputs].as_chunks::<L>().0[inner.clone()];
                        let sums = &mut sums[row * lines + line..];
                        product_tile::<S, M, L>(simd, weights, panel, (sums, lines));
                    });
                });
            }
            let d_x = &mut d_x.lines_mut()[first * LANES * width + input / LANES..];
            transpose(simd, sums, lines, d_x, width);
        }
    }
}

/// M rows x L lines of out += a b, with the terms of `a` that a panel of `b` is for. The rows of `out` begin `stride` lines
/// after one another.
#[inline(always)]
fn product_tile<S: Simd, const M: usize, const L: usize>(
    simd: S,
    a: Strided<'_, f32>,
    panel: &[[Line; L]],
    (out, stride): (&mut [Line], usize),
) {
    let mut terms: [&[f32]; M] = [&[]; M];
    let mut sums = [[simd.splat(0.0); L]; M];
    for m in 0..M {
        // Slices of one length leave the loop one check.
        terms[m] = &a.items[m * a.stride..][..panel.len()];
        sums[m] = load_lines(simd, &out[m * stride..]);
    }
    for (k, b) in panel.iter().enumerate() {
        let b: [S::Vector; L] = load_lines(simd, b);
        for m in 0..M {
            let a = simd.splat(terms[m][k]);
            for l in 0..L {
                sums[m][l] = simd.mul_add(a, b[l], sums[m][l]);
            }
        }
    }
    for m in 0..M {
        store_lines(simd, sums[m], &mut out[m * stride..]);
    }
}

/// Lines in a row of dZ from which on so many panels go over X that packing it pays.
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
    if width >= PACKED_FROM {
        return packed_weight_gradient(simd, parts, rows, width, sink);
    }
    for_panels!(S, 0..width, |line, L| {
        for_rows!(S, rows.clone(), |row, M| {
            let parts = parts.clone().map(|(x, d_z)| (x.columns_from(row), d_z.lines_from(line)));
            gradient_tile::<S, M, L>(simd, parts, (row - rows.start, line), sink);
        });
    });
}

/// The same, with X of these inputs and then panel after panel of dZ packed.
#[inline(always)]
fn packed_weight_gradient<'a, S: Simd>(
    simd: S,
    parts: impl Iterator<Item = (&'a Matrix, &'a Matrix)> + Clone,
    rows: Range<usize>,
    width: usize,
    sink: &mut impl GradientSink<S>,
) {
    let samples: usize = parts.clone().map(|(x, _)| x.rows()).sum();
    let x_lines = (rows.len() * samples).div_ceil(LANES);
    let mut scratch = Scratch::of(x_lines + tile_width::<S>() * samples);
    let (packed_x, packed_d_z) = scratch.split_at_mut(x_lines);
    let packed_x = floats_mut(packed_x);
    for_rows!(S, rows.clone(), |row, M| {
        let packed = &mut packed_x[(row - rows.start) * samples..][..M * samples];
        pack::<_, M>(parts.clone().map(|(x, _)| x.columns_from(row)), packed);
    });
    for_panels!(S, 0..width, |line, L| {
        let packed = &mut packed_d_z[..L * samples];
        pack::<_, L>(parts.clone().map(|(_, d_z)| d_z.lines_from(line)), packed);
        let d_z = Strided { items: &*packed, stride: L };
        for_rows!(S, rows.clone(), |row, M| {
            let items = &packed_x[(row - rows.start) * samples..][..M * samples];
            let x = Strided { items, stride: M };
            gradient_tile::<S, M, L>(simd, once((x, d_z)), (row - rows.start, line), sink);
        });
    });
}

/// M rows x L lines of X^T dZ, summed over the samples of all parts, and taken. The parts begin with the tile's first row
/// of X^T and first line of dZ.
#[inline(always)]
fn gradient_tile<'a, S: Simd, const M: usize, const L: usize>(
    simd: S,
    parts: impl Iterator<Item = (Strided<'a, f32>, Strided<'a, Line>)>,
    (row, line): (usize, usize),
    sink: &mut impl GradientSink<S>,
) {
    // The weights come from main memory while their gradient is summed.
    for m in 0..M {
        sink.prefetch::<L>(simd, row + m, line);
    }
    let mut sums = [[simd.splat(0.0); L]; M];
    for (x, d_z) in parts {
        // Slices that begin with the tile in every row leave the loop one check each.
        for (x, d_z) in x.items.chunks(x.stride).zip(d_z.items.chunks(d_z.stride)) {
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
    for m in 0..M {
        sink.take(simd, row + m, line, sums[m]);
    }
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
