//! Default choices: owns the table of presets, each number with its reason, and how flags override it, and refuses
//! to know how a recipe is carried out.

use clap::ValueEnum;
use nn_train::{
    Schedule,
    nn_core::{Activation, Initializer, Loss, Rule},
};

use crate::args::{InitializerChoice, TrainArgs};

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

    /// The recipe that this name stands for.
    pub(crate) fn recipe(self) -> Recipe {
        match self {
            // Rate, schedule, batch and epochs are the best of 64 settings, by mean accuracy over three seeds on the
            // last 10,000 training images, of which none was trained on: 98.10 %, where the seeds differ by 0.1.
            PresetName::Default => Recipe {
                hidden: vec![100],                    // the size that the article and most introductions use
                activation: Activation::Relu,         // trains faster than sigmoid
                loss: Loss::SoftmaxCrossEntropy,      // one class of several: the outputs are a distribution
                output: Activation::Identity,         // that loss takes logits
                initializer: InitializerChoice::Auto, // He for ReLU layers, Glorot for the outputs
                rule: Rule::Sgd,                      // the fastest step, and as accurate as the others here
                rate: 0.7,                            // 0.5 and 1.0 do as well within the noise
                schedule: Schedule::OneCycle { warmup: 0.3 }, // the short run ends with small steps
                batch: 50,                            // 32 is no better and slower, 100 is worse
                epochs: 8,                            // 10 are no better
            },
            PresetName::Article => Recipe {
                hidden: vec![100],                                                              // 784-100-10
                activation: Activation::Sigmoid, // of the article's two: at this rate ReLUs die, and 82 % is reached
                loss: Loss::BinaryCrossEntropy,  // -(y ln p + (1-y) ln(1-p)) of each output
                output: Activation::Sigmoid,     // for that p must be in (0, 1), which a ReLU is not
                initializer: InitializerChoice::Fixed(Initializer::Normal { deviation: 0.01 }), // biases too
                rule: Rule::Sgd,                 // plain gradient descent
                rate: 0.1,                       // the article's; applied to the gradient of one sample
                schedule: Schedule::Constant,    // the article has no schedule
                batch: 1,                        // one sample a step
                epochs: 10,                      // over all training samples each
            },
        }
    }
}

/// The learning rate to start from where the optimizer is another than the preset's: their steps are of different
/// lengths for the same gradient.
fn usual_rate(rule: Rule) -> f32 {
    match rule {
        Rule::Sgd => 0.5,
        // A constant gradient moves 1 / (1 - momentum) = 10 times as far as with plain SGD.
        Rule::Momentum { .. } => 0.05,
        // The step of a parameter is about the rate itself, whatever the gradient.
        Rule::Adam { .. } => 0.003,
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

impl Recipe {
    /// The preset, with what the user typed put in its place.
    ///
    /// # Errors
    /// When the loss and the output activation that were typed do not go together.
    pub(crate) fn new(args: &TrainArgs) -> Result<Recipe, String> {
        let preset = args.preset.recipe();
        let loss = args.loss.unwrap_or(preset.loss);
        let natural_output = if loss == preset.loss { preset.output } else { loss.output_activation() };
        let output = args.output_activation.unwrap_or(natural_output);
        if !loss.accepts(output) {
            return Err(format!(
                "--loss {loss} is not defined on --output-activation {output}; leave the latter out to have {}",
                loss.output_activation()
            ));
        }
        let rule = args.optimizer.unwrap_or(preset.rule);
        let rate = if rule == preset.rule { preset.rate } else { usual_rate(rule) };
        Ok(Recipe {
            hidden: args.hidden.as_ref().map_or(preset.hidden, |hidden| hidden.0.clone()),
            activation: args.activation.unwrap_or(preset.activation),
            loss,
            output,
            initializer: args.initializer.unwrap_or(preset.initializer),
            rule,
            rate: args.rate.unwrap_or(rate),
            schedule: args.schedule.unwrap_or(preset.schedule),
            batch: args.batch.unwrap_or(preset.batch),
            epochs: args.epochs.unwrap_or(preset.epochs),
        })
    }
}

/// The table of presets as the help shows it, made from the presets themselves.
pub(crate) fn help_table() -> String {
    let recipes = PresetName::ALL.map(PresetName::recipe);
    let row = |flag: &str, value: &dyn Fn(&Recipe) -> String| {
        let [default, article] = [value(&recipes[0]), value(&recipes[1])];
        format!("  {flag:<20}  {default:<22}  {article}")
    };
    let sizes = |recipe: &Recipe| recipe.hidden.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    [
        format!("  {:<20}  {:<22}  {}", "", PresetName::ALL[0].name(), PresetName::ALL[1].name()),
        row("--hidden", &sizes),
        row("--activation", &|recipe| recipe.activation.to_string()),
        row("--loss", &|recipe| recipe.loss.to_string()),
        row("--output-activation", &|recipe| recipe.output.to_string()),
        row("--initializer", &|recipe| recipe.initializer.to_string()),
        row("--optimizer", &|recipe| recipe.rule.to_string()),
        row("--rate", &|recipe| recipe.rate.to_string()),
        row("--schedule", &|recipe| recipe.schedule.to_string()),
        row("--batch", &|recipe| recipe.batch.to_string()),
        row("--epochs", &|recipe| recipe.epochs.to_string()),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn recipe(line: &str) -> Result<Recipe, String> {
        match Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?.command {
            Command::Train(args) => Recipe::new(&args),
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
}
