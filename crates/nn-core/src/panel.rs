//! Owns what the products pack before they go over it again and again, the panels of tiles, and the memory for it. Knows
//! no formula.

use crate::matrix::Strided;
use crate::parameters::Rows;
use crate::simd::{Line, Simd};
use std::cell::Cell;
use std::ops::{Deref, DerefMut, Range};

/// Lines in a row of the largest tile.
#[inline(always)]
pub(crate) const fn tile_width<S: Simd>() -> usize {
    if S::WIDE { 3 } else { 1 }
}

/// Lines of a row of W that are packed together. Each of its rows is on another page of memory; what is beside the line
/// that is wanted is near, and wanted next. They are one panel, or one for each line.
pub(crate) const fn band_width<S: Simd>() -> usize {
    if S::WIDE { tile_width::<S>() } else { 4 * tile_width::<S>() }
}

/// Lines of a band of W, with all of its panels: 72 KB, which stay in the second cache while all samples go over them.
pub(crate) const BAND_LINES: usize = 1152;

thread_local! {
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Memory for what is packed. It stays with its thread from one use to the next, so that nothing is allocated once each
/// thread has had its largest; and nothing is cleared, or reserved on the stack, which steps of small networks would feel.
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

/// Cuts the terms of the sums into blocks of as many as a band has rows.
pub(crate) fn inner_blocks<S: Simd>(terms: usize) -> impl Iterator<Item = Range<usize>> {
    let most = BAND_LINES / band_width::<S>();
    (0..terms).step_by(most).map(move |first| first..terms.min(first + most))
}

/// The lines `band` of every row of W, panel after panel, each as wide as a tile.
#[inline(always)]
pub(crate) fn pack_band<'a, S: Simd>(
    weights: Rows<'_>,
    band: Range<usize>,
    buffer: &'a mut [Line],
) -> &'a [Line] {
    let (width, count) = (weights.shape.width(), weights.shape.inputs);
    for (row, lines) in weights.lines.chunks_exact(width).enumerate() {
        let lines = &lines[band.clone()];
        for (place, line) in lines.iter().enumerate() {
            let packed = if S::WIDE { row * lines.len() + place } else { place * count + row };
            buffer[packed] = *line;
        }
    }
    &buffer[..band.len() * count]
}

/// The first K items of every row, of one part of the rows after the other.
#[inline(always)]
pub(crate) fn pack<'a, T: Copy + 'a, const K: usize>(
    parts: impl Iterator<Item = Strided<'a, T>>,
    buffer: &mut [T],
) {
    let mut packed = buffer.as_chunks_mut::<K>().0.iter_mut();
    for Strided { items, stride } in parts {
        for (row, packed) in items.chunks(stride).zip(packed.by_ref()) {
            *packed = *row.first_chunk().expect("a tile lies within the rows");
        }
    }
}
