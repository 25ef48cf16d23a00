//! The curves: owns their axes and what is a curve of which color, and refuses to know anything else of the
//! dashboard.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    symbols::Marker,
    text::{Line, Span},
    widgets::{Axis, Block, Chart, Dataset, GraphType},
};

use super::{Palette, QUIET, STRONG, View};
use crate::dashboard::view::{Curve, Point};

/// Narrower than this, there is room for one of the two.
const TWO_CHARTS: u16 = 64;
/// The columns that the labels of an axis take, about.
const LABELS: u16 = 7;
/// Dots nearer to one another hide the line.
const COLUMNS_PER_DOT: usize = 3;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    if area.width < TWO_CHARTS {
        return loss(frame, area, view, palette);
    }
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
    loss(frame, left, view, palette);
    accuracy(frame, right, view, palette);
}

/// On a logarithmic axis: a loss falls by orders of magnitude.
fn loss(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let value = |point: &Point| point.loss.max(1e-6).log10();
    let values = || view.train.points().iter().chain(view.held.points()).map(value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (-1.0, 0.0) };
    // Some room, also where all is one number.
    let (low, high) = (low - 0.05, high.max(low + 0.3) + 0.05);
    let label = |value: f64| {
        let value = 10_f64.powf(value);
        let decimals = (1.0 - value.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.decimals$}")
    };
    chart(frame, area, view, palette, "loss", (low, high), &value, &label);
}

/// From about where most of the training is to 100 %: the first steps are no better than chance, and would press the
/// rest against the top.
fn accuracy(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let mut values: Vec<f64> =
        view.train.points().iter().chain(view.held.points()).map(|point| point.accuracy).collect();
    values.sort_by(f64::total_cmp);
    let low = values.get(values.len() / 10).copied().unwrap_or(0.0).clamp(0.0, 1.0);
    let step = if low < 0.9 {
        0.1
    } else if low < 0.98 {
        0.02
    } else {
        0.005
    };
    let low = ((low / step).floor() * step - step / 2.0).clamp(0.0, 0.99);
    let value = |point: &Point| point.accuracy.max(low);
    let decimals = usize::from(low > 0.9);
    let label = |value: f64| format!("{:.decimals$} %", 100.0 * value);
    chart(frame, area, view, palette, "accuracy", (low, 1.0), &value, &label);
}

#[expect(clippy::too_many_arguments, reason = "the two charts differ in these, and share all else")]
fn chart(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View,
    palette: Palette,
    name: &'static str,
    (low, high): (f64, f64),
    value: &dyn Fn(&Point) -> f64,
    label: &dyn Fn(f64) -> String,
) {
    let end = f64::from(view.epochs.max(1));
    let columns = area.width.saturating_sub(LABELS).max(1);
    let place = |curve: &Curve| column_means(curve, value, (view.first_epoch, end), columns.into());
    let (train, held) = (place(&view.train), place(&view.held));
    let line = |data, style| {
        Dataset::default().data(data).style(style).marker(Marker::Braille).graph_type(GraphType::Line)
    };
    let dots = |data| {
        Dataset::default().data(data).style(palette.held()).marker(Marker::Dot).graph_type(GraphType::Scatter)
    };
    let mut datasets = vec![line(&train, palette.train())];
    // Without colors, two lines could not be told apart.
    if palette.colors {
        datasets.push(line(&held, palette.held()));
    }
    if !palette.colors || held.len() * COLUMNS_PER_DOT <= usize::from(columns) {
        datasets.push(dots(&held));
    }
    let title = Line::from(vec![
        Span::styled(name, STRONG),
        Span::styled("  ─ train", palette.train()),
        Span::styled(format!("  • {}", view.held_out), palette.held()),
    ]);
    let middle = f64::midpoint(view.first_epoch, end);
    let x = Axis::default().style(QUIET).bounds([view.first_epoch, end]).labels([
        epoch_label(view.first_epoch),
        epoch_label(middle),
        epoch_label(end),
    ]);
    let labels = [label(low), label(f64::midpoint(low, high)), label(high)];
    let y = Axis::default().style(QUIET).bounds([low, high]).labels(labels);
    let chart =
        Chart::new(datasets).block(Block::new().title(title)).legend_position(None).x_axis(x).y_axis(y);
    frame.render_widget(chart, area);
}

/// The means of the values in each column of a chart: a line through all of them would fill the columns of a noisy
/// curve from top to bottom.
fn column_means(
    curve: &Curve,
    value: &dyn Fn(&Point) -> f64,
    (first, end): (f64, f64),
    columns: usize,
) -> Vec<(f64, f64)> {
    let column = |point: &Point| ((point.epoch - first) / (end - first).max(1e-9) * columns as f64).floor();
    let mean = |points: &[Point]| {
        let count = points.len().max(1) as f64;
        let sum = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / count;
        (sum(&|point| point.epoch), sum(value))
    };
    // What is not a number is a column of its own, and is not drawn.
    curve.points().chunk_by(|one, next| column(one) == column(next)).map(mean).collect()
}

/// Whole epochs without a point.
fn epoch_label(epoch: f64) -> String {
    if epoch.fract() < 0.05 { format!("{epoch:.0}") } else { format!("{epoch:.1}") }
}
