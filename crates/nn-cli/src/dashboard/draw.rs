//! The look of a dashboard: owns what stands where and in which color, at any size, and refuses to know where the
//! numbers come from and whose terminal it is.

mod charts;
mod misread;

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::view::View;
use crate::output::{percent, short_rate, thousands};

/// Whether to tell things apart by color, or by their shapes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) colors: bool,
}

impl Palette {
    /// Of what the network learns from.
    fn train(self) -> Style {
        self.of(Color::Cyan)
    }

    /// Of what it is measured on.
    fn held(self) -> Style {
        self.of(Color::Magenta)
    }

    fn good(self) -> Style {
        self.of(Color::Green)
    }

    fn of(self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }
}

const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// Rows for the heading: the title, the configuration and the bar.
const HEAD: u16 = 3;
/// Rows for the numbers.
const NUMBERS: u16 = 3;
/// Rows for the keys.
const FOOT: u16 = 1;
/// Fewer columns than these are for words alone.
const NARROW: u16 = 44;
/// Fewer rows than these are no chart.
const LEAST_CHART: u16 = 7;

pub(super) fn draw(frame: &mut Frame<'_>, view: &View, palette: Palette) {
    let area = frame.area();
    if area.width < NARROW {
        return draw_narrow(frame, area, view, palette);
    }
    // What does not fit is left out, the least needed first.
    let room = area.height.saturating_sub(HEAD + NUMBERS + FOOT);
    let images = misread::height(view, area.width, room.saturating_sub(LEAST_CHART + 1));
    let charts = if room >= LEAST_CHART { room - images } else { 0 };
    let foot = u16::from(area.height > HEAD + NUMBERS);
    let [head, charts, numbers, images, _, foot] = Layout::vertical([
        Constraint::Length(HEAD),
        Constraint::Length(charts),
        Constraint::Length(NUMBERS),
        Constraint::Length(images),
        Constraint::Fill(1),
        Constraint::Length(foot),
    ])
    .areas(area);
    draw_head(frame, head, view, palette);
    if charts.height > 0 {
        charts::draw(frame, charts, view, palette);
    }
    draw_numbers(frame, numbers, view, palette);
    if images.height > 0 {
        misread::draw(frame, images, view, palette);
    }
    draw_foot(frame, foot, view, palette);
}

/// What matters most, a few words a line.
fn draw_narrow(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let accuracy = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let share = (100.0 * view.share()).floor();
    let train = Some(view.running.accuracy()).filter(|_| view.running.samples > 0);
    let held = view.held.last().map(|last| last.accuracy);
    let name = view.held_out.get(..5).unwrap_or(view.held_out);
    let lines = vec![
        Line::styled(format!("epoch {}/{}", view.epoch, view.epochs), STRONG),
        Line::from(format!("{share:.0} %  {}", time(view))),
        Line::from(vec![Span::styled("train  ", palette.train()), Span::raw(accuracy(train))]),
        Line::from(vec![Span::styled(format!("{name:<7}"), palette.held()), Span::raw(accuracy(held))]),
        Line::styled(if view.outcome.is_none() { "q  stop, save" } else { "q  leave" }, QUIET),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

/// How long it takes, or took.
fn time(view: &View) -> String {
    match (&view.outcome, view.left) {
        (None, Some(left)) => format!("{} left", clock(left)),
        _ => format!("{} in all", clock(view.elapsed)),
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let [title, summary, bar] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    let epoch = format!("epoch {}/{}", view.epoch, view.epochs);
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(width(&epoch))]).areas(title);
    frame.render_widget(Paragraph::new(Line::styled(view.title.as_str(), STRONG)), left);
    frame.render_widget(Paragraph::new(Line::styled(epoch, STRONG)).alignment(Alignment::Right), right);
    frame.render_widget(Paragraph::new(Line::styled(view.summary.as_str(), QUIET)), summary);

    let time = time(view);
    let steps = format!("step {} of {}", thousands(view.step), thousands(view.steps));
    let mut text = format!(" {:3.0} %  {steps}  {time}", (100.0 * view.share()).floor());
    if width(&text) + 10 > area.width {
        text = format!(" {:3.0} %  {time}", (100.0 * view.share()).floor());
    }
    let length = area.width.saturating_sub(width(&text));
    let done = (f64::from(length) * view.share()) as u16;
    let bar_line = Line::from(vec![
        Span::styled("━".repeat(done.into()), palette.good()),
        Span::styled("─".repeat((length - done).into()), QUIET),
        Span::raw(text),
    ]);
    frame.render_widget(Paragraph::new(bar_line), bar);
}

fn draw_numbers(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let measured = |loss: f64, accuracy: f64| format!("loss {loss:<8.4} accuracy {:<9}", percent(accuracy));
    let nothing = "loss -        accuracy -        ".to_owned();
    // Wide enough for the longer of the names.
    let label = |name: &str, style| Span::styled(format!("{name:<11}"), style);

    let (train, when) = match view.running.samples {
        0 => (nothing.clone(), String::new()),
        _ => (
            measured(view.running.mean_loss(), view.running.accuracy()),
            format!("  in epoch {}, while it learns", view.epoch),
        ),
    };
    let held = view.held.last().map_or(nothing, |last| measured(last.loss, last.accuracy));
    let best = view.best.map_or_else(String::new, |(epoch, accuracy)| {
        format!("  best {} in epoch {epoch}", percent(accuracy))
    });
    let speed = view.speeds.last().map_or_else(|| "-".to_owned(), |speed| thousands(*speed as u64));
    let speed = format!("rate {:<8} {speed} samples/s ", short_rate(view.rate));
    let room = usize::from(area.width.saturating_sub(11 + width(&speed)));
    let lines = vec![
        Line::from(vec![label("train", palette.train()), Span::raw(train), Span::styled(when, QUIET)]),
        Line::from(vec![
            label(view.held_out, palette.held()),
            Span::raw(held),
            Span::styled(best, palette.good()),
        ]),
        Line::from(vec![
            label("", QUIET),
            Span::raw(speed),
            Span::styled(spark(&view.speeds, room.min(40)), QUIET),
        ]),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let line = match &view.outcome {
        None => Line::from(vec![
            Span::styled("q", STRONG),
            Span::styled("  stop after this step and save", QUIET),
        ]),
        Some(outcome) => Line::from(vec![
            Span::styled(format!("{outcome}  "), palette.good()),
            Span::styled("q", STRONG),
            Span::styled("  leave", QUIET),
        ]),
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// The last numbers as a line of columns, against the greatest.
fn spark(values: &[f64], columns: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values = &values[values.len().saturating_sub(columns)..];
    let greatest = values.iter().copied().fold(0.0, f64::max);
    let height = |&value: &f64| {
        let level = if greatest > 0.0 { (7.0 * value / greatest).round() } else { 0.0 };
        HEIGHTS[(level as usize).min(7)]
    };
    values.iter().map(height).collect()
}

/// 0:07, 12:34 or 1:23:45
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Columns of a text of the program's own, which has no wide characters.
fn width(text: &str) -> u16 {
    u16::try_from(text.chars().count()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
