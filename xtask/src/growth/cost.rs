//! Owns the model of what a sample costs on one thread, and of what it costs among many ranks.

/// What a sample takes, in the kinds of work that have a rate of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Work {
    /// Multiplications in the first layer, which visits the lit pixels alone: forward, and for the gradient.
    pub(super) sparse: f64,
    /// Multiplications in the other layers: forward, back, and for the gradient.
    pub(super) dense: f64,
    /// Parameters that are updated, a sample's share of a step.
    pub(super) updated: f64,
    /// All parameters.
    pub(super) parameters: f64,
}

/// Seconds for each kind of work, and for a sample whatever it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) sample: f64,
    pub(super) sparse: f64,
    pub(super) dense: f64,
    pub(super) updated: f64,
}

impl Work {
    pub(super) fn of(hidden: &[usize], classes: usize, batch: usize, lit: f64) -> Work {
        let units: Vec<f64> = hidden.iter().chain([&classes]).map(|&units| units as f64).collect();
        let products: f64 = units.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let parameters = super::trial::PIXELS * units[0] + products + units.iter().sum::<f64>();
        Work {
            sparse: 2.0 * lit * units[0],
            dense: 3.0 * products,
            updated: parameters / batch as f64,
            parameters,
        }
    }

    fn terms(&self) -> [f64; 4] {
        [1.0, self.sparse, self.dense, self.updated]
    }
}

impl Rates {
    /// Those whose times differ least from what was measured, each difference as a share of its time: a short time
    /// counts as much as a long one.
    pub(super) fn fit(measured: &[(Work, f64)]) -> Rates {
        // Least squares by the normal equations, each equation divided by its time.
        let mut equations = [[0.0; 5]; 4];
        for (work, seconds) in measured {
            let terms = work.terms().map(|term| term / seconds);
            for row in 0..4 {
                for column in 0..4 {
                    equations[row][column] += terms[row] * terms[column];
                }
                equations[row][4] += terms[row];
            }
        }
        let [sample, sparse, dense, updated] = solve(equations);
        Rates { sample, sparse, dense, updated }
    }

    /// Seconds of one thread for a sample.
    pub(super) fn seconds(&self, work: &Work) -> f64 {
        let Rates { sample, sparse, dense, updated } = *self;
        work.terms().iter().zip([sample, sparse, dense, updated]).map(|(term, rate)| term * rate).sum()
    }
}

/// The solution of four equations, by elimination with the greatest pivot.
fn solve(mut equations: [[f64; 5]; 4]) -> [f64; 4] {
    for pivot in 0..4 {
        let size = |row: &usize| equations[*row][pivot].abs();
        let best = (pivot..4).max_by(|one, other| size(one).total_cmp(&size(other))).unwrap_or(pivot);
        equations.swap(pivot, best);
        for row in 0..4 {
            if row != pivot {
                let factor = equations[row][pivot] / equations[pivot][pivot];
                for column in pivot..5 {
                    equations[row][column] -= factor * equations[pivot][column];
                }
            }
        }
    }
    std::array::from_fn(|row| equations[row][4] / equations[row][row])
}

/// A network between ranks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) name: &'static str,
    /// Seconds of one sum of nothing.
    pub(super) latency: f64,
    /// Bytes a second, out of each rank and into it.
    pub(super) bandwidth: f64,
}

impl Rates {
    /// How many times as fast as one so many ranks take a step over a whole batch of so many samples, by the model of
    /// docs/distributed.md.
    pub(super) fn speedup(&self, work: &Work, batch: f64, ranks: f64, link: &Link) -> f64 {
        // Every rank makes the whole update, whatever its part of the batch.
        let update = self.updated * work.parameters;
        let compute = |samples: f64| samples * self.seconds(&Work { updated: 0.0, ..*work }) + update;
        let sum = link.latency + 8.0 * work.parameters * (ranks - 1.0) / (ranks * link.bandwidth);
        compute(batch) / (compute(batch / ranks) + if ranks > 1.0 { sum } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_sample_is_counted_layer_by_layer() {
        let work = Work::of(&[100], 10, 50, 150.0);
        assert_eq!(work.sparse, 30_000.0);
        assert_eq!(work.dense, 3_000.0);
        assert_eq!(work.parameters, 79_510.0);
        assert_eq!(work.updated, 79_510.0 / 50.0);
        assert_eq!(Work::of(&[30, 20], 10, 1, 150.0).dense, 3.0 * 800.0);
    }

    #[test]
    fn rates_are_found_again_in_times_that_were_made_of_them() {
        let rates = Rates { sample: 2e-7, sparse: 3e-11, dense: 2e-11, updated: 1e-10 };
        let works =
            [(&[100][..], 10, 64), (&[800], 10, 64), (&[400, 400], 10, 64), (&[100], 10, 1), (&[25], 256, 8)];
        let measured: Vec<(Work, f64)> = works
            .iter()
            .map(|&(hidden, classes, batch)| Work::of(hidden, classes, batch, 150.0))
            .map(|work| (work, rates.seconds(&work)))
            .collect();
        let found = Rates::fit(&measured);
        for (found, expected) in [
            (found.sample, rates.sample),
            (found.sparse, rates.sparse),
            (found.dense, rates.dense),
            (found.updated, rates.updated),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn ranks_gain_until_the_sum_takes_longer_than_it_saves() {
        let rates = Rates { sample: 1.9e-6, sparse: 0.0, dense: 0.0, updated: 1e-4 / 79_510.0 };
        let work = Work::of(&[100], 10, 1000, 150.0);
        let link = Link { name: "", latency: 1e-4, bandwidth: 125e6 };
        let at = |ranks| rates.speedup(&work, 1000.0, ranks, &link);
        assert_eq!(at(1.0), 1.0);
        // 1.9 ms and an update of 0.1 ms alone; on two, 0.95 ms, the update, and a sum of 0.1 + 2.544 ms.
        let sum = 0.1 + 1e3 * 8.0 * 79_510.0 / 250e6;
        assert!((at(2.0) - 2.0 / (0.95 + 0.1 + sum)).abs() < 1e-9, "{}", at(2.0));
        assert!(at(64.0) < 1.0);
    }
}
