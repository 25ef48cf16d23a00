//! A few misread images: owns their size, their order and their captions, and refuses to know who found them.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Palette, QUIET, STRONG, View};
use crate::{
    dashboard::view::Misread,
    output::percent,
    picture::{Picture, terminal},
};

/// Between two images.
const GAP: u16 = 2;
/// The heading and the captions.
const TEXT: u16 = 2;
/// No caption is longer: `255 as 255 99 %`.
const CAPTION: u16 = 15;

/// The rows that the images take, of at most so many; 0 where there is no room for any.
pub(super) fn height(view: &View, width: u16, most: u16) -> u16 {
    let Some(first) = view.misread.first() else { return 0 };
    factor(&first.picture, width, most).map_or(0, |factor| TEXT + rows(&first.picture, factor))
}

/// The least reduction that fits, if there is one that leaves something to recognise.
fn factor(picture: &Picture, width: u16, most: u16) -> Option<usize> {
    (1..=4).find(|&factor| {
        let columns = picture.width.div_ceil(factor);
        let rows = rows(picture, factor);
        columns <= usize::from(width) && rows + TEXT <= most && rows >= 3
    })
}

/// Two pixels are a character.
fn rows(picture: &Picture, factor: usize) -> u16 {
    u16::try_from(picture.height.div_ceil(factor).div_ceil(2)).unwrap_or(u16::MAX)
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View, palette: Palette) {
    let heading = Line::from(vec![
        Span::styled("misread", STRONG),
        Span::styled(format!("  {} samples that the network takes for others", view.held_out), QUIET),
    ]);
    frame.render_widget(Paragraph::new(heading), Rect { height: 1, ..area });
    let Some(first) = view.misread.first() else { return };
    let Some(factor) = factor(&first.picture, area.width, area.height) else { return };
    let columns = u16::try_from(first.picture.width.div_ceil(factor)).unwrap_or(u16::MAX);
    let cell = columns.max(CAPTION);
    let mut x = area.x;
    for misread in &view.misread {
        if x + columns.max(width_of(misread)) > area.right() {
            break;
        }
        let picture = misread.picture.reduced(factor);
        let mut lines = vec![Line::from(caption(misread))];
        lines.extend(image(&picture, palette));
        let place = Rect { x, y: area.y + 1, width: cell.min(area.right() - x), height: area.height - 1 };
        frame.render_widget(Paragraph::new(lines), place);
        x = x.saturating_add(cell + GAP);
    }
}

fn width_of(misread: &Misread) -> u16 {
    super::width(&caption(misread))
}

fn caption(misread: &Misread) -> String {
    let share = percent(misread.probability.into());
    let (whole, _) = share.split_once('.').unwrap_or((&share, ""));
    format!("{} as {}  {whole} %", misread.label, misread.predicted)
}

fn image(picture: &Picture, palette: Palette) -> Vec<Line<'static>> {
    let rows: Vec<&[u8]> = picture.rows().collect();
    let blank = vec![0; picture.width];
    let line = |pair: &[&[u8]]| {
        let (upper, lower) = (pair[0], pair.get(1).copied().unwrap_or(&blank));
        let pixels = upper.iter().zip(lower);
        let spans = pixels.map(|(&upper, &lower)| {
            if palette.colors {
                let style = Style::new()
                    .fg(Color::Indexed(terminal::grey(upper)))
                    .bg(Color::Indexed(terminal::grey(lower)));
                Span::styled("▀", style)
            } else {
                Span::raw(terminal::shade(upper, lower).to_string())
            }
        });
        spans.collect::<Line<'_>>()
    };
    rows.chunks(2).map(line).collect()
}
