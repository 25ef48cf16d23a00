//! A trained network with what is needed to use it: owns its bytes, checked in both directions, and refuses to know
//! where they are kept.
//!
//! Inside the container, the payload is a description (the network's structure, loss, image shape, class names,
//! record) in bincode's standard configuration, in version 2 of the format an addition (preprocessing, ingredients) in
//! the same, and then the parameters: for each layer the weights, shape (I, O),
//! row by row, then the biases, as little-endian `f32`. The parameters fill the payload exactly.

use nn_core::{Activation, Loss, Network, NetworkError, OptimizerError};

use crate::{
    ContainerError, Ingredients, InvalidCheckpoint, InvalidPreprocessing, Preprocessing, TrainingRecord,
    container,
    dataset::spelled,
    description,
    mirror::{Description, List, addition},
    network_bytes::{self, to_usize},
};

/// A network, and what it takes to show it an image and to read its answer.
///
/// # Examples
/// ```
/// use nn_train::{Model, Preprocessing, initial_rng, nn_core::{Activation, Loss, Network}};
///
/// let network = Network::builder(6).dense(5, Activation::Identity).build(&mut initial_rng(42))?;
/// let model = Model {
///     network,
///     loss: Loss::SoftmaxCrossEntropy,
///     image_shape: vec![2, 3],
///     preprocessing: Preprocessing::None,
///     class_names: None,
///     record: None,
/// };
/// assert_eq!(Model::from_bytes(&model.to_bytes()?)?, model);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The network.
    pub network: Network,
    /// The loss it was trained with, which tells how to make probabilities of its outputs.
    pub loss: Loss,
    /// The shape of the images it takes, `[28, 28]` for MNIST; the product is the number of inputs.
    pub image_shape: Vec<usize>,
    /// What is done to an image before the network sees it.
    pub preprocessing: Preprocessing,
    /// What the classes are called, if not by their number: one name for each output.
    pub class_names: Option<Vec<String>>,
    /// How it came about, if by a fit.
    pub record: Option<TrainingRecord>,
}

impl Model {
    /// The model as the bytes of a model file. Equal models give equal bytes.
    ///
    /// # Errors
    /// [`InvalidModel`] when the parts do not go together, or a parameter is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, InvalidModel> {
        self.check()?;
        let network = &self.network;
        let description = description::encode(&Description {
            inputs: network.inputs() as u64,
            layers: network_bytes::layers(network),
            loss: self.loss.into(),
            image_shape: List(self.image_shape.iter().map(|&length| length as u64).collect()),
            class_names: self
                .class_names
                .as_ref()
                .map(|names| List(names.iter().map(String::as_str).collect())),
            record: self.record.as_ref().map(Into::into),
        });
        if description.len() > description::MAX_LEN {
            let (limit, found) = (description::MAX_LEN, description.len());
            return Err(InvalidModel::Description { limit, found });
        }
        let addition = addition::Model {
            preprocessing: self.preprocessing.into(),
            ingredients: self.record.as_ref().map_or(Ingredients::NONE, |record| record.ingredients).into(),
        };
        let is_added = addition != addition::Model::default();
        let version = if is_added { container::WITH_ADDITION } else { container::FIRST_VERSION };
        Ok(container::seal(container::MODEL, version, |payload| {
            payload.extend(description);
            if is_added {
                payload.extend(description::encode(&addition));
            }
            network_bytes::append(network.parameters(), payload);
        }))
    }

    /// The model of the bytes of a model file.
    ///
    /// Memory is taken in proportion to `bytes`, never to a number that they merely claim.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the bytes of a sound model: there is no byte whose change goes unnoticed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, DecodeError> {
        let (version, payload) = container::open(container::MODEL, bytes)?;
        let unreadable = |reason| DecodeError::Description { reason };
        let (description, mut description_len) =
            description::decode::<Description<'_>>(payload).map_err(unreadable)?;
        let mut addition = addition::Model::default();
        if version >= container::WITH_ADDITION {
            let (added, added_len) = description::decode(&payload[description_len..]).map_err(unreadable)?;
            (addition, description_len) = (added, description_len + added_len);
        }

        let parameter_bytes = &payload[description_len..];
        let expected = network_bytes::len(description.inputs, &description.layers);
        if expected != parameter_bytes.len() as u128 {
            return Err(DecodeError::ParameterBytes {
                offset: container::HEADER_LEN + description_len,
                expected,
                found: parameter_bytes.len(),
            });
        }
        let mut network =
            network_bytes::zeros(description.inputs, &description.layers).map_err(DecodeError::Network)?;
        network_bytes::fill(network.parameters_mut(), parameter_bytes);

        let record = description
            .record
            .map(|record| TrainingRecord { ingredients: addition.ingredients.into(), ..record.into() });
        let model = Model {
            network,
            loss: description.loss.into(),
            image_shape: description.image_shape.0.into_iter().map(to_usize).collect(),
            preprocessing: addition.preprocessing.into(),
            class_names: description
                .class_names
                .map(|names| names.0.into_iter().map(str::to_owned).collect()),
            record,
        };
        model.check()?;
        Ok(model)
    }

    pub(crate) fn check(&self) -> Result<(), InvalidModel> {
        let Model { network, loss, image_shape, preprocessing, class_names, record: _ } = self;
        check_use(network, *loss, image_shape)?;
        preprocessing.check(image_shape).map_err(InvalidModel::Preprocessing)?;
        if let Some(names) = class_names
            && names.len() != network.outputs()
        {
            return Err(InvalidModel::ClassNames { names: names.len(), outputs: network.outputs() });
        }
        check_finite(network)
    }
}

