//! What the tensors of a file do not tell: owns what the caller may state, what is assumed where nobody says, and how
//! inputs that were scaled differently are made up for; refuses to know files.

use nn_core::{Activation, Loss, Network};

use super::{
    ImportError, Layout,
    assemble::{self, Layer},
    metadata::{Metadata, PIXEL_SCALE},
    tensor::Tensor,
};
use crate::{Limits, Model};

/// What is known of a file besides its tensors. What is stated here goes before what the file says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// The layers from the inputs to the outputs, if the order of their names is another: `fc_in`, `fc_out` of
    /// `fc_in.weight` and `fc_out.weight`.
    pub layers: Option<Vec<String>>,
    /// Which index of the weights comes first, if the shapes do not tell.
    pub layout: Option<Layout>,
    /// Of the hidden layers: one for all, or one for each.
    pub activations: Option<Vec<Activation>>,
    /// Of the last layer. By default the one that suits the loss.
    pub output_activation: Option<Activation>,
    /// What the network was trained on. By default the softmax cross-entropy; with outputs of a sigmoid the binary
    /// cross-entropy, with others the squared error.
    ///
    /// A softmax at the end becomes part of the softmax cross-entropy, so that the outputs are logits; the
    /// probabilities stay what they are.
    pub loss: Option<Loss>,
    /// Of the images. By default a square, if the number of inputs is one.
    pub image_shape: Option<Vec<usize>>,
    /// What the classes are called, if not by their number.
    pub class_names: Option<Vec<String>>,
    /// How pixels were scaled in training. By default they were divided by 255, as here.
    pub scale: Option<InputScale>,
}

/// How a pixel of 0 to 255 becomes a number in a network: `(pixel / divisor - mean) / deviation`.
///
/// Networks here take `pixel / 255`. What is different is made up for in the first layer, whose weights and biases are
/// changed so that its sums stay the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputScale {
    /// 255 for numbers of 0 to 1; 1 for a network that takes pixels as they are.
    pub divisor: f64,
    /// What is subtracted, as the 0.1307 of `Normalize((0.1307,), (0.3081,))`.
    pub mean: f64,
    /// What the rest is divided by, as the 0.3081.
    pub deviation: f64,
}

impl Default for InputScale {
    fn default() -> InputScale {
        InputScale { divisor: f64::from(PIXEL_SCALE), mean: 0.0, deviation: 1.0 }
    }
}

impl InputScale {
    fn check(self) -> Result<InputScale, ImportError> {
        let InputScale { divisor, mean, deviation } = self;
        let is_positive = |number: f64| number.is_finite() && number > 0.0;
        if mean.is_finite() && is_positive(divisor) && is_positive(deviation) {
            return Ok(self);
        }
        let [divisor, mean, deviation] = [divisor, mean, deviation].map(|number| number.to_string());
        Err(ImportError::Scale { divisor, mean, deviation })
    }

    /// Changes the first layer, so that what it computes of `pixel / 255` is what it computed of this scale.
    fn fold_into(self, network: &mut Network) {
        if self == InputScale::default() {
            return;
        }
        // With x = pixel / 255, the sum of w (x 255 / divisor - mean) / deviation over the inputs.
        let factor = f64::from(PIXEL_SCALE) / self.divisor / self.deviation;
        let shift = self.mean / self.deviation;
        let parameters = network.parameters_mut();
        let weights = parameters.weights(0).mapv(f64::from);
        let shifted: Vec<f64> = weights.columns().into_iter().map(|column| shift * column.sum()).collect();
        parameters.weights_mut(0).zip_mut_with(&weights, |folded, weight| *folded = (factor * weight) as f32);
        for (bias, shifted) in parameters.biases_mut(0).iter_mut().zip(shifted) {
            *bias = (f64::from(*bias) - shifted) as f32;
        }
    }
}

