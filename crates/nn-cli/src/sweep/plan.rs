//! What is trained in a sweep: owns which combinations of settings there are, which of them a budget allows, and who
//! goes on from rung to rung, and refuses to know how anything is trained. All of it is pure: it follows from the file
//! and, after the first rung, from what was measured.
//!
//! A rung is a whole training of its number of epochs, from new weights, and not the next part of an earlier one. A
//! schedule such as one-cycle depends on how long the training is: one that is cut off has never seen low rates, and one
//! that is gone on with has seen them too early. So each rung compares networks that are finished.

use super::{
    draw::{draw, share},
    file::{Budget, Halving, Search, Sweep, Values},
    row::Row,
};
use crate::{args::value::share_of, failure::Advised};

/// Draws for each combination that is wanted before it is given up to find others than those that there are.
const DRAWS_PER_TRIAL: u64 = 100;

/// Trainings, of which each has some numbers in memory.
const MOST_TRAININGS: usize = 1_000_000;

/// The values of each combination, in the order of the settings.
///
/// # Errors
/// When fewer different ones can be drawn than were asked for.
pub(super) fn combinations(search: &Search) -> Result<Vec<Vec<String>>, Advised> {
    match search {
        Search::Grid { axes } => {
            let mut all = vec![Vec::new()];
            for axis in axes {
                let Values::List(values) = &axis.values else { continue };
                all = all
                    .iter()
                    .flat_map(|some: &Vec<String>| {
                        values.iter().map(|value| some.iter().chain([value]).cloned().collect())
                    })
                    .collect();
            }
            Ok(all)
        }
        &Search::Random { trials, seed, ref axes } => {
            let mut found: Vec<Vec<String>> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for number in 0..DRAWS_PER_TRIAL.saturating_mul(trials as u64) {
                let values = draw(axes, seed, number);
                if seen.insert(values.clone()) {
                    found.push(values);
                }
                if found.len() == trials {
                    return Ok(found);
                }
            }
            Err(Advised::new(
                format!(
                    "expected {trials} different combinations of the settings in [random], found {}",
                    found.len()
                ),
                "lower `trials`, or try all of them by [grid]",
            ))
        }
    }
}

/// All that is going to be trained, as far as it is known beforehand.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// The combinations that are tried, by their index, in the order in which they are.
    pub(super) tried: Vec<usize>,
    pub(super) seeds: Vec<u64>,
    /// At least one.
    pub(super) rungs: Vec<Rung>,
    /// Epochs of each combination of all, where the rungs don't say it.
    epochs: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rung {
    /// What every training takes here; `None` where each combination has its own.
    pub(super) epochs: Option<u32>,
    pub(super) combinations: usize,
}

/// One training of a sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trial {
    /// The index of the combination.
    pub(super) combination: usize,
    /// Counted from 0.
    pub(super) rung: usize,
    pub(super) seed: u64,
    pub(super) epochs: u32,
}

impl Plan {
    /// The plan for combinations of so many epochs each.
    ///
    /// With a budget, a grid is gone through in an order that is mixed, so that what is left out is no corner of it.
    ///
    /// # Errors
    /// When the budget is not enough for the first combination, or there are too many trainings for the memory.
    pub(super) fn new(sweep: &Sweep, epochs: Vec<u32>) -> Result<Plan, Advised> {
        let Budget { epochs: most, minutes } = sweep.budget;
        let mut tried: Vec<usize> = (0..epochs.len()).collect();
        if matches!(sweep.search, Search::Grid { .. }) && (most.is_some() || minutes.is_some()) {
            tried.sort_by(|&a, &b| order(a).total_cmp(&order(b)));
        }
        let mut plan = Plan { tried, seeds: sweep.seeds.clone(), rungs: Vec::new(), epochs };
        let halving = sweep.halving.as_ref();
        let mut count = plan.tried.len();
        if let Some(most) = most {
            // More combinations take no fewer epochs.
            let counts: Vec<usize> = (1..=count).collect();
            count = counts.partition_point(|&count| plan.epochs_of(&rungs_of(halving, count)) <= most);
            if count == 0 {
                let least = plan.epochs_of(&rungs_of(halving, 1));
                let message = format!(
                    "the budget is too small: expected at least the {least} epochs of one combination with each seed, \
                     found {most}"
                );
                return Err(Advised::new(message, "fewer `seeds` or `epochs` take less"));
            }
        }
        plan.tried.truncate(count);
        plan.rungs = rungs_of(halving, count);
        let trainings = plan.trials_planned();
        if trainings > MOST_TRAININGS {
            let message = format!("expected at most {MOST_TRAININGS} trainings, found {trainings}");
            let hint = "fewer `seeds`, fewer values to try or a budget of `epochs` make it fewer";
            return Err(Advised::new(message, hint));
        }
        Ok(plan)
    }

