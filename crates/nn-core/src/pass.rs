//! Owns the way of a batch through a network and back: forward propagation, which remembers its
//! activations in a trace, and back-propagation, which needs one. The products are in `dense.rs` and
//! `sparse.rs`, the functions in `activation.rs`.

use crate::activation::Activation;
use crate::dense::{self, GradientSink};
use crate::inputs::Form;
use crate::matrix::Matrix;
use crate::parameters::{Parameters, Shape};
use crate::simd::Simd;
use crate::sparse;
use crate::trace::{Pass, Trace};
use crate::transposed::Transposed;
use std::ops::Range;

/// Forward propagation of the inputs that the trace holds. For each layer:
/// Z = X W + b, then A = f(Z), which is the X of the next.
#[inline(always)]
pub(crate) fn forward<S: Simd>(
    simd: S,
    activations: &[Activation],
    parameters: &Parameters,
    trace: &mut Trace,
) {
    let rows = trace.inputs.rows();
    for (layer, &activation) in activations.iter().enumerate() {
        let weights = parameters.rows(layer);
        let (before, z) = trace.activations.split_at_mut(layer);
        let z = &mut z[0];
        z.set_rows(rows);
        for n in 0..rows {
            z.row_mut(n).copy_from_slice(weights.biases());
        }
        match (before.last(), trace.inputs.form()) {
            (None, Form::Lit) => sparse::add_product(simd, &trace.inputs, weights, z),
            (None, Form::Dense) => dense::add_product(simd, trace.inputs.dense(), weights, z),
            (Some(x), _) => dense::add_product(simd, x, weights, z),
        }
        for n in 0..rows {
            activation.forward(simd, z.row_mut(n), weights.shape.outputs);
        }
    }
}

/// Back-propagation. The last matrix of `d` holds dL/dA of the outputs; on return each holds dL/dZ of
/// its layer. For each layer, last first: dZ = dA * f'(Z), then dX = dZ W^T, which is the dA of the
/// layer before.
#[inline(always)]
pub(crate) fn backward<S: Simd>(
    simd: S,
    activations: &[Activation],
    transposed: &Transposed,
    trace: &Trace,
    d: &mut [Matrix],
) {
    let rows = trace.inputs.rows();
    for (layer, &activation) in activations.iter().enumerate().rev() {
        let (before, d_z) = d.split_at_mut(layer);
        let (d_z, a) = (&mut d_z[0], &trace.activations[layer]);
        for n in 0..rows {
            activation.backward(simd, a.row(n), d_z.row_mut(n));
        }
        if let Some(d_x) = before.last_mut() {
            d_x.set_rows(rows);
            d_x.lines_mut().fill(Default::default());
            dense::add_transposed_product(simd, d_z, transposed.layer(layer), d_x);
        }
    }
}

/// dW = X^T dZ and db = sum of dZ, for the rows `rows` of a layer's parameters, of which the last is
/// that of the biases. The passes are the parts of one batch.
#[inline(always)]
pub(crate) fn parameter_gradient<'a, S: Simd>(
    simd: S,
    shape: Shape,
    layer: usize,
    rows: Range<usize>,
    passes: impl Iterator<Item = Pass<'a>> + Clone,
    sink: &mut impl GradientSink<S>,
) {
    let weights = rows.start..rows.end.min(shape.inputs);
    let lit = passes.clone().all(|pass| pass.trace.inputs.form() == Form::Lit);
    if layer == 0 && lit {
        sparse::weight_gradient(simd, passes.clone(), weights, shape.width(), sink);
    } else {
        let parts = passes.clone().map(move |pass| (pass.layer_inputs(layer), &pass.d_z[layer]));
        dense::weight_gradient(simd, parts, weights, shape.width(), sink);
    }
    if rows.end > shape.inputs {
        let row = shape.inputs - rows.start;
        let parts = passes.map(move |pass| &pass.d_z[layer]);
        dense::bias_gradient(simd, parts, row, shape.width(), sink);
    }
}
