//! The serialisable twin of what a checkpoint describes: owns the order of its fields in the file, and refuses to
//! know what they mean.

use std::num::NonZeroU64;

use nn_core as core;
use serde::{Deserialize, Serialize};

use super::{Layer, List, Loss, Rule, Schedule, Tally};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Description<'a> {
    pub(crate) release: &'a str,
    pub(crate) inputs: u64,
    pub(crate) layers: List<Layer>,
    pub(crate) image_shape: List<u64>,
    pub(crate) config: Config,
    pub(crate) optimizer: Optimizer,
    pub(crate) train: Fingerprint,
    pub(crate) validation: Option<Fingerprint>,
    pub(crate) finished_epochs: u64,
    pub(crate) batches: u64,
    pub(crate) running: Tally,
    pub(crate) has_best: bool,
    pub(crate) settings: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    epochs: u32,
    batch_size: NonZeroU64,
    loss: Loss,
    rate: f32,
    schedule: Schedule,
    seed: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Optimizer {
    rule: Rule,
    pub(crate) rate: f32,
    pub(crate) steps: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) samples: u64,
    features: u64,
    classes: u64,
    sha256: [u8; 32],
}

impl From<&crate::FitConfig> for Config {
    fn from(config: &crate::FitConfig) -> Config {
        Config {
            epochs: config.epochs,
            batch_size: config.batch_size.try_into().unwrap_or(NonZeroU64::MAX),
            loss: config.loss.into(),
            rate: config.rate,
            schedule: config.schedule.into(),
            seed: config.seed,
        }
    }
}

impl From<Config> for crate::FitConfig {
    fn from(config: Config) -> crate::FitConfig {
        use std::num::NonZeroUsize;
        crate::FitConfig {
            epochs: config.epochs,
            // A batch larger than the data is one of all of it.
            batch_size: config.batch_size.try_into().unwrap_or(NonZeroUsize::MAX),
            loss: config.loss.into(),
            rate: config.rate,
            schedule: config.schedule.into(),
            seed: config.seed,
            threads: NonZeroUsize::MIN,
            ingredients: crate::Ingredients::NONE,
            order: crate::Order::Full,
        }
    }
}

impl From<&core::Optimizer> for Optimizer {
    fn from(optimizer: &core::Optimizer) -> Optimizer {
        Optimizer { rule: optimizer.rule().into(), rate: optimizer.rate(), steps: optimizer.steps() }
    }
}

impl Optimizer {
    pub(crate) fn rule(&self) -> core::Rule {
        self.rule.into()
    }
}

impl From<crate::Fingerprint> for Fingerprint {
    fn from(fingerprint: crate::Fingerprint) -> Fingerprint {
        let crate::Fingerprint { samples, features, classes, sha256 } = fingerprint;
        Fingerprint { samples, features, classes, sha256 }
    }
}

impl From<Fingerprint> for crate::Fingerprint {
    fn from(fingerprint: Fingerprint) -> crate::Fingerprint {
        let Fingerprint { samples, features, classes, sha256 } = fingerprint;
        crate::Fingerprint { samples, features, classes, sha256 }
    }
}
