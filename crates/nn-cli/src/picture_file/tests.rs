//! What becomes of the bytes of pictures, sound, cut and damaged.

use std::io::Cursor;

use image::ImageFormat;
use png::{BitDepth, ColorType, Encoder};

use super::*;
use crate::png_file::encode;

/// A picture with all sorts of greys.
fn picture() -> Picture {
    Picture { width: 5, height: 3, pixels: (0..15).map(|n| n * 17 + n).collect() }
}

fn encoded(color: ColorType, depth: BitDepth, palette: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 5, 3);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette.to_vec());
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

#[test]
fn a_grey_picture_is_the_same_in_every_color_type_and_depth() {
    let grey = picture();
    let each =
        |samples: &dyn Fn(u8) -> Vec<u8>| grey.pixels.iter().flat_map(|&g| samples(g)).collect::<Vec<_>>();
    let palette: Vec<u8> = each(&|g| vec![g; 3]);
    let indices: Vec<u8> = (0..15).collect();
    for (color, depth, palette, data) in [
        (ColorType::Grayscale, BitDepth::Eight, &[][..], each(&|g| vec![g])),
        (ColorType::Grayscale, BitDepth::Sixteen, &[], each(&|g| vec![g, g])),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, &[], each(&|g| vec![g, 255])),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen, &[], each(&|g| vec![g, g, 255, 255])),
        (ColorType::Rgb, BitDepth::Eight, &[], each(&|g| vec![g; 3])),
        (ColorType::Rgb, BitDepth::Sixteen, &[], each(&|g| vec![g; 6])),
        (ColorType::Rgba, BitDepth::Eight, &[], each(&|g| vec![g, g, g, 255])),
        (ColorType::Indexed, BitDepth::Eight, &palette, indices),
    ] {
        let decoded = decode(&encoded(color, depth, palette, &data)).unwrap();
        assert_eq!(decoded, grey, "{color:?} {depth:?}");
    }
    assert_eq!(decode(&encode(&grey).unwrap()).unwrap(), grey);
}

#[test]
fn fewer_bits_are_spread_over_all_greys() {
    // One bit a pixel, five to a row: each row is a byte, from its highest bit.
    let one = encoded(ColorType::Grayscale, BitDepth::One, &[], &[0b1010_1000, 0b0101_0000, 0]);
    let pixels = decode(&one).unwrap().pixels;
    assert_eq!(pixels, [255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0]);
    let two = encoded(ColorType::Grayscale, BitDepth::Two, &[], &[0b00_01_10_11, 0, 0, 0, 0, 0]);
    assert_eq!(decode(&two).unwrap().pixels[..5], [0, 85, 170, 255, 0]);
}

/// Three bytes a color and at most 256 of them are what PNG allows. The decoder looks at neither, and panics.
#[test]
fn a_palette_of_no_whole_number_of_colors_is_an_error() {
    for (bytes, is_sound) in
        [(3, true), (6, true), (768, true), (4, false), (5, false), (767, false), (771, false)]
    {
        let file = encoded(ColorType::Indexed, BitDepth::Eight, &vec![7; bytes], &[0; 15]);
        assert_eq!(decode(&file).is_ok(), is_sound, "{bytes} bytes");
    }
}

/// The formats that are no PNG.
const OTHERS: [ImageFormat; 3] = [ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp];

