//! How combinations did: owns mean and spread over the seeds and the order of combinations, and refuses to know what
//! they are.

use std::cmp::Ordering;

use super::{plan::Plan, row::Row};

/// How a combination did in the highest rung in which it was trained with every seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) combination: usize,
    pub(super) rung: usize,
    pub(super) epochs: u32,
    pub(super) parameters: usize,
    /// `None` when a training of it diverged.
    pub(super) score: Option<Score>,
    /// Of a training, on average.
    pub(super) seconds: f64,
    /// Of each seed that did not diverge.
    pub(super) accuracies: Vec<f64>,
}

/// Means over the seeds, on the validation samples unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score {
    pub(super) accuracy: f64,
    /// The standard deviation of the accuracies, if there are several.
    pub(super) deviation: Option<f64>,
    pub(super) loss: f64,
    pub(super) train_accuracy: f64,
}

/// The combinations that were trained with every seed, the best first: what came to a higher rung, then what is more
/// accurate, then what has the lower loss, then what stands first in the file. What diverged is last of its rung.
pub(super) fn standings(plan: &Plan, rows: &[Row]) -> Vec<Standing> {
    let of = |&combination: &usize| {
        (0..plan.rungs.len()).rev().find_map(|rung| standing(plan, rows, combination, rung))
    };
    let mut all: Vec<Standing> = plan.tried.iter().filter_map(of).collect();
    all.sort_by(compare);
    all
}

/// The combinations of a rung, the best first, of those that were trained in it with every seed.
pub(super) fn of_rung(plan: &Plan, rows: &[Row], rung: usize, combinations: &[usize]) -> Vec<Standing> {
    let mut all: Vec<Standing> =
        combinations.iter().filter_map(|&combination| standing(plan, rows, combination, rung)).collect();
    all.sort_by(compare);
    all
}

fn compare(a: &Standing, b: &Standing) -> Ordering {
    let by_score = match (&a.score, &b.score) {
        (Some(a), Some(b)) => b.accuracy.total_cmp(&a.accuracy).then(a.loss.total_cmp(&b.loss)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    b.rung.cmp(&a.rung).then(by_score).then(a.combination.cmp(&b.combination))
}

fn standing(plan: &Plan, rows: &[Row], combination: usize, rung: usize) -> Option<Standing> {
    let of_seed = |&seed: &u64| {
        rows.iter().find(|row| (row.combination, row.rung, row.seed) == (combination, rung, seed))
    };
    // In the order of the seeds, whichever was over first.
    let rows: Vec<&Row> = plan.seeds.iter().map(of_seed).collect::<Option<_>>()?;
    let first = rows.first()?;
    let measured: Vec<_> = rows.iter().filter_map(|row| row.measured).collect();
    let accuracies: Vec<f64> = measured.iter().map(|measured| measured.validation.accuracy).collect();
    let score = (measured.len() == rows.len()).then(|| Score {
        accuracy: mean(&accuracies),
        deviation: deviation(&accuracies),
        loss: mean(&measured.iter().map(|measured| measured.validation.loss).collect::<Vec<_>>()),
        train_accuracy: mean(&measured.iter().map(|measured| measured.train.accuracy).collect::<Vec<_>>()),
    });
    Some(Standing {
        combination,
        rung,
        epochs: first.epochs,
        parameters: first.parameters,
        score,
        seconds: mean(&rows.iter().map(|row| row.seconds).collect::<Vec<_>>()),
        accuracies,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation of what the values are a sample of: by one less than their number.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::{
        file::Sweep,
        trial::{Figures, Measured},
    };

    fn plan(text: &str, combinations: usize) -> Plan {
        Plan::new(&Sweep::parse(text).unwrap(), vec![8; combinations]).unwrap()
    }

    fn row(combination: usize, rung: usize, seed: u64, accuracy: Option<f64>) -> Row {
        let figures = |accuracy| Figures { loss: 2.0 - accuracy, accuracy };
        let measured =
            accuracy.map(|accuracy| Measured { train: figures(1.0), validation: figures(accuracy) });
        Row {
            combination,
            rung,
            seed,
            epochs: 8,
            parameters: 79,
            measured,
            seconds: accuracy.unwrap_or(3.0),
            elapsed: 1.0,
        }
    }

    /// By Python: `statistics.mean([0.5, 0.75, 0.875])`, `statistics.stdev(...)`.
    #[test]
    fn a_combination_is_judged_by_the_mean_over_its_seeds() {
        let plan = plan("seeds = 3\n[grid]\nbatch = [1, 2]\n", 2);
        let mut rows = vec![row(1, 0, 3, Some(0.875)), row(1, 0, 1, Some(0.5)), row(0, 0, 1, Some(1.0))];
        assert_eq!(standings(&plan, &rows), []);
        rows.push(row(1, 0, 2, Some(0.75)));
        let all = standings(&plan, &rows);
        assert_eq!(all.len(), 1, "the other one has two seeds to come");
        let score = all[0].score.unwrap();
        assert!((score.accuracy - 0.708_333_333_333_333_3).abs() < 1e-15);
        assert!((score.deviation.unwrap() - 0.190_940_653_956_493_3).abs() < 1e-15);
        assert!((score.loss - 1.291_666_666_666_666_7).abs() < 1e-15);
        assert_eq!(all[0].accuracies, [0.5, 0.75, 0.875]);
    }

    #[test]
    fn the_higher_rung_is_before_the_higher_accuracy_and_what_diverged_is_last() {
        let text = "[grid]\nbatch = [1, 2, 3, 4]\n[halving]\nrungs = [1, 2]\nkeep = 0.5\n";
        let plan = plan(text, 4);
        let mut rows = vec![
            row(0, 0, 1, None),
            row(1, 0, 1, Some(0.5)),
            row(2, 0, 1, Some(0.75)),
            row(3, 0, 1, Some(0.75)),
            row(3, 1, 1, Some(0.25)),
            row(1, 1, 1, Some(0.5)),
        ];
        let order = |rows: &[Row]| -> Vec<usize> {
            standings(&plan, rows).iter().map(|standing| standing.combination).collect()
        };
        assert_eq!(order(&rows), [1, 3, 2, 0]);
        rows.reverse();
        assert_eq!(order(&rows), [1, 3, 2, 0]);
        let first = of_rung(&plan, &rows, 0, &plan.tried);
        assert_eq!(first.iter().map(|standing| standing.combination).collect::<Vec<_>>(), [2, 3, 1, 0]);
        assert_eq!(first[3].score, None);
        assert_eq!(first[0].score.unwrap().deviation, None);
    }
}
