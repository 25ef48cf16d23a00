//! Owns whose turn it is: rounds in which each takes one measurement, and what came of them; knows no program.

use super::plan::{Cell, OURS};
use super::run::Measurement;
use anyhow::{Context as _, Result};

/// A way whose least time is more than this many times that of its peer's best way, after the first round and after
/// more than one, has no further turn. One round is a rough judge, and a disturbance only ever adds time: hence the
/// least, not the median.
pub(super) const LEFT_OUT_ABOVE: [f64; 2] = [1.5, 1.15];

/// What came of a cell.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cell: Cell,
    /// One for each round.
    pub(super) measurements: Vec<Measurement>,
    pub(super) state: State,
}

#[derive(Debug, PartialEq)]
pub(super) enum State {
    /// It takes part in every round.
    Running,
    /// It was slower than another way of the same peer.
    LeftOut,
    Failed(String),
}

impl Row {
    pub(super) fn median(&self) -> Option<f64> {
        median(self.seconds())
    }

    fn least(&self) -> Option<f64> {
        self.seconds().into_iter().min_by(f64::total_cmp)
    }

    pub(super) fn seconds(&self) -> Vec<f64> {
        self.measurements.iter().map(|measurement| measurement.seconds).collect()
    }

    /// Measured in every round.
    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Running && !self.measurements.is_empty()
    }
}

/// The middle one, or the mean of the two in the middle; none of none.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}

/// Measures each cell once in each round. A peer's cell that fails has no further turn; ours must not fail.
pub(super) fn run(
    cells: Vec<Cell>,
    rounds: u32,
    mut measure: impl FnMut(&Cell, u32) -> Result<Measurement>,
    mut say: impl FnMut(String),
) -> Result<Vec<Row>> {
    let start = |cell| Row { cell, measurements: Vec::new(), state: State::Running };
    let mut rows: Vec<Row> = cells.into_iter().map(start).collect();
    for round in 1..=rounds {
        for row in &mut rows {
            if row.state != State::Running || (round > 1 && row.cell.task.is_once) {
                continue;
            }
            let name = row.cell.name();
            match measure(&row.cell, round) {
                Ok(measurement) => {
                    say(format!("round {round}/{rounds}  {name}: {}", time(measurement.seconds)));
                    row.measurements.push(measurement);
                }
                Err(error) if row.cell.peer.name == OURS => return Err(error).context(name),
                Err(error) => {
                    say(format!("round {round}/{rounds}  {name} failed: {error:#}"));
                    row.state = State::Failed(format!("{error:#}"));
                }
            }
        }
        if round < rounds {
            leave_out_slow_ways(&mut rows, LEFT_OUT_ABOVE[usize::from(round > 1)]);
        }
    }
    Ok(rows)
}

/// Of each peer and task, the ways that have no hope of being the best. Ours are all of interest.
fn leave_out_slow_ways(rows: &mut [Row], factor: f64) {
    // Against those alone that go on, so that the last way of a peer always does.
    let going_on = rows.iter().filter(|row| row.state == State::Running);
    let times: Vec<(&str, &str, f64)> =
        going_on.filter_map(|row| Some((row.cell.task.name, row.cell.peer.name, row.least()?))).collect();
    for row in rows.iter_mut().filter(|row| row.state == State::Running && row.cell.peer.name != OURS) {
        let rivals =
            times.iter().filter(|(task, peer, _)| *task == row.cell.task.name && *peer == row.cell.peer.name);
        let best = rivals.map(|(_, _, seconds)| *seconds).fold(f64::INFINITY, f64::min);
        if row.least().is_some_and(|seconds| seconds > best * factor) {
            row.state = State::LeftOut;
        }
    }
}

/// The fastest whole row of a peer in a task.
pub(super) fn best<'a>(rows: &'a [Row], task: &str, peer: &str) -> Option<&'a Row> {
    let own = rows.iter().filter(|row| row.cell.task.name == task && row.cell.peer.name == peer);
    own.filter(|row| row.is_whole() && row.cell.variant != super::plan::NATIVE)
        .min_by(|one, other| one.median().unwrap_or(f64::NAN).total_cmp(&other.median().unwrap_or(f64::NAN)))
}

/// Above this share of the processors' time, what other programs did is a disturbance.
const DISTURBED_ABOVE: f64 = 0.1;

/// How many measurements other programs disturbed, of how many, and the greatest share that they took.
pub(super) fn disturbances(rows: &[Row]) -> (usize, usize, f64) {
    let shares: Vec<f64> =
        rows.iter().flat_map(|row| &row.measurements).filter_map(|measurement| measurement.others).collect();
    let disturbed = shares.iter().filter(|share| **share > DISTURBED_ABOVE).count();
    (disturbed, shares.len(), shares.iter().copied().fold(0.0, f64::max))
}

/// Three significant digits, in the unit that leaves one to three before the point.
pub(super) fn time(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let (scale, unit) = units.into_iter().find(|(scale, _)| seconds >= *scale).unwrap_or((1e-9, "ns"));
    format!("{} {unit}", three_digits(seconds / scale))
}

