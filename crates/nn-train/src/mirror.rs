//! The serialisable twins of what a model file describes: owns the order of fields and variants in the file, and
//! refuses to know what they mean.
//!
//! They are private and apart from the types that programs use, so that a refactoring of those cannot change the
//! format, and a new variant there does not compile until it has a number here. **Fields keep their order, and
//! variants are only ever appended**: bincode stores no names.

pub(crate) mod addition;
pub(crate) mod checkpoint;

use std::{fmt, marker::PhantomData, num::NonZeroU32};

use nn_core as core;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Description<'a> {
    pub(crate) inputs: u64,
    pub(crate) layers: List<Layer>,
    pub(crate) loss: Loss,
    pub(crate) image_shape: List<u64>,
    #[serde(borrow)]
    pub(crate) class_names: Option<List<&'a str>>,
    #[serde(borrow)]
    pub(crate) record: Option<Record<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Layer {
    pub(crate) units: u64,
    pub(crate) activation: Activation,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Activation {
    Identity,
    Sigmoid,
    Relu,
    LeakyRelu,
    Tanh,
    Softmax,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Loss {
    SoftmaxCrossEntropy,
    SigmoidCrossEntropy,
    BinaryCrossEntropy,
    MeanSquaredError,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    preset: Option<&'a str>,
    seed: u64,
    epochs: u32,
    finished_epochs: u32,
    batch_size: u64,
    rate: f32,
    schedule: Schedule,
    rule: Rule,
    samples: u64,
    train: Option<Tally>,
    validation: Option<Tally>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Schedule {
    Constant,
    Step { every: NonZeroU32, factor: f32 },
    Cosine,
    OneCycle { warmup: f32 },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Rule {
    Sgd,
    Momentum { momentum: f32, nesterov: bool },
    Adam { beta1: f32, beta2: f32, epsilon: f32 },
    Muon { momentum: f32, beta1: f32, beta2: f32, epsilon: f32 },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Tally {
    samples: u64,
    correct: u64,
    loss_sum: f64,
}

/// A list that takes memory only for elements that are there.
///
/// A `Vec` would reserve up to a megabyte for a length that a damaged file merely claims.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
                let mut found = Vec::new();
                while let Some(element) = elements.next_element()? {
                    found.push(element);
                }
                Ok(List(found))
            }
        }

        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

impl From<core::Activation> for Activation {
    fn from(activation: core::Activation) -> Activation {
        match activation {
            core::Activation::Identity => Activation::Identity,
            core::Activation::Sigmoid => Activation::Sigmoid,
            core::Activation::Relu => Activation::Relu,
            core::Activation::LeakyRelu => Activation::LeakyRelu,
            core::Activation::Tanh => Activation::Tanh,
            core::Activation::Softmax => Activation::Softmax,
        }
    }
}

impl From<Activation> for core::Activation {
    fn from(activation: Activation) -> core::Activation {
        match activation {
            Activation::Identity => core::Activation::Identity,
            Activation::Sigmoid => core::Activation::Sigmoid,
            Activation::Relu => core::Activation::Relu,
            Activation::LeakyRelu => core::Activation::LeakyRelu,
            Activation::Tanh => core::Activation::Tanh,
            Activation::Softmax => core::Activation::Softmax,
        }
    }
}

impl From<core::Loss> for Loss {
    fn from(loss: core::Loss) -> Loss {
        match loss {
            core::Loss::SoftmaxCrossEntropy => Loss::SoftmaxCrossEntropy,
            core::Loss::SigmoidCrossEntropy => Loss::SigmoidCrossEntropy,
            core::Loss::BinaryCrossEntropy => Loss::BinaryCrossEntropy,
            core::Loss::MeanSquaredError => Loss::MeanSquaredError,
        }
    }
}

impl From<Loss> for core::Loss {
    fn from(loss: Loss) -> core::Loss {
        match loss {
            Loss::SoftmaxCrossEntropy => core::Loss::SoftmaxCrossEntropy,
            Loss::SigmoidCrossEntropy => core::Loss::SigmoidCrossEntropy,
            Loss::BinaryCrossEntropy => core::Loss::BinaryCrossEntropy,
            Loss::MeanSquaredError => core::Loss::MeanSquaredError,
        }
    }
}

impl From<crate::Schedule> for Schedule {
    fn from(schedule: crate::Schedule) -> Schedule {
        match schedule {
            crate::Schedule::Constant => Schedule::Constant,
            crate::Schedule::Step { every, factor } => Schedule::Step { every, factor },
            crate::Schedule::Cosine => Schedule::Cosine,
            crate::Schedule::OneCycle { warmup } => Schedule::OneCycle { warmup },
        }
    }
}

impl From<Schedule> for crate::Schedule {
    fn from(schedule: Schedule) -> crate::Schedule {
        match schedule {
            Schedule::Constant => crate::Schedule::Constant,
            Schedule::Step { every, factor } => crate::Schedule::Step { every, factor },
            Schedule::Cosine => crate::Schedule::Cosine,
            Schedule::OneCycle { warmup } => crate::Schedule::OneCycle { warmup },
        }
    }
}

impl From<core::Rule> for Rule {
    fn from(rule: core::Rule) -> Rule {
        match rule {
            core::Rule::Sgd => Rule::Sgd,
            core::Rule::Momentum { momentum, nesterov } => Rule::Momentum { momentum, nesterov },
            core::Rule::Adam { beta1, beta2, epsilon } => Rule::Adam { beta1, beta2, epsilon },
            core::Rule::Muon { momentum, beta1, beta2, epsilon } => {
                Rule::Muon { momentum, beta1, beta2, epsilon }
            }
        }
    }
}

impl From<Rule> for core::Rule {
    fn from(rule: Rule) -> core::Rule {
        match rule {
            Rule::Sgd => core::Rule::Sgd,
            Rule::Momentum { momentum, nesterov } => core::Rule::Momentum { momentum, nesterov },
            Rule::Adam { beta1, beta2, epsilon } => core::Rule::Adam { beta1, beta2, epsilon },
            Rule::Muon { momentum, beta1, beta2, epsilon } => {
                core::Rule::Muon { momentum, beta1, beta2, epsilon }
            }
        }
    }
}

impl From<core::Tally> for Tally {
    fn from(tally: core::Tally) -> Tally {
        let core::Tally { samples, correct, loss_sum } = tally;
        Tally { samples, correct, loss_sum }
    }
}

impl From<Tally> for core::Tally {
    fn from(tally: Tally) -> core::Tally {
        let Tally { samples, correct, loss_sum } = tally;
        core::Tally { samples, correct, loss_sum }
    }
}

impl<'a> From<&'a crate::TrainingRecord> for Record<'a> {
    fn from(record: &'a crate::TrainingRecord) -> Record<'a> {
        Record {
            preset: record.preset.as_deref(),
            seed: record.seed,
            epochs: record.epochs,
            finished_epochs: record.finished_epochs,
            batch_size: record.batch_size,
            rate: record.rate,
            schedule: record.schedule.into(),
            rule: record.rule.into(),
            samples: record.samples,
            train: record.train.map(Into::into),
            validation: record.validation.map(Into::into),
        }
    }
}

/// But for the ingredients, which are an addition.
impl From<Record<'_>> for crate::TrainingRecord {
    fn from(record: Record<'_>) -> crate::TrainingRecord {
        crate::TrainingRecord {
            preset: record.preset.map(str::to_owned),
            seed: record.seed,
            epochs: record.epochs,
            finished_epochs: record.finished_epochs,
            batch_size: record.batch_size,
            rate: record.rate,
            schedule: record.schedule.into(),
            rule: record.rule.into(),
            ingredients: crate::Ingredients::NONE,
            samples: record.samples,
            train: record.train.map(Into::into),
            validation: record.validation.map(Into::into),
        }
    }
}
