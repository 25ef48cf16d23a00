//! Small pictures in a row: owns how images and weights become PNG files within a page, and refuses to know why they
//! are shown.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use maud::{Markup, html};
use nn_train::nn_core::{Dataset, Network};
use png::{BitDepth, ColorType, Encoder};

use super::{
    chart::{coordinate, svg},
    findings::Findings,
};
use crate::{
    output::percent,
    picture::{Picture, Size, png_file},
};

/// A picture with what is written below it.
pub(super) struct Tile {
    /// A PNG file as a `data:` address.
    address: String,
    /// What is in the picture, for those who cannot see it.
    description: String,
    /// The first line is the heading.
    lines: Vec<String>,
}

/// Longer sides are reduced by a whole number.
const LONGEST_IMAGE: usize = 112;
const LONGEST_WEIGHTS: usize = 56;
/// Units that are shown.
pub(super) const MOST_UNITS: usize = 100;
/// Weights of which the scale of their colors is taken; of more, every so many.
const SCALE_SAMPLES: usize = 1 << 20;
/// Shades of each of the two colors.
const SHADES: i32 = 31;
/// Middle tones, which can be seen on light and on dark paper.
const NEGATIVE: [u8; 3] = [221, 112, 46];
const POSITIVE: [u8; 3] = [61, 126, 201];

/// The mistakes of a report.
pub(super) fn mistakes(findings: &Findings<'_>, size: Size, dataset: Dataset<'_>) -> Vec<Tile> {
    let tile = |mistake: &super::findings::Mistake| {
        let picture = Picture::new(size, dataset.row(mistake.index));
        let (label, predicted) = (findings.class_text(mistake.label), findings.class_text(mistake.predicted));
        let (sure, other) = (f64::from(mistake.probability), f64::from(mistake.label_probability));
        // The pixels are there, so that the encoder has nothing to complain of.
        let png = png_file::encode(&reduced(picture, LONGEST_IMAGE)).unwrap_or_default();
        Tile {
            address: address(&png),
            description: format!("Image {}, of class {label}, taken for {predicted}", mistake.index),
            lines: vec![format!("{label} → {predicted}"), percent(sure), format!("true {}", percent(other))],
        }
    };
    findings.mistakes.iter().map(tile).collect()
}

/// The weights into the units of the first layer, at most [`MOST_UNITS`].
pub(super) fn weights(network: &Network, size: Size, name: impl Fn(usize) -> String) -> Vec<Tile> {
    let weights = network.parameters().weights(0);
    let units = weights.ncols().min(MOST_UNITS);
    let scale = scale(
        weights.iter().copied().enumerate().filter(|(n, _)| n % weights.ncols() < units).map(|(_, w)| w),
        weights.nrows() * units,
    );
    let tile = |unit: usize| {
        let column: Vec<f32> = weights.column(unit).to_vec();
        let description = format!("Weights of {}", name(unit));
        Tile { address: address(&signed_png(&column, size, scale)), description, lines: vec![name(unit)] }
    };
    (0..units).map(tile).collect()
}

/// The magnitude that 99.5 % of the weights stay below, so that a few do not make all others pale.
fn scale(weights: impl Iterator<Item = f32>, count: usize) -> f32 {
    let stride = count.div_ceil(SCALE_SAMPLES).max(1);
    let mut magnitudes: Vec<f32> = weights.step_by(stride).map(f32::abs).collect();
    if magnitudes.is_empty() {
        return 1.0;
    }
    let place = (magnitudes.len() - 1) * 995 / 1000;
    let (_, magnitude, _) = magnitudes.select_nth_unstable_by(place, f32::total_cmp);
    if *magnitude > 0.0 { *magnitude } else { 1.0 }
}

