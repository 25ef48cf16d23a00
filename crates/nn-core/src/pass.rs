//! Owns the way of a batch through a network and back: forward propagation, which remembers its
//! activations, and back-propagation, which needs them. The products are in `dense.rs` and `sparse.rs`,
//! the functions in `activation.rs`.

use crate::activation::Activation;
use crate::dense::{self, GradientSink};
use crate::dropout::{LayerMask, Masks};
use crate::inputs::{Form, InputRows, Inputs, Section};
use crate::matrix::Matrix;
use crate::parameters::{Parameters, Rows, Shape};
use crate::plan::Block;
use crate::simd::{LANES, Line, Simd, load_lines, store_lines};
use crate::sparse::{self, tiles, with_tile};
use std::iter::once;
use std::ops::Range;

/// The part of the first layer's X W that comes from the inputs of one section, which is filled with
/// them, but for those that the mask leaves out. `needs_backward` says whether back-propagation may follow.
#[inline(always)]
pub(crate) fn section_product<S: Simd>(
    simd: S,
    (inputs, mask): (Inputs<'_>, Option<LayerMask>),
    section: &mut Section,
    weights: Rows<'_>,
    needs_backward: bool,
) {
    section.fill(simd, inputs, mask);
    if needs_backward {
        section.find_lit_rows();
    }
    let mut product = std::mem::take(&mut section.product);
    let weights = weights.of(section.inputs());
    product.set_rows(section.rows());
    match section.form() {
        Form::Lit => sparse::product(simd, inputs, section, weights.lines, &mut product),
        Form::Dense => {
            product.lines_mut().fill(Default::default());
            dense::add_product(simd, section.dense(), weights, &mut product);
        }
    }
    section.product = product;
}

/// Forward propagation of the samples `samples` of a batch, whose inputs' sections have their products.
/// For each layer: Z = X W + b, then A = f(Z), which is the X of the next. Of a hidden layer's A some may be
/// dropped.
#[inline(always)]
pub(crate) fn forward<S: Simd>(
    simd: S,
    activations: &[Activation],
    parameters: &Parameters,
    (inputs, samples): (&InputRows, Range<usize>),
    masks: Option<Masks>,
    a: &mut [Matrix],
) {
    for (layer, &activation) in activations.iter().enumerate() {
        let weights = parameters.rows(layer);
        let (before, z) = a.split_at_mut(layer);
        let z = &mut z[0];
        z.set_rows(samples.len());
        match before.last() {
            None => sum_sections(simd, weights.biases(), inputs.sections(), samples.start, z),
            Some(x) => {
                for row in z.rows_mut() {
                    row.copy_from_slice(weights.biases());
                }
                dense::add_product(simd, x, weights, z);
            }
        }
        for row in z.rows_mut() {
            activation.forward(simd, row, weights.shape.outputs);
        }
        if let Some(mask) = hidden_mask(masks, layer, activations) {
            for (n, row) in z.rows_mut().enumerate() {
                let mask = mask.row(samples.start + n);
                for (line, a) in row.iter_mut().enumerate() {
                    let factors = mask.factors(line * LANES);
                    simd.store(simd.mul(simd.load(a), simd.load(&factors)), a);
                }
            }
        }
    }
}

/// What is left out of a layer's activations; outputs are never left out.
#[inline(always)]
fn hidden_mask(masks: Option<Masks>, layer: usize, activations: &[Activation]) -> Option<LayerMask> {
    masks.filter(|_| layer + 1 < activations.len())?.hidden(layer)
}

/// Z = b + X W of the first layer: the sum over the sections, in their order, whose rows from row
/// `first` on go with those of `z`.
#[inline(always)]
fn sum_sections<S: Simd>(simd: S, biases: &[Line], sections: &[Section], first: usize, z: &mut Matrix) {
    for tile in tiles(simd, z.width()) {
        with_tile!(tile.len(), T => {
            for (n, z) in z.rows_mut().enumerate() {
                let mut sums: [S::Vector; T] = load_lines(simd, &biases[tile.start..]);
                for section in sections {
                    let product: [S::Vector; T] =
                        load_lines(simd, &section.product.row(first + n)[tile.start..]);
                    for t in 0..T {
                        sums[t] = simd.add(sums[t], product[t]);
                    }
                }
                store_lines(simd, sums, &mut z[tile.start..]);
            }
        });
    }
}

/// Back-propagation. The last matrix of `d` holds dL/dA of the outputs; on return each holds dL/dZ of
/// its layer. For each layer, last first: dZ = dA * f'(Z), then dX = dZ W^T, which is the dA of the
/// layer before. Sample `first` of the batch is the first of these.
#[inline(always)]
pub(crate) fn backward<S: Simd>(
    simd: S,
    activations: &[Activation],
    parameters: &Parameters,
    (masks, first): (Option<Masks>, usize),
    a: &[Matrix],
    d: &mut [Matrix],
) {
    for (layer, &activation) in activations.iter().enumerate().rev() {
        let (before, d_z) = d.split_at_mut(layer);
        let d_z = &mut d_z[0];
        for (n, d_z) in d_z.rows_mut().enumerate() {
            match hidden_mask(masks, layer, activations) {
                None => activation.backward(simd, a[layer].row(n), d_z),
                Some(mask) => {
                    activation.backward_dropped(simd, a[layer].row(n), (mask.row(first + n), mask.kept), d_z);
                }
            }
        }
        if let Some(d_x) = before.last_mut() {
            d_x.set_rows(d_z.rows());
            dense::transposed_product(simd, d_z, parameters.rows(layer), d_x);
        }
    }
}

/// All that the gradient of the weights is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass<'a, P> {
    /// X of the first layer, and its dZ, of the whole batch.
    pub(crate) inputs: &'a InputRows,
    pub(crate) first_d_z: &'a Matrix,
    /// A and dZ of every layer, of some of the batch's samples at a time.
    pub(crate) parts: P,
}

/// dW = X^T dZ and db = sum of dZ, for a block of rows of a layer's parameters.
#[inline(always)]
pub(crate) fn parameter_gradient<'a, S: Simd>(
    simd: S,
    block: &Block,
    shape: Shape,
    pass: &Pass<'a, impl Iterator<Item = (&'a [Matrix], &'a [Matrix])> + Clone>,
    sink: &mut impl GradientSink<S>,
) {
    let (layer, width) = (block.layer, shape.width());
    let weights = block.weights(shape);
    // The biases are the weights from an input that is always 1, so x is 1 in X^T dZ.
    let bias = block.rows.contains(&shape.inputs).then_some(weights.len());
    if layer == 0 {
        let section = &pass.inputs.sections()[block.section];
        let start = section.inputs().start;
        let inputs = weights.start - start..weights.end - start;
        match section.form() {
            Form::Lit => sparse::weight_gradient(simd, section, inputs, pass.first_d_z, sink),
            Form::Dense => {
                let parts = once((section.dense(), pass.first_d_z));
                dense::weight_gradient(simd, parts, inputs, width, sink);
            }
        }
        if let Some(row) = bias {
            dense::bias_gradient(simd, once(pass.first_d_z), row, width, sink);
        }
    } else {
        let parts = pass.parts.clone().map(move |(a, d_z)| (&a[layer - 1], &d_z[layer]));
        dense::weight_gradient(simd, parts.clone(), weights, width, sink);
        if let Some(row) = bias {
            dense::bias_gradient(simd, parts.map(|(_, d_z)| d_z), row, width, sink);
        }
    }
}
