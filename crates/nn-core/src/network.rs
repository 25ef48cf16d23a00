//! Owns the multilayer perceptron: its layers, and the readable forms of forward and
//! back-propagation. Knows no files, no data order and no optimizer.

use crate::activation::Activation;
use crate::dense::StoreRows;
use crate::dropout::{Dropout, Masks};
use crate::error::NetworkError;
use crate::initializer::Initializer;
use crate::inputs::Inputs;
use crate::loss::Loss;
use crate::matrix::Matrix;
use crate::parameters::Parameters;
use crate::pass::{self, Pass};
use crate::plan::Plan;
use crate::simd::{Kernel, Simd, dispatch};
use crate::trace::{Trace, layer_matrices};
use ndarray::{Array2, ArrayView2};
use ndarray_rand::rand::Rng;

/// A multilayer perceptron: fully connected layers, each Z = X W + b and A = f(Z), the A of one being
/// the X of the next.
///
/// # Examples
/// ```
/// use nn_core::{Activation, Network, ndarray::array, rand::{SeedableRng, rngs::StdRng}};
/// let mut rng = StdRng::seed_from_u64(1);
/// let network =
///     Network::builder(3).dense(5, Activation::Relu).dense(2, Activation::Identity).build(&mut rng)?;
/// assert_eq!(network.parameter_count(), (3 + 1) * 5 + (5 + 1) * 2);
/// let outputs = network.forward(&array![[0.0_f32, 0.5, 1.0], [1.0, 0.0, 0.0]]);
/// assert_eq!(outputs.dim(), (2, 2));
/// # Ok::<(), nn_core::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    activations: Vec<Activation>,
    parameters: Parameters,
}

/// A network to be: see [`Network::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder makes a network only when it is built"]
pub struct NetworkBuilder {
    inputs: usize,
    layers: Vec<(usize, Activation)>,
    initializer: Option<Initializer>,
}

impl NetworkBuilder {
    /// Adds a fully connected layer of so many units.
    pub fn dense(mut self, units: usize, activation: Activation) -> Self {
        self.layers.push((units, activation));
        self
    }

    /// Draws every layer's parameters so. Unless said, each layer has the initializer that suits its
    /// activation ([`Initializer::suiting`]).
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = Some(initializer);
        self
    }

    /// A network with random parameters, drawn layer by layer: weights, then biases.
    ///
    /// # Errors
    /// [`NetworkError`] if there is no layer, a layer has no units or inputs, a softmax stands before
    /// the last layer, the network is too large for this machine's memory, or a deviation is
    /// negative or not finite.
    pub fn build(self, rng: &mut impl Rng) -> Result<Network, NetworkError> {
        let initializer = self.initializer;
        if let Some(Initializer::Normal { deviation }) = initializer
            && !(deviation.is_finite() && deviation >= 0.0)
        {
            return Err(NetworkError::Deviation { deviation: deviation.to_string() });
        }
        let mut network = self.zeros()?;
        for layer in 0..network.depth() {
            let initializer = initializer.unwrap_or(Initializer::suiting(network.activation(layer)));
            let shape = network.parameters.shape(layer);
            let (weights, biases) = initializer.draw(shape.inputs, shape.outputs, rng);
            network.parameters.weights_mut(layer).assign(&weights);
            network.parameters.biases_mut(layer).assign(&biases);
        }
        Ok(network)
    }

    /// A network whose parameters are all 0, to be filled with numbers from elsewhere.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn zeros(self) -> Result<Network, NetworkError> {
        if self.layers.is_empty() {
            return Err(NetworkError::NoLayers);
        }
        let layers = self.layers.len();
        let mut shapes = Vec::with_capacity(layers);
        let mut inputs = self.inputs;
        for (layer, &(units, activation)) in self.layers.iter().enumerate() {
            if inputs == 0 || units == 0 {
                return Err(NetworkError::EmptyLayer { layer, inputs, units });
            }
            if !activation.is_elementwise() && layer + 1 < layers {
                return Err(NetworkError::SoftmaxInside { layer, layers });
            }
            shapes.push((inputs, units));
            inputs = units;
        }
        let parameters = Parameters::zeros(shapes)?;
        Ok(Network {
            activations: self.layers.into_iter().map(|(_, activation)| activation).collect(),
            parameters,
        })
    }
}