impl ImportOptions {
    /// The model that the tensors make.
    pub(super) fn model(
        &self,
        tensors: &[Tensor<'_>],
        metadata: &Metadata,
        limits: &Limits,
    ) -> Result<Model, ImportError> {
        let from_file = metadata.pixel_scale.map(|divisor| InputScale { divisor, ..InputScale::default() });
        let scale = self.scale.or(from_file).unwrap_or_default().check()?;
        let layers = assemble::layers(tensors, self.layers.as_deref())?;
        let layout = assemble::layout(&layers, self.layout.or(metadata.layout))?;
        let (activations, loss) = self.activations_and_loss(layers.len(), metadata)?;

        check_size(&layers, layout, limits)?;
        let mut network = network(&layers, layout, &activations)?;
        scale.fold_into(&mut network);
        let image_shape = self.image_shape.clone().or_else(|| metadata.image_shape.clone());
        let image_shape = image_shape.unwrap_or_else(|| square_or_flat(network.inputs()));
        let class_names = self.class_names.clone().or_else(|| metadata.class_names.clone());
        let preprocessing = metadata.preprocessing.unwrap_or_default();
        let model = Model { network, loss, image_shape, preprocessing, class_names, record: None };
        model.check()?;
        Ok(model)
    }

    fn activations_and_loss(
        &self,
        depth: usize,
        metadata: &Metadata,
    ) -> Result<(Vec<Activation>, Loss), ImportError> {
        let known = metadata.activations.as_deref();
        if let Some(known) = known.filter(|known| known.len() != depth) {
            return Err(ImportError::Activations { expected: depth, found: known.len(), stated: false });
        }
        let hidden = depth - 1;
        let mut activations = match (self.activations.as_deref(), known) {
            (Some(&[one]), _) => vec![one; hidden],
            (Some(each), _) if each.len() == hidden => each.to_vec(),
            (Some(each), _) => {
                return Err(ImportError::Activations { expected: hidden, found: each.len(), stated: true });
            }
            (None, Some(known)) => known[..hidden].to_vec(),
            (None, None) if hidden == 0 => Vec::new(),
            (None, None) => return Err(ImportError::NoActivation),
        };
        let output = self.output_activation.or_else(|| known.and_then(|known| known.last().copied()));
        let (output, loss) = match (output, self.loss.or(metadata.loss)) {
            // Fused, which is the stable form to compute and to train on.
            (Some(Activation::Softmax), loss @ (None | Some(Loss::SoftmaxCrossEntropy))) => {
                (Activation::Identity, loss.unwrap_or(Loss::SoftmaxCrossEntropy))
            }
            (Some(Activation::Sigmoid), Some(Loss::SigmoidCrossEntropy)) => {
                (Activation::Identity, Loss::SigmoidCrossEntropy)
            }
            (Some(output), Some(loss)) => (output, loss),
            (None, loss) => {
                let loss = loss.unwrap_or(Loss::SoftmaxCrossEntropy);
                (loss.output_activation(), loss)
            }
            (Some(Activation::Identity), None) => (Activation::Identity, Loss::SoftmaxCrossEntropy),
            (Some(Activation::Sigmoid), None) => (Activation::Sigmoid, Loss::BinaryCrossEntropy),
            (Some(output), None) => (output, Loss::MeanSquaredError),
        };
        activations.push(output);
        Ok((activations, loss))
    }
}

/// Checks that a model of these layers has no more bytes of parameters than a file may have, so that it can be loaded
/// again once it is saved: tensors of shorter numbers, or packed ones, are less than what becomes of them.
fn check_size(layers: &[Layer<'_, '_>], layout: Layout, limits: &Limits) -> Result<(), ImportError> {
    let parameters = layers.iter().fold(0_u64, |sum, layer| {
        let (inputs, outputs) = layer.sizes(layout);
        sum.saturating_add((inputs as u64).saturating_add(1).saturating_mul(outputs as u64))
    });
    let most = limits.max_bytes / size_of::<f32>() as u64;
    if parameters > most {
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        return Err(ImportError::TooMany { what: "parameters", limit });
    }
    Ok(())
}

fn network(
    layers: &[Layer<'_, '_>],
    layout: Layout,
    activations: &[Activation],
) -> Result<Network, ImportError> {
    let mut builder = Network::builder(layers[0].sizes(layout).0);
    for (layer, &activation) in layers.iter().zip(activations) {
        builder = builder.dense(layer.sizes(layout).1, activation);
    }
    let mut network = builder.zeros().map_err(ImportError::Network)?;
    let parameters = network.parameters_mut();
    for (index, layer) in layers.iter().enumerate() {
        for (parameter, number) in parameters.weights_mut(index).iter_mut().zip(layer.weights(layout)?) {
            *parameter = number;
        }
        for (parameter, number) in parameters.biases_mut(index).iter_mut().zip(layer.biases(layout)?) {
            *parameter = number;
        }
    }
    Ok(network)
}

/// 28 x 28 for 784 inputs.
fn square_or_flat(inputs: usize) -> Vec<usize> {
    let side = inputs.isqrt();
    if side * side == inputs { vec![side; 2] } else { vec![inputs] }
}
