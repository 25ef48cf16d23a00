//! A network in a file: owns the order of its numbers and how many there must be, and refuses to know what stands
//! around them.
//!
//! For each layer the weights, shape (I, O), row by row, then the biases, as little-endian `f32`.

use nn_core::{Network, NetworkError, Parameters};

use crate::mirror::{Layer, List};

/// The structure of a network, but for its number of inputs.
pub(crate) fn layers(network: &Network) -> List<Layer> {
    let layer =
        |layer| Layer { units: network.units(layer) as u64, activation: network.activation(layer).into() };
    List((0..network.depth()).map(layer).collect())
}

/// The network of such a structure, all zeros.
///
/// To be called once there are [`len`] bytes to fill it with: memory is taken for bytes that are there.
pub(crate) fn zeros(inputs: u64, layers: &List<Layer>) -> Result<Network, NetworkError> {
    let mut builder = Network::builder(to_usize(inputs));
    for layer in &layers.0 {
        builder = builder.dense(to_usize(layer.units), layer.activation.into());
    }
    builder.zeros()
}

/// How many bytes the parameters of such a network take. What is beyond 2^128 stays there: no file is that long.
pub(crate) fn len(inputs: u64, layers: &List<Layer>) -> u128 {
    let mut fan_in = inputs;
    let mut bytes = 0_u128;
    for layer in &layers.0 {
        // At most (2^64 + 1) 2^64, which fits.
        let parameters = (u128::from(fan_in) + 1).saturating_mul(layer.units.into());
        bytes = bytes.saturating_add(parameters.saturating_mul(size_of::<f32>() as u128));
        fan_in = layer.units;
    }
    bytes
}

pub(crate) fn append(parameters: &Parameters, bytes: &mut Vec<u8>) {
    bytes.reserve(size_of::<f32>() * parameters.count());
    for layer in 0..parameters.layers() {
        let (weights, biases) = (parameters.weights(layer), parameters.biases(layer));
        bytes.extend(weights.iter().chain(biases).flat_map(|parameter| parameter.to_le_bytes()));
    }
}

/// Puts numbers in the place of parameters; there are as many of one as of the other.
pub(crate) fn fill(parameters: &mut Parameters, bytes: &[u8]) {
    let (numbers, _) = bytes.as_chunks::<{ size_of::<f32>() }>();
    let mut numbers = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes));
    for layer in 0..parameters.layers() {
        for (parameter, number) in parameters.weights_mut(layer).iter_mut().zip(&mut numbers) {
            *parameter = number;
        }
        for (parameter, number) in parameters.biases_mut(layer).iter_mut().zip(&mut numbers) {
            *parameter = number;
        }
    }
}

/// What this machine cannot address stays too large, and is refused for that.
pub(crate) fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
