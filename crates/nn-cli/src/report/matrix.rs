//! What is taken for what, as SVG: owns how the counts of a confusion matrix are drawn for any number of classes, and
//! refuses to know where they are from.

use maud::{Markup, html};

use super::chart::{coordinate, svg};
use crate::output::{count, thousands};

/// Width of all cells together.
const SIDE: f64 = 380.0;
const TOP: f64 = 22.0;
const RIGHT: f64 = 8.0;
/// About the width of a letter, and of the longest name that is not cut.
const LETTER: f64 = 6.2;
const LONGEST_NAME: usize = 14;
/// So many classes have room for a number in each cell, and so many for the name of each.
const MOST_WITH_COUNTS: usize = 20;
const MOST_WITH_NAMES: usize = 32;

/// The matrix, with a row for each true class and a column for each that was predicted. Right answers are shaded by
/// their share of the row, mistakes by their number beside the most frequent mistake, so that they can be seen.
pub(super) fn confusion(confusion: &[Vec<u64>], names: &[String]) -> Markup {
    let classes = names.len();
    let cell = SIDE / classes.max(1) as f64;
    let shown: Vec<String> = names.iter().map(|name| shortened(name)).collect();
    let longest = shown.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let names_width = LETTER * longest as f64;
    let are_upright = names_width < cell - 2.0;
    let left = 28.0 + names_width;
    let bottom = if are_upright { 24.0 } else { 14.0 + names_width };
    let stride = classes.div_ceil(MOST_WITH_NAMES).max(1);
    let off_diagonal = || {
        let cells = confusion.iter().enumerate();
        cells.flat_map(|(row, counts)| counts.iter().enumerate().filter(move |(column, _)| *column != row))
    };
    let most = off_diagonal().map(|(_, &count)| count).max().unwrap_or(0);
    let middle = |class: usize| (class as f64 + 0.5) * cell;
    let font = (cell * 0.3).clamp(7.0, 11.0);
    // Small cells stand close together, and are seen only in strong colors.
    let (gap, faint) = if classes <= MOST_WITH_NAMES { (1.0, 0.1) } else { (0.0, 0.5) };

    let content = html! {
        text.label x=(left) y="13" { "true class ↓   predicted class →" }
        rect.frame x=(coordinate(left)) y=(TOP) width=(SIDE) height=(SIDE) {}
        @for class in (0..classes).step_by(stride) {
            @let at = middle(class);
            text.tick x=(coordinate(left - 7.0)) y=(coordinate(TOP + at)) dy="0.32em" text-anchor="end" {
                (shown[class])
            }
            @if are_upright {
                text.tick x=(coordinate(left + at)) y=(TOP + SIDE + 16.0) text-anchor="middle" { (shown[class]) }
            } @else {
                @let (x, y) = (coordinate(left + at), coordinate(TOP + SIDE + 8.0));
                text.tick x=(x) y=(y) dy="0.32em" text-anchor="end" transform=(format!("rotate(-90 {x} {y})")) {
                    (shown[class])
                }
            }
        }
        @for (row, counts) in confusion.iter().enumerate() {
            @let samples: u64 = counts.iter().sum();
            @for (column, &number) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let is_right = row == column;
                @let share = if is_right { number as f64 / samples.max(1) as f64 } else { number as f64 / most.max(1) as f64 };
                @let opacity = if is_right { faint + (0.8 - faint) * share } else { faint + (1.0 - faint) * share.sqrt() };
                rect class=(if is_right { "right" } else { "wrong" }) x=(coordinate(left + column as f64 * cell + gap / 2.0))
                    y=(coordinate(TOP + row as f64 * cell + gap / 2.0)) width=(coordinate(cell - gap))
                    height=(coordinate(cell - gap)) fill-opacity=(coordinate(opacity)) {
                    title { (words(&names[row], &names[column], number, samples)) }
                }
                @if classes <= MOST_WITH_COUNTS {
                    text class=(if opacity > 0.55 { "count strong" } else { "count" }) x=(coordinate(left + middle(column)))
                        y=(coordinate(TOP + middle(row))) dy="0.34em" text-anchor="middle"
                        font-size=(coordinate(font * narrowing(number))) { (thousands(number)) }
                }
            }
        }
    };
    let description = format!("Confusion matrix of {}", count(classes, "class"));
    svg(left + SIDE + RIGHT, TOP + SIDE + bottom, &description, &content)
}

/// Long numbers are written smaller, so that they fit.
fn narrowing(number: u64) -> f64 {
    match number {
        0..=9_999 => 1.0,
        10_000..=99_999 => 0.85,
        _ => 0.7,
    }
}

fn words(truth: &str, predicted: &str, number: u64, samples: u64) -> String {
    let of = thousands(samples);
    if truth == predicted {
        format!("{} of {of} of class {truth} are told right", thousands(number))
    } else {
        format!("{} of {of} of class {truth} are taken for {predicted}", thousands(number))
    }
}

/// A name that is too long loses its end.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}
