//! Owns what follows from the figures: speed-up by threads, equal bits, plain against native, the share of the peak.

use super::plan::{NATIVE, OURS, PEERS};
use super::rounds::{Row, best, disturbances, three_digits, time};

/// Side of the matrices of the task `matrix`.
const SIDE: f64 = 2048.0;

/// Units of each layer of a network, and how many samples are propagated.
struct Work {
    units: &'static [f64],
    samples: f64,
}

const EPOCH: Work = Work { units: &[784.0, 100.0, 10.0], samples: 60_000.0 };
const DEEP: Work = Work { units: &[784.0, 2500.0, 2000.0, 1500.0, 1000.0, 500.0, 10.0], samples: 128.0 };

impl Work {
    /// Floating-point operations of the products of training, nothing skipped: forward and weight gradient take two
    /// for each sample and weight, and so does the gradient of the inputs of each layer but the first.
    fn operations(&self) -> f64 {
        let weights = |layers: &[f64]| layers.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        2.0 * self.samples * (2.0 * weights(self.units) + weights(&self.units[1..]))
    }
}

/// The findings, a sentence each, as far as there are figures for them.
pub(super) fn sentences(rows: &[Row]) -> Vec<String> {
    let first = [threads(rows), sweep(rows), bits(rows), native(rows)].into_iter().flatten();
    first.chain(roofline(rows)).chain(quiet(rows)).collect()
}

/// How far the machine was ours alone.
fn quiet(rows: &[Row]) -> Option<String> {
    let (disturbed, measurements, most) = disturbances(rows);
    (measurements > 0).then(|| {
        format!(
            "Other programs took more than a tenth of the processors in {disturbed} of {measurements} measurements \
             ({:.0} % at most).",
            100.0 * most
        )
    })
}

fn ours(rows: &[Row], task: &str, variant: &str, threads: u32) -> Option<f64> {
    let is_it = |row: &&Row| {
        let cell = row.cell;
        (cell.task.name, cell.peer.name, cell.variant, cell.threads) == (task, OURS, variant, threads)
    };
    rows.iter().find(is_it)?.median()
}

fn threads(rows: &[Row]) -> Option<String> {
    let (one, two) = (ours(rows, "epoch", "", 1)?, ours(rows, "epoch", "", 2)?);
    Some(format!("Two threads train an epoch {} times as fast as one.", three_digits(one / two)))
}

fn sweep(rows: &[Row]) -> Option<String> {
    let (one, two) = (ours(rows, "sweep", "", 1)?, ours(rows, "sweep", "", 2)?);
    let peer = best(rows, "sweep", "scikit-learn").and_then(Row::median);
    let beside = peer.map_or_else(String::new, |peer| {
        format!(", and {} times as fast as scikit-learn's two jobs", three_digits(peer / two))
    });
    Some(format!("Two threads search {} times as fast as one{beside}.", three_digits(one / two)))
}

fn bits(rows: &[Row]) -> Option<String> {
    let hash = |row: &Row| Some((row.cell.threads, row.measurements.first()?.hash.clone()?));
    let hashes: Vec<(u32, String)> =
        rows.iter().filter(|row| row.cell.task.name == "threads").filter_map(hash).collect();
    let (_, first) = hashes.first()?;
    let numbers: Vec<String> = hashes.iter().map(|(threads, _)| threads.to_string()).collect();
    let numbers = numbers.join(", ");
    Some(if hashes.iter().all(|(_, hash)| hash == first) {
        format!(
            "The parameters are the same bits on {numbers} threads (SHA-256 {}...).",
            &first[..first.len().min(16)]
        )
    } else {
        format!("**The parameters differ** between {numbers} threads.")
    })
}

fn native(rows: &[Row]) -> Option<String> {
    let (plain, native) = (ours(rows, "native", "", 2)?, ours(rows, "native", NATIVE, 2)?);
    let ratio = three_digits(plain / native);
    Some(format!("The plain build takes {ratio} times as long as one for this very processor."))
}

/// Operations a second of the fastest product of anybody in any round, with who that was.
fn peak(rows: &[Row]) -> Option<(f64, &'static str)> {
    let products = rows.iter().filter(|row| row.cell.task.name == "matrix");
    let fastest =
        products.flat_map(|row| row.seconds().into_iter().map(|seconds| (seconds, row.cell.peer.title)));
    let (seconds, who) = fastest.min_by(|one, other| one.0.total_cmp(&other.0))?;
    Some((2.0 * SIDE.powi(3) / seconds, who))
}

