//! Owns what a batch leaves behind on its way through a network: the activations of the way there, and
//! the gradients of the way back. Knows no formula.

use crate::dropout::Masks;
use crate::inputs::InputRows;
use crate::matrix::Matrix;
use crate::network::Network;
use crate::parameters::Parameters;
use ndarray::ArrayView2;

/// What forward propagation remembers: the inputs and every layer's activations A. Back-propagation
/// can't be called without one.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(crate) inputs: InputRows,
    pub(crate) activations: Vec<Matrix>,
    /// What was left out.
    pub(crate) masks: Option<Masks>,
}

impl Trace {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let inputs = InputRows::new(parameters.shape(0));
        Self { inputs, activations: layer_matrices(parameters), masks: None }
    }

    /// Whether this has the shapes of a network.
    pub(crate) fn is_for(&self, network: &Network) -> bool {
        self.inputs.features() == network.inputs()
            && self.activations.len() == network.depth()
            && (0..network.depth()).all(|layer| self.activations[layer].columns() == network.units(layer))
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
        self.activations.last().expect("a network has at least one layer").view()
    }

    /// A layer's activations, shape (N, O); after dropout, those that the next layer is given.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn activations(&self, layer: usize) -> ArrayView2<'_, f32> {
        self.activations[layer].view()
    }
}

/// A matrix with a column per unit for each layer, without rows yet.
pub(crate) fn layer_matrices(parameters: &Parameters) -> Vec<Matrix> {
    parameters.shapes().iter().map(|shape| Matrix::zeros(0, shape.outputs)).collect()
}
