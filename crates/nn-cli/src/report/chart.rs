//! Curves and bars between two axes, as SVG: owns scales, ticks and where everything stands, and refuses to know what
//! is shown and in which colors, which are the style sheet's.

use maud::{Markup, html};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;

/// More points than pixels are of no use.
const MOST_POINTS: usize = 1000;
/// So many points can be told apart as dots.
const MOST_DOTS: usize = 40;

/// A chart of some curves, or of bars with curves over them.
pub(crate) struct Chart<'a> {
    /// What it shows, for those who cannot see it.
    pub(crate) description: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series<'a>>,
    /// From, to and height, each with words to show at it.
    pub(crate) bars: Vec<(f64, f64, f64, String)>,
    /// A place on the x axis to mark, and its name.
    pub(crate) mark: Option<(f64, String)>,
}

/// A curve: a name for the legend if it needs one, the class of its color, its points.
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) class: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A scale with its ticks.
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    from: f64,
    to: f64,
    is_logarithmic: bool,
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From `from` to `to`, with ticks of 1, 2 or 5 times a power of ten.
    pub(crate) fn linear(label: &'static str, from: f64, to: f64, unit: Unit) -> Axis {
        let to = if to > from { to } else { from + from.abs().max(1.0) };
        let step = nice_step((to - from) / 5.0).max(if unit == Unit::Count { 1.0 } else { 0.0 });
        let first = (from / step - 1e-9).ceil();
        let count = ((to / step + 1e-9).floor() - first).max(0.0) as u32;
        let tick = |number: u32| {
            let value = (first + f64::from(number)) * step;
            (value, unit.text(value, step))
        };
        Axis { label, from, to, is_logarithmic: false, ticks: (0..=count).map(tick).collect() }
    }

    /// A scale for these values, which widens them to whole ticks.
    pub(crate) fn around(label: &'static str, values: impl Iterator<Item = f64>, unit: Unit) -> Axis {
        let shares = |value: f64| if unit == Unit::Percent { value.clamp(0.0, 1.0) } else { value };
        let (low, high) = extent(values.map(shares));
        let step = nice_step(((high - low) / 4.0).max(high.abs() * 1e-3).max(1e-9));
        let (from, to) = ((low / step).floor() * step, (high / step).ceil() * step);
        let to = if unit == Unit::Percent { to.min(1.0) } else { to };
        Axis::linear(label, from, to, unit)
    }

    /// A scale for losses: logarithmic where they fall by more than an order of magnitude.
    pub(crate) fn for_losses(values: impl Iterator<Item = f64> + Clone) -> Axis {
        let (low, high) = extent(values.clone());
        if !(low > 0.0 && high / low > 12.0) {
            let (_, high) = extent(values);
            return Axis::around("loss", [0.0, high].into_iter(), Unit::Number);
        }
        let (from, to) = (low.log10(), high.log10());
        let margin = 0.04 * (to - from);
        let (from, to) = (from - margin, to + margin);
        let steps: &[f64] = if to - from > 1.6 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let decades = (from.floor() as i32)..=(to.ceil() as i32);
        let ticks = decades.flat_map(|decade| {
            steps.iter().map(move |step| (step * 10_f64.powi(decade), step.log10() + f64::from(decade)))
        });
        let ticks = ticks.filter(|(_, at)| (from..=to).contains(at)).map(|(value, _)| (value, plain(value)));
        Axis { label: "loss, logarithmic", from, to, is_logarithmic: true, ticks: ticks.collect() }
    }

    /// Where a value is, from 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { value.log10() } else { value };
        let share = (value - self.from) / (self.to - self.from);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn across(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.share(value) * (HEIGHT - TOP - BOTTOM)
    }
}

/// How the numbers of an axis are written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    /// Whole numbers.
    Count,
    Number,
    /// Shares of 1.
    Percent,
}

impl Unit {
    /// With as many decimals as a step between ticks has.
    fn text(self, value: f64, step: f64) -> String {
        let decimals = |step: f64| (-step.log10().floor()).clamp(0.0, 8.0) as usize;
        match self {
            Unit::Count => crate::output::thousands(value.max(0.0).round() as u64),
            Unit::Number if value != 0.0 && (step < 1e-4 || value.abs() >= 1e5) => format!("{value:.0e}"),
            Unit::Number => format!("{value:.*}", decimals(step)),
            Unit::Percent => format!("{:.*} %", decimals(step * 100.0), value * 100.0),
        }
    }
}

/// 0.01, but 1e-6
pub(crate) fn plain(value: f64) -> String {
    if (1e-4..1e5).contains(&value) {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.0e}")
    }
}

/// The least and the greatest of the numbers that are any.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// The least of 1, 2, 5 times a power of ten that is not below.
pub(crate) fn nice_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let nice = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= least * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

/// A coordinate, to a hundredth of a unit.
pub(crate) fn coordinate(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An SVG picture of this size: on a page as wide as there is room, and by itself where it is a file.
pub(crate) fn svg(width: f64, height: f64, description: &str, content: &Markup) -> Markup {
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {}", coordinate(width), coordinate(height)))
            class="figure" role="img" aria-label=(description) { (content) }
    }
}

