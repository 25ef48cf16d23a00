//! Owns what the products pack before they go over it again and again, the panels of tiles, and the memory for it. Knows
//! no formula.

use crate::matrix::Matrix;
use crate::parameters::Rows;
use crate::simd::{LANES, Line, Simd, floats};
use std::cell::Cell;
use std::ops::{Deref, DerefMut, Range};

/// Lines in a row of the largest tile.
#[inline(always)]
pub(crate) const fn tile_width<S: Simd>() -> usize {
    if S::WIDE { 3 } else { 1 }
}

/// Lines of a row of W that are packed together. Each of its rows is on another page of memory; what is beside the line
/// that is wanted is near, and wanted next.
pub(crate) const fn strip_width<S: Simd>() -> usize {
    if S::WIDE { 3 } else { 4 }
}

/// Lines of a strip of W, all of its panels: 72 KB, which stay in the second cache while all samples go over them. A
/// panel of a line's width is 18 KB, and stays in the first.
pub(crate) const STRIP_LINES: usize = 1152;

thread_local! {
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Memory for what is packed. It stays with its thread from one use to the next, so that a step allocates nothing; and
/// nothing is cleared, or reserved on the stack, which steps of small networks would feel.
pub(crate) struct Scratch(Vec<Line>);

impl Scratch {
    /// At least so many lines, of unspecified content. Who asks again before this is dropped is given new memory.
    pub(crate) fn of(lines: usize) -> Self {
        let mut scratch = SCRATCH.take();
        if scratch.len() < lines {
            scratch.resize(lines, Line::default());
        }
        Self(scratch)
    }
}

impl Deref for Scratch {
    type Target = [Line];

    #[inline(always)]
    fn deref(&self) -> &[Line] {
        &self.0
    }
}

impl DerefMut for Scratch {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Line] {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        SCRATCH.set(std::mem::take(&mut self.0));
    }
}

/// Cuts the terms of the sums into blocks of as many as a strip has rows.
pub(crate) fn inner_blocks<S: Simd>(terms: usize) -> impl Iterator<Item = Range<usize>> {
    let most = STRIP_LINES / strip_width::<S>();
    (0..terms).step_by(most).map(move |first| first..terms.min(first + most))
}

/// The lines `strip` of every row of W, panel after panel, each as wide as a tile.
#[inline(always)]
pub(crate) fn pack_strip<'a, S: Simd>(
    _simd: S,
    weights: Rows<'_>,
    strip: Range<usize>,
    buffer: &'a mut [Line],
) -> &'a [Line] {
    let (width, count) = (weights.shape.width(), weights.shape.inputs);
    for (row, lines) in weights.lines.chunks_exact(width).enumerate() {
        let lines = &lines[strip.clone()];
        for (place, line) in lines.iter().enumerate() {
            // The strip is one panel, or each line is one.
            let packed = if S::WIDE { row * lines.len() + place } else { place * count + row };
            buffer[packed] = *line;
        }
    }
    &buffer[..strip.len() * count]
}

/// L lines of every row of dZ, from line `line` on, of one part of the samples after the other.
#[inline(always)]
pub(crate) fn pack_lines<'a, 'b, const L: usize>(
    parts: impl Iterator<Item = &'a Matrix>,
    line: usize,
    buffer: &'b mut [Line],
) -> &'b [Line] {
    let mut samples = 0;
    for matrix in parts {
        let packed = buffer.as_chunks_mut::<L>().0[samples..].iter_mut();
        for (packed, row) in packed.zip(matrix.lines().chunks_exact(matrix.width())) {
            *packed = *row[line..].first_chunk().expect("a panel lies within the rows");
        }
        samples += matrix.rows();
    }
    &buffer[..samples * L]
}

/// M numbers of every row of X, from column `column` on, of one part of the samples after the other.
#[inline(always)]
pub(crate) fn pack_columns<'a, const M: usize>(
    parts: impl Iterator<Item = &'a Matrix>,
    column: usize,
    buffer: &mut [f32],
) {
    let mut samples = 0;
    for matrix in parts {
        let packed = buffer.as_chunks_mut::<M>().0[samples..].iter_mut();
        let rows = floats(matrix.lines()).chunks_exact(matrix.width() * LANES);
        for (packed, row) in packed.zip(rows) {
            *packed = *row[column..].first_chunk().expect("a tile lies within the rows");
        }
        samples += matrix.rows();
    }
}
