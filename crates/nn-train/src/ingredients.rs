//! What makes a network better than plain descent does: owns which ingredients a fit may have and their bounds, and
//! refuses to know how any of them works.

use std::fmt;

use crate::{Augmentation, Averaging, InvalidAugmentation, averaging::InvalidAveraging};

/// What a [`fit`](crate::fit) may do beside following the gradient of the loss. [`Ingredients::NONE`], the default, is
/// plain descent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ingredients {
    /// Distorts each image anew in every epoch.
    pub augmentation: Option<Augmentation>,
    /// Mixes each sample with another one of its batch: x = l x + (1 - l) x', and the target alike, l drawn from
    /// Beta(mixup, mixup) (Zhang et al. 2018). From 0, for none, to 1.
    pub mixup: f32,
    /// The share of the target that goes to all classes alike (Szegedy et al. 2016), from 0, for none, to below 1.
    pub label_smoothing: f32,
    /// How many of the inputs are dropped at random in each step (Srivastava et al. 2014), from 0 to below 1.
    pub input_dropout: f32,
    /// How many of each hidden layer's units are, from 0 to below 1.
    pub hidden_dropout: f32,
    /// How much of each weight is taken away in a step, times the rate (Loshchilov and Hutter 2019); at least 0.
    pub weight_decay: f32,
    /// The longest gradient: a longer one is scaled down to it (Pascanu et al. 2013). Above 0.
    pub clip: Option<f32>,
    /// What the fit comes to, if not the weights of the last step.
    pub average: Option<Averaging>,
}

impl Ingredients {
    /// Plain descent.
    pub const NONE: Ingredients = Ingredients {
        augmentation: None,
        mixup: 0.0,
        label_smoothing: 0.0,
        input_dropout: 0.0,
        hidden_dropout: 0.0,
        weight_decay: 0.0,
        clip: None,
        average: None,
    };

    /// The name and the value of each that is there, as flags and configurations have them.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, String)> {
        let Ingredients { mixup, label_smoothing, input_dropout, hidden_dropout, weight_decay, .. } = *self;
        let number = |name, value: f32| (value != 0.0).then(|| (name, value.to_string()));
        let dropout = (input_dropout != 0.0 || hidden_dropout != 0.0)
            .then(|| ("dropout", format!("{input_dropout},{hidden_dropout}")));
        let found = [
            self.augmentation.map(|augmentation| ("augment", augmentation.to_string())),
            number("mixup", mixup),
            number("label-smoothing", label_smoothing),
            dropout,
            number("weight-decay", weight_decay),
            self.clip.map(|clip| ("clip", clip.to_string())),
            self.average.map(|average| ("average", average.to_string())),
        ];
        found.into_iter().flatten().collect()
    }

    pub(crate) fn check(&self) -> Result<(), InvalidIngredient> {
        let within = |name, value: f32, is_within: bool, expected| {
            if is_within { Ok(()) } else { Err(InvalidIngredient::Number { name, expected, found: value }) }
        };
        let share = |name, value: f32| within(name, value, (0.0..1.0).contains(&value), "from 0 to below 1");
        within("mixup", self.mixup, (0.0..=1.0).contains(&self.mixup), "from 0 to 1")?;
        share("label smoothing", self.label_smoothing)?;
        share("dropout of inputs", self.input_dropout)?;
        share("dropout of hidden units", self.hidden_dropout)?;
        let decay = self.weight_decay;
        within("weight decay", decay, decay >= 0.0 && decay.is_finite(), "finite and at least 0")?;
        if let Some(clip) = self.clip {
            within("clip", clip, clip > 0.0 && clip.is_finite(), "finite and above 0")?;
        }
        if let Some(augmentation) = &self.augmentation {
            augmentation.check()?;
        }
        if let Some(average) = self.average {
            average.check()?;
        }
        Ok(())
    }
}

impl fmt::Display for Ingredients {
    /// Those that are there, as `augment medium, mixup 0.2`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> =
            self.named().into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        f.pad(&if named.is_empty() { "none".to_owned() } else { named.join(", ") })
    }
}

/// Why there is no fit with these [`Ingredients`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIngredient {
    /// A number is out of its bounds.
    #[error("expected a {name} {expected}, found {found}")]
    Number {
        /// The ingredient.
        name: &'static str,
        /// Its bounds, in words.
        expected: &'static str,
        /// The number.
        found: f32,
    },
    /// The distortions make no sense.
    #[error(transparent)]
    Augmentation(#[from] InvalidAugmentation),
    /// The average makes no sense.
    #[error(transparent)]
    Averaging(#[from] InvalidAveraging),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ingredients_out_of_bounds_are_refused_by_name() {
        let found = |ingredients: Ingredients| ingredients.check().map_err(|error| error.to_string());
        let none = Ingredients::NONE;
        assert_eq!(found(none), Ok(()));
        for (ingredients, expected) in [
            (Ingredients { mixup: 1.5, ..none }, "expected a mixup from 0 to 1, found 1.5"),
            (
                Ingredients { label_smoothing: 1.0, ..none },
                "expected a label smoothing from 0 to below 1, found 1",
            ),
            (
                Ingredients { input_dropout: f32::NAN, ..none },
                "expected a dropout of inputs from 0 to below 1, found NaN",
            ),
            (
                Ingredients { hidden_dropout: -0.5, ..none },
                "expected a dropout of hidden units from 0 to below 1, found -0.5",
            ),
            (
                Ingredients { weight_decay: f32::INFINITY, ..none },
                "expected a weight decay finite and at least 0, found inf",
            ),
            (Ingredients { clip: Some(0.0), ..none }, "expected a clip finite and above 0, found 0"),
            (
                Ingredients { average: Some(Averaging::Ema { decay: 1.0 }), ..none },
                "expected a decay above 0 and at most 0.99999994, found 1",
            ),
        ] {
            assert_eq!(found(ingredients), Err(expected.to_owned()));
        }
    }
}
