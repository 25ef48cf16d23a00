#![doc = include_str!("../README.md")]
#![doc(test(attr(deny(warnings))))]

pub use idx_format;
pub use ndarray;
pub use ndarray_rand::rand;

// In reading order: the data, the formulas, the network, the step; below them the machinery.
mod dataset;
mod inputs;
mod targets;

mod activation;
mod average;
mod dropout;
mod initializer;
mod loss;
mod muon;
mod objective;
mod optimizer;
mod update;
mod whole;

mod network;
mod parameters;
mod pass;
mod plan;
mod trace;

mod engine;
mod tally;

mod bits;
mod dense;
mod panel;
mod sparse;

mod matrix;
mod simd;
mod team;

mod error;

pub use activation::{Activation, LEAKY_SLOPE};
pub use average::Average;
pub use dataset::{Batch, Dataset};
pub use dropout::Dropout;
pub use engine::{Engine, Part};
pub use error::{DatasetError, NetworkError, OptimizerError, UnknownName};
pub use initializer::Initializer;
pub use inputs::Inputs;
pub use loss::{Evaluated, Loss, PROBABILITY_CLIP};
pub use network::{Network, NetworkBuilder, Workspace};
pub use objective::Objective;
pub use optimizer::{Optimizer, Rule};
pub use parameters::Parameters;
pub use tally::{Evaluation, Tally, predicted_class};
pub use targets::Targets;
pub use trace::Trace;
