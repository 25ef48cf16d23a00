//! Pictures as lines of text: owns what a pixel looks like in a terminal, and refuses to know where the lines go.

use std::{
    env,
    io::{self, IsTerminal},
};

use super::Picture;
use crate::output;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Every pixel in its grey: an upper half block in the color of a pixel, on the color of the one below.
    Colors,
    /// Block characters of four densities, each for two pixels.
    Shades,
    /// Signs that every terminal has, each for two pixels.
    Ascii,
}

/// Where the size of the terminal is not known.
const USUAL_WIDTH: usize = 80;

/// Blanks between pictures.
const GAP: usize = 2;

impl Style {
    /// The best that standard output can show.
    pub(crate) fn detect(ascii: bool) -> Style {
        if ascii || !locale_is_utf8() {
            Style::Ascii
        } else if output::wants_color(io::stdout().is_terminal()) {
            Style::Colors
        } else {
            Style::Shades
        }
    }

    /// The lines of a picture, each `picture.width` characters wide.
    fn draw(self, picture: &Picture) -> Vec<String> {
        let rows: Vec<&[u8]> = picture.rows().collect();
        let blank = vec![0; picture.width];
        let line = |pair: &[&[u8]]| {
            let (upper, lower) = (pair[0], pair.get(1).copied().unwrap_or(&blank));
            let pixels = upper.iter().zip(lower).map(|(&upper, &lower)| (upper, lower));
            match self {
                Style::Colors => color_line(pixels),
                Style::Shades => pixels.map(|pair| shade(&[' ', '░', '▒', '▓', '█'], pair)).collect(),
                Style::Ascii => {
                    let ramp = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];
                    pixels.map(|pair| shade(&ramp, pair)).collect()
                }
            }
        };
        rows.chunks(2).map(line).collect()
    }
}

/// The character for the mean of two pixels.
fn shade(ramp: &[char], (upper, lower): (u8, u8)) -> char {
    let mean = usize::from(upper.midpoint(lower));
    ramp[mean * ramp.len() / 256]
}

fn color_line(pixels: impl Iterator<Item = (u8, u8)>) -> String {
    let mut line = String::new();
    let mut current = None;
    for (upper, lower) in pixels {
        let colors = (color(upper), color(lower));
        if current != Some(colors) {
            line += &format!("\x1b[38;5;{};48;5;{}m", colors.0, colors.1);
            current = Some(colors);
        }
        line.push('▀');
    }
    line + "\x1b[0m"
}

/// The nearest grey among the 256 colors that terminals agree on: 24 from 8 to 238, in steps of 10, between black
/// and white.
fn color(grey: u8) -> u8 {
    match grey {
        0..4 => 16,
        4..247 => 232 + ((grey.max(8) - 8 + 5) / 10).min(23),
        247.. => 231,
    }
}

/// As POSIX tells the encoding of text. Windows terminals have all these characters.
fn locale_is_utf8() -> bool {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

/// Characters in a line of the terminal, if there is one.
pub(crate) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).max(1))
}

/// Pictures of one size with a caption above each, beside one another: `columns` of them, or as many as fit in
/// `width`. What does not fit is reduced; without a terminal there is room for as many columns as asked for.
pub(crate) fn gallery(
    pictures: &[(String, Picture)],
    style: Style,
    width: Option<usize>,
    columns: Option<usize>,
) -> String {
    let room = room(width, columns);
    let mut cells = Vec::new();
    for (caption, picture) in pictures {
        let picture = picture.reduced(picture.width.div_ceil(room));
        let mut lines = vec![(caption.clone(), caption.chars().count())];
        lines.extend(style.draw(&picture).into_iter().map(|line| (line, picture.width)));
        cells.push(lines);
    }
    let cell_width = cells.iter().flatten().map(|(_, width)| *width).max().unwrap_or(1);
    let columns = columns.unwrap_or_else(|| columns_of(cell_width, width)).max(1);
    cells.chunks(columns).map(|row| beside(row, cell_width)).collect::<Vec<_>>().join("\n\n")
}

