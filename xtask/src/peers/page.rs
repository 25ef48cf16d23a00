//! Owns the pages that a comparison leaves: `docs/benchmarks.md`, its figures as JSON, and the README's summary.

use super::findings;
use super::plan::{OURS, TASKS, Task};
use super::rounds::{LEFT_OUT_ABOVE, Row, State, best, time};
use super::table;
use crate::machine::Machine;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// The page with every task, how it was measured, and what was found.
pub(super) fn page(rows: &[Row], machine: &Machine, rounds: u32) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Made by `cargo xtask bench --peers`; do not edit. The figures of each round are in \
         [benchmarks.json](benchmarks.json).\n\n\
         {}\n\n\
         ## How\n\n\
         The same work by this project and by others, each in a process of its own, in turn: {rounds} rounds, and in \
         each round every program once. A figure of a round is the median of what the process repeats; in the tables \
         are the median, the least and the most of the rounds. The ratio is how many times as long as this project it \
         takes; below 1, it is faster. A peer runs on one thread, on two, or on either, as `xtask/src/peers/plan.rs` has \
         it for each task, and in each variant that it has; a way \
         whose least time is more than {} times that of the same peer's best after the first round, or {} times after \
         a later one, has no further turn, and is listed under the table. Peak memory is the largest resident set of the process, with its data. This project \
         is built as anybody builds it (`--release`); burn and candle for the processor at hand \
         (`-Ctarget-cpu=native`); the others are the packages of `xtask/peers/requirements.txt`. The programs are in \
         `xtask/peers` and `crates/nn-train/benches/peer.rs`.\n\n\
         ## Summary\n\n{}",
        machine.sentence(),
        LEFT_OUT_ABOVE[0],
        LEFT_OUT_ABOVE[1],
        summary(rows),
    );
    let findings = findings::sentences(rows);
    if !findings.is_empty() {
        text += "\n";
        for sentence in findings {
            text += &format!("- {sentence}\n");
        }
    }
    for task in TASKS {
        text += &section(rows, task);
    }
    text
}

fn section(rows: &[Row], task: &Task) -> String {
    let lines = table::lines(rows, task);
    let absent = table::absent(rows, task);
    if lines.is_empty() && absent.is_empty() {
        return format!("\n## {}\n\n{}\n\nNot measured: the data is missing.\n", task.title, task.about);
    }
    let mut text = format!("\n## {}\n\n{}\n\n{}", task.title, task.about, table::markdown(&lines));
    if !absent.is_empty() {
        text += &format!("\nLeft out: {}.\n", absent.join("; "));
    }
    text
}

/// A line for each task: our time, and the others' as multiples of it.
pub(super) fn summary(rows: &[Row]) -> String {
    let mut text =
        String::from("| task | this project | the others, times as long |\n| --- | ---: | --- |\n");
    for task in TASKS {
        let ratios = findings::ratios(rows, task.name);
        let Some(own) = best(rows, task.name, OURS).and_then(Row::median) else { continue };
        if !ratios.is_empty() {
            let others: Vec<String> =
                ratios.iter().map(|(title, ratio)| format!("{title} {ratio:.2}")).collect();
            text += &format!("| {} | {} | {} |\n", task.title, time(own), others.join(", "));
        }
    }
    text
}

/// The figures of every round.
pub(super) fn json(rows: &[Row], machine: &Machine, rounds: u32) -> Value {
    let row = |row: &Row| {
        let (cell, measurements) = (row.cell, &row.measurements);
        json!({
            "task": cell.task.name, "peer": cell.peer.name, "variant": cell.variant, "threads": cell.threads,
            "state": match &row.state {
                State::Running => "measured".to_owned(),
                State::LeftOut => "left out".to_owned(),
                State::Failed(why) => format!("failed: {why}"),
            },
            "seconds": row.seconds(),
            "others": measurements.iter().map(|one| one.others).collect::<Vec<_>>(),
            "peak_bytes": measurements.iter().map(|one| one.peak).collect::<Vec<_>>(),
            "accuracy": measurements.iter().filter_map(|one| one.accuracy).collect::<Vec<_>>(),
        })
    };
    json!({ "machine": machine.json(), "rounds": rounds, "rows": rows.iter().map(row).collect::<Vec<_>>() })
}

/// `text` with `inside` between the two marks of this name, and everything else as it was.
pub(crate) fn replace_marked(text: &str, name: &str, inside: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} begin -->\n"), format!("<!-- {name} end -->"));
    let hint = || format!("between the lines `{}` and `{end}` stands the summary", begin.trim_end());
    let (before, rest) = text.split_once(&begin).with_context(hint)?;
    let (_, after) = rest.split_once(&end).with_context(hint)?;
    ensure!(!after.contains(&begin), "there are two places for the summary");
    Ok(format!("{before}{begin}{inside}{end}{after}"))
}

/// What stands in the README.
pub(super) fn readme(rows: &[Row], machine: &Machine) -> String {
    let (processor, cores) = (&machine.processor, machine.cores);
    format!(
        "Medians on {cores} cores of {processor} with {}, at commit {}; how each was measured, memory and \
         accuracies are in [docs/benchmarks.md](docs/benchmarks.md).\n\n{}",
        machine.simd,
        machine.commit,
        summary(rows),
    )
}

#[cfg(test)]
mod tests {
    use super::super::plan::cells;
    use super::super::rounds::{self, tests::measured};
    use super::*;
    use crate::machine::tests::example;

    fn rows() -> Vec<Row> {
        let measure = |cell: &super::super::plan::Cell, _: u32| match cell.peer.name {
            "pytorch" if cell.task.name == "deep" => anyhow::bail!("out of memory"),
            "pytorch" => Ok(measured(0.4)),
            _ => Ok(measured(0.1)),
        };
        rounds::run(cells(&[OURS, "pytorch"], &["process", "deep"]), 2, measure, |_| {}).unwrap()
    }

    #[test]
    fn the_summary_has_a_line_for_each_task_that_can_be_compared() {
        let expected = "\
| task | this project | the others, times as long |
| --- | ---: | --- |
| From nothing to a model on disk | 100 ms | PyTorch 4.00 |
";
        assert_eq!(summary(&rows()), expected);
    }

    #[test]
    fn the_page_says_how_and_what_is_missing() {
        let page = page(&rows(), &example(), 2);
        for part in [
            "Example 9000, 2 cores",
            "2 rounds",
            "| PyTorch, eager, 2 threads | 400 ms |",
            "Left out: PyTorch, eager, 2 threads: failed (out of memory).",
            "Not measured: the data is missing.",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(page.ends_with('\n') && !page.lines().any(|line| line.ends_with(' ')));
        let json = json(&rows(), &example(), 2);
        assert_eq!(json["rows"][0]["seconds"], json!([0.1, 0.1]));
        assert_eq!(json["machine"]["versions"]["JAX"], "0.10");
    }

    #[test]
    fn only_what_is_marked_is_replaced() {
        let text = "a\n<!-- bench:peers begin -->\nold\n<!-- bench:peers end -->\nb\n";
        let expected = "a\n<!-- bench:peers begin -->\nnew\n<!-- bench:peers end -->\nb\n";
        assert_eq!(replace_marked(text, "bench:peers", "new\n").unwrap(), expected);
        assert_eq!(replace_marked(expected, "bench:peers", "new\n").unwrap(), expected);
        assert!(replace_marked("a\n", "bench:peers", "new").is_err());
        assert!(replace_marked(&text.repeat(2), "bench:peers", "new").is_err());
    }
}