/// Numbers as a picture, in a color for each sign that fades towards 0.
fn signed_png(weights: &[f32], size: Size, scale: f32) -> Vec<u8> {
    let factor = size.width.max(size.height).div_ceil(LONGEST_WEIGHTS).max(1);
    let (width, height) = (size.width.div_ceil(factor), size.height.div_ceil(factor));
    let shade = |position: usize| {
        let (top, left) = (position / width * factor, position % width * factor);
        let rows = top..size.height.min(top + factor);
        let columns = left..size.width.min(left + factor);
        let count = (rows.len() * columns.len()) as f32;
        let sum: f32 =
            rows.flat_map(|row| columns.clone().map(move |column| weights[row * size.width + column])).sum();
        // A cast of NaN gives 0.
        ((sum / count / scale).clamp(-1.0, 1.0) * SHADES as f32).round() as i32
    };
    let pixels: Vec<u8> = (0..width * height).map(|position| (shade(position) + SHADES) as u8).collect();
    let shades = -SHADES..=SHADES;
    let palette: Vec<u8> =
        shades.clone().flat_map(|shade| if shade < 0 { NEGATIVE } else { POSITIVE }).collect();
    let opacities: Vec<u8> = shades.map(|shade| (shade.abs() * 255 / SHADES) as u8).collect();

    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_trns(opacities);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    // Into memory, and of as many pixels as there are.
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

fn reduced(picture: Picture, longest: usize) -> Picture {
    match picture.width.max(picture.height).div_ceil(longest) {
        0 | 1 => picture,
        factor => picture.reduced(factor),
    }
}

fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}

/// The tiles for a page, as many in a row as there is room for.
pub(super) fn gallery(tiles: &[Tile], class: &str) -> Markup {
    html! {
        div class=(format!("gallery {class}")) {
            @for tile in tiles {
                figure.tile title=(tile.description) {
                    img src=(tile.address) alt=(tile.description);
                    figcaption {
                        @for (number, line) in tile.lines.iter().enumerate() {
                            @if number == 0 { b { (line) } } @else { span { (line) } }
                        }
                    }
                }
            }
        }
    }
}

/// The tiles as a picture of their own, in rows of `columns`.
pub(super) fn sheet(tiles: &[Tile], columns: usize, description: &str) -> Markup {
    const SIDE: f64 = 64.0;
    const GAP: f64 = 14.0;
    const LINE: f64 = 13.0;
    let columns = columns.min(tiles.len()).max(1);
    let lines = tiles.iter().map(|tile| tile.lines.len()).max().unwrap_or(0);
    let height = SIDE + LINE * lines as f64 + GAP;
    let rows = tiles.len().div_ceil(columns);
    let content = html! {
        @for (number, tile) in tiles.iter().enumerate() {
            @let x = GAP + (number % columns) as f64 * (SIDE + GAP);
            @let y = GAP + (number / columns) as f64 * height;
            image href=(tile.address) x=(coordinate(x)) y=(coordinate(y)) width=(SIDE) height=(SIDE) {
                title { (tile.description) }
            }
            @for (line, text) in tile.lines.iter().enumerate() {
                text class=(if line == 0 { "label" } else { "tick" }) x=(coordinate(x + SIDE / 2.0))
                    y=(coordinate(y + SIDE + LINE * (line + 1) as f64)) text-anchor="middle" { (text) }
            }
        }
    };
    svg(GAP + columns as f64 * (SIDE + GAP), GAP + rows as f64 * height, description, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_color_of_their_sign_and_fade_towards_zero() {
        let size = Size { width: 3, height: 2 };
        let png = signed_png(&[-1.0, -0.5, 0.0, 0.5, 9.0, f32::NAN], size, 1.0);
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let pixels: Vec<&[u8]> = pixels.chunks(4).collect();
        assert_eq!((&pixels[0][..3], pixels[0][3]), (&NEGATIVE[..], 255));
        assert_eq!((&pixels[4][..3], pixels[4][3]), (&POSITIVE[..], 255));
        assert_eq!((pixels[2][3], pixels[5][3]), (0, 0));
        assert!((124..136).contains(&pixels[1][3]) && pixels[1][3] == pixels[3][3], "{pixels:?}");
    }

    #[test]
    fn large_pictures_are_reduced_and_their_weights_are_means() {
        let size = Size { width: 2 * LONGEST_WEIGHTS, height: 3 };
        let png = signed_png(&vec![0.25; size.width * size.height], size, 0.25);
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        assert_eq!(reader.info().size(), (LONGEST_WEIGHTS as u32, 2));
    }

    #[test]
    fn the_scale_is_that_of_nearly_all_weights_and_never_zero() {
        let weights = (0..1000).map(|n| if n == 7 { 1000.0 } else { -(n as f32) / 1000.0 });
        assert!((0.98..1.0).contains(&scale(weights, 1000)));
        assert_eq!((scale([0.0, 0.0].into_iter(), 2), scale(std::iter::empty(), 0)), (1.0, 1.0));
    }
}
