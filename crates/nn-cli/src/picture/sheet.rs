//! A sheet of pictures with a number below each: owns its layout and the digits it is labelled with, and refuses to
//! know the format of the file.

use anyhow::{Result, ensure};

use super::{Picture, Size};
use crate::output::thousands;

const PAPER: u8 = 255;
const INK: u8 = 0;
/// Pixels between cells, and around them.
const MARGIN: usize = 12;
/// Small pictures are enlarged by a whole number to about this many pixels.
const PICTURE: usize = 112;
/// Each dot of a digit is a square of so many pixels.
const DOT: usize = 4;
/// A sheet of more pixels is refused: 100 MB before compression.
const MOST_PIXELS: usize = 100_000_000;

const GLYPH_WIDTH: usize = 3;
const GLYPH_HEIGHT: usize = 5;

/// Ten digits of 3 x 5 dots, row by row from the top left, the highest of 15 bits first. Labels are numbers, so that a
/// font needs no more than this.
const DIGITS: [u16; 10] = [
    0b111_101_101_101_111,
    0b010_110_010_010_111,
    0b111_001_111_100_111,
    0b111_001_111_001_111,
    0b101_101_111_001_001,
    0b111_100_111_001_111,
    0b111_100_111_101_111,
    0b111_001_001_010_010,
    0b111_101_111_101_111,
    0b111_101_111_001_111,
];

/// Where everything stands on a sheet.
struct Layout {
    columns: usize,
    /// Each pixel of a picture is a square of so many.
    scale: usize,
    cell_width: usize,
    cell_height: usize,
    rows: usize,
}

impl Layout {
    /// # Errors
    /// When the sheet would be too large.
    fn new(size: Size, count: usize, columns: usize) -> Result<Layout> {
        let columns = columns.min(count).max(1);
        let rows = count.div_ceil(columns).max(1);
        let scale = (PICTURE / size.width.max(size.height).max(1)).max(1);
        // The label of the greatest class must fit, too.
        let cell_width = (size.width * scale).max(label_width(u8::MAX)) + MARGIN;
        let cell_height = size.height * scale + MARGIN / 2 + GLYPH_HEIGHT * DOT + MARGIN;
        let layout = Layout { columns, scale, cell_width, cell_height, rows };
        let pixels = layout.width().saturating_mul(layout.height());
        ensure!(
            pixels <= MOST_PIXELS,
            "the sheet is too large: expected at most {} pixels, found {}",
            thousands(MOST_PIXELS),
            thousands(pixels)
        );
        Ok(layout)
    }

    fn width(&self) -> usize {
        self.columns.saturating_mul(self.cell_width).saturating_add(MARGIN)
    }

    fn height(&self) -> usize {
        self.rows.saturating_mul(self.cell_height).saturating_add(MARGIN)
    }
}

/// Checks that so many pictures fit on a sheet.
///
/// # Errors
/// When the sheet would be too large.
pub(crate) fn check(size: Size, count: usize, columns: usize) -> Result<()> {
    Layout::new(size, count, columns).map(drop)
}

/// Pictures of one size in rows of `columns`, their labels below them.
///
/// # Errors
/// When the sheet would be too large.
pub(crate) fn sheet(pictures: &[(u8, Picture)], columns: usize) -> Result<Picture> {
    let size = pictures.first().map_or(Size { width: 1, height: 1 }, |(_, picture)| Size {
        width: picture.width,
        height: picture.height,
    });
    let layout = Layout::new(size, pictures.len(), columns)?;
    let Layout { columns, scale, cell_width, cell_height, .. } = layout;
    let mut sheet = Picture::filled(layout.width(), layout.height(), PAPER);
    for (position, (label, picture)) in pictures.iter().enumerate() {
        let left = MARGIN + position % columns * cell_width;
        let top = MARGIN + position / columns * cell_height;
        for (y, row) in picture.rows().enumerate() {
            for (x, &pixel) in row.iter().enumerate() {
                square(&mut sheet, left + x * scale, top + y * scale, scale, pixel);
            }
        }
        let middle = left + picture.width * scale / 2;
        let label_left = middle.saturating_sub(label_width(*label) / 2).max(left);
        write_label(&mut sheet, label_left, top + picture.height * scale + MARGIN / 2, *label);
    }
    Ok(sheet)
}

