//! The figures of the page of a sweep, as SVG: owns where everything stands, and refuses to know how combinations were
//! trained and ranked.

use maud::{Markup, html};

use super::scale::Scale;
use crate::report::chart::{coordinate, svg};

/// A combination as it is drawn.
pub(super) struct Mark {
    /// From 1, by which figures and table know each other.
    pub(super) number: usize,
    pub(super) values: Vec<String>,
    pub(super) accuracy: f64,
    /// Of each seed.
    pub(super) accuracies: Vec<f64>,
    pub(super) seconds: f64,
    /// Whether it was given up before the last rung.
    pub(super) is_early: bool,
    /// For whoever points at it.
    pub(super) words: String,
}

/// A rectangle with a horizontal and a vertical scale.
struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const WIDE: Frame = Frame { width: 1060.0, height: 380.0, left: 64.0, right: 24.0, top: 34.0, bottom: 46.0 };
const SMALL: Frame = Frame { width: 360.0, height: 250.0, left: 52.0, right: 14.0, top: 30.0, bottom: 40.0 };

impl Frame {
    fn x(&self, share: f64) -> f64 {
        self.left + share * (self.width - self.left - self.right)
    }

    fn y(&self, share: f64) -> f64 {
        self.height - self.bottom - share * (self.height - self.top - self.bottom)
    }

    fn axes(&self, (x, x_label): (&Scale, &str), (y, y_label): (&Scale, &str)) -> Markup {
        let (bottom, right) = (self.height - self.bottom, self.width - self.right);
        html! {
            @for (share, text) in &y.ticks {
                @let at = coordinate(self.y(*share));
                line.grid x1=(self.left) x2=(right) y1=(at) y2=(at) {}
                text.tick x=(self.left - 8.0) y=(at) dy="0.32em" text-anchor="end" { (text) }
            }
            line.axis x1=(self.left) x2=(right) y1=(bottom) y2=(bottom) {}
            @for (share, text) in &x.ticks {
                @let at = coordinate(self.x(*share));
                line.axis x1=(at) x2=(at) y1=(bottom) y2=(bottom + 4.0) {}
                text.tick x=(at) y=(bottom + 17.0) text-anchor="middle" { (text) }
            }
            text.label x=(coordinate(self.x(0.5))) y=(self.height - 6.0) text-anchor="middle" { (x_label) }
            text.label x="2" y="14" { (y_label) }
        }
    }
}

/// How far a value is on the way from the worst that is shown to the best, for its color.
fn shade(accuracy: &Scale, value: f64) -> String {
    format!("--t:{:.0}%", 100.0 * accuracy.at(value))
}

fn class(kind: &str, mark: &Mark, best: Option<usize>) -> String {
    let early = if mark.is_early { " early" } else { "" };
    let chosen = if best == Some(mark.number) { " chosen" } else { "" };
    format!("{kind}{early}{chosen}")
}

/// Every combination as a line through its values to its accuracy; the best are drawn last. `marks` begins with the
/// best.
pub(super) fn parallel(
    settings: &[(&str, Scale)],
    accuracy: &Scale,
    marks: &[Mark],
    best: Option<usize>,
) -> Markup {
    let frame = Frame { left: 56.0, right: 78.0, top: 40.0, bottom: 20.0, ..WIDE };
    let across = |axis: usize| frame.x(axis as f64 / settings.len().max(1) as f64);
    let order = by_accuracy(marks);
    let place = |axis: usize, mark: usize| {
        let (_, scale) = &settings[axis];
        // Lines through one name lie side by side, the better ones above.
        let aside = (order[mark] - 0.5) * 0.62 * scale.room();
        frame.y(scale.of_value(&marks[mark].values[axis]) + aside)
    };
    let line = |mark: usize| {
        let mut points: Vec<(f64, f64)> =
            (0..settings.len()).map(|axis| (across(axis), place(axis, mark))).collect();
        points.push((across(settings.len()), frame.y(accuracy.at(marks[mark].accuracy))));
        let mut path = points
            .first()
            .map_or_else(String::new, |(x, y)| format!("M{} {}", coordinate(*x), coordinate(*y)));
        for pair in points.windows(2) {
            let ((from_x, from_y), (to_x, to_y)) = (pair[0], pair[1]);
            let middle = coordinate(f64::midpoint(from_x, to_x));
            let (to_x, from_y, to_y) = (coordinate(to_x), coordinate(from_y), coordinate(to_y));
            path += &format!("C{middle} {from_y} {middle} {to_y} {to_x} {to_y}");
        }
        path
    };
    let (top, bottom) = (frame.y(1.0), frame.y(0.0));
    let content = html! {
        @for index in (0..marks.len()).rev() {
            @let mark = &marks[index];
            @let path = line(index);
            g data-c=(mark.number) {
                path class=(class("line", mark, best)) style=(shade(accuracy, mark.accuracy)) d=(path) {}
                path.hit d=(path) { title { (mark.words) } }
            }
        }
        @for (axis, (name, scale)) in settings.iter().enumerate() {
            @let at = coordinate(across(axis));
            line.axis x1=(at) x2=(at) y1=(coordinate(top)) y2=(coordinate(bottom)) {}
            text.label x=(at) y="20" text-anchor="middle" { (name) }
            @for (share, text) in &scale.ticks {
                text.tick.halo x=(coordinate(across(axis) - 7.0)) y=(coordinate(frame.y(*share))) dy="0.32em"
                    text-anchor="end" { (text) }
            }
        }
        @let at = across(settings.len());
        line.axis x1=(coordinate(at)) x2=(coordinate(at)) y1=(coordinate(top)) y2=(coordinate(bottom)) {}
        text.label.strong x=(coordinate(at)) y="20" text-anchor="middle" { "validation" }
        @for (share, text) in &accuracy.ticks {
            text.tick.halo x=(coordinate(at + 8.0)) y=(coordinate(frame.y(*share))) dy="0.32em" { (text) }
        }
    };
    svg(
        frame.width,
        frame.height,
        "Every combination as a line through its settings to its accuracy",
        &content,
    )
}

