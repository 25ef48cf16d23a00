//! From a preset to the recipe of one training, and back: owns how a configuration overrides a preset and flags override
//! both, and refuses to know how a recipe is carried out.

use std::fmt;

use nn_train::{
    Ingredients,
    nn_core::{Activation, Loss, Rule},
};

use crate::{
    args::{TrainArgs, value::DropoutShares},
    preset::{PresetName, Recipe},
};

/// The learning rate to start from where the optimizer is another than the preset's: their steps are of different
/// lengths for the same gradient.
pub(crate) fn usual_rate(rule: Rule) -> f32 {
    match rule {
        Rule::Sgd => 0.5,
        // A constant gradient moves 1 / (1 - momentum) = 10 times as far as with plain SGD.
        Rule::Momentum { .. } => 0.05,
        // The step of a parameter is about the rate itself, whatever the gradient.
        // Muon's steps of a matrix are as long as Adam's.
        Rule::Adam { .. } | Rule::Muon { .. } => 0.003,
    }
}

/// The ingredients with what these arguments say in their place.
pub(crate) fn changed(ingredients: Ingredients, args: &TrainArgs) -> Ingredients {
    let dropout = args
        .dropout
        .unwrap_or(DropoutShares { input: ingredients.input_dropout, hidden: ingredients.hidden_dropout });
    Ingredients {
        augmentation: args.augment.map_or(ingredients.augmentation, |augment| augment.0),
        mixup: args.mixup.unwrap_or(ingredients.mixup),
        label_smoothing: args.label_smoothing.unwrap_or(ingredients.label_smoothing),
        input_dropout: dropout.input,
        hidden_dropout: dropout.hidden,
        weight_decay: args.weight_decay.unwrap_or(ingredients.weight_decay),
        clip: args.clip.map_or(ingredients.clip, |clip| clip.0.map(|clip| clip.0)),
        average: args.average.map_or(ingredients.average, |average| average.0),
    }
}

/// The names of all ingredients, in the order in which they are listed, and what is typed to leave each out.
const LEFT_OUT: [(&str, &str); 7] = [
    ("augment", "none"),
    ("mixup", "0"),
    ("label-smoothing", "0"),
    ("dropout", "0,0"),
    ("weight-decay", "0"),
    ("clip", "none"),
    ("average", "none"),
];

/// The names and values of all ingredients, as flags and configurations have them, those that are not there included.
pub(crate) fn spelled(ingredients: &Ingredients) -> [(&'static str, String); 7] {
    let named = ingredients.named();
    LEFT_OUT.map(|(name, left_out)| {
        let found = named.iter().find(|(found, _)| *found == name);
        (name, found.map_or_else(|| left_out.to_owned(), |(_, value)| value.clone()))
    })
}

/// A loss that is not defined on the outputs that it is to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Undefined {
    pub(crate) loss: Loss,
    pub(crate) output: Activation,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the loss {} is not defined on the output activation {}", self.loss, self.output)
    }
}

impl Recipe {
    /// The preset, with what a configuration says put in its place, and then what the user typed.
    ///
    /// # Errors
    /// When its loss and its output activation do not go together, unless they were typed beside a run to go on with: it
    /// has its own, which they are compared with.
    pub(crate) fn new(file: Option<&TrainArgs>, typed: &TrainArgs) -> Result<Recipe, Undefined> {
        let name = typed.preset.or_else(|| file?.preset).unwrap_or(PresetName::Default);
        let recipe = match file {
            Some(file) => name.recipe().changed(file),
            None => name.recipe(),
        };
        let recipe = recipe.changed(typed);
        if typed.resume.is_none() && !recipe.loss.accepts(recipe.output) {
            return Err(Undefined { loss: recipe.loss, output: recipe.output });
        }
        Ok(recipe)
    }

