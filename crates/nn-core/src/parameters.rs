//! Owns the numbers of a network, weights and biases, and everything shaped like them: gradients,
//! velocities, moments. Knows no formula.

use crate::error::NetworkError;
use crate::matrix::{self, Matrix};
use crate::simd::{LANES, Line, floats, floats_mut, lines_for};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, ShapeBuilder};
use std::fmt;
use std::ops::Range;

/// One number per weight and bias of a network. A gradient, a velocity and a moment have this type
/// too, so that an optimizer reads as its textbook formula.
///
/// All numbers stand in one block of memory, layer after layer. A layer's part is the matrix
/// (I + 1, O), each row padded with zeros to whole cache lines: row i holds the weights from input i,
/// the last row the biases, as if they were the weights from a further input that is always 1 (the
/// article's bias unit).
#[derive(Clone)]
pub struct Parameters {
    shapes: Vec<Shape>,
    lines: Vec<Line>,
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Index of the first line.
    start: usize,
}

impl Shape {
    /// Lines in a row.
    #[inline(always)]
    pub(crate) fn width(self) -> usize {
        lines_for(self.outputs)
    }

    /// Where rows `rows` stand among the lines of all layers; row `inputs` is that of the biases.
    pub(crate) fn lines(self, rows: Range<usize>) -> Range<usize> {
        self.start + rows.start * self.width()..self.start + rows.end * self.width()
    }
}

/// One layer's rows, to read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) shape: Shape,
    pub(crate) lines: &'a [Line],
}

impl<'a> Rows<'a> {
    /// A matrix as if it were weights. It has no biases.
    #[inline(always)]
    pub(crate) fn of_matrix(matrix: &'a Matrix) -> Self {
        let shape = Shape { inputs: matrix.rows(), outputs: matrix.columns(), start: 0 };
        Self { shape, lines: matrix.lines() }
    }

    /// The weights from input `input`; the biases where it equals the number of inputs.
    #[inline(always)]
    pub(crate) fn row(self, input: usize) -> &'a [Line] {
        let width = self.shape.width();
        &self.lines[input * width..][..width]
    }

    #[inline(always)]
    pub(crate) fn biases(self) -> &'a [Line] {
        self.row(self.shape.inputs)
    }

    /// The weights from some of the inputs, without the biases.
    #[inline(always)]
    pub(crate) fn of(self, inputs: Range<usize>) -> Self {
        let width = self.shape.width();
        let lines = &self.lines[inputs.start * width..inputs.end * width];
        Self { shape: Shape { inputs: inputs.len(), ..self.shape }, lines }
    }
}

impl Parameters {
    /// All zeros, for layers of the given (inputs, outputs).
    pub(crate) fn zeros(layers: impl IntoIterator<Item = (usize, usize)>) -> Result<Self, NetworkError> {
        let mut start = 0_usize;
        let mut shapes = Vec::new();
        for (inputs, outputs) in layers {
            shapes.push(Shape { inputs, outputs, start });
            let rows = inputs.saturating_add(1);
            start = rows.saturating_mul(lines_for(outputs)).saturating_add(start);
        }
        let mut lines = Vec::new();
        let too_large = NetworkError::TooLarge { parameters: start.saturating_mul(LANES) };
        lines.try_reserve_exact(start).map_err(|_| too_large)?;
        lines.resize(start, Line::default());
        Ok(Self { shapes, lines })
    }

    /// The same shapes with all numbers 0.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        let lines = vec![Line::default(); self.lines.len()];
        Self { shapes: self.shapes.clone(), lines }
    }

    /// Number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.shapes.len()
    }

    /// Weights of a layer, shape (I, O).
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn weights(&self, layer: usize) -> ArrayView2<'_, f32> {
        let shape = self.shapes[layer];
        matrix::view(&self.lines[shape.lines(0..shape.inputs)], shape.inputs, shape.outputs)
    }

    /// Weights of a layer to write to, shape (I, O).
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn weights_mut(&mut self, layer: usize) -> ArrayViewMut2<'_, f32> {
        let shape = self.shapes[layer];
        let padded = (shape.inputs, shape.outputs).strides((shape.width() * LANES, 1));
        let lines = &mut self.all_lines_mut()[shape.lines(0..shape.inputs)];
        ArrayViewMut2::from_shape(padded, floats_mut(lines)).expect("the lines hold every padded row")
    }

    /// Biases of a layer, shape (O).
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn biases(&self, layer: usize) -> ArrayView1<'_, f32> {
        ArrayView1::from(&floats(self.rows(layer).biases())[..self.shapes[layer].outputs])
    }

    /// Biases of a layer to write to, shape (O).
    ///
    /// # Panics
    /// If there is no such layer.
    #[track_caller]
    pub fn biases_mut(&mut self, layer: usize) -> ArrayViewMut1<'_, f32> {
        let shape = self.shapes[layer];
        let lines = &mut self.all_lines_mut()[shape.lines(shape.inputs..shape.inputs + 1)];
        ArrayViewMut1::from(&mut floats_mut(lines)[..shape.outputs])
    }

    /// How many numbers there are, padding not counted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shapes.iter().map(|shape| (shape.inputs + 1) * shape.outputs).sum()
    }

    /// Whether no number is infinite or not a number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        // Layer by layer and not in one sweep, because infinite activations leave NaNs in the padding.
        (0..self.layers()).all(|layer| {
            let finite = |number: &f32| number.is_finite();
            self.weights(layer).iter().all(finite) && self.biases(layer).iter().all(finite)
        })
    }

    #[inline(always)]
    pub(crate) fn shape(&self, layer: usize) -> Shape {
        self.shapes[layer]
    }

    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    #[inline(always)]
    pub(crate) fn rows(&self, layer: usize) -> Rows<'_> {
        let shape = self.shapes[layer];
        Rows { shape, lines: &self.lines[shape.lines(0..shape.inputs + 1)] }
    }

    pub(crate) fn all_lines(&self) -> &[Line] {
        &self.lines
    }

    /// Every line of every layer. The padding must be left zero.
    pub(crate) fn all_lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }
}

impl fmt::Debug for Parameters {
    /// The layers' shapes; the numbers of a real network fill a book.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<_> = self.shapes.iter().map(|shape| (shape.inputs, shape.outputs)).collect();
        f.debug_struct("Parameters").field("layers", &layers).finish_non_exhaustive()
    }
}

impl PartialEq for Parameters {
    /// Equal shapes and equal numbers.
    fn eq(&self, other: &Self) -> bool {
        let equal =
            |layer| self.weights(layer) == other.weights(layer) && self.biases(layer) == other.biases(layer);
        self.shapes == other.shapes && (0..self.layers()).all(equal)
    }
}