pub(super) fn three_digits(value: f64) -> String {
    let decimals = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::plan::cells;
    use super::*;
    use anyhow::bail;

    pub(in super::super) fn measured(seconds: f64) -> Measurement {
        let versions = Vec::new();
        Measurement { seconds, peak: 64 << 20, others: None, accuracy: Some(0.98), hash: None, versions }
    }

    #[test]
    fn everybody_has_a_turn_in_each_round_and_slow_ways_only_in_the_first() {
        let mut turns = Vec::new();
        let measure = |cell: &Cell, round: u32| {
            turns.push((round, cell.peer.name, cell.threads));
            Ok(measured(if cell.threads == 1 { 2.0 } else { 1.0 }))
        };
        let rows = run(cells(&[OURS, "jax"], &["epoch"]), 2, measure, |_| {}).unwrap();
        let first = [(1, OURS, 1), (1, OURS, 2), (1, "jax", 1), (1, "jax", 2)];
        assert_eq!(turns, [&first[..], &[(2, OURS, 1), (2, OURS, 2), (2, "jax", 2)]].concat());
        assert_eq!(rows[2].state, State::LeftOut);
        assert_eq!(best(&rows, "epoch", "jax").unwrap().cell.threads, 2);
        assert!(best(&rows, "epoch", "burn").is_none());
    }

    #[test]
    fn a_disturbance_leaves_no_peer_without_a_way() {
        // The second round of the way that remained takes thirty times as long.
        let measure = |cell: &Cell, round: u32| {
            Ok(measured(match (cell.threads, round) {
                (1, _) => 1.2,
                (_, 3..) => 30.0,
                _ => 1.0,
            }))
        };
        let rows = run(cells(&["jax"], &["epoch"]), 5, measure, |_| {}).unwrap();
        assert_eq!((&rows[0].state, &rows[1].state), (&State::LeftOut, &State::Running));
        assert_eq!(best(&rows, "epoch", "jax").unwrap().measurements.len(), 5);
        // And one that is disturbed while it still has a rival stays by its other rounds.
        let measure =
            |cell: &Cell, round: u32| Ok(measured(if cell.threads == 2 && round == 2 { 30.0 } else { 1.0 }));
        let rows = run(cells(&["jax"], &["epoch"]), 3, measure, |_| {}).unwrap();
        assert!(rows.iter().all(Row::is_whole));
    }

    #[test]
    fn a_way_that_failed_is_no_rival() {
        let measure = |cell: &Cell, round: u32| match (cell.threads, round) {
            (1, 1) => Ok(measured(1.0)),
            (1, _) => bail!("no"),
            _ => Ok(measured(1.4)),
        };
        let rows = run(cells(&["jax"], &["epoch"]), 3, measure, |_| {}).unwrap();
        assert_eq!(best(&rows, "epoch", "jax").unwrap().cell.threads, 2);
    }

    #[test]
    fn more_rounds_judge_more_strictly() {
        let measure = |cell: &Cell, _: u32| Ok(measured(if cell.threads == 1 { 1.2 } else { 1.0 }));
        let rows = run(cells(&["jax"], &["epoch"]), 4, measure, |_| {}).unwrap();
        assert_eq!(rows[0].measurements.len(), 2);
        assert_eq!((&rows[0].state, &rows[1].state), (&State::LeftOut, &State::Running));
        let rows = run(cells(&["jax"], &["epoch"]), 1, measure, |_| {}).unwrap();
        assert!(rows.iter().all(Row::is_whole));
    }

    #[test]
    fn a_peer_that_fails_has_no_further_turn_and_ours_ends_the_comparison() {
        let fail = |who: &'static str| {
            move |cell: &Cell, _: u32| if cell.peer.name == who { bail!("no") } else { Ok(measured(1.0)) }
        };
        let mut said = Vec::new();
        let rows = run(cells(&[OURS, "jax"], &["deep"]), 2, fail("jax"), |line| said.push(line)).unwrap();
        assert_eq!(rows[1].state, State::Failed("no".into()));
        assert!(rows[0].is_whole() && !rows[1].is_whole());
        assert_eq!(said.iter().filter(|line| line.contains("failed: no")).count(), 1);
        assert!(run(cells(&[OURS], &["deep"]), 2, fail(OURS), |_| {}).is_err());
    }

    #[test]
    fn what_is_done_once_is_not_repeated() {
        let rows = run(cells(&[OURS], &["threads"]), 3, |_, _| Ok(measured(1.0)), |_| {}).unwrap();
        assert!(rows.len() == 4 && rows.iter().all(|row| row.measurements.len() == 1));
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn times_have_three_digits_and_a_unit_that_fits() {
        let times = [1.234, 0.0994, 0.0123, 0.000_002_637, 99.96, 5e-10].map(time);
        assert_eq!(times, ["1.23 s", "99.4 ms", "12.3 ms", "2.64 µs", "100 s", "0.50 ns"]);
    }
}