    /// All trainings.
    pub(super) fn trials_planned(&self) -> usize {
        self.rungs.iter().map(|rung| rung.combinations).sum::<usize>() * self.seeds.len()
    }

    /// The rows that are of this plan; others are of an earlier one, with another budget.
    pub(super) fn of_plan<'a>(&self, rows: &'a [Row]) -> Vec<&'a Row> {
        let mut is_tried = vec![false; self.epochs.len()];
        self.tried.iter().for_each(|&combination| is_tried[combination] = true);
        let is_of_it =
            |row: &&Row| row.rung < self.rungs.len() && is_tried.get(row.combination) == Some(&true);
        rows.iter().filter(is_of_it).collect()
    }

    /// Of all trainings.
    pub(super) fn total_epochs(&self) -> u64 {
        self.epochs_of(&self.rungs)
    }

    /// Of all trainings, were these the rungs.
    fn epochs_of(&self, rungs: &[Rung]) -> u64 {
        let of_rung = |rung: &Rung| match rung.epochs {
            Some(epochs) => u64::from(epochs).saturating_mul(rung.combinations as u64),
            None => self.tried[..rung.combinations].iter().map(|&index| u64::from(self.epochs[index])).sum(),
        };
        rungs.iter().map(of_rung).fold(0, u64::saturating_add).saturating_mul(self.seeds.len() as u64)
    }

    /// How long a training of this combination is at its last.
    pub(super) fn full_epochs(&self, combination: usize) -> u32 {
        self.rungs.last().and_then(|rung| rung.epochs).unwrap_or(self.epochs[combination])
    }

    /// The trainings of a rung of these combinations, those of a combination one after the other.
    pub(super) fn trials(&self, rung: usize, combinations: &[usize]) -> Vec<Trial> {
        let epochs = self.rungs[rung].epochs;
        let of_seed = |combination: usize, seed: u64| Trial {
            combination,
            rung,
            seed,
            epochs: epochs.unwrap_or(self.epochs[combination]),
        };
        combinations
            .iter()
            .flat_map(|&combination| self.seeds.iter().map(move |&seed| of_seed(combination, seed)))
            .collect()
    }
}

fn rungs_of(halving: Option<&Halving>, combinations: usize) -> Vec<Rung> {
    let Some(halving) = halving else { return vec![Rung { epochs: None, combinations }] };
    let mut going_on = combinations;
    let mut rungs = Vec::new();
    for &epochs in &halving.rungs {
        rungs.push(Rung { epochs: Some(epochs), combinations: going_on });
        going_on = share_of(going_on, halving.keep);
    }
    rungs
}

