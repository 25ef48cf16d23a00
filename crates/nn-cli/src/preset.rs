//! Default choices: owns the names of the presets, and refuses to know how a recipe is typed or carried out.
//!
//! What is in a preset stands in a file of its own, `presets/NAME.toml`: a configuration like a user's, which leaves
//! nothing of a [`Recipe`] open. A new one is a file, a variant here and its line of help.

use clap::ValueEnum;
use nn_train::{
    Ingredients, Preprocessing, Schedule,
    nn_core::{Activation, Loss, Rule},
};

use crate::{args::value::InitializerChoice, config::Config, recipe::changed};

/// The name of a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetName {
    /// What works best at this size: softmax outputs, batches, a learning rate that rises and falls
    Default,
    /// The textbook network: sigmoid outputs, one sample a step, a constant learning rate
    Article,
    /// The most accurate network of 100 hidden units
    Small,
    /// The most accurate network of 800 hidden units
    Wide,
    /// The most accurate single network: two hidden layers, some 16 minutes of one core
    Deep,
    /// The most accurate network that knows nothing of which pixel is beside which
    PermutationInvariant,
}

impl PresetName {
    pub(crate) const ALL: [PresetName; 6] = [
        PresetName::Default,
        PresetName::Article,
        PresetName::Small,
        PresetName::Wide,
        PresetName::Deep,
        PresetName::PermutationInvariant,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            PresetName::Default => "default",
            PresetName::Article => "article",
            PresetName::Small => "small",
            PresetName::Wide => "wide",
            PresetName::Deep => "deep",
            PresetName::PermutationInvariant => "permutation-invariant",
        }
    }

    /// The configuration that this name stands for, in which each number has its reason.
    fn text(self) -> &'static str {
        match self {
            PresetName::Default => include_str!("../presets/default.toml"),
            PresetName::Article => include_str!("../presets/article.toml"),
            PresetName::Small => include_str!("../presets/small.toml"),
            PresetName::Wide => include_str!("../presets/wide.toml"),
            PresetName::Deep => include_str!("../presets/deep.toml"),
            PresetName::PermutationInvariant => include_str!("../presets/permutation-invariant.toml"),
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
                hidden: args.hidden.clone()?.0,
                activation: args.activation?,
                loss: args.loss?,
                output: args.output_activation?,
                initializer: args.initializer?,
                rule: args.optimizer?,
                rate: args.rate?,
                schedule: args.schedule?,
                batch: args.batch?,
                epochs: args.epochs?,
                preprocessing: args.preprocess.unwrap_or_default(),
                ingredients: changed(Ingredients::NONE, &args),
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
    pub(crate) preprocessing: Preprocessing,
    pub(crate) ingredients: Ingredients,
}

/// The presets as the help shows them, made from the presets themselves: two lines each, or three.
pub(crate) fn help_text() -> String {
    let text = |preset: PresetName| {
        let recipe = preset.recipe();
        let hidden: Vec<String> = recipe.hidden.iter().map(usize::to_string).collect();
        let mut text = format!(
            "  {}\n    --hidden {} --activation {} --loss {} --initializer {}\n    --optimizer {} --rate {} --schedule {} \
             --batch {} --epochs {}",
            preset.name(),
            hidden.join(","),
            recipe.activation,
            recipe.loss,
            recipe.initializer,
            recipe.rule,
            recipe.rate,
            recipe.schedule,
            recipe.batch,
            recipe.epochs
        );
        let mut more: Vec<String> =
            recipe.ingredients.named().iter().map(|(name, value)| format!("--{name} {value}")).collect();
        if recipe.preprocessing != Preprocessing::None {
            more.insert(0, format!("--preprocess {}", recipe.preprocessing));
        }
        if !more.is_empty() {
            text += &format!("\n    {}", more.join(" "));
        }
        text
    };
    PresetName::ALL.map(text).join("\n")
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
            assert!(
                args.data.folders.is_empty() && args.patience.is_none() && args.order.is_none(),
                "{preset:?}"
            );
        }
    }
}