/// Checks that a network can be shown such images, and judged by the loss.
pub(crate) fn check_use(network: &Network, loss: Loss, image_shape: &[usize]) -> Result<(), InvalidModel> {
    let output = network.activation(network.depth() - 1);
    if !loss.accepts(output) {
        return Err(InvalidModel::Loss { loss, output });
    }
    let pixels = image_shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
    if pixels != Some(network.inputs()) {
        let (image_shape, inputs) = (image_shape.to_vec(), network.inputs());
        return Err(InvalidModel::ImageShape { image_shape, inputs });
    }
    Ok(())
}

/// Checks that a network has not diverged.
pub(crate) fn check_finite(network: &Network) -> Result<(), InvalidModel> {
    let parameters = network.parameters();
    let finite = |layer: &usize| {
        parameters.weights(*layer).iter().chain(parameters.biases(*layer)).all(|p| p.is_finite())
    };
    match (0..parameters.layers()).find(|layer| !finite(layer)) {
        Some(layer) => Err(InvalidModel::NonFinite { layer }),
        None => Ok(()),
    }
}

/// Why the parts of a [`Model`] do not go together, or cannot be kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidModel {
    /// The loss is not defined on what the network's last layer gives.
    #[error("loss {loss} expects output activation {}, found {output}", loss.output_activation())]
    Loss {
        /// The loss.
        loss: Loss,
        /// The activation of the network's last layer.
        output: Activation,
    },
    /// The image shape has not as many pixels as the network has inputs.
    #[error("expected an image shape of {inputs} pixels, found {}", spelled(image_shape))]
    ImageShape {
        /// The image shape.
        image_shape: Vec<usize>,
        /// Inputs of the network.
        inputs: usize,
    },
    /// The images are of a shape that cannot be preprocessed so.
    #[error(transparent)]
    Preprocessing(InvalidPreprocessing),
    /// There are not as many names as classes.
    #[error("expected {outputs} class names, found {names}")]
    ClassNames {
        /// How many names there are.
        names: usize,
        /// Outputs of the network.
        outputs: usize,
    },
    /// The network has diverged.
    #[error("expected finite parameters, found one in layer {layer} that is not")]
    NonFinite {
        /// The first such layer, counted from 0.
        layer: usize,
    },
    /// Names, layers and so on are too long for a file.
    #[error("expected a description of at most {limit} bytes, found {found}")]
    Description {
        /// The most that a file may have.
        limit: usize,
        /// The length of this one.
        found: usize,
    },
}

/// Why bytes are not those of a model file or a checkpoint file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The container is another one, or damaged.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The description cannot be read.
    #[error("cannot decode the description at byte {}: {reason}", container::HEADER_LEN)]
    Description {
        /// What the decoder says.
        reason: String,
    },
    /// There are not as many numbers, in a model all of them parameters, as the description says.
    #[error("expected {expected} bytes of parameters at byte {offset}, found {found}")]
    ParameterBytes {
        /// Where the parameters begin.
        offset: usize,
        /// How many bytes the described network has.
        expected: u128,
        /// How many there are.
        found: usize,
    },
    /// The description is that of no network.
    #[error("the description is of no network")]
    Network(#[source] NetworkError),
    /// The parts do not go together.
    #[error(transparent)]
    Invalid(#[from] InvalidModel),
    /// The memories of a checkpoint's optimizer do not suit its rule.
    #[error("the description is of no optimizer")]
    Optimizer(#[source] OptimizerError),
    /// The parts of a checkpoint do not go together.
    #[error(transparent)]
    Checkpoint(#[from] InvalidCheckpoint),
}