/// Where a combination is in an order that mixes all.
fn order(combination: usize) -> f64 {
    share(0, combination as u64, "order")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(text: &str) -> Sweep {
        Sweep::parse(text).unwrap()
    }

    fn spelled(text: &str) -> Vec<String> {
        combinations(&sweep(text).search).unwrap().iter().map(|values| values.join(" ")).collect()
    }

    #[test]
    fn a_grid_has_every_combination_the_last_setting_changing_first() {
        let found = spelled("[grid]\nrate = [0.5, 1]\nhidden = ['none', 3, [5, 4]]\n");
        assert_eq!(found, ["0.5 none", "0.5 3", "0.5 5,4", "1 none", "1 3", "1 5,4"]);
    }

    #[test]
    fn random_combinations_differ_and_more_of_them_begin_with_the_same() {
        let draws = |trials: usize| {
            spelled(&format!(
                "[random]\ntrials = {trials}\nseed = 3\nbatch = [1, 2, 3, 4]\nhidden = {{ from = 1, to = 3 }}\n"
            ))
        };
        let all = draws(12);
        let mut different = all.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 12);
        assert_eq!(draws(5), all[..5]);
        let search = sweep("[random]\ntrials = 3\nbatch = [1, 2]\n").search;
        let message = combinations(&search).unwrap_err().to_string();
        assert_eq!(message, "expected 3 different combinations of the settings in [random], found 2");
    }

    #[test]
    fn every_seed_trains_every_combination() {
        let plan = Plan::new(&sweep("seeds = [7, 5]\n[grid]\nepochs = [3, 4]\n"), vec![3, 4]).unwrap();
        assert_eq!((plan.trials_planned(), plan.total_epochs()), (4, 14));
        let trials: Vec<(usize, u64, u32)> = plan
            .trials(0, &[1, 0])
            .iter()
            .map(|trial| (trial.combination, trial.seed, trial.epochs))
            .collect();
        assert_eq!(trials, [(1, 7, 4), (1, 5, 4), (0, 7, 3), (0, 5, 3)]);
    }

    #[test]
    fn halving_keeps_a_share_and_at_least_one() {
        let text = "seeds = 2\n[grid]\nbatch = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n[halving]\nrungs = [1, 3, 9, 27]\nkeep = 0.3\n";
        let plan = Plan::new(&sweep(text), vec![8; 10]).unwrap();
        let rungs: Vec<(Option<u32>, usize)> =
            plan.rungs.iter().map(|rung| (rung.epochs, rung.combinations)).collect();
        assert_eq!(rungs, [(Some(1), 10), (Some(3), 3), (Some(9), 1), (Some(27), 1)]);
        assert_eq!(plan.total_epochs(), 2 * (10 + 9 + 9 + 27));
        assert_eq!((plan.trials_planned(), plan.full_epochs(4)), (30, 27));
    }

    #[test]
    fn there_are_not_more_trainings_than_there_is_memory_for_in_all_rungs_together() {
        let plan = |text: &str, combinations| Plan::new(&sweep(text), vec![1; combinations]);
        let random = |end: &str| format!("seeds = 1000\n[random]\ntrials = 1001\nrate = [0.1, 0.2]\n{end}");
        let message = plan(&random(""), 1001).unwrap_err().to_string();
        assert_eq!(message, "expected at most 1000000 trainings, found 1001000");
        assert!(plan(&random(""), 1000).is_ok());
        assert!(plan(&random("[budget]\nepochs = 1000000\n"), 1001).is_ok());
        let halving = "[halving]\nrungs = [1, 2]\nkeep = 0.01\n";
        let message = plan(&random(halving), 1000).unwrap_err().to_string();
        assert_eq!(message, "expected at most 1000000 trainings, found 1010000");
    }

    #[test]
    fn a_budget_of_epochs_leaves_out_what_is_beyond_it_and_not_a_corner_of_the_grid() {
        let text = |budget: u32| {
            format!("seeds = 2\n[grid]\nbatch = [1, 2, 3, 4, 5, 6]\n[budget]\nepochs = {budget}\n")
        };
        let plan = |budget: u32| Plan::new(&sweep(&text(budget)), vec![5; 6]);
        // By the Python program in draw.rs: sorted(range(6), key=lambda number: share(0, number, "order"))
        assert_eq!(plan(1000).unwrap().tried, ORDER);
        assert_eq!(plan(39).unwrap().tried, ORDER[..3]);
        assert_eq!(plan(10).unwrap().tried, ORDER[..1]);
        let message = plan(9).unwrap_err().to_string();
        assert!(message.contains("expected at least the 10 epochs of one combination"), "{message}");
        let halving =
            "[grid]\nbatch = [1, 2, 3, 4]\n[halving]\nrungs = [1, 4]\nkeep = 0.5\n[budget]\nepochs = 8\n";
        let plan = Plan::new(&sweep(halving), vec![9; 4]).unwrap();
        // Two for one epoch and one for four are 6; three for one and two for four would be 11.
        assert_eq!((plan.tried.len(), plan.total_epochs()), (2, 6));
    }

    const ORDER: [usize; 6] = [5, 1, 2, 4, 0, 3];
}
