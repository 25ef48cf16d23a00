//! The tasks of the comparison in burn: owns nothing but the calls of its library, and knows nothing of the others.

use burn::module::{Initializer, Module};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation::relu};
use std::time::Instant;
use std::{env, fs};

const VERSION: &str = "0.22.1";
const BATCH: usize = 64;
const RATE: f64 = 0.1;
/// Epochs that are timed, after one that is not.
const TIMED_EPOCHS: usize = 2;

#[derive(Module, Debug)]
struct Network {
    hidden: Linear,
    output: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let normal = |deviation: f64| Initializer::Normal { mean: 0.0, std: deviation };
        let linear = |inputs, outputs, deviation| {
            LinearConfig::new(inputs, outputs).with_initializer(normal(deviation)).init(device)
        };
        Self {
            hidden: linear(784, 100, (2.0_f64 / 784.0).sqrt()),
            output: linear(100, 10, (2.0_f64 / 110.0).sqrt()),
        }
    }

    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(images)))
    }
}

struct Data {
    images: Tensor<2>,
    labels: Tensor<1, Int>,
    count: usize,
}

fn load(folder: &str, split: &str, device: &Device) -> Data {
    let read = |name: &str| {
        let path = format!("{folder}/{split}-{name}-ubyte");
        fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let pixels: Vec<f32> = read("images-idx3")[16..].iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let labels: Vec<i64> = read("labels-idx1")[8..].iter().map(|&label| i64::from(label)).collect();
    let count = labels.len();
    Data {
        images: Tensor::from_data(TensorData::new(pixels, [count, 784]), device),
        labels: Tensor::from_data(TensorData::new(labels, [count]), device),
        count,
    }
}

/// Durstenfeld's shuffle by a xorshift generator.
fn shuffle(order: &mut [i64], state: &mut u64) {
    for last in (1..order.len()).rev() {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        order.swap(last, (*state % (last as u64 + 1)) as usize);
    }
}

fn epoch(folder: &str, plain: &Device) -> String {
    let device = plain.clone().autodiff();
    let train = load(folder, "train", &device);
    let mut network = Network::new(&device);
    let loss: CrossEntropyLoss = CrossEntropyLossConfig::new().init(&device);
    let mut sgd = SgdConfig::new().init();
    let mut order: Vec<i64> = (0..train.count as i64).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut seconds = Vec::new();
    for _ in 0..=TIMED_EPOCHS {
        let start = Instant::now();
        shuffle(&mut order, &mut state);
        for indices in order.chunks(BATCH) {
            let indices: Tensor<1, Int> =
                Tensor::from_data(TensorData::new(indices.to_vec(), [indices.len()]), &device);
            let logits = network.forward(train.images.clone().select(0, indices.clone()));
            let loss = loss.forward(logits, train.labels.clone().select(0, indices));
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = sgd.step(RATE, network, gradients);
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let test = load(folder, "t10k", &device);
    let predicted = network.forward(test.images).argmax(1).reshape([test.count]);
    let correct: i64 = predicted.equal(test.labels).int().sum().into_scalar();
    format!(r#""seconds": {:?}, "accuracy": {}"#, &seconds[1..], correct as f64 / test.count as f64)
}

#[expect(deprecated, reason = "ndarray is on its way out of burn; until then the better of the two counts")]
fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    assert_eq!(arguments.first().map(String::as_str), Some("epoch"), "this peer has the task 'epoch' alone");
    let device = match value("--variant") {
        Some("ndarray") => Device::ndarray(),
        _ => Device::flex(),
    };
    let figures = epoch(value("--data").unwrap_or("data/mnist"), &device);
    println!(r#"{{{figures}, "versions": {{"burn": "{VERSION}"}}}}"#);
}