impl Network {
    /// Begins a network of so many inputs; layers are added from the first hidden one to the output.
    pub fn builder(inputs: usize) -> NetworkBuilder {
        NetworkBuilder { inputs, layers: Vec::new(), initializer: None }
    }

    /// Number of inputs, I of the first layer.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.parameters.shape(0).inputs
    }

    /// Number of outputs, O of the last layer: the classes it can tell apart.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.units(self.depth() - 1)
    }

    /// Number of layers, the hidden ones and the output.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.activations.len()
    }

    /// Number of units of a layer, its O.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn units(&self, layer: usize) -> usize {
        self.parameters.shape(layer).outputs
    }

    /// Activation of a layer.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    #[track_caller]
    pub fn activation(&self, layer: usize) -> Activation {
        self.activations[layer]
    }

    pub(crate) fn layer_activations(&self) -> &[Activation] {
        &self.activations
    }

    /// All weights and biases.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// All weights and biases, to write to.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Number of weights and biases.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.count()
    }

    /// Checks that a loss is defined on what the output layer puts out.
    ///
    /// # Errors
    /// [`NetworkError::LossMismatch`] where it isn't.
    pub fn check_loss(&self, loss: Loss) -> Result<(), NetworkError> {
        let found = self.activation(self.depth() - 1);
        if loss.accepts(found) { Ok(()) } else { Err(NetworkError::LossMismatch { loss, found }) }
    }

    /// Outputs for N inputs, shape (N, C): forward propagation that remembers nothing.
    ///
    /// # Panics
    /// If the inputs don't have [`inputs`](Self::inputs) columns.
    #[must_use]
    #[track_caller]
    pub fn forward<'a>(&self, inputs: impl Into<Inputs<'a>>) -> Array2<f32> {
        self.forward_in(&mut Workspace::new(self), inputs).to_owned()
    }

    /// Outputs for N inputs, shape (N, C), in memory that is kept from one call to the next: nothing is
    /// allocated but where the workspace has not seen as many inputs before. The fastest way to classify
    /// one sample after another.
    ///
    /// # Panics
    /// If the inputs don't have [`inputs`](Self::inputs) columns, or the workspace is for a network of other
    /// shapes.
    #[track_caller]
    pub fn forward_in<'a, 'b>(
        &self,
        workspace: &'b mut Workspace,
        inputs: impl Into<Inputs<'a>>,
    ) -> ArrayView2<'b, f32> {
        self.forward_of(workspace, inputs.into());
        workspace.trace.output()
    }

    #[track_caller]
    fn forward_of(&self, workspace: &mut Workspace, inputs: Inputs<'_>) {
        self.check_inputs(&inputs);
        assert!(workspace.trace.is_for(self), "the workspace is for another network");
        dispatch(Forward { network: self, inputs, trace: &mut workspace.trace, needs_backward: false });
    }

    /// Forward propagation that remembers every layer's activations, for [`backward`](Self::backward).
    ///
    /// # Panics
    /// If the inputs don't have [`inputs`](Self::inputs) columns.
    #[must_use]
    #[track_caller]
    pub fn trace<'a>(&self, inputs: impl Into<Inputs<'a>>) -> Trace {
        self.trace_dropping(inputs, &Dropout::NONE, 0)
    }

    /// As [`trace`](Self::trace), with some of the inputs and hidden activations left out, as they are in the
    /// training step that follows `steps` others; [`backward`](Self::backward) leaves out the same.
    ///
    /// # Panics
    /// If the inputs don't have [`inputs`](Self::inputs) columns, or a probability is out of its range.
    #[must_use]
    #[track_caller]
    pub fn trace_dropping<'a>(&self, inputs: impl Into<Inputs<'a>>, dropout: &Dropout, steps: u64) -> Trace {
        self.trace_of(inputs.into(), dropout, steps)
    }

    /// No generic function, so that it is compiled here, with the settings of this crate.
    #[track_caller]
    fn trace_of(&self, inputs: Inputs<'_>, dropout: &Dropout, steps: u64) -> Trace {
        self.check_inputs(&inputs);
        dropout.check();
        let mut trace = Trace::new(&self.parameters);
        trace.masks = Masks::new(dropout, steps);
        dispatch(Forward { network: self, inputs, trace: &mut trace, needs_backward: true });
        trace
    }

    #[track_caller]
    fn check_inputs(&self, inputs: &Inputs<'_>) {
        let ((rows, columns), expected) = (inputs.dim(), self.inputs());
        assert_eq!(columns, expected, "inputs of shape ({rows}, {columns}) for {expected} inputs");
    }

    /// Back-propagation: the gradient of the loss with respect to every parameter, from its gradient
    /// with respect to the outputs, `d_output` (N, C), which [`Loss::evaluate`] gives.
    ///
    /// # Panics
    /// If `d_output` doesn't have the shape of the trace's output, or the trace is of a network of
    /// other shapes.
    #[must_use]
    #[track_caller]
    pub fn backward(&self, trace: &Trace, d_output: ArrayView2<'_, f32>) -> Parameters {
        assert_eq!(
            d_output.dim(),
            trace.output().dim(),
            "the gradient of the outputs has shape {:?}, the outputs {:?}",
            d_output.dim(),
            trace.output().dim()
        );
        assert!(trace.is_for(self), "the trace is of another network");
        let mut d = layer_matrices(&self.parameters);
        if let Some(last) = d.last_mut() {
            *last = Matrix::from_view(d_output);
        }
        let mut gradients = self.parameters.zeros_like();
        dispatch(Backward { network: self, trace, d: &mut d, gradients: &mut gradients });
        gradients
    }
}

