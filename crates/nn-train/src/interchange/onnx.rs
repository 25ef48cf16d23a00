//! A model as an ONNX graph: owns which operators compute what the network does, and refuses to know how messages are
//! encoded.
//!
//! All that the network needs is inside: the graph takes pixels of 0 to 255, of any number of images, and divides them
//! itself. The operators are of the standard set in version 17 (ONNX 1.12), which every runtime of the last years has.

use nn_core::{
    Activation, LEAKY_SLOPE, Loss,
    ndarray::{ArrayView, Dimension},
};

use super::{
    Layout,
    metadata::{self, PIXEL_SCALE},
    protobuf::Message,
};
use crate::Model;

/// The version of the representation that belongs to [`OPSET`].
const IR_VERSION: u64 = 8;

/// The version of the standard operators.
const OPSET: u64 = 17;

/// The number of images, which the graph leaves open.
const BATCH: &str = "N";

/// Numbers of fields and of kinds, from <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
pub(super) mod proto {
    pub(in super::super) const MODEL_IR_VERSION: u32 = 1;
    pub(in super::super) const MODEL_PRODUCER_NAME: u32 = 2;
    pub(in super::super) const MODEL_GRAPH: u32 = 7;
    pub(in super::super) const MODEL_OPSET_IMPORT: u32 = 8;
    pub(in super::super) const MODEL_METADATA_PROPS: u32 = 14;
    pub(in super::super) const OPSET_DOMAIN: u32 = 1;
    pub(in super::super) const OPSET_VERSION: u32 = 2;
    pub(in super::super) const ENTRY_KEY: u32 = 1;
    pub(in super::super) const ENTRY_VALUE: u32 = 2;
    pub(in super::super) const GRAPH_NODE: u32 = 1;
    pub(in super::super) const GRAPH_NAME: u32 = 2;
    pub(in super::super) const GRAPH_INITIALIZER: u32 = 5;
    pub(in super::super) const GRAPH_INPUT: u32 = 11;
    pub(in super::super) const GRAPH_OUTPUT: u32 = 12;
    pub(in super::super) const NODE_INPUT: u32 = 1;
    pub(in super::super) const NODE_OUTPUT: u32 = 2;
    pub(in super::super) const NODE_NAME: u32 = 3;
    pub(in super::super) const NODE_OPERATOR: u32 = 4;
    pub(in super::super) const NODE_ATTRIBUTE: u32 = 5;
    pub(in super::super) const ATTRIBUTE_NAME: u32 = 1;
    pub(in super::super) const ATTRIBUTE_FLOAT: u32 = 2;
    pub(in super::super) const ATTRIBUTE_INTEGER: u32 = 3;
    pub(in super::super) const ATTRIBUTE_KIND: u32 = 20;
    pub(in super::super) const KIND_FLOAT: u64 = 1;
    pub(in super::super) const KIND_INTEGER: u64 = 2;
    pub(in super::super) const TENSOR_DIMS: u32 = 1;
    pub(in super::super) const TENSOR_ELEMENT: u32 = 2;
    pub(in super::super) const TENSOR_NAME: u32 = 8;
    pub(in super::super) const TENSOR_RAW: u32 = 9;
    pub(in super::super) const ELEMENT_F32: u64 = 1;
    pub(in super::super) const VALUE_NAME: u32 = 1;
    pub(in super::super) const VALUE_TYPE: u32 = 2;
    pub(in super::super) const TYPE_TENSOR: u32 = 1;
    pub(in super::super) const TYPE_ELEMENT: u32 = 1;
    pub(in super::super) const TYPE_SHAPE: u32 = 2;
    pub(in super::super) const SHAPE_DIM: u32 = 1;
    pub(in super::super) const DIM_VALUE: u32 = 1;
    pub(in super::super) const DIM_NAME: u32 = 2;
}

/// The bytes of the file.
pub(super) fn write(model: &Model) -> Vec<u8> {
    let mut file = Message::default()
        .integer(proto::MODEL_IR_VERSION, IR_VERSION)
        .text(proto::MODEL_PRODUCER_NAME, "nn-train")
        .message(proto::MODEL_GRAPH, &graph(model))
        .message(proto::MODEL_OPSET_IMPORT, &Message::default().integer(proto::OPSET_VERSION, OPSET));
    for (key, value) in metadata::texts(model, Layout::InputsFirst) {
        let entry = Message::default().text(proto::ENTRY_KEY, &key).text(proto::ENTRY_VALUE, &value);
        file = file.message(proto::MODEL_METADATA_PROPS, &entry);
    }
    file.into_bytes()
}

