//! Owns the way of a batch through a network and back: forward propagation, which remembers its
//! activations in a trace, and back-propagation, which needs one. The products are in `dense.rs` and
//! `sparse.rs`, the functions in `activation.rs`.

use crate::dense::{self, GradientSink};
use crate::inputs::{Form, InputRows};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::parameters::Shape;
use crate::simd::Simd;
use crate::sparse;
use crate::transposed::Transposed;
use ndarray::ArrayView2;
use std::ops::Range;

/// What forward propagation remembers: the inputs and every layer's activations A. Back-propagation
/// can't be called without one.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(crate) inputs: InputRows,
    pub(crate) activations: Vec<Matrix>,
}

impl Trace {
    pub(crate) fn new(network: &Network) -> Self {
        Self { inputs: InputRows::new(network.inputs()), activations: layer_matrices(network) }
    }

    /// Number of samples, N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.rows()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the last layer puts out, shape (N, C): what [`Loss::evaluate`](crate::Loss::evaluate) takes.
    #[must_use]
    pub fn output(&self) -> ArrayView2<'_, f32> {
        self.last().view()
    }

    /// A layer's activations, shape (N, O).
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn activations(&self, layer: usize) -> ArrayView2<'_, f32> {
        self.activations[layer].view()
    }

    pub(crate) fn last(&self) -> &Matrix {
        self.activations.last().expect("a network has at least one layer")
    }
}

/// A matrix with a column per unit for each layer, without rows yet.
pub(crate) fn layer_matrices(network: &Network) -> Vec<Matrix> {
    (0..network.depth()).map(|layer| Matrix::zeros(0, network.units(layer))).collect()
}

/// A trace with every layer's dZ: all that the gradient of the weights is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) d_z: &'a [Matrix],
}

impl<'a> Pass<'a> {
    /// X of a layer as plain numbers: the network's inputs, or the activations of the layer before.
    #[inline(always)]
    pub(crate) fn layer_inputs(self, layer: usize) -> &'a Matrix {
        match layer {
            0 => self.trace.inputs.dense(),
            _ => &self.trace.activations[layer - 1],
        }
    }
}

/// Forward propagation of the inputs that the trace holds. For each layer:
/// Z = X W + b, then A = f(Z), which is the X of the next.
#[inline(always)]
pub(crate) fn forward<S: Simd>(simd: S, network: &Network, trace: &mut Trace) {
    let rows = trace.inputs.rows();
    for layer in 0..network.depth() {
        let weights = network.parameters().rows(layer);
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
        let (activation, units) = (network.activation(layer), network.units(layer));
        for n in 0..rows {
            activation.forward(simd, z.row_mut(n), units);
        }
    }
}

/// Back-propagation. The last matrix of `d` holds dL/dA of the outputs; on return each holds dL/dZ of
/// its layer. For each layer, last first: dZ = dA * f'(Z), then dX = dZ W^T, which is the dA of the
/// layer before.
#[inline(always)]
pub(crate) fn backward<S: Simd>(
    simd: S,
    network: &Network,
    transposed: &Transposed,
    trace: &Trace,
    d: &mut [Matrix],
) {
    let rows = trace.inputs.rows();
    for layer in (0..network.depth()).rev() {
        let (before, d_z) = d.split_at_mut(layer);
        let (d_z, a) = (&mut d_z[0], &trace.activations[layer]);
        for n in 0..rows {
            network.activation(layer).backward(simd, a.row(n), d_z.row_mut(n));
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
        dense::weight_gradient(simd, passes.clone(), layer, weights, shape.width(), sink);
    }
    if rows.end > shape.inputs {
        let row = shape.inputs - rows.start;
        dense::bias_gradient(simd, passes, layer, row, shape.width(), sink);
    }
}
