//! What a dashboard shows of a training: owns the numbers and how many of them are remembered, and refuses to know
//! how they look.

use std::time::Duration;

use nn_train::nn_core::Tally;

use crate::picture::Picture;

/// Everything that is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The data, and the run if it is one.
    pub(crate) title: String,
    /// The configuration in a line.
    pub(crate) summary: String,
    /// What each epoch is measured on: "test" or "validation".
    pub(crate) held_out: &'static str,
    /// The epoch under way, from 1, of so many.
    pub(crate) epoch: u32,
    pub(crate) epochs: u32,
    /// Steps done, of so many.
    pub(crate) step: u64,
    pub(crate) steps: u64,
    /// Where the curves begin: not at 0 where a run goes on.
    pub(crate) first_epoch: f64,
    /// The epoch so far.
    pub(crate) running: Tally,
    pub(crate) rate: f32,
    pub(crate) elapsed: Duration,
    pub(crate) left: Option<Duration>,
    /// Samples a second, the last ones last.
    pub(crate) speeds: Vec<f64>,
    /// On the training samples, before each update.
    pub(crate) train: Curve,
    /// On the samples that were held out, after each epoch.
    pub(crate) held: Curve,
    /// The best epoch and its accuracy.
    pub(crate) best: Option<(u32, f64)>,
    pub(crate) misread: Vec<Misread>,
    /// What has come of it, once it is over.
    pub(crate) outcome: Option<String>,
}

/// An image that the network took for another class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Misread {
    pub(crate) picture: Picture,
    pub(crate) label: usize,
    pub(crate) predicted: usize,
    pub(crate) probability: f32,
}

/// A moment of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// In epochs from the beginning.
    pub(crate) epoch: f64,
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

/// Loss and accuracy over time: at most so many points, whatever the length of the training.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Curve {
    points: Vec<Point>,
    /// Measurements that a point stands for.
    weight: usize,
    /// Those that no point stands for yet.
    pending: Vec<Point>,
}

/// Four times as many as a wide terminal has columns.
const MOST_POINTS: usize = 1024;
/// As many as the line of the speed has columns.
const MOST_SPEEDS: usize = 256;

impl Curve {
    pub(crate) fn push(&mut self, point: Point) {
        self.weight = self.weight.max(1);
        self.pending.push(point);
        if self.pending.len() >= self.weight {
            self.points.push(mean(&self.pending));
            self.pending.clear();
        }
        if self.points.len() >= MOST_POINTS {
            self.points = self.points.chunks(2).map(mean).collect();
            self.weight *= 2;
        }
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// The last measurement.
    pub(crate) fn last(&self) -> Option<Point> {
        self.pending.last().or(self.points.last()).copied()
    }
}

fn mean(points: &[Point]) -> Point {
    let count = points.len().max(1) as f64;
    let of = |value: fn(&Point) -> f64| points.iter().map(value).sum::<f64>() / count;
    Point {
        epoch: of(|point| point.epoch),
        loss: of(|point| point.loss),
        accuracy: of(|point| point.accuracy),
    }
}

impl View {
    /// Remembers a speed, and forgets the oldest.
    pub(crate) fn push_speed(&mut self, speed: f64) {
        if self.speeds.len() >= MOST_SPEEDS {
            self.speeds.remove(0);
        }
        self.speeds.push(speed);
    }

    /// The share of the steps that are done, 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        (self.step as f64 / self.steps.max(1) as f64).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_shape_in_few_points() {
        let mut curve = Curve::default();
        for step in 0..100_000_u32 {
            let epoch = f64::from(step) / 1000.0;
            curve.push(Point { epoch, loss: 2.0 * epoch, accuracy: 1.0 });
        }
        let points = curve.points();
        assert!((MOST_POINTS / 2 - 1..MOST_POINTS).contains(&points.len()), "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0].epoch < pair[1].epoch));
        assert!(
            points.iter().all(|point| (point.loss - 2.0 * point.epoch).abs() < 1e-9 && point.accuracy == 1.0)
        );
        assert!((points[0].epoch - 0.0635).abs() < 1e-9, "the mean of the first 128");
        assert_eq!(curve.last().map(|point| point.epoch), Some(99.999));
    }

    #[test]
    fn the_oldest_speeds_are_forgotten() {
        let mut view = View::default();
        for speed in 0..1000 {
            view.push_speed(f64::from(speed));
        }
        assert_eq!((view.speeds.len(), view.speeds[0]), (MOST_SPEEDS, 744.0));
    }
}