fn label_width(label: u8) -> usize {
    // A dot between the digits, none after the last.
    (label.to_string().len() * (GLYPH_WIDTH + 1) - 1) * DOT
}

fn write_label(sheet: &mut Picture, left: usize, top: usize, label: u8) {
    for (position, digit) in label.to_string().bytes().enumerate() {
        let glyph = DIGITS[usize::from(digit - b'0')];
        for dot in 0..GLYPH_WIDTH * GLYPH_HEIGHT {
            if glyph >> (GLYPH_WIDTH * GLYPH_HEIGHT - 1 - dot) & 1 == 1 {
                let x = position * (GLYPH_WIDTH + 1) + dot % GLYPH_WIDTH;
                square(sheet, left + x * DOT, top + dot / GLYPH_WIDTH * DOT, DOT, INK);
            }
        }
    }
}

/// Fills a square, whole or not at all within the sheet.
fn square(sheet: &mut Picture, left: usize, top: usize, side: usize, grey: u8) {
    for y in top..top + side {
        let start = y * sheet.width + left;
        sheet.pixels[start..start + side].fill(grey);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A label as lines of `#` and `.`, a character for each dot.
    fn dots(label: u8) -> Vec<String> {
        let mut sheet = Picture::filled(label_width(label), GLYPH_HEIGHT * DOT, PAPER);
        write_label(&mut sheet, 0, 0, label);
        let line =
            |row: &[u8]| row.iter().step_by(DOT).map(|&dot| if dot == INK { '#' } else { '.' }).collect();
        sheet.rows().step_by(DOT).map(line).collect()
    }

    #[test]
    fn labels_are_written_digit_by_digit() {
        assert_eq!(
            dots(12),
            [
                ".#..###", //
                "##....#", ".#..###", ".#..#..", "###.###",
            ]
        );
    }

    #[test]
    fn no_two_digits_look_alike() {
        for (first, glyph) in DIGITS.iter().enumerate() {
            assert!(!DIGITS[first + 1..].contains(glyph), "{first}");
        }
    }

    #[test]
    fn a_sheet_has_every_pixel_of_every_picture_enlarged_by_a_whole_number() {
        let picture = |grey| Picture { width: 3, height: 2, pixels: (grey..grey + 6).collect() };
        let pictures = [(7, picture(10)), (255, picture(20)), (0, picture(30))];
        let sheet = sheet(&pictures, 2).unwrap();
        let scale = PICTURE / 3;
        for grey in (10..16).chain(20..26).chain(30..36) {
            let count = sheet.pixels.iter().filter(|&&pixel| pixel == grey).count();
            assert_eq!(count, scale * scale, "{grey}");
        }
        assert_eq!(sheet.pixels.len(), sheet.width * sheet.height);
    }

    #[test]
    fn a_sheet_for_any_picture_has_room_for_its_label() {
        for (width, height) in [(1, 1), (1, 200), (200, 1), (113, 2)] {
            for columns in [1, 3, 9] {
                let pictures = vec![(255, Picture::filled(width, height, 9)); 4];
                assert!(sheet(&pictures, columns).is_ok(), "{width}x{height}, {columns} columns");
            }
        }
    }

    #[test]
    fn a_sheet_too_large_is_refused_before_it_is_made() {
        let message = check(Size { width: 28, height: 28 }, 20_000, 5).unwrap_err().to_string();
        assert!(
            message.starts_with("the sheet is too large: expected at most 100,000,000 pixels"),
            "{message}"
        );
    }
}
