//! Owns the page of what was measured: `docs/growth.md`.

use super::cost::{Link, Rates, Work};
use super::trial::{Measured, Trial};
use super::{Comparison, Findings};

/// Ranks to be told of.
const RANKS: [u32; 6] = [1, 2, 4, 8, 16, 64];

const LINKS: [Link; 3] = [
    Link { name: "1 Gbit/s", latency: 200e-6, bandwidth: 0.117e9 },
    Link { name: "10 Gbit/s", latency: 60e-6, bandwidth: 1.17e9 },
    Link { name: "100 Gbit/s", latency: 10e-6, bandwidth: 11.7e9 },
];

pub(super) fn page(findings: &Findings) -> String {
    let Findings { machine, rounds, samples, others, lit } = findings;
    let one_thread: Vec<(Work, f64)> = others
        .iter()
        .flat_map(|comparison| &comparison.trials)
        .filter(|(trial, _)| trial.threads() == 1)
        .map(|(trial, measured)| (trial.work(*lit), measured.seconds_a_sample()))
        .collect();
    let rates = Rates::fit(&one_thread);
    let of_rounds = if *rounds > 1 { format!(", the median of {rounds} trainings") } else { String::new() };
    let mut text = format!(
        "# How a training grows\n\n\
         Made by `cargo xtask growth`; do not edit. Times are of a sample in a training step, in the fastest epoch but the \
         first of a training{of_rounds}, on a shared machine: \
         what counts is what they are to each other. Memory is what was resident and no file's at most: the pages of a \
         mapped file are not counted, for the system takes them back when it needs them.\n\n{machine}\n\n\
         ## Samples\n\n\
         784-100-10, 64 samples a step, one thread. The first set is MNIST, in memory; the others are made of it \
         (`nn-cli generate`), and from 1 GiB on are mapped and visited block by block. Distorted digits have a few more \
         lit pixels, and it is those that take time; they were counted in 2,000 images of a set.\n\n\
         | images | lit | an epoch | a sample | as long as MNIST's | memory |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let base = samples.first().map_or(f64::NAN, |(_, _, measured)| measured.seconds_a_sample());
    for (_, share, measured) in samples {
        text += &format!(
            "| {} | {:.1} % | {:.3} s | {} | {:.2} | {} |\n",
            thousands(measured.samples),
            100.0 * share,
            measured.seconds,
            micro(measured.seconds_a_sample()),
            measured.seconds_a_sample() / base,
            memory(measured),
        );
    }
    text += &format!(
        "\n## What a sample costs\n\n\
         On one thread, by least squares over all that follows, a sample of MNIST ({lit:.0} of 784 pixels lit) takes\n\n\
         ```text\n\
         {:.2} us  +  {:.3} ns L H  +  {:.3} ns D  +  {:.3} ns P / B\n\
         ```\n\n\
         of L lit pixels and H units in the first hidden layer, whose two products (forward, gradient) are that one number; \
         D, three times the weights of the other layers (forward, back, gradient); P parameters updated once in a batch \
         of B. The columns `model` are by this formula. What it leaves out are the caches: where the weights of a layer \
         outgrow them, and with few samples a step, which use none of the weights twice.\n",
        1e6 * rates.sample,
        2e9 * rates.sparse,
        1e9 * rates.dense,
        1e9 * rates.updated,
    );
    for Comparison { title, about, trials } in others {
        text += &format!("\n## {title}\n\n{about}\n\n");
        let varies_threads = trials.iter().any(|(trial, _)| trial.threads() > 1);
        text += &if varies_threads { of_threads(trials) } else { of_work(trials, &rates, *lit) };
    }
    text + &of_ranks(&rates, *lit)
}

fn of_work(trials: &[(Trial, Measured)], rates: &Rates, lit: f64) -> String {
    let mut text = String::from(
        "| network | batch | parameters | a sample | model | memory |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (trial, measured) in trials {
        let work = trial.work(lit);
        text += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            trial.network(),
            trial.batch(),
            thousands(work.parameters),
            micro(measured.seconds_a_sample()),
            micro(rates.seconds(&work)),
            memory(measured),
        );
    }
    text
}