/// For each mark, its place among all by accuracy, from 0 to 1.
fn by_accuracy(marks: &[Mark]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by(|&a, &b| marks[a].accuracy.total_cmp(&marks[b].accuracy));
    let mut places = vec![0.5; marks.len()];
    for (place, mark) in order.into_iter().enumerate() {
        places[mark] = (place as f64 + 0.5) / marks.len() as f64;
    }
    places
}

/// Every combination at its time and accuracy, with a line from its worst seed to its best, and the frontier: those that
/// no other one is both faster and better than.
pub(super) fn against_time(accuracy: &Scale, marks: &[Mark], best: Option<usize>) -> Markup {
    let frame = WIDE;
    let seconds: Vec<f64> = marks.iter().map(|mark| mark.seconds).collect();
    let time = Scale::seconds(&seconds);
    let place = |mark: &Mark| (frame.x(time.at(mark.seconds)), frame.y(accuracy.at(mark.accuracy)));
    let frontier = frontier(marks);
    let steps: Vec<String> = frontier
        .iter()
        .enumerate()
        .map(|(number, &index)| {
            let (x, y) = place(&marks[index]);
            let (x, y) = (coordinate(x), coordinate(y));
            if number == 0 { format!("M{x} {y}") } else { format!("H{x}V{y}") }
        })
        .collect();
    let content = html! {
        (frame.axes((&time, "seconds a training, on one thread"), (accuracy, "validation accuracy, mean over the seeds")))
        @if steps.len() > 1 { path.frontier d=(steps.concat()) {} }
        @for mark in marks.iter().rev() {
            @let (x, y) = place(mark);
            @let (least, most) = extent(&mark.accuracies);
            g data-c=(mark.number) {
                line class="spread" style=(shade(accuracy, mark.accuracy)) x1=(coordinate(x)) x2=(coordinate(x))
                    y1=(coordinate(frame.y(accuracy.at(least)))) y2=(coordinate(frame.y(accuracy.at(most)))) {}
                circle class=(class("point", mark, best)) style=(shade(accuracy, mark.accuracy)) cx=(coordinate(x))
                    cy=(coordinate(y)) r="4.2" { title { (mark.words) } }
            }
        }
        @if let Some(mark) = marks.iter().find(|mark| best == Some(mark.number)) {
            @let (x, y) = place(mark);
            @let is_right = x > 0.7 * frame.width;
            text.tick.strong.halo x=(coordinate(x + if is_right { -10.0 } else { 10.0 })) y=(coordinate(y - 9.0))
                text-anchor=(if is_right { "end" } else { "start" }) { "the best" }
        }
    };
    svg(frame.width, frame.height, "Accuracy of every combination against the time of a training", &content)
}

/// The combinations that no other one is faster and at least as good as, by time.
fn frontier(marks: &[Mark]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..marks.len()).collect();
    let key = |index: usize| (marks[index].seconds, -marks[index].accuracy);
    order.sort_by(|&a, &b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    let mut best = f64::NEG_INFINITY;
    order.retain(|&index| {
        let is_better = marks[index].accuracy > best;
        best = best.max(marks[index].accuracy);
        is_better
    });
    order
}

fn extent(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), &value| (least.min(value), most.max(value)))
}

