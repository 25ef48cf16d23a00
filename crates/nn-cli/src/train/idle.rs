//! Settings that do not do what they were made for, though nothing is wrong with them: owns which they are and how that is
//! said, and refuses to refuse any: a preset has one of them, and a flag the other.

use nn_train::{Augmentation, Averaging, Ingredients};

use super::task::{School, Task};
use crate::output::{count, percent, thousands};

/// So little of an average may be left of the first weights that nobody would notice.
const MOST_OF_FIRST: f64 = 0.05;

/// As many steps as a moving average remembers where it remembers a tenth of a training.
const REMEMBERED: u64 = 10;

/// What is to be said of a training of so many steps before it begins.
pub(super) fn notes(task: &Task, samples: usize, steps: u64) -> Vec<String> {
    let recipe = &task.recipe;
    let Ingredients { augmentation, mixup, hidden_dropout, average, .. } = recipe.ingredients;
    let mut notes = Vec::new();
    if let Some(augmentation) = augmentation.filter(Augmentation::is_still) {
        notes.push(format!("the augmentation {augmentation} leaves every image as it is"));
    }
    if mixup > 0.0 && recipe.batch.min(samples) == 1 {
        notes.push(format!(
            "mixup {mixup} does nothing: a sample is mixed with another one of its batch, and --batch is 1"
        ));
    }
    if hidden_dropout > 0.0 && recipe.hidden.is_empty() {
        notes
            .push(format!("dropout {hidden_dropout} of the hidden units does nothing: the network has none"));
    }
    if let Some(School { share: 0.0, .. }) = task.school {
        notes.push("the teachers are not heard: their share of the target is 0".to_owned());
    }
    notes.extend(average.and_then(|average| of_average(average, steps)));
    notes
}

fn of_average(average: Averaging, steps: u64) -> Option<String> {
    match average {
        Averaging::Ema { decay } => {
            // As it was typed: in f32 it is not quite that, which is much of what it lacks of 1.
            let decay: f64 = decay.to_string().parse().ok()?;
            // The first weights are copied, and each later step leaves that share of them.
            let left = decay.powf(steps.saturating_sub(1) as f64);
            if left <= MOST_OF_FIRST {
                return None;
            }
            let fitting = match steps / REMEMBERED {
                0 | 1 => String::new(),
                remembered => {
                    let decimals = remembered.ilog10() as usize + 2;
                    format!("ema:{:.decimals$} or ", 1.0 - 1.0 / remembered as f64)
                }
            };
            Some(format!(
                "the average {average} remembers some {} steps, and the training has {}: {} of it will be the weights \
                 of the first step; {fitting}tail:0.25 suits so many",
                thousands((1.0 / (1.0 - decay)).round() as u64),
                thousands(steps),
                percent(left),
            ))
        }
        Averaging::Tail { .. } if steps > 1 && average.first_step(steps) + 1 == steps => Some(format!(
            "the average {average} does nothing: of {} it takes the last one alone",
            count(steps, "step")
        )),
        Averaging::Tail { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_that_remembers_more_than_the_training_is_noted_with_one_that_suits_it() {
        let note = |decay, steps| of_average(Averaging::Ema { decay }, steps);
        assert_eq!(
            note(0.9999, 160).unwrap(),
            "the average ema:0.9999 remembers some 10,000 steps, and the training has 160: 98.42 % of it will be the \
             weights of the first step; ema:0.938 or tail:0.25 suits so many"
        );
        assert!(note(0.999, 12).unwrap().ends_with("of the first step; tail:0.25 suits so many"));
        // 0.999^2995 is 0.04996.
        assert!(note(0.999, 2995).is_some() && note(0.999, 2996).is_none());
        // What is suggested is not noted itself.
        for (decay, steps) in [(0.938, 160), (0.5, 20), (0.99, 1000), (0.9990, 10_000)] {
            assert_eq!(note(decay, steps), None, "{decay} {steps}");
        }
    }

    #[test]
    fn a_tail_of_one_step_is_noted_unless_there_is_only_one() {
        let note = |share, steps| of_average(Averaging::Tail { share }, steps);
        assert!(note(0.001, 100).is_some());
        assert_eq!([note(0.25, 100), note(0.02, 100), note(1.0, 1)], [None, None, None]);
    }
}
