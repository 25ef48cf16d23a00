//! Owns the three products of a dense layer, Z = X W + b, dX = dZ W^T and dW = X^T dZ, and nothing of
//! where their numbers come from. Every sum runs over its terms in order, one after the other, whatever
//! the tile: the results do not depend on how rows are shared between threads.

use crate::matrix::Matrix;
use crate::parameters::Rows;
use crate::simd::{Line, Simd, floats, load_lines, store_lines};
use std::ops::Range;

/// Where the rows of a weight gradient go as soon as they are summed: into memory, or straight into an
/// update of the weights.
pub(crate) trait GradientSink<S: Simd> {
    /// Whether a row of zeros need not be given.
    fn ignores_zero(&self) -> bool;

    /// Takes `T` lines of row `row` of the gradient, counted from the first row asked for, beginning
    /// with line `start` of the row.
    fn take<const T: usize>(&mut self, simd: S, row: usize, start: usize, gradient: [S::Vector; T]);
}

/// Rows of W that a product goes through before it comes back to them: 256 rows of a tile stay in
/// the second cache.
const INNER_BLOCK: usize = 256;

/// Lines of a panel of transposed weights, see `transposed.rs`.
pub(crate) const PANEL: usize = 3;

/// Calls `$tile::<S, M, L>(.., row, line)` over `$rows` x `$lines`, with tiles as large as the
/// registers hold: 8 x 3 lines where 32 registers are a line wide each, else 6 x 1.
macro_rules! for_tiles {
    ($S:ident, $rows:expr, $lines:expr, |$row:ident, $line:ident, $M:ident, $L:ident| $body:expr) => {{
        let (rows, lines): (Range<usize>, Range<usize>) = ($rows, $lines);
        let mut $line = lines.start;
        while $line < lines.end {
            let width = if $S::WIDE { (lines.end - $line).min(3) } else { 1 };
            let mut $row = rows.start;
            while $row < rows.end {
                let height = match rows.end - $row {
                    8.. if $S::WIDE => 8,
                    6.. if !$S::WIDE => 6,
                    4.. => 4,
                    2.. => 2,
                    _ => 1,
                };
                for_tiles!(@ $S, height, width, $M, $L, $body);
                $row += height;
            }
            $line += width;
        }
    }};
    (@ $S:ident, $height:expr, $width:expr, $M:ident, $L:ident, $body:expr) => {
        match ($height, $width) {
            (8, 3) => for_tiles!(% $M 8, $L 3, $body),
            (8, 2) => for_tiles!(% $M 8, $L 2, $body),
            (8, 1) => for_tiles!(% $M 8, $L 1, $body),
            (6, 1) => for_tiles!(% $M 6, $L 1, $body),
            (4, 3) => for_tiles!(% $M 4, $L 3, $body),
            (4, 2) => for_tiles!(% $M 4, $L 2, $body),
            (4, 1) => for_tiles!(% $M 4, $L 1, $body),
            (2, 3) => for_tiles!(% $M 2, $L 3, $body),
            (2, 2) => for_tiles!(% $M 2, $L 2, $body),
            (2, 1) => for_tiles!(% $M 2, $L 1, $body),
            (1, 3) => for_tiles!(% $M 1, $L 3, $body),
            (1, 2) => for_tiles!(% $M 1, $L 2, $body),
            _ => for_tiles!(% $M 1, $L 1, $body),
        }
    };
    (% $M:ident $m:literal, $L:ident $l:literal, $body:expr) => {{
        const $M: usize = $m;
        const $L: usize = $l;
        $body
    }};
}

/// Z += X W, with X (N, I) and W (I, O).
#[inline(always)]
pub(crate) fn add_product<S: Simd>(simd: S, x: &Matrix, weights: Rows<'_>, z: &mut Matrix) {
    let (inputs, width) = (weights.shape.inputs, weights.shape.width());
    for first in (0..inputs).step_by(INNER_BLOCK) {
        let inner = first..inputs.min(first + INNER_BLOCK);
        let b = &weights.lines[inner.start * width..inner.end * width];
        for_tiles!(S, 0..z.rows(), 0..width, |row, line, M, L| {
            product_tile::<S, M, L>(simd, (x, row, inner.clone()), (b, width, line), (&mut *z, line));
        });
    }
}

/// dX += dZ W^T, with dZ (N, O) and W given as the panels of its transpose.
#[inline(always)]
pub(crate) fn add_transposed_product<S: Simd>(simd: S, d_z: &Matrix, panels: &[Line], d_x: &mut Matrix) {
    let outputs = d_z.columns();
    for (panel, lines) in panels.chunks_exact(outputs * PANEL).enumerate() {
        let first = panel * PANEL;
        for_tiles!(S, 0..d_x.rows(), first..d_x.width().min(first + PANEL), |row, line, M, L| {
            product_tile::<S, M, L>(
                simd,
                (d_z, row, 0..outputs),
                (lines, PANEL, line - first),
                (&mut *d_x, line),
            );
        });
    }
}

/// M rows x L lines of out += a b: rows of `a` from `row`, over the columns `inner`; the rows of `b`
/// are `stride` lines apart, and taken from line `from`.
#[inline(always)]
fn product_tile<S: Simd, const M: usize, const L: usize>(
    simd: S,
    (a, row, inner): (&Matrix, usize, Range<usize>),
    (b, stride, from): (&[Line], usize, usize),
    (out, line): (&mut Matrix, usize),
) {
    let count = inner.len();
    let a: [&[f32]; M] = std::array::from_fn(|m| &a.row_floats(row + m)[inner.clone()]);
    let mut sums = [[simd.splat(0.0); L]; M];
    for m in 0..M {
        sums[m] = load_lines(simd, &out.row(row + m)[line..]);
    }
    for (k, b) in b.chunks_exact(stride).take(count).enumerate() {
        let b: [S::Vector; L] = load_lines(simd, &b[from..]);
        for m in 0..M {
            let a = simd.splat(a[m][k]);
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
    for_tiles!(S, rows.clone(), 0..width, |row, line, M, L| {
        let sums = outer_tile::<S, M, L>(simd, parts.clone(), row, line);
        for (m, sums) in sums.into_iter().enumerate() {
            sink.take(simd, row + m - rows.start, line, sums);
        }
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
        for n in 0..d_z.rows() {
            let x: &[f32; M] = floats(x.row(n))[row..].first_chunk().expect("a tile lies within the rows");
            let d_z: [S::Vector; L] = load_lines(simd, &d_z.row(n)[line..]);
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