/// Memory for [`Network::forward_in`].
#[derive(Clone, Debug)]
pub struct Workspace {
    trace: Trace,
}

impl Workspace {
    /// Memory for networks of the same shapes as this one.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { trace: Trace::new(&network.parameters) }
    }
}

struct Forward<'a, 'b> {
    network: &'a Network,
    inputs: Inputs<'b>,
    trace: &'a mut Trace,
    /// Whether back-propagation may follow.
    needs_backward: bool,
}

impl Kernel for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, inputs, trace, needs_backward } = self;
        let masks = trace.masks;
        for section in trace.inputs.sections_mut() {
            let inputs = (inputs, masks.and_then(Masks::inputs));
            pass::section_product(simd, inputs, section, network.parameters.rows(0), needs_backward);
        }
        let all = (&trace.inputs, 0..trace.inputs.rows());
        pass::forward(simd, &network.activations, &network.parameters, all, masks, &mut trace.activations);
    }
}

struct Backward<'a> {
    network: &'a Network,
    trace: &'a Trace,
    d: &'a mut [Matrix],
    gradients: &'a mut Parameters,
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, trace, d, gradients } = self;
        pass::backward(
            simd,
            &network.activations,
            &network.parameters,
            (trace.masks, 0),
            &trace.activations,
            d,
        );
        let plan = Plan::new(network.parameters.shapes(), &trace.inputs);
        let parts = std::iter::once((&trace.activations[..], &*d));
        let pass = Pass { inputs: &trace.inputs, first_d_z: &d[0], parts };
        for (block, lines) in plan.blocks.iter().zip(&plan.lines) {
            let shape = network.parameters.shape(block.layer);
            let lines = &mut gradients.all_lines_mut()[lines.clone()];
            let mut store = StoreRows { width: shape.width(), lines };
            pass::parameter_gradient(simd, block, shape, &pass, &mut store);
        }
    }
}
