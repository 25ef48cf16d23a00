//! Default choices: owns the names of the presets, and refuses to know how a recipe is typed or carried out.
//!
//! What is in a preset stands in a file of its own, `presets/NAME.toml`: a configuration like a user's, which leaves
//! nothing of a [`Recipe`] open. A new one is a file, a variant here and its line of help.

use clap::ValueEnum;
use nn_train::{
    Schedule,
    nn_core::{Activation, Loss, Rule},
};

use crate::{args::value::InitializerChoice, config::Config};

/// The name of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetName {
    /// What works best at this size: softmax outputs, batches, a learning rate that rises and falls
    Default,
    /// The textbook network: sigmoid outputs, one sample a step, a constant learning rate
    Article,
}

impl PresetName {
    pub(crate) const ALL: [PresetName; 2] = [PresetName::Default, PresetName::Article];

    pub(crate) fn name(self) -> &'static str {
        match self {
            PresetName::Default => "default",
            PresetName::Article => "article",
        }
    }

    /// The configuration that this name stands for, in which each number has its reason.
    fn text(self) -> &'static str {
        match self {
            PresetName::Default => include_str!("../presets/default.toml"),
            PresetName::Article => include_str!("../presets/article.toml"),
        }
    }

    /// The recipe that this name stands for.
    ///
    /// # Panics
    /// If its file is wrong or leaves something open, which a test rules out.
    pub(crate) fn recipe(self) -> Recipe {
        let args = Config::own(self.text()).args;
        let recipe = || {
            Some(Recipe {
                hidden: args.hidden?.0,
                activation: args.activation?,
                loss: args.loss?,
                output: args.output_activation?,
                initializer: args.initializer?,
                rule: args.optimizer?,
                rate: args.rate?,
                schedule: args.schedule?,
                batch: args.batch?,
                epochs: args.epochs?,
            })
        };
        recipe().expect("a preset leaves nothing of a recipe open")
    }
}

/// Everything that decides what a training computes, but for data and seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// Units of each hidden layer, the first one first.
    pub(crate) hidden: Vec<usize>,
    /// Of the hidden layers.
    pub(crate) activation: Activation,
    pub(crate) loss: Loss,
    /// The activation of the last layer.
    pub(crate) output: Activation,
    pub(crate) initializer: InitializerChoice,
    pub(crate) rule: Rule,
    /// The learning rate at its highest.
    pub(crate) rate: f32,
    pub(crate) schedule: Schedule,
    /// Samples in a step.
    pub(crate) batch: usize,
    pub(crate) epochs: u32,
}

/// The table of presets as the help shows it, made from the presets themselves.
pub(crate) fn help_table() -> String {
    let presets = PresetName::ALL.map(|preset| (preset.name(), preset.recipe()));
    let row = |flag: &str, value: &dyn Fn(&(&str, Recipe)) -> String| {
        let values = presets.iter().map(|preset| format!("  {:<22}", value(preset))).collect::<String>();
        format!("  {flag:<20}{}", values.trim_end())
    };
    let sizes = |recipe: &Recipe| recipe.hidden.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    [
        row("", &|(name, _)| (*name).to_owned()),
        row("--hidden", &|(_, recipe)| sizes(recipe)),
        row("--activation", &|(_, recipe)| recipe.activation.to_string()),
        row("--loss", &|(_, recipe)| recipe.loss.to_string()),
        row("--output-activation", &|(_, recipe)| recipe.output.to_string()),
        row("--initializer", &|(_, recipe)| recipe.initializer.to_string()),
        row("--optimizer", &|(_, recipe)| recipe.rule.to_string()),
        row("--rate", &|(_, recipe)| recipe.rate.to_string()),
        row("--schedule", &|(_, recipe)| recipe.schedule.to_string()),
        row("--batch", &|(_, recipe)| recipe.batch.to_string()),
        row("--epochs", &|(_, recipe)| recipe.epochs.to_string()),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_whole_recipe_and_only_that() {
        for preset in PresetName::ALL {
            let recipe = preset.recipe();
            assert!(recipe.loss.accepts(recipe.output), "{preset:?}");
            let args = Config::own(preset.text()).args;
            assert!(args.preset.is_none() && args.seed.is_none() && args.validation.is_none(), "{preset:?}");
            assert!(args.data.folder.is_none() && args.patience.is_none(), "{preset:?}");
        }
    }
}
