//! Owns the transposed copy of the weights through which gradients go back, and knows when it is stale.

use crate::dense::PANEL;
use crate::parameters::{Parameters, Shape};
use crate::simd::{LANES, Line, floats, floats_mut};
use std::ops::Range;

/// Inputs of a layer whose weights form one panel.
pub(crate) const PANEL_ROWS: usize = PANEL * LANES;

/// W^T of every layer but the first, which passes no gradient back. It is cut into panels: the weights
/// from 48 inputs as a matrix (O, 48), so that dX = dZ W^T reads each panel from beginning to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transposed {
    /// The stamp of the parameters that this is a copy of.
    stamp: Option<u64>,
    starts: Vec<usize>,
    lines: Vec<Line>,
}

impl Transposed {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let mut transposed = Self::default();
        transposed.refresh(parameters);
        transposed
    }

    /// Makes this a copy of the parameters, if it isn't one.
    pub(crate) fn refresh(&mut self, parameters: &Parameters) {
        if self.stamp == Some(parameters.stamp()) {
            return;
        }
        let shapes = parameters.shapes();
        self.starts.clear();
        let mut end = 0;
        for (layer, shape) in shapes.iter().enumerate() {
            self.starts.push(end);
            end += if layer == 0 { 0 } else { shape.inputs.div_ceil(PANEL_ROWS) * shape.outputs * PANEL };
        }
        self.starts.push(end);
        self.lines.clear();
        self.lines.resize(end, Line::default());
        for (layer, &shape) in shapes.iter().enumerate().skip(1) {
            for first in (0..shape.inputs).step_by(PANEL_ROWS) {
                let rows = first..shape.inputs.min(first + PANEL_ROWS);
                let panel = self.panel(layer, shape, rows.clone());
                let width = shape.width();
                let lines = &parameters.rows(layer).lines[rows.start * width..rows.end * width];
                transpose(lines, shape, &mut self.lines[panel]);
            }
        }
        self.stamp = Some(parameters.stamp());
    }

    /// Declares that the panels have been written anew for these parameters.
    pub(crate) fn set_fresh(&mut self, parameters: &Parameters) {
        self.stamp = Some(parameters.stamp());
    }

    /// The panels of a layer.
    pub(crate) fn layer(&self, layer: usize) -> &[Line] {
        &self.lines[self.starts[layer]..self.starts[layer + 1]]
    }

    /// Where the panel of the inputs `rows` stands; empty for the first layer.
    pub(crate) fn panel(&self, layer: usize, shape: Shape, rows: Range<usize>) -> Range<usize> {
        if layer == 0 {
            return 0..0;
        }
        let start = self.starts[layer] + rows.start / PANEL_ROWS * shape.outputs * PANEL;
        start..start + shape.outputs * PANEL
    }

    /// All panels, to be written anew and then declared fresh.
    pub(crate) fn lines_mut(&mut self) -> &mut [Line] {
        self.stamp = None;
        &mut self.lines
    }
}

/// Writes the weights of up to 48 inputs, given as padded rows, into a panel.
pub(crate) fn transpose(rows: &[Line], shape: Shape, panel: &mut [Line]) {
    let width = shape.width() * LANES;
    let rows = floats(rows);
    // Sixteen outputs at a time, so that each line of the rows is read once.
    for (group, panel) in panel.chunks_mut(LANES * PANEL).enumerate() {
        for (i, row) in rows.chunks_exact(width).enumerate().take(PANEL_ROWS) {
            let row = &row[group * LANES..][..LANES];
            for (target, &weight) in floats_mut(panel).chunks_exact_mut(PANEL_ROWS).zip(row) {
                target[i] = weight;
            }
        }
    }
}
