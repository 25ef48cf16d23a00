//! Owns the three products of a dense layer, Z = X W + b, dX = dZ W^T and dW = X^T dZ, and nothing of
//! where their numbers come from. Every sum runs over its terms in order, one after the other, whatever
//! the tile: the results do not depend on how rows are shared between threads.
//!
//! A tile of the result is summed in registers, and W is cut into panels that are as wide as a tile. A
//! panel, or one of W^T, is packed into one piece, and all samples go over it before the next.

use crate::matrix::Matrix;
use crate::panel::{inner_blocks, pack, pack_transposed, panel_buffer, tile_width};
use crate::parameters::Rows;
use crate::simd::{LANES, Line, Simd, floats, load_lines, store_lines};
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
    let packed = if width > tile_width::<S>() { inputs } else { 0 };
    panel_buffer!(buffer, S, packed);
    for inner in inner_blocks::<S>(inputs) {
        let weights = weights.of(inner.clone());
        for_panels!(S, 0..width, |line, L| {
            let panel = pack::<L>(weights, line, buffer);
            add_panel::<S, L>(simd, x, inner.start, panel, (&mut *z, line));
        });
    }
}

/// dX += dZ W^T, with dZ (N, O) and W (I, O).
#[inline(always)]
pub(crate) fn add_transposed_product<S: Simd>(simd: S, d_z: &Matrix, weights: Rows<'_>, d_x: &mut Matrix) {
    let outputs = weights.shape.outputs;
    panel_buffer!(buffer, S, outputs);
    for inner in inner_blocks::<S>(outputs) {
        for_panels!(S, 0..d_x.width(), |line, L| {
            let panel = pack_transposed::<S, L>(simd, weights, inner.clone(), line, buffer);
            add_panel::<S, L>(simd, d_z, inner.start, panel, (&mut *d_x, line));
        });
    }
}

/// L lines of every row of out += a b, from line `line` on. The panel of `b` goes with the columns of `a` from
/// `first` on.
#[inline(always)]
fn add_panel<S: Simd, const L: usize>(
    simd: S,
    a: &Matrix,
    first: usize,
    panel: &[[Line; L]],
    (out, line): (&mut Matrix, usize),
) {
    for_rows!(S, 0..out.rows(), |row, M| {
        product_tile::<S, M, L>(simd, (a, row, first), panel, (&mut *out, line));
    });
}

/// M rows x L lines of out += a b, from row `row` and line `line` on.
#[inline(always)]
fn product_tile<S: Simd, const M: usize, const L: usize>(
    simd: S,
    (a, row, first): (&Matrix, usize, usize),
    panel: &[[Line; L]],
    (out, line): (&mut Matrix, usize),
) {
    let mut terms: [&[f32]; M] = [&[]; M];
    let mut sums = [[simd.splat(0.0); L]; M];
    for m in 0..M {
        terms[m] = &a.row_floats(row + m)[first..][..panel.len()];
        sums[m] = load_lines(simd, &out.row(row + m)[line..]);
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
        store_lines(simd, sums[m], &mut out.row_mut(row + m)[line..]);
    }
}

/// dW = X^T dZ for the inputs `rows`. The parts are the X and dZ of some of the batch's samples each.
#[inline(always)]
pub(crate) fn weight_gradient<'a, S: Simd>(
    simd: S,
    parts: impl Iterator<Item = (&'a Matrix, &'a Matrix)> + Clone,
    rows: Range<usize>,
    width: usize,
    sink: &mut impl GradientSink<S>,
) {
    for_panels!(S, 0..width, |line, L| {
        for_rows!(S, rows.clone(), |row, M| {
            // The weights come from main memory while their gradient is summed.
            for m in 0..M {
                sink.prefetch::<L>(simd, row + m - rows.start, line);
            }
            let sums = outer_tile::<S, M, L>(simd, parts.clone(), row, line);
            for (m, sums) in sums.into_iter().enumerate() {
                sink.take(simd, row + m - rows.start, line, sums);
            }
        });
    });
}

/// M rows x L lines of X^T dZ.
#[inline(always)]
fn outer_tile<'a, S: Simd, const M: usize, const L: usize>(
    simd: S,
    parts: impl Iterator<Item = (&'a Matrix, &'a Matrix)>,
    row: usize,
    line: usize,
) -> [[S::Vector; L]; M] {
    let mut sums = [[simd.splat(0.0); L]; M];
    for (x, d_z) in parts {
        // Slices that begin with the tile in every row leave the loop one check each.
        let x_rows = floats(x.lines()).get(row..).unwrap_or_default().chunks(x.width() * LANES);
        let d_z_rows = d_z.lines().get(line..).unwrap_or_default().chunks(d_z.width());
        for (x, d_z) in x_rows.zip(d_z_rows) {
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
