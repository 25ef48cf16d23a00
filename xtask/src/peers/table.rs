//! Owns the table of a task: its lines, their order, and how they are laid out in a terminal and on a page.

use super::plan::{OURS, Task};
use super::rounds::{Row, State, best, median, three_digits, time};

/// A line of a table, as text.
type Line = [String; 6];

const HEADINGS: [&str; 6] = ["who", "median", "least .. most", "times ours", "peak memory", "test accuracy"];

/// The lines of a task: ours first, then the peers' best ways, the fastest first.
pub(super) fn lines(rows: &[Row], task: &Task) -> Vec<Line> {
    let own = best(rows, task.name, OURS).and_then(Row::median);
    let mut shown: Vec<&Row> =
        rows.iter().filter(|row| row.cell.task.name == task.name && row.is_whole()).collect();
    shown.sort_by(|one, other| {
        let key = |row: &Row| (row.cell.peer.name != OURS, row.median().unwrap_or(f64::NAN));
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    shown.into_iter().map(|row| line(row, own)).collect()
}

fn line(row: &Row, own: Option<f64>) -> Line {
    let seconds = row.seconds();
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = seconds.iter().copied().fold(0.0, f64::max);
    let middle = row.median().unwrap_or(f64::NAN);
    let peaks = row.measurements.iter().map(|one| one.peak as f64).collect();
    let accuracies: Vec<f64> = row.measurements.iter().filter_map(|one| one.accuracy).collect();
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    [
        format!("{}, {}", row.cell.peer.title, row.cell.way()),
        time(middle),
        format!("{} .. {}", time(least), time(most)),
        own.map_or_else(String::new, |own| three_digits(middle / own)),
        median(peaks).map_or_else(String::new, |bytes| format!("{:.0} MB", bytes / 1e6)),
        if accuracies.is_empty() { String::new() } else { format!("{:.2} %", 100.0 * mean) },
    ]
}

/// What is not in the table, and why.
pub(super) fn absent(rows: &[Row], task: &Task) -> Vec<String> {
    let of_task = rows.iter().filter(|row| row.cell.task.name == task.name);
    let reason = |row: &Row| {
        let name = format!("{}, {}", row.cell.peer.title, row.cell.way());
        match &row.state {
            State::LeftOut => {
                let rounds = match row.measurements.len() {
                    1 => "the first round".to_owned(),
                    count => format!("the first {count} rounds"),
                };
                Some(format!("{name}: {} in {rounds}", row.median().map_or_else(String::new, time)))
            }
            State::Failed(why) => Some(format!("{name}: failed ({why})")),
            State::Running => None,
        }
    };
    of_task.filter_map(reason).collect()
}

/// Columns that line up, for a terminal.
pub(super) fn terminal(lines: &[Line]) -> String {
    let headings = HEADINGS.map(str::to_owned);
    let all: Vec<&Line> = std::iter::once(&headings).chain(lines).collect();
    let width = |column: usize| all.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &all {
        let mut row = format!("{:<1$}", line[0], width(0));
        for column in 1..HEADINGS.len() {
            row += &format!("  {:>1$}", line[column], width(column));
        }
        text += row.trim_end();
        text += "\n";
    }
    text
}

/// A table of a page. Columns that nobody fills are left out.
pub(super) fn markdown(lines: &[Line]) -> String {
    let kept: Vec<usize> =
        (0..HEADINGS.len()).filter(|&column| lines.iter().any(|line| !line[column].is_empty())).collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<&str> = cells.collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = row(&mut kept.iter().map(|&column| HEADINGS[column]));
    text += &row(&mut kept.iter().map(|&column| if column == 0 { "---" } else { "---:" }));
    for line in lines {
        text += &row(&mut kept.iter().map(|&column| line[column].as_str()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plan::{TASKS, cells};
    use super::super::rounds::{self, tests::measured};
    use super::*;

    fn rows() -> Vec<Row> {
        let measure = |cell: &super::super::plan::Cell, round: u32| match (cell.peer.name, cell.threads) {
            ("candle", _) => anyhow::bail!("no"),
            ("jax", 1) => Ok(measured(0.9)),
            ("jax", _) => Ok(measured(0.3 + f64::from(round) / 10.0)),
            (_, threads) => Ok(measured(0.2 / f64::from(threads))),
        };
        rounds::run(cells(&[OURS, "jax", "candle"], &["epoch"]), 3, measure, |_| {}).unwrap()
    }

    #[test]
    fn the_terminal_has_a_line_for_each_whole_row_ours_first() {
        let expected = "\
who                      median     least .. most  times ours  peak memory  test accuracy
this project, 2 threads  100 ms  100 ms .. 100 ms        1.00        67 MB        98.00 %
this project, 1 thread   200 ms  200 ms .. 200 ms        2.00        67 MB        98.00 %
JAX, 2 threads           500 ms  400 ms .. 600 ms        5.00        67 MB        98.00 %
";
        assert_eq!(terminal(&lines(&rows(), &TASKS[0])), expected);
    }

    #[test]
    fn what_is_absent_is_named_with_its_reason() {
        let expected = [
            "JAX, 1 thread: 900 ms in the first round",
            "candle, 1 thread: failed (no)",
            "candle, 2 threads: failed (no)",
        ];
        assert_eq!(absent(&rows(), &TASKS[0]), expected);
    }

    #[test]
    fn a_page_has_no_empty_columns() {
        let mut line = ["a", "1 s", "1 s .. 2 s", "1.00", "", ""].map(str::to_owned);
        let table = markdown(std::slice::from_ref(&line));
        assert_eq!(
            table,
            "| who | median | least .. most | times ours |\n| --- | ---: | ---: | ---: |\n\
             | a | 1 s | 1 s .. 2 s | 1.00 |\n"
        );
        line[4] = "5 MB".into();
        assert!(markdown(&[line]).contains("| 5 MB |"));
    }
}