fn of_threads(trials: &[(Trial, Measured)]) -> String {
    let base = trials.first().map_or(f64::NAN, |(_, measured)| measured.seconds_a_sample());
    let mut text = String::from("| threads | a sample | times one |\n| ---: | ---: | ---: |\n");
    for (trial, measured) in trials {
        let seconds = measured.seconds_a_sample();
        text += &format!("| {} | {} | {:.2} |\n", trial.threads(), micro(seconds), base / seconds);
    }
    text
}

fn of_ranks(rates: &Rates, lit: f64) -> String {
    let mut text = String::from(
        "\n## Machines\n\n\
         Not measured: what the formula above and the cost of a sum ([distributed.md](distributed.md)) say of ranks of one \
         thread of this machine, one a machine, for **one and the same batch**, so that the training stays the same and only \
         gets faster. The links are taken to have 94 % of their rate, and a sum of nothing to take 200, 60 and 10 us. \
         Numbers are times one rank; below 1, another machine makes it slower.\n\n",
    );
    let networks: [(&str, &[usize], usize); 4] = [
        ("784-100-10", &[100], 64),
        ("784-800-10", &[800], 256),
        ("784-800-10", &[800], 2048),
        ("784-2500-2000-1500-1000-500-10", &[2500, 2000, 1500, 1000, 500], 2048),
    ];
    text += "| network | whole batch | link |";
    text += &RANKS.map(|ranks| format!(" {ranks} |")).concat();
    text += "\n| --- | ---: | --- |";
    text += &" ---: |".repeat(RANKS.len());
    text.push('\n');
    for (name, hidden, batch) in networks {
        let work = Work::of(hidden, 10, batch, lit);
        for link in &LINKS {
            text += &format!("| {name} | {batch} | {} |", link.name);
            for ranks in RANKS {
                let times = rates.speedup(&work, batch as f64, f64::from(ranks), link);
                text += &format!(" {times:.1} |");
            }
            text.push('\n');
        }
    }
    text + "\nA small network at the batch that suits it gains nothing from a second machine: a step takes less time than its sum \
            takes to start. What pays is many samples for each number that is sent: large batches, deep networks, fast links. \
            Whoever has many small networks to train gives each machine some of them (`nn-cli sweep`), which costs no sum \
            at all.\n"
}

fn micro(seconds: f64) -> String {
    format!("{:.2} us", 1e6 * seconds)
}

fn memory(measured: &Measured) -> String {
    measured.anonymous.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6))
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: f64) -> Measured {
        Measured { samples: 1000.0, seconds, anonymous: Some(30_000_000) }
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0.0, 999.0, 1000.0, 8_100_000.0].map(thousands), ["0", "999", "1,000", "8,100,000"]);
    }

    #[test]
    fn a_table_of_threads_compares_with_one() {
        let trial = |threads| Trial::on("data/mnist".into()).with_threads(threads);
        let table = of_threads(&[(trial(1), measured(0.002)), (trial(2), measured(0.001))]);
        assert!(table.ends_with("| 1 | 2.00 us | 1.00 |\n| 2 | 1.00 us | 2.00 |\n"), "{table}");
    }

    #[test]
    fn a_table_of_work_has_the_model_beside_what_was_measured() {
        let rates = Rates { sample: 1e-6, sparse: 0.0, dense: 0.0, updated: 0.0 };
        let table = of_work(&[(Trial::on("data/mnist".into()), measured(0.002))], &rates, 150.0);
        assert!(table.ends_with("| 784-100-10 | 64 | 79,510 | 2.00 us | 1.00 us | 30 MB |\n"), "{table}");
    }
}
