//! Owns the padded matrix that activations and their gradients are stored in. Knows no formula.

use crate::simd::{LANES, Line, Simd, floats, floats_mut, lines_for};
use ndarray::{ArrayView2, ShapeBuilder};
use std::ops::Range;

/// A row-major matrix whose rows each begin on a cache line and are padded with zeros to whole lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    lines: Vec<Line>,
}

/// Rows that begin `stride` items after one another, the first at once. Each has fewer items than that, or as many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<'a, T> {
    pub(crate) items: &'a [T],
    pub(crate) stride: usize,
}

impl<'a> Strided<'a, f32> {
    /// The numbers of rows of `width` lines, from a row and a column on.
    #[inline(always)]
    pub(crate) fn numbers(lines: &'a [Line], width: usize, (row, column): (usize, usize)) -> Self {
        let stride = width * LANES;
        Self { items: floats(lines).get(row * stride + column..).unwrap_or_default(), stride }
    }
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, lines: vec![Line::default(); rows * lines_for(columns)] }
    }

    pub(crate) fn from_view(view: ArrayView2<'_, f32>) -> Self {
        let mut matrix = Self::zeros(view.nrows(), view.ncols());
        for (row, values) in view.outer_iter().enumerate() {
            for (place, &value) in floats_mut(matrix.row_mut(row)).iter_mut().zip(values) {
                *place = value;
            }
        }
        matrix
    }

    /// Changes the number of rows, keeping the memory: nothing is allocated unless it grows past
    /// what it has been before. The content is unspecified afterwards, the padding stays zero.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.lines.resize(rows * self.width(), Line::default());
        self.rows = rows;
    }

    /// Changes the shape, keeping the memory as [`set_rows`](Self::set_rows) does. All numbers become zero.
    pub(crate) fn reshape(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.lines.clear();
        self.lines.resize(rows * lines_for(columns), Line::default());
    }

    /// Becomes some rows of another matrix.
    pub(crate) fn copy_rows(&mut self, of: &Self, rows: Range<usize>) {
        let width = of.width();
        (self.rows, self.columns) = (rows.len(), of.columns);
        self.lines.clear();
        self.lines.extend_from_slice(&of.lines[rows.start * width..rows.end * width]);
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Lines in a row.
    pub(crate) fn width(&self) -> usize {
        lines_for(self.columns)
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[Line] {
        let width = self.width();
        &self.lines[row * width..][..width]
    }

    #[inline(always)]
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [Line] {
        let width = self.width();
        &mut self.lines[row * width..][..width]
    }

    /// All rows, one after the other.
    #[inline(always)]
    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [Line]> {
        self.lines.chunks_exact_mut(lines_for(self.columns))
    }

    /// The numbers of a row without their padding.
    #[inline(always)]
    pub(crate) fn row_floats(&self, row: usize) -> &[f32] {
        &floats(self.row(row))[..self.columns]
    }

    #[inline(always)]
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(crate) fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }

    /// The numbers of every row, from a column on.
    #[inline(always)]
    pub(crate) fn columns_from(&self, column: usize) -> Strided<'_, f32> {
        Strided::numbers(&self.lines, self.width(), (0, column))
    }

    /// The lines of every row, from one on.
    #[inline(always)]
    pub(crate) fn lines_from(&self, line: usize) -> Strided<'_, Line> {
        Strided { items: self.lines.get(line..).unwrap_or_default(), stride: self.width() }
    }

    /// Shape (rows, columns).
    pub(crate) fn view(&self) -> ArrayView2<'_, f32> {
        view(&self.lines, self.rows, self.columns)
    }
}

/// Writes the transpose of `from`, whose rows are `from_width` lines, into the first lines of the rows of `to`, which are
/// `to_width` lines. The last sixteen rows are made full by zeros; columns that `to` has no row for are left out.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(
    simd: S,
    from: &[Line],
    from_width: usize,
    to: &mut [Line],
    to_width: usize,
) {
    static NO_ROW: Line = Line([0.0; LANES]);
    for place in 0..from.len().div_ceil(LANES * from_width) {
        for column in 0..from_width {
            let mut rows = [&NO_ROW; LANES];
            for i in 0..LANES {
                if let Some(line) = from.get((LANES * place + i) * from_width + column) {
                    rows[i] = line;
                }
            }
            let columns = simd.transpose(rows);
            for i in 0..LANES {
                if let Some(line) = to.get_mut((LANES * column + i) * to_width + place) {
                    *line = columns[i];
                }
            }
        }
    }
}

/// The numbers of padded rows as an array of shape (rows, columns).
pub(crate) fn view(lines: &[Line], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    if rows == 0 {
        // To ndarray, strides reach past the end of nothing even where no row is reached.
        return ArrayView2::from_shape((0, columns), &[]).expect("no rows hold no numbers");
    }
    let shape = (rows, columns).strides((lines_for(columns) * LANES, 1));
    ArrayView2::from_shape(shape, floats(lines)).expect("the lines hold every padded row")
}
