//! The tasks of the comparison in candle: owns nothing but the calls of its library, and knows nothing of the others.

use candle_core::{D, Device, Error, Result, Tensor, Var};
use candle_nn::{Optimizer as _, SGD, loss};
use std::time::Instant;
use std::{env, fs};

const VERSION: &str = "0.11.1";
const BATCH: usize = 64;
const RATE: f64 = 0.1;
/// Epochs that are timed, after one that is not.
const TIMED_EPOCHS: usize = 2;
const MATRIX_SIDE: usize = 2048;
const MATRIX_PRODUCTS: usize = 8;

struct Network {
    weights: [Var; 2],
    biases: [Var; 2],
}

impl Network {
    fn new(device: &Device) -> Result<Self> {
        let he = (2.0_f32 / 784.0).sqrt();
        let glorot = (2.0_f32 / 110.0).sqrt();
        let zeros = |units: usize| Var::from_tensor(&Tensor::zeros(units, candle_core::DType::F32, device)?);
        Ok(Self {
            weights: [Var::randn(0.0, he, (784, 100), device)?, Var::randn(0.0, glorot, (100, 10), device)?],
            biases: [zeros(100)?, zeros(10)?],
        })
    }

    fn variables(&self) -> Vec<Var> {
        self.weights.iter().chain(&self.biases).cloned().collect()
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let z = images.matmul(self.weights[0].as_tensor())?.broadcast_add(self.biases[0].as_tensor())?;
        z.relu()?.matmul(self.weights[1].as_tensor())?.broadcast_add(self.biases[1].as_tensor())
    }
}

fn load(folder: &str, split: &str, device: &Device) -> Result<(Tensor, Tensor)> {
    let pixels = fs::read(format!("{folder}/{split}-images-idx3-ubyte"))?;
    let labels = fs::read(format!("{folder}/{split}-labels-idx1-ubyte"))?;
    let pixels: Vec<f32> = pixels[16..].iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let labels: Vec<u32> = labels[8..].iter().map(|&label| u32::from(label)).collect();
    let count = labels.len();
    Ok((Tensor::from_vec(pixels, (count, 784), device)?, Tensor::from_vec(labels, count, device)?))
}

/// Durstenfeld's shuffle by a xorshift generator.
fn shuffle(order: &mut [u32], state: &mut u64) {
    for last in (1..order.len()).rev() {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        order.swap(last, (*state % (last as u64 + 1)) as usize);
    }
}

fn epoch(folder: &str) -> Result<String> {
    let device = Device::Cpu;
    let (images, labels) = load(folder, "train", &device)?;
    let network = Network::new(&device)?;
    let mut sgd = SGD::new(network.variables(), RATE)?;
    let mut order: Vec<u32> = (0..labels.dim(0)? as u32).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut seconds = Vec::new();
    for _ in 0..=TIMED_EPOCHS {
        let start = Instant::now();
        shuffle(&mut order, &mut state);
        for indices in order.chunks(BATCH) {
            let indices = Tensor::new(indices, &device)?;
            let logits = network.forward(&images.index_select(&indices, 0)?)?;
            let loss = loss::cross_entropy(&logits, &labels.index_select(&indices, 0)?)?;
            sgd.backward_step(&loss)?;
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let (images, labels) = load(folder, "t10k", &device)?;
    let predicted = network.forward(&images)?.argmax(D::Minus1)?;
    let correct = predicted.eq(&labels)?.to_dtype(candle_core::DType::F32)?.mean_all()?.to_scalar::<f32>()?;
    Ok(format!(r#""seconds": {:?}, "accuracy": {correct}"#, &seconds[1..]))
}

/// Products of large matrices, for the machine's peak; in candle they are those of the crate `gemm`.
fn matrix() -> Result<String> {
    let shape = (MATRIX_SIDE, MATRIX_SIDE);
    let left = Tensor::rand(0.0_f32, 1.0, shape, &Device::Cpu)?;
    let right = Tensor::rand(0.0_f32, 1.0, shape, &Device::Cpu)?;
    let mut seconds = Vec::new();
    for _ in 0..MATRIX_PRODUCTS + 2 {
        let start = Instant::now();
        left.matmul(&right)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(format!(r#""seconds": {:?}"#, &seconds[2..]))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let data = arguments.iter().position(|word| word == "--data");
    let folder = data.and_then(|at| arguments.get(at + 1)).map_or("data/mnist", String::as_str);
    let figures = match arguments.first().map(String::as_str) {
        Some("epoch") => epoch(folder)?,
        Some("matrix") => matrix()?,
        _ => return Err(Error::Msg("this peer has the tasks 'epoch' and 'matrix'".into())),
    };
    println!(r#"{{{figures}, "versions": {{"candle": "{VERSION}"}}}}"#);
    Ok(())
}