fn roofline(rows: &[Row]) -> Vec<String> {
    let Some((rate, who)) = peak(rows) else { return Vec::new() };
    let mut sentences = vec![format!(
        "The highest rate of a product of matrices is {} GFLOP/s ({who}).",
        three_digits(rate / 1e9)
    )];
    for (task, what, work) in [
        ("epoch", "An epoch", &EPOCH),
        ("lit", "An epoch with all pixels lit", &EPOCH),
        ("deep", "A step of the deep network", &DEEP),
    ] {
        let Some(own) = best(rows, task, OURS).and_then(Row::median) else { continue };
        let bound = work.operations() / rate;
        sentences.push(format!(
            "{what} is {} GFLOP if nothing is skipped, {} at that rate; this project takes {} times that ({}).",
            three_digits(work.operations() / 1e9),
            time(bound),
            three_digits(own / bound),
            time(own),
        ));
    }
    sentences
}

/// For each peer that did a task in full, how many times as long as ours its best way took, the fastest first.
pub(super) fn ratios(rows: &[Row], task: &str) -> Vec<(&'static str, f64)> {
    let Some(own) = best(rows, task, OURS).and_then(Row::median) else { return Vec::new() };
    let others = PEERS.iter().filter(|peer| peer.name != OURS);
    let mut ratios: Vec<(&str, f64)> =
        others.filter_map(|peer| Some((peer.title, best(rows, task, peer.name)?.median()? / own))).collect();
    ratios.sort_by(|one, other| one.1.total_cmp(&other.1));
    ratios
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Cell, cells};
    use super::super::rounds::{self, tests::measured};
    use super::*;

    #[test]
    fn a_sample_of_the_small_network_costs_319_600_operations() {
        assert_eq!(Work { samples: 1.0, ..EPOCH }.operations(), 319_600.0 + 0.0);
    }

    #[test]
    fn findings_follow_from_the_figures() {
        let measure = |cell: &Cell, _: u32| {
            let mut measurement = measured(match (cell.task.name, cell.variant, cell.threads) {
                ("matrix", ..) => 0.017_179_869_184, // 1000 GFLOP/s
                ("native", NATIVE, _) => 0.08,
                ("epoch", _, 1) => 0.18,
                ("sweep", _, 1) => 1.9,
                ("native" | "epoch" | "threads", ..) => 0.1,
                _ => 1.0,
            });
            measurement.hash = Some(if cell.threads == 4 { "b".repeat(64) } else { "a".repeat(64) });
            Ok(measurement)
        };
        let tasks = ["epoch", "native", "threads", "sweep", "matrix"];
        let mut rows = rounds::run(cells(&[OURS, "numpy"], &tasks), 1, measure, |_| {}).unwrap();
        let expected = [
            "Two threads train an epoch 1.80 times as fast as one.",
            "Two threads search 1.90 times as fast as one.",
            "**The parameters differ** between 1, 2, 3, 4 threads.",
            "The plain build takes 1.25 times as long as one for this very processor.",
            "The highest rate of a product of matrices is 1000 GFLOP/s (NumPy).",
            "An epoch is 19.2 GFLOP if nothing is skipped, 19.2 ms at that rate; this project takes 5.21 times that \
             (100 ms).",
        ];
        assert_eq!(sentences(&rows), expected);
        rows.retain(|row| row.cell.threads < 4);
        assert!(sentences(&rows)[2].ends_with("(SHA-256 aaaaaaaaaaaaaaaa...)."));
        assert_eq!(sentences(&[]), [""; 0]);
    }

    #[test]
    fn ratios_are_those_of_the_best_ways_the_fastest_peer_first() {
        let measure = |cell: &Cell, _: u32| {
            Ok(measured(match (cell.peer.name, cell.threads) {
                ("jax", _) => 2.0,
                ("numpy", threads) => 6.0 / f64::from(threads),
                _ => 0.5,
            }))
        };
        let rows = rounds::run(cells(&[OURS, "jax", "numpy"], &["epoch"]), 1, measure, |_| {}).unwrap();
        assert_eq!(ratios(&rows, "epoch"), [("JAX", 4.0), ("NumPy", 6.0)]);
    }
}