/// All combinations by the value that they have of one setting, and for each value of a list the median.
pub(super) fn by_setting(
    (axis, name, scale): (usize, &str, &Scale),
    accuracy: &Scale,
    marks: &[Mark],
    best: Option<usize>,
) -> Markup {
    let frame = SMALL;
    let order = by_accuracy(marks);
    let across = |index: usize| {
        // Of those at one name each has a place of its own.
        let aside = (order[index] - 0.5) * 0.5 * scale.room();
        frame.x(scale.of_value(&marks[index].values[axis]) + aside)
    };
    let content = html! {
        (frame.axes((scale, name), (accuracy, "validation accuracy")))
        @for (from, to, median) in medians(axis, scale, marks) {
            @let y = coordinate(frame.y(accuracy.at(median)));
            line.median x1=(coordinate(frame.x(from))) x2=(coordinate(frame.x(to))) y1=(y) y2=(y) {}
        }
        @for (index, mark) in marks.iter().enumerate().rev() {
            circle data-c=(mark.number) class=(class("point", mark, best)) style=(shade(accuracy, mark.accuracy))
                cx=(coordinate(across(index))) cy=(coordinate(frame.y(accuracy.at(mark.accuracy)))) r="3"
                { title { (mark.words) } }
        }
    };
    svg(frame.width, frame.height, &format!("Accuracy of every combination by {name}"), &content)
}

/// For each name of a scale, where it begins and ends, and the median accuracy there, which no network that learned
/// nothing moves far.
fn medians(axis: usize, scale: &Scale, marks: &[Mark]) -> Vec<(f64, f64, f64)> {
    let half = 0.31 * scale.room();
    let of_tick = |place: f64| {
        let here = marks.iter().filter(|mark| (scale.of_value(&mark.values[axis]) - place).abs() < 1e-9);
        let mut values: Vec<f64> = here.map(|mark| mark.accuracy).collect();
        values.sort_by(f64::total_cmp);
        let (lower, upper) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
        Some((place - half, place + half, f64::midpoint(*lower, *upper)))
    };
    if half == 0.0 {
        Vec::new()
    } else {
        scale.ticks.iter().filter_map(|(place, _)| of_tick(*place)).collect()
    }
}

/// The accuracy of a combination in each rung in which it was trained: number, and rung from 0 and accuracy.
pub(super) type Climb = (usize, Vec<(usize, f64)>);

/// How each combination did from rung to rung.
pub(super) fn climbs(epochs: &[u32], climbs: &[Climb], best: Option<usize>) -> Markup {
    let frame = WIDE;
    let rungs = Scale::names(epochs.iter().map(|epochs| crate::output::count(*epochs, "epoch")).collect());
    let all: Vec<f64> =
        climbs.iter().flat_map(|(_, points)| points.iter().map(|(_, accuracy)| *accuracy)).collect();
    let (accuracy, _) = Scale::accuracies(&all);
    let place = |&(rung, value): &(usize, f64)| {
        let share = (rung as f64 + 0.5) / epochs.len().max(1) as f64;
        (coordinate(frame.x(share)), coordinate(frame.y(accuracy.at(value))))
    };
    let content = html! {
        (frame.axes((&rungs, "rung"), (&accuracy, "validation accuracy, mean over the seeds")))
        @for (number, points) in climbs.iter().rev() {
            @let path: Vec<String> = points.iter().map(|point| { let (x, y) = place(point); format!("{x} {y}") }).collect();
            @let last = points.last().map_or(0.0, |(_, accuracy)| *accuracy);
            @let chosen = if best == Some(*number) { " chosen" } else { "" };
            g data-c=(number) {
                @if path.len() > 1 {
                    path class=(format!("line{chosen}")) style=(shade(&accuracy, last)) d=(format!("M{}", path.join("L"))) {}
                }
                @for point in points {
                    @let (x, y) = place(point);
                    circle class=(format!("point{chosen}")) style=(shade(&accuracy, point.1)) cx=(x) cy=(y) r="3.4" {}
                }
            }
        }
    };
    svg(frame.width, frame.height, "Accuracy of every combination from rung to rung", &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(number: usize, seconds: f64, accuracy: f64) -> Mark {
        let values = vec!["relu".to_owned()];
        Mark {
            number,
            values,
            accuracy,
            accuracies: vec![accuracy],
            seconds,
            is_early: false,
            words: String::new(),
        }
    }

    #[test]
    fn the_frontier_is_what_nothing_faster_is_as_good_as() {
        let marks = [
            mark(1, 3.0, 0.98),
            mark(2, 1.0, 0.95),
            mark(3, 2.0, 0.95),
            mark(4, 2.5, 0.96),
            mark(5, 4.0, 0.97),
        ];
        let numbers: Vec<usize> = frontier(&marks).into_iter().map(|index| marks[index].number).collect();
        assert_eq!(numbers, [2, 4, 1]);
    }

    #[test]
    fn lines_through_one_name_are_ordered_by_accuracy() {
        let marks = [mark(1, 1.0, 0.9), mark(2, 1.0, 0.7), mark(3, 1.0, 0.8)];
        let places = by_accuracy(&marks);
        assert!(places[0] > places[2] && places[2] > places[1], "{places:?}");
        let scale = Scale::names(vec!["relu".to_owned(), "tanh".to_owned()]);
        let of_all = medians(0, &scale, &marks);
        assert_eq!(of_all.len(), 1, "nobody has the other value");
        assert_eq!(of_all[0].2, 0.8);
        assert!((medians(0, &scale, &marks[..2])[0].2 - 0.8).abs() < 1e-12, "between two");
    }
}