fn graph(model: &Model) -> Message {
    let network = &model.network;
    let parameters = network.parameters();
    let scale = ArrayView::from(&[PIXEL_SCALE]).into_shape_with_order(()).expect("a single number");
    let mut graph = Message::default()
        .text(proto::GRAPH_NAME, "network")
        .message(proto::GRAPH_NODE, &node("Flatten", Some(Attribute::Axis(1)), &["pixels"], "flat"))
        .message(proto::GRAPH_NODE, &node("Div", None, &["flat", "pixel_scale"], "a0"))
        .message(proto::GRAPH_INITIALIZER, &tensor("pixel_scale", scale));
    for layer in 0..network.depth() {
        let number = layer + 1;
        let is_last = number == network.depth();
        let [weights, biases] = ["W", "b"].map(|letter| format!("{letter}{number}"));
        let inputs = format!("a{layer}");
        // Z and A: at the end they have the names that people ask for.
        let (z, a, activation) = if is_last {
            ("logits".to_owned(), "probabilities".to_owned(), answer(model))
        } else {
            (format!("z{number}"), format!("a{number}"), network.activation(layer))
        };
        let (operator, attribute) = operator(activation);
        graph = graph
            .message(proto::GRAPH_NODE, &node("Gemm", None, &[&inputs, &weights, &biases], &z))
            .message(proto::GRAPH_NODE, &node(operator, attribute, &[&z], &a))
            .message(proto::GRAPH_INITIALIZER, &tensor(&weights, parameters.weights(layer)))
            .message(proto::GRAPH_INITIALIZER, &tensor(&biases, parameters.biases(layer)));
    }
    graph
        .message(proto::GRAPH_INPUT, &value("pixels", &model.image_shape))
        .message(proto::GRAPH_OUTPUT, &value("logits", &[network.outputs()]))
        .message(proto::GRAPH_OUTPUT, &value("probabilities", &[network.outputs()]))
}

/// What makes [`Loss::probabilities`] of the last layer's Z. It stands in the place of the layer's own activation, which
/// for the losses on logits is the identity.
fn answer(model: &Model) -> Activation {
    match model.loss {
        Loss::SoftmaxCrossEntropy => Activation::Softmax,
        Loss::SigmoidCrossEntropy => Activation::Sigmoid,
        Loss::BinaryCrossEntropy | Loss::MeanSquaredError => {
            model.network.activation(model.network.depth() - 1)
        }
    }
}

fn operator(activation: Activation) -> (&'static str, Option<Attribute>) {
    match activation {
        Activation::Identity => ("Identity", None),
        Activation::Sigmoid => ("Sigmoid", None),
        Activation::Relu => ("Relu", None),
        Activation::LeakyRelu => ("LeakyRelu", Some(Attribute::Alpha(LEAKY_SLOPE))),
        Activation::Tanh => ("Tanh", None),
        Activation::Softmax => ("Softmax", Some(Attribute::Axis(1))),
    }
}

/// What an operator can be told.
#[derive(Clone, Copy)]
enum Attribute {
    Axis(u64),
    Alpha(f32),
}

fn node(operator: &str, attribute: Option<Attribute>, inputs: &[&str], output: &str) -> Message {
    let mut node = Message::default();
    for input in inputs {
        node = node.text(proto::NODE_INPUT, input);
    }
    node = node
        .text(proto::NODE_OUTPUT, output)
        .text(proto::NODE_NAME, &format!("{operator}_{output}"))
        .text(proto::NODE_OPERATOR, operator);
    let attribute = attribute.map(|attribute| match attribute {
        Attribute::Axis(axis) => Message::default()
            .text(proto::ATTRIBUTE_NAME, "axis")
            .integer(proto::ATTRIBUTE_INTEGER, axis)
            .integer(proto::ATTRIBUTE_KIND, proto::KIND_INTEGER),
        Attribute::Alpha(alpha) => Message::default()
            .text(proto::ATTRIBUTE_NAME, "alpha")
            .float(proto::ATTRIBUTE_FLOAT, alpha)
            .integer(proto::ATTRIBUTE_KIND, proto::KIND_FLOAT),
    });
    match attribute {
        Some(attribute) => node.message(proto::NODE_ATTRIBUTE, &attribute),
        None => node,
    }
}

fn tensor<D: Dimension>(name: &str, numbers: ArrayView<'_, f32, D>) -> Message {
    let mut tensor = Message::default();
    for &length in numbers.shape() {
        tensor = tensor.integer(proto::TENSOR_DIMS, length as u64);
    }
    let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    tensor
        .integer(proto::TENSOR_ELEMENT, proto::ELEMENT_F32)
        .text(proto::TENSOR_NAME, name)
        .bytes(proto::TENSOR_RAW, &raw)
}

/// An input or an output: `f32` of any number of images, and so many of each.
fn value(name: &str, lengths: &[usize]) -> Message {
    let batch = Message::default().text(proto::DIM_NAME, BATCH);
    let mut shape = Message::default().message(proto::SHAPE_DIM, &batch);
    for &length in lengths {
        shape = shape.message(proto::SHAPE_DIM, &Message::default().integer(proto::DIM_VALUE, length as u64));
    }
    let tensor = Message::default()
        .integer(proto::TYPE_ELEMENT, proto::ELEMENT_F32)
        .message(proto::TYPE_SHAPE, &shape);
    Message::default()
        .text(proto::VALUE_NAME, name)
        .message(proto::VALUE_TYPE, &Message::default().message(proto::TYPE_TENSOR, &tensor))
}
