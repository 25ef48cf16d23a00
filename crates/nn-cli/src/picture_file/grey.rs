//! Colors as grey: owns how bright a color looks and what is behind what can be seen through, and refuses to know
//! where the colors come from.

use image::ColorType;

/// Samples as grey pixels of 8 bits, if they are of a kind that pictures in files have.
pub(super) fn grey(color_type: ColorType, samples: Vec<u8>) -> Option<Vec<u8>> {
    // Of 16 bits, which are in the order of the machine, the upper 8.
    let samples = match color_type {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            samples.as_chunks::<2>().0.iter().map(|&sample| (u16::from_ne_bytes(sample) >> 8) as u8).collect()
        }
        _ => samples,
    };
    Some(match color_type {
        ColorType::L8 | ColorType::L16 => samples,
        ColorType::Rgb8 | ColorType::Rgb16 => {
            samples.as_chunks::<3>().0.iter().map(|&color| luma(color)).collect()
        }
        ColorType::La8 | ColorType::La16 => {
            on_paper(samples.as_chunks::<2>().0.iter().map(|&[grey, alpha]| (grey, alpha)))
        }
        ColorType::Rgba8 | ColorType::Rgba16 => on_paper(
            samples
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&[red, green, blue, alpha]| (luma([red, green, blue]), alpha)),
        ),
        _ => return None,
    })
}

/// How bright a color looks, by the weights of ITU-R BT.601. A grey stays what it is.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// Lays grey pixels with an alpha on paper: white paper where what can be seen is dark, else black.
fn on_paper(pixels: impl Iterator<Item = (u8, u8)> + Clone) -> Vec<u8> {
    let (ink, weight) = pixels.clone().fold((0_u64, 0_u64), |(ink, weight), (grey, alpha)| {
        (ink + u64::from(grey) * u64::from(alpha), weight + u64::from(alpha))
    });
    let paper = if 2 * ink < 255 * weight { 255 } else { 0 };
    pixels
        .map(|(grey, alpha)| {
            let (grey, alpha) = (u32::from(grey), u32::from(alpha));
            ((grey * alpha + paper * (255 - alpha) + 127) / 255) as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_become_as_bright_as_they_look() {
        assert_eq!([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]].map(luma), [76, 150, 29, 255]);
        assert!((0..=255).all(|grey| luma([grey; 3]) == grey));
    }

    #[test]
    fn what_is_seen_through_is_paper_of_the_other_brightness() {
        let dark_ink = [(10, 255), (200, 0), (0, 128)];
        assert_eq!(on_paper(dark_ink.into_iter()), [10, 255, 127]);
        let light_ink = [(250, 255), (200, 0), (255, 128)];
        assert_eq!(on_paper(light_ink.into_iter()), [250, 0, 128]);
    }
}