/// The lines of one picture, reduced to what fits in `width`; blanks at the end are left out where they mean nothing.
pub(crate) fn lines(picture: &Picture, style: Style, width: Option<usize>) -> Vec<String> {
    let picture = picture.reduced(picture.width.div_ceil(room(width, None)));
    style.draw(&picture).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The pictures that [`gallery`] puts into a row, of which each has `picture_width` pixels to a row and a caption of
/// `caption_width` characters.
pub(crate) fn columns(
    picture_width: usize,
    caption_width: usize,
    width: Option<usize>,
    columns: Option<usize>,
) -> usize {
    let factor = picture_width.div_ceil(room(width, columns)).max(1);
    let cell_width = picture_width.div_ceil(factor).max(caption_width);
    columns.unwrap_or_else(|| columns_of(cell_width, width)).max(1)
}

/// Characters for a picture.
fn room(width: Option<usize>, columns: Option<usize>) -> usize {
    match (width, columns) {
        (None, Some(_)) => usize::MAX,
        (width, columns) => {
            let share = (width.unwrap_or(USUAL_WIDTH) + GAP) / columns.unwrap_or(1);
            share.saturating_sub(GAP).max(1)
        }
    }
}

/// As many columns as fit.
fn columns_of(cell_width: usize, width: Option<usize>) -> usize {
    (width.unwrap_or(USUAL_WIDTH) + GAP) / (cell_width + GAP)
}

/// Cells, each of some lines and their widths, in a row.
fn beside(row: &[Vec<(String, usize)>], cell_width: usize) -> String {
    let height = row.iter().map(Vec::len).max().unwrap_or(0);
    let line = |number: usize| {
        let mut line = String::new();
        for cell in row {
            let (text, width) = cell.get(number).map_or(("", 0), |(text, width)| (text.as_str(), *width));
            line += text;
            line.extend(std::iter::repeat_n(' ', cell_width - width + GAP));
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture { width: 3, height: 3, pixels: vec![0, 255, 128, 0, 255, 0, 255, 0, 0] }
    }

    #[test]
    fn two_pixels_are_a_character_and_the_last_row_may_stand_alone() {
        assert_eq!(Style::Shades.draw(&picture()), [" █░", "▒  "]);
        assert_eq!(Style::Ascii.draw(&picture()), [" @:", "=  "]);
    }

    #[test]
    fn colors_are_set_only_where_they_change() {
        let picture = Picture { width: 3, height: 2, pixels: vec![0, 0, 255, 0, 0, 128] };
        assert_eq!(Style::Colors.draw(&picture), ["\x1b[38;5;16;48;5;16m▀▀\x1b[38;5;231;48;5;244m▀\x1b[0m"]);
    }

    #[test]
    fn every_grey_has_the_nearest_color() {
        // The value of each color, by the definition of xterm's palette.
        let value = |color: u8| match color {
            16 => 0,
            231 => 255,
            color => 8 + 10 * (i32::from(color) - 232),
        };
        for grey in 0..=255 {
            let nearest = [16, 231]
                .into_iter()
                .chain(232..=255)
                .map(|color| (value(color) - i32::from(grey)).abs())
                .min();
            assert_eq!(Some((value(color(grey)) - i32::from(grey)).abs()), nearest, "{grey}");
        }
    }

    #[test]
    fn pictures_stand_beside_one_another_as_far_as_they_fit() {
        let pictures = ["a", "b", "c"].map(|caption| (caption.to_owned(), picture()));
        let expected = "a    b\n @:   @:\n=    =\n\nc\n @:\n=";
        assert_eq!(gallery(&pictures, Style::Ascii, Some(8), None), expected);
        assert_eq!(gallery(&pictures, Style::Ascii, None, Some(2)), expected);
        assert!(gallery(&pictures, Style::Ascii, None, None).starts_with("a    b    c\n"));
    }

    #[test]
    fn the_columns_told_are_those_of_the_gallery() {
        for (picture_width, caption) in [(1, "9  #99999"), (28, "9  #9"), (100, "9  #9"), (41, "255  #7")] {
            let cell = (caption.to_owned(), Picture::filled(picture_width, 2, 255));
            for (width, columns) in
                [(None, None), (Some(80), None), (Some(7), None), (Some(80), Some(3)), (None, Some(4))]
            {
                let told = super::columns(picture_width, caption.len(), width, columns);
                let lines =
                    |count| gallery(&vec![cell.clone(); count], Style::Ascii, width, columns).lines().count();
                assert_eq!(lines(told), lines(1), "{picture_width} {width:?} {columns:?}");
                assert!(lines(told + 1) > lines(1), "{picture_width} {width:?} {columns:?}");
            }
        }
    }

    #[test]
    fn pictures_wider_than_the_terminal_are_reduced() {
        let pictures = [("1".to_owned(), Picture::filled(100, 50, 255))];
        for width in [1, 2, 33, 99, 100] {
            let text = gallery(&pictures, Style::Ascii, Some(width), None);
            assert!(text.lines().all(|line| line.len() <= width), "{width}");
            assert!(text.lines().nth(1).is_some_and(|line| !line.is_empty()), "{width}");
        }
        let two = [pictures[0].clone(), pictures[0].clone()];
        let text = gallery(&two, Style::Ascii, Some(80), Some(2));
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(gallery(&two, Style::Ascii, None, Some(2)).lines().nth(1).map(str::len), Some(202));
    }
}