    /// The recipe with what these arguments say in its place. What goes with a loss or an optimizer goes with it.
    fn changed(self, args: &TrainArgs) -> Recipe {
        let loss = args.loss.unwrap_or(self.loss);
        let natural_output = if loss == self.loss { self.output } else { loss.output_activation() };
        let output = args.output_activation.unwrap_or(natural_output);
        let rule = args.optimizer.unwrap_or(self.rule);
        let rate = if rule == self.rule { self.rate } else { usual_rate(rule) };
        Recipe {
            hidden: args.hidden.as_ref().map_or(self.hidden, |hidden| hidden.0.clone()),
            activation: args.activation.unwrap_or(self.activation),
            loss,
            output,
            initializer: args.initializer.unwrap_or(self.initializer),
            rule,
            rate: args.rate.unwrap_or(rate),
            schedule: args.schedule.unwrap_or(self.schedule),
            batch: args.batch.unwrap_or(self.batch),
            epochs: args.epochs.unwrap_or(self.epochs),
            preprocessing: args.preprocess.unwrap_or(self.preprocessing),
            ingredients: changed(self.ingredients, args),
        }
    }

    /// The flags that make this recipe of a preset: those that differ from it.
    pub(crate) fn flags(&self, preset: PresetName) -> Vec<String> {
        let usual = preset.recipe();
        let natural_output =
            if self.loss == usual.loss { usual.output } else { self.loss.output_activation() };
        let hidden: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        let hidden = if hidden.is_empty() { "none".to_owned() } else { hidden.join(",") };
        let is_other_rule = self.rule != usual.rule;
        let flags = [
            ("--hidden", self.hidden != usual.hidden, hidden),
            ("--activation", self.activation != usual.activation, self.activation.to_string()),
            ("--loss", self.loss != usual.loss, self.loss.to_string()),
            ("--output-activation", self.output != natural_output, self.output.to_string()),
            ("--initializer", self.initializer != usual.initializer, self.initializer.to_string()),
            ("--optimizer", is_other_rule, self.rule.to_string()),
            // Another optimizer brings a rate of its own.
            ("--rate", is_other_rule || self.rate != usual.rate, self.rate.to_string()),
            ("--schedule", self.schedule != usual.schedule, self.schedule.to_string()),
            ("--batch", self.batch != usual.batch, self.batch.to_string()),
            ("--epochs", self.epochs != usual.epochs, self.epochs.to_string()),
            ("--preprocess", self.preprocessing != usual.preprocessing, self.preprocessing.to_string()),
        ];
        let differing = flags.into_iter().filter(|(_, differs, _)| *differs);
        let ingredients = spelled(&self.ingredients).into_iter().zip(spelled(&usual.ingredients));
        let other_ingredients = ingredients.filter(|(own, usual)| own != usual);
        ["--preset".to_owned(), preset.name().to_owned()]
            .into_iter()
            .chain(differing.flat_map(|(flag, _, value)| [flag.to_owned(), value]))
            .chain(other_ingredients.flat_map(|((name, value), _)| [format!("--{name}"), value]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use nn_train::{Augmentation, Averaging};

    use super::*;
    use crate::{
        args::{Cli, Command},
        config::Config,
    };

    fn recipe(line: &str) -> Result<Recipe, String> {
        match Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?.command {
            Command::Train(args) => Recipe::new(None, &args).map_err(|undefined| undefined.to_string()),
            other => panic!("not a training: {other:?}"),
        }
    }

    #[test]
    fn without_flags_a_recipe_is_its_preset() {
        assert_eq!(recipe("nn-cli train"), Ok(PresetName::Default.recipe()));
        assert_eq!(recipe("nn-cli train --preset article"), Ok(PresetName::Article.recipe()));
    }

    #[test]
    fn flags_override_the_preset_and_leave_the_rest_of_it() {
        let expected =
            Recipe { hidden: vec![30, 20], activation: Activation::Sigmoid, ..PresetName::Article.recipe() };
        assert_eq!(recipe("nn-cli train --preset article --hidden 30,20 --activation sigmoid"), Ok(expected));
        let none = recipe("nn-cli train --hidden none");
        assert_eq!(none, Ok(Recipe { hidden: vec![], ..PresetName::Default.recipe() }));
    }

    #[test]
    fn the_flags_of_a_recipe_make_the_recipe() {
        for flags in [
            "--preset default",
            "--preset article",
            "--preset default --hidden none --loss mean-squared-error --output-activation softmax",
            "--preset default --activation tanh --loss binary-cross-entropy --initializer normal:0.02",
            "--preset article --hidden 30,20 --optimizer adam --rate 0.003 --schedule step:3:0.25",
            "--preset article --loss softmax-cross-entropy --batch 7 --epochs 3",
            "--preset default --preprocess deskew --augment medium --mixup 0.2 --label-smoothing 0.1 --dropout 0.1,0.5 \
             --weight-decay 0.01 --clip 1 --average ema:0.999",
        ] {
            let made = recipe(&format!("nn-cli train {flags}")).unwrap();
            let preset = PresetName::ALL[usize::from(flags.contains("article"))];
            assert_eq!(made.flags(preset).join(" "), flags);
        }
    }

    #[test]
    fn every_ingredient_is_spelled_and_can_be_left_out() {
        // All fields by name, so that a new one is not forgotten here.
        let all = Ingredients {
            augmentation: Some(Augmentation::MEDIUM),
            mixup: 0.2,
            label_smoothing: 0.1,
            input_dropout: 0.1,
            hidden_dropout: 0.5,
            weight_decay: 0.01,
            clip: Some(2.0),
            average: Some(Averaging::Ema { decay: 0.999 }),
        };
        assert_eq!(spelled(&all).to_vec(), all.named());
        assert_eq!(spelled(&Ingredients::NONE), LEFT_OUT.map(|(name, value)| (name, value.to_owned())));
        for ingredients in [all, Ingredients::NONE] {
            let flags = spelled(&ingredients).map(|(name, value)| format!(" --{name} {value}")).concat();
            let Command::Train(args) =
                Cli::try_parse_from(format!("nn-cli train{flags}").split(' ')).unwrap().command
            else {
                panic!("not a training: {flags}");
            };
            for begun in [all, Ingredients::NONE] {
                assert_eq!(changed(begun, &args), ingredients, "{flags}");
            }
        }
    }

    #[test]
    fn the_output_activation_follows_the_loss() {
        let output = |line| recipe(line).map(|recipe| recipe.output);
        assert_eq!(output("nn-cli train --loss binary-cross-entropy"), Ok(Activation::Sigmoid));
        assert_eq!(
            output("nn-cli train --preset article --loss softmax-cross-entropy"),
            Ok(Activation::Identity)
        );
        assert_eq!(
            output("nn-cli train --loss mean-squared-error --output-activation softmax"),
            Ok(Activation::Softmax)
        );
        assert!(recipe("nn-cli train --output-activation sigmoid").is_err());
    }

    #[test]
    fn another_optimizer_brings_a_rate_of_its_own() {
        let rate = |line| recipe(line).map(|recipe| recipe.rate);
        assert_eq!(rate("nn-cli train --optimizer adam"), Ok(usual_rate(Rule::ALL[3])));
        assert_eq!(rate("nn-cli train --optimizer adam --rate 0.25"), Ok(0.25));
        assert_eq!(rate("nn-cli train --preset article --optimizer sgd"), Ok(0.1));
    }

    #[test]
    fn flags_override_a_configuration_and_bring_what_goes_with_them() {
        let file = Config::own("preset = 'article'\noptimizer = 'adam'\nrate = 0.001\nepochs = 3\n").args;
        let with_file = |line: &str| {
            let cli = Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
            let Command::Train(args) = cli.command else { panic!("not a training") };
            Recipe::new(Some(&file), &args).map_err(|undefined| undefined.to_string())
        };
        let article = PresetName::Article.recipe();
        let expected = Recipe { rule: Rule::ALL[3], rate: 0.001, epochs: 3, ..article };
        assert_eq!(with_file("nn-cli train"), Ok(expected.clone()));
        assert_eq!(with_file("nn-cli train --epochs 5"), Ok(Recipe { epochs: 5, ..expected.clone() }));
        // The file's rate was for its own optimizer.
        let expected = Recipe { rule: Rule::Sgd, rate: usual_rate(Rule::Sgd), ..expected };
        assert_eq!(with_file("nn-cli train --optimizer sgd"), Ok(expected));
        let default = PresetName::Default.recipe();
        let expected = Recipe { rule: Rule::ALL[3], rate: 0.001, epochs: 3, ..default };
        assert_eq!(with_file("nn-cli train --preset default"), Ok(expected));
    }
}