/// The bytes of a file of a picture large enough to have something in it.
fn written(format: ImageFormat) -> Vec<u8> {
    let grey = GrayImage::from_fn(29, 23, |x, y| image::Luma([if x + y < 20 { 250 } else { (x * 3) as u8 }]));
    let mut bytes = Cursor::new(Vec::new());
    // GIF has no grey of its own.
    DynamicImage::ImageLuma8(grey).to_rgb8().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The same picture, as PNG has it.
fn expected() -> Picture {
    decode(&written(ImageFormat::Png)).unwrap()
}

#[test]
fn every_format_holds_the_same_picture() {
    let expected = expected();
    assert_eq!((expected.width, expected.height), (29, 23));
    for format in OTHERS {
        let found = decode(&written(format)).unwrap();
        assert_eq!((found.width, found.height), (29, 23), "{format:?}");
        let distances = found.pixels.iter().zip(&expected.pixels).map(|(a, b)| u32::from(a.abs_diff(*b)));
        // JPEG changes greys a little, and GIF knows 256 colors.
        let most = if format == ImageFormat::Bmp { 0 } else { 12 * 29 * 23 };
        assert!(distances.sum::<u32>() <= most, "{format:?}");
    }
}

/// A JPEG file with a note of how the camera was held: an EXIF segment of one entry, in the order of Motorola.
fn turned(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let jpeg = written(ImageFormat::Jpeg);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn a_photo_stands_as_the_camera_was_held() {
    let plain = decode(&written(ImageFormat::Jpeg)).unwrap();
    let (width, height) = (plain.width, plain.height);
    let at = |x: usize, y: usize| plain.pixels[y * width + x];
    // The table of the standard: what row 0 and column 0 of the file are in the scene.
    let top_left: [(u8, u8); 8] = [
        (1, at(0, 0)),
        (2, at(width - 1, 0)),
        (3, at(width - 1, height - 1)),
        (4, at(0, height - 1)),
        (5, at(0, 0)),
        (6, at(0, height - 1)),
        (7, at(width - 1, height - 1)),
        (8, at(width - 1, 0)),
    ];
    for (orientation, corner) in top_left {
        let found = decode(&turned(orientation)).unwrap();
        let size = if orientation < 5 { (width, height) } else { (height, width) };
        assert_eq!(((found.width, found.height), found.pixels[0]), (size, corner), "{orientation}");
    }
    for nonsense in [0, 9, 255] {
        assert_eq!(decode(&turned(nonsense)).unwrap(), plain);
    }
}

#[test]
fn a_claim_of_a_huge_picture_takes_no_memory() {
    let mut png = encode(&picture()).unwrap();
    png[16..24].fill(0x7f);
    // Of the width and height in each format, where they stand and which byte comes first.
    let mut bmp = written(ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
    let mut gif = written(ImageFormat::Gif);
    gif[6..10].fill(0xff);
    let mut jpeg = written(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    for (what, bytes) in [("PNG", png), ("BMP", bmp), ("GIF", gif), ("JPEG", jpeg)] {
        let error = decode(&bytes).unwrap_err();
        let is_told = matches!(error, DecodeError::TooLarge { .. } | DecodeError::Damaged { .. });
        assert!(is_told, "{what}: {error}");
    }
    let error = decode_within(&encode(&picture()).unwrap(), 14).unwrap_err();
    assert_eq!(error.to_string(), "expected a picture of at most 14 pixels of 24 bits, found one of 5x3");
    assert!(decode_within(&encode(&picture()).unwrap(), 15).is_ok());
}

#[test]
fn messages_have_none_of_the_decoders_structs_in_them() {
    let file = encoded(ColorType::Indexed, BitDepth::Eight, &[7; 2], &[0; 15]);
    assert_eq!(decode(&file).unwrap_err().to_string(), "the PNG file is damaged: Chunk length wrong: PLTE");
}

#[test]
fn every_cut_of_every_format_is_an_error() {
    let png = encode(&picture()).unwrap();
    // The last 12 bytes are the mark of the end, after all pixels.
    for end in 0..png.len() - 12 {
        assert!(decode(&png[..end]).is_err(), "PNG, {end} bytes");
    }
    for format in OTHERS {
        let bytes = written(format);
        // So are the last of GIF; BMP pads its last row.
        let needed = match format {
            ImageFormat::Gif => bytes.len() - 3,
            ImageFormat::Bmp => bytes.len() - 3,
            _ => bytes.len(),
        };
        for end in 0..needed {
            assert!(decode(&bytes[..end]).is_err(), "{format:?}, {end} of {} bytes", bytes.len());
        }
        assert!(decode(&bytes).is_ok());
    }
}

/// The thumbnail in a photo has a mark of its end, too, and there may be anything behind the picture's.
#[test]
fn a_photo_cut_off_after_its_thumbnail_is_an_error_and_one_with_a_film_behind_it_is_not() {
    let jpeg = written(ImageFormat::Jpeg);
    let length = (jpeg.len() as u16 + 2).to_be_bytes();
    let photo = [&jpeg[..2], &[0xff, 0xe2], &length, &jpeg, &jpeg[2..]].concat();
    let plain = decode(&photo).unwrap();
    assert_eq!(plain, decode(&jpeg).unwrap());
    assert!(decode(&photo[..photo.len() - 2]).is_err());
    assert_eq!(decode(&[&photo[..], b"film \xff\xda and more"].concat()).unwrap(), plain);
}

#[test]
fn other_files_are_named_where_they_are_known() {
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP file"),
        (b"\0\0\0\x18ftypheic\0\0", "a HEIC file"),
        (b"\0\0\0\x1cftypmif1\0\0", "a HEIC file"),
        (b"\0\0\0\x20ftypavif\0\0", "an AVIF file"),
        (b"II\x2a\0\x08\0\0\0", "a TIFF file"),
        (b"%PDF-1.7", "a PDF file"),
        (b"<svg xmlns=", "text with marks, perhaps an SVG file or a web page"),
        (b"\0\0\x08\x03\0\0\0\x05", "an IDX file"),
        (b"abcdefghij", "the first bytes 61 62 63 64 65 66 67 68"),
    ] {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error.to_string(), format!("expected a PNG, JPEG, GIF or BMP file, found {found}"));
        assert_eq!(error.hint().as_deref(), Some("save the picture as PNG or JPEG"));
    }
}

#[test]
fn no_flipped_bit_makes_a_decoder_panic() {
    for bytes in [encode(&picture()).unwrap()].into_iter().chain(OTHERS.map(written)).chain([turned(6)]) {
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // A flipped bit of a length asks for much, and small pictures panic like large ones.
            let _ = decode_within(&damaged, 1 << 20);
        }
    }
}
