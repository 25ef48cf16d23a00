//! What is said before and after a training: owns both announcements, for people and as JSON, and refuses to know what
//! happens in between.

use std::num::NonZeroUsize;

use nn_train::nn_core::Tally;
use serde::Serialize;

use crate::output::{count, hyphenated, percent, shape, thousands};

/// What is announced before training, as JSON.
#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    pub(super) event: &'static str,
    pub(super) data: String,
    pub(super) train_samples: usize,
    pub(super) held_out: &'static str,
    pub(super) held_out_samples: usize,
    pub(super) test_samples: Option<usize>,
    pub(super) image_shape: &'a [usize],
    pub(super) layers: Vec<usize>,
    pub(super) parameters: usize,
    pub(super) preset: &'static str,
    pub(super) preset_changed: bool,
    pub(super) activation: &'static str,
    pub(super) output_activation: &'static str,
    pub(super) loss: &'static str,
    pub(super) initializer: String,
    pub(super) optimizer: &'static str,
    pub(super) rate: f32,
    pub(super) schedule: String,
    pub(super) batch: usize,
    pub(super) epochs: u32,
    pub(super) seed: u64,
    pub(super) threads: NonZeroUsize,
}

/// What has come of it, as JSON.
#[derive(Serialize)]
pub(super) struct EndLine {
    pub(super) event: &'static str,
    pub(super) interrupted: bool,
    pub(super) epochs: u32,
    pub(super) test: Option<Measured>,
    pub(super) model: String,
    pub(super) bytes: Option<u64>,
    pub(super) seconds: f64,
    /// What the user may type next.
    #[serde(skip)]
    pub(super) next: String,
}

/// How the network did on the test set.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Measured {
    samples: u64,
    loss: f64,
    accuracy: f64,
    errors: u64,
}

impl From<Tally> for Measured {
    fn from(tally: Tally) -> Measured {
        Measured {
            samples: tally.samples,
            loss: tally.mean_loss(),
            accuracy: tally.accuracy(),
            errors: tally.samples - tally.correct,
        }
    }
}

impl StartLine<'_> {
    pub(super) fn text(&self) -> String {
        let held_out = thousands(self.held_out_samples);
        let measured = match self.held_out {
            "validation" => format!("{held_out} to validate on"),
            _ => format!("{held_out} to test on"),
        };
        let hidden = if self.layers.len() > 2 { format!("{}, ", self.activation) } else { String::new() };
        format!(
            "data     {}: {} of {} to train on, {measured} after each epoch\n\
             network  {}: {hidden}{} outputs, {} weights, {} parameters\n\
             recipe   {}{}: {}, {}, rate {} {}, batch {}, {}, seed {}, {}\n",
            self.data,
            count(self.train_samples, "image"),
            shape(self.image_shape),
            hyphenated(&self.layers),
            self.output_activation,
            self.initializer,
            thousands(self.parameters),
            self.preset,
            if self.preset_changed { ", changed" } else { "" },
            self.loss,
            self.optimizer,
            self.rate,
            self.schedule,
            thousands(self.batch),
            count(self.epochs, "epoch"),
            self.seed,
            count(self.threads.get(), "thread"),
        )
    }
}

impl EndLine {
    pub(super) fn text(&self) -> String {
        let test = self.test.map_or_else(
            || "there is no test set".to_owned(),
            |test| {
                format!(
                    "accuracy {} ({} of {}), loss {:.4}",
                    percent(test.accuracy),
                    thousands(test.samples - test.errors),
                    thousands(test.samples),
                    test.loss
                )
            },
        );
        let bytes = self.bytes.map_or_else(String::new, |bytes| format!(" ({})", count(bytes, "byte")));
        format!("\ntest     {test}\nsaved    {}{bytes}\nnext     {}", self.model, self.next)
    }
}
