//! Owns how the parameters are cut into blocks of rows, and which blocks belong together. Knows no
//! formula and no thread.

use crate::inputs::InputRows;
use crate::parameters::Shape;
use std::ops::Range;

/// Some rows of one layer's parameters: what is updated in one go.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) layer: usize,
    /// The last row of a layer, I, is that of the biases.
    pub(crate) rows: Range<usize>,
    /// In the first layer, the section that the inputs of these rows belong to.
    pub(crate) section: usize,
}

impl Block {
    /// The rows but for that of the biases: the inputs whose weights these are.
    #[inline(always)]
    pub(crate) fn weights(&self, shape: Shape) -> Range<usize> {
        self.rows.start..self.rows.end.min(shape.inputs)
    }
}

/// Rows of a block: whole tiles of the weight gradient, 6 or 8 rows high. All of dZ is gone over for each block, so that
/// many rows spare the caches, and few share the work out more evenly.
const BLOCK_ROWS: usize = 96;

/// How the parameters are cut into blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) shapes: Vec<Shape>,
    /// Those of the first layer, section after section, then those of the other layers.
    pub(crate) blocks: Vec<Block>,
    /// For each section, its first block; then the first block of the second layer.
    pub(crate) section_starts: Vec<usize>,
    /// For each block, where it stands among the lines of the parameters.
    pub(crate) lines: Vec<Range<usize>>,
    /// For each block, nothing: where an optimizer has no memory.
    pub(crate) nothing: Vec<Range<usize>>,
}

impl Plan {
    pub(crate) fn new(shapes: &[Shape], inputs: &InputRows) -> Self {
        let mut plan = Self { shapes: shapes.to_vec(), ..Self::default() };
        for (index, section) in inputs.sections().iter().enumerate() {
            plan.section_starts.push(plan.blocks.len());
            plan.cut(0, section.inputs(), index);
        }
        plan.section_starts.push(plan.blocks.len());
        for (layer, shape) in shapes.iter().enumerate().skip(1) {
            plan.cut(layer, 0..shape.inputs, 0);
        }
        plan
    }

    /// With which block each of some threads begins: each with the sections that are its own in every phase of a
    /// step.
    pub(crate) fn first_blocks(&self, threads: usize) -> impl Fn(usize) -> usize {
        let sections = self.section_starts.len() - 1;
        move |thread| self.section_starts[thread * sections / threads]
    }

    fn cut(&mut self, layer: usize, inputs: Range<usize>, section: usize) {
        let shape = self.shapes[layer];
        for first in inputs.clone().step_by(BLOCK_ROWS) {
            let next = inputs.end.min(first + BLOCK_ROWS);
            // The biases go with the last block.
            let rows = first..if next < shape.inputs { next } else { shape.inputs + 1 };
            self.lines.push(shape.lines(rows.clone()));
            self.nothing.push(0..0);
            self.blocks.push(Block { layer, rows, section });
        }
    }
}
