//! Owns panels: parts of W, or of W^T, packed for a product that goes over them again and again. Knows no
//! formula.

use crate::parameters::Rows;
use crate::simd::{LANES, Line, Simd};
use std::ops::Range;

/// Lines in a row of the largest tile.
#[inline(always)]
pub(crate) const fn tile_width<S: Simd>() -> usize {
    if S::WIDE { 3 } else { 1 }
}

/// Lines of the buffer that a panel of W is packed into: 72 KB, which stay in the second cache while all
/// samples go over it.
pub(crate) const PANEL_LINES: usize = 1152;

/// Lines of the buffer that is enough for small layers.
pub(crate) const SMALL_PANEL_LINES: usize = 48;

/// Whether a panel of so many terms of each sum fits the small buffer.
pub(crate) const fn fits_small<S: Simd>(terms: usize) -> bool {
    terms.next_multiple_of(LANES) * tile_width::<S>() <= SMALL_PANEL_LINES
}

/// Declares `$buffer`, on the stack, with room for a panel of so many terms of each sum: the small one
/// where it is enough, because a small layer would feel the time that clearing the large one takes.
macro_rules! panel_buffer {
    ($buffer:ident, $S:ident, $terms:expr) => {
        let (mut small, mut large);
        let $buffer: &mut [Line] = if $crate::panel::fits_small::<$S>($terms) {
            small = [Line::default(); $crate::panel::SMALL_PANEL_LINES];
            &mut small
        } else {
            large = [Line::default(); $crate::panel::PANEL_LINES];
            &mut large
        };
    };
}

pub(crate) use panel_buffer;

/// Cuts the terms of the sums into blocks of as many as the buffer holds rows of a panel.
pub(crate) fn inner_blocks<S: Simd>(terms: usize) -> impl Iterator<Item = Range<usize>> {
    let most = PANEL_LINES / tile_width::<S>();
    (0..terms).step_by(most).map(move |first| first..terms.min(first + most))
}

/// The panel of W from line `line` on: L lines of every row. Where it lies, each row is on another page
/// of memory; packed, a tile reads it from beginning to end.
#[inline(always)]
pub(crate) fn pack<'a, const L: usize>(
    weights: Rows<'a>,
    line: usize,
    buffer: &'a mut [Line],
) -> &'a [[Line; L]] {
    let (width, count) = (weights.shape.width(), weights.shape.inputs);
    if width == L {
        return weights.lines.as_chunks().0;
    }
    let panel = &mut buffer.as_chunks_mut::<L>().0[..count];
    for (packed, row) in panel.iter_mut().zip(weights.lines.chunks_exact(width)) {
        *packed = *row[line..].first_chunk().expect("a panel lies within the rows");
    }
    panel
}

/// In place of the rows that W does not have: the padding of W^T is zero.
static NO_ROW: [Line; PANEL_LINES / LANES] = [Line([0.0; LANES]); PANEL_LINES / LANES];

/// The panel of W^T from line `line` on: L lines of the rows `inner`.
#[inline(always)]
pub(crate) fn pack_transposed<'a, S: Simd, const L: usize>(
    simd: S,
    weights: Rows<'_>,
    inner: Range<usize>,
    line: usize,
    buffer: &'a mut [Line],
) -> &'a [[Line; L]] {
    let shape = weights.shape;
    let lines = inner.start / LANES..inner.end.div_ceil(LANES);
    for l in 0..L {
        let first = (line + l) * LANES;
        let mut rows = [&NO_ROW[..lines.len()]; LANES];
        for (row, input) in rows.iter_mut().zip(first..shape.inputs) {
            *row = &weights.row(input)[lines.clone()];
        }
        for group in 0..lines.len() {
            let columns = &mut buffer[group * LANES * L + l..];
            let mut block = [&NO_ROW[0]; LANES];
            for i in 0..LANES {
                block[i] = &rows[i][group];
            }
            simd.transpose(block, columns, L);
        }
    }
    &buffer.as_chunks().0[..inner.len()]
}