impl Chart<'_> {
    pub(crate) fn svg(&self) -> Markup {
        let (x, y) = (&self.x, &self.y);
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let content = html! {
            @for (value, text) in &y.ticks {
                @let at = coordinate(y.up(*value));
                line.grid x1=(LEFT) x2=(right) y1=(at) y2=(at) {}
                text.tick x=(LEFT - 7.0) y=(at) dy="0.32em" text-anchor="end" { (text) }
            }
            line.axis x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
            @for (value, text) in &x.ticks {
                @let at = coordinate(x.across(*value));
                line.axis x1=(at) x2=(at) y1=(bottom) y2=(bottom + 4.0) {}
                text.tick x=(at) y=(bottom + 16.0) text-anchor="middle" { (text) }
            }
            text.label x=(coordinate(f64::midpoint(LEFT, right))) y=(HEIGHT - 5.0) text-anchor="middle" { (x.label) }
            text.label x="2" y="13" { (y.label) }
            (self.bars())
            @if let Some((value, name)) = &self.mark {
                @let at = x.across(*value);
                @let is_right = at > f64::midpoint(LEFT, right);
                line.mark x1=(coordinate(at)) x2=(coordinate(at)) y1=(TOP) y2=(bottom) {}
                text.tick x=(coordinate(at + if is_right { -5.0 } else { 5.0 })) y=(bottom - 7.0)
                    text-anchor=(if is_right { "end" } else { "start" }) { (name) }
            }
            @for series in &self.series { (self.curve(series)) }
            (self.legend())
        };
        svg(WIDTH, HEIGHT, &self.description, &content)
    }

    fn bars(&self) -> Markup {
        html! {
            @for (from, to, height, words) in &self.bars {
                @let (left, top) = (self.x.across(*from), self.y.up(*height));
                @let width = (self.x.across(*to) - left - 1.0).max(0.5);
                rect.bar x=(coordinate(left + 0.5)) y=(coordinate(top)) width=(coordinate(width))
                    height=(coordinate((HEIGHT - BOTTOM - top).max(0.0))) { title { (words) } }
            }
        }
    }

    fn curve(&self, series: &Series<'_>) -> Markup {
        let points = &series.points;
        let stride = points.len().div_ceil(MOST_POINTS).max(1);
        let last = points.len().saturating_sub(1);
        let places: Vec<(String, String)> = points
            .iter()
            .enumerate()
            .filter(|(number, (_, y))| (number % stride == 0 || *number == last) && y.is_finite())
            .map(|(_, (x, y))| (coordinate(self.x.across(*x)), coordinate(self.y.up(*y))))
            .collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x} {y}")).collect();
        html! {
            @if path.len() > 1 { path class=(format!("curve {}", series.class)) d=(format!("M{}", path.join("L"))) {} }
            @if places.len() <= MOST_DOTS && series.class != "ideal" {
                @for (x, y) in &places { circle class=(format!("dot {}", series.class)) cx=(x) cy=(y) r="2.2" {} }
            }
        }
    }

    /// The names of the curves, from the right.
    fn legend(&self) -> Markup {
        let mut right = WIDTH - RIGHT;
        let named: Vec<&Series<'_>> = self.series.iter().filter(|series| !series.name.is_empty()).collect();
        let entries: Vec<(f64, &Series<'_>)> = named
            .into_iter()
            .rev()
            .map(|series| {
                let left = right - 6.0 * series.name.chars().count() as f64;
                right = left - 32.0;
                (left, series)
            })
            .collect();
        html! {
            @for (left, series) in entries {
                line class=(format!("curve {}", series.class)) x1=(coordinate(left - 19.0)) x2=(coordinate(left - 5.0))
                    y1="9" y2="9" {}
                text.tick x=(coordinate(left)) y="13" { (series.name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_have_the_decimals_they_need() {
        assert_eq!(ticks(&Axis::linear("epoch", 0.0, 30.0, Unit::Count)), ["0", "10", "20", "30"]);
        assert_eq!(ticks(&Axis::linear("epoch", 0.0, 3.0, Unit::Count)), ["0", "1", "2", "3"]);
        let accuracy = Axis::around("accuracy", [0.9231, 0.9987].into_iter(), Unit::Percent);
        assert_eq!(ticks(&accuracy), ["92 %", "94 %", "96 %", "98 %", "100 %"]);
        assert_eq!((accuracy.from, accuracy.to), (0.92, 1.0));
    }

    #[test]
    fn losses_that_fall_far_are_on_a_logarithmic_scale_and_others_begin_at_zero() {
        assert_eq!(ticks(&Axis::for_losses([0.002, 0.4].into_iter())), ["0.01", "0.1"]);
        assert_eq!(ticks(&Axis::for_losses([0.02, 0.4].into_iter())), ["0.02", "0.05", "0.1", "0.2"]);
        assert_eq!(Axis::for_losses([0.2, 0.4].into_iter()).from, 0.0);
    }

    #[test]
    fn nothing_and_what_is_no_number_have_an_axis_too() {
        for values in [&[][..], &[f64::NAN], &[0.0], &[0.5, 0.5], &[f64::INFINITY, 1e300], &[0.0, 3.0]] {
            for axis in [
                Axis::for_losses(values.iter().copied()),
                Axis::around("accuracy", values.iter().copied(), Unit::Percent),
                Axis::around("rate", values.iter().copied(), Unit::Number),
            ] {
                assert!(axis.from < axis.to && axis.ticks.len() < 20, "{values:?}: {:?}", axis.ticks);
                for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.5] {
                    assert!((0.0..=HEIGHT).contains(&axis.up(value)), "{value} of {values:?}");
                }
            }
        }
    }
}
