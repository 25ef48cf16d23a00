//! Owns the pages that the experiments leave: `docs/results.md` and the table in the README.

use super::plan::{EXPERIMENTS, Experiment};
use super::record::{Record, Records};
use std::collections::BTreeSet;

/// The page: every experiment with its figures, and how they were come by.
pub(super) fn page(records: &Records) -> String {
    let mut text = String::from(
        "# Results\n\n\
         Made by `cargo xtask results`; do not edit. A line for each training is in [results.jsonl](results.jsonl).\n\n\
         The recipes are the presets of `nn-cli train`, in `crates/nn-cli/presets`, and what is distilled or a committee is made \
         of those. They were chosen on the last 10,000 \
         training images, which were then not trained on; [learning.md](learning.md) has what was tried, and the one choice \
         that was made in sight of a test figure. The network that counts is that of the last epoch. Accuracies are means over seeds, from 1 on; the spread \
         is the standard deviation of one seed. A time of `-` was not taken, for other work ran beside, or nothing was trained.\n\n\
         ## On the 10,000 test images\n\n",
    );
    text += &table(records, false);
    let ablations = table(records, true);
    if !ablations.is_empty() {
        text += "\n## What each ingredient is worth\n\n\
                 The recipes with one of their ingredients left out, trained on the first 50,000 training images and \
                 measured on the other 10,000.\n\n";
        text += &ablations;
    }
    text += "\n## Commands\n\n";
    for (experiment, found) in found(records) {
        let seed = found.first().map_or(1, |record| record.seed);
        text += &format!("- {}: `{}`\n", experiment.name, experiment.command(seed));
    }
    let machines: BTreeSet<&str> =
        found(records).flat_map(|(_, found)| found).map(|record| record.machine.as_str()).collect();
    text += "\n## Machines\n\n";
    for machine in machines {
        text += &format!("- {machine}\n");
    }
    text
}

/// The table on the test images.
pub(super) fn summary(records: &Records) -> String {
    table(records, false)
}

fn found(records: &Records) -> impl Iterator<Item = (&'static Experiment, Vec<&Record>)> {
    EXPERIMENTS
        .iter()
        .map(|experiment| (experiment, records.of(experiment.name)))
        .filter(|(_, found)| !found.is_empty())
}

fn table(records: &Records, on_validation: bool) -> String {
    let mut lines = String::new();
    for (experiment, found) in found(records).filter(|(one, _)| one.on_validation == on_validation) {
        let accuracies: Vec<f64> = found.iter().map(|record| 100.0 * record.accuracy).collect();
        let seconds: Vec<f64> = found.iter().filter_map(|record| record.seconds).collect();
        let (mean, spread) = (mean(&accuracies), spread(&accuracies));
        let least = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
        let most = accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        lines += &format!(
            "| {} | {} | {} | {mean:.2} % | {} |",
            experiment.name,
            experiment.about,
            found.len(),
            if found.len() > 1 {
                format!("{spread:.2} | {least:.2} to {most:.2}")
            } else {
                "- | -".to_owned()
            },
        );
        // What is only compared may be trained beside other work, whose time says nothing; a committee is not trained.
        let is_timed = !seconds.is_empty() && !experiment.is_committee();
        let time = if is_timed { duration(self::mean(&seconds)) } else { "-".to_owned() };
        lines += &if on_validation { "\n".to_owned() } else { format!(" {time} |\n") };
    }
    if lines.is_empty() {
        return lines;
    }
    let (title, line) = if on_validation { ("", "") } else { (" time of one |", " ---: |") };
    format!(
        "| recipe | what it is | seeds | accuracy | spread | least and most |{title}\n\
         | --- | --- | ---: | ---: | ---: | ---: |{line}\n{lines}"
    )
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation of one value, estimated from all.
fn spread(values: &[f64]) -> f64 {
    let mean = mean(values);
    let sum: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (sum / (values.len().max(2) - 1) as f64).sqrt()
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..600.0 => format!("{seconds:.0} s"),
        _ => format!("{:.0} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{record, records};
    use super::*;

    #[test]
    fn a_table_has_mean_and_spread_of_what_was_done() {
        let untimed = Record { seconds: None, ..record("deep", 1, 50) };
        let records =
            records(vec![record("small", 1, 110), record("small", 2, 90), record("wide", 1, 60), untimed]);
        let expected = "\
| recipe | what it is | seeds | accuracy | spread | least and most | time of one |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
| small | 784-100-10, the best | 2 | 99.00 % | 0.14 | 98.90 to 99.10 | 12 s |
| wide | 784-800-10 | 1 | 99.40 % | - | - | 12 s |
| deep | the best single network | 1 | 99.50 % | - | - | - |
";
        assert_eq!(summary(&records), expected);
    }

    #[test]
    fn a_page_keeps_what_was_chosen_by_apart() {
        let page = page(&records(vec![record("small", 1, 110), record("small-whole", 1, 100)]));
        let (test, validation) = page.split_once("## What each ingredient is worth").unwrap();
        assert!(test.contains("| small |") && !test.contains("| small-whole |"), "{page}");
        assert!(validation.contains("| small-whole |"), "{page}");
        assert!(page.contains("- small: `nn-cli train --preset small --seed 1`\n"), "{page}");
        assert!(page.ends_with("- Example 9000\n"), "{page}");
    }

    #[test]
    fn durations_have_two_digits_or_three() {
        assert_eq!([0.9, 75.4, 1800.0].map(duration), ["0.9 s", "75 s", "30 min"]);
    }
}
