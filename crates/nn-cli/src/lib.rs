//! What `nn-cli` reads that strangers made and no crate beneath it knows: grey pictures, and the files that hold them. A
//! library so that tests and a fuzzer can call what the program calls; it is **no interface for other programs**, and
//! refuses to know what the pictures show.

pub mod picture_file;
pub mod pipe;
pub mod png_file;

/// A grey picture: 0 is black, 255 is white, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// As many as `width * height`, which is not 0.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// The picture in a row of a data set, which has as many pixels as the size says.
    pub fn new(size: Size, pixels: &[u8]) -> Picture {
        debug_assert_eq!(pixels.len(), size.width * size.height);
        Picture { width: size.width, height: size.height, pixels: pixels.to_vec() }
    }

    /// A picture all of one grey.
    pub fn filled(width: usize, height: usize, grey: u8) -> Picture {
        Picture { width, height, pixels: vec![grey; width * height] }
    }

    /// Row by row, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width)
    }

    /// Dark becomes light.
    pub fn invert(&mut self) {
        for pixel in &mut self.pixels {
            *pixel = 255 - *pixel;
        }
    }

    /// Whether the outermost pixels are bright: more than half of white, on average.
    pub fn has_light_border(&self) -> bool {
        let is_border = |position: usize| {
            let (row, column) = (position / self.width, position % self.width);
            row == 0 || row + 1 == self.height || column == 0 || column + 1 == self.width
        };
        let border = self.pixels.iter().enumerate().filter(|(position, _)| is_border(*position));
        let (sum, count) =
            border.fold((0_u64, 0_u64), |(sum, count), (_, &pixel)| (sum + u64::from(pixel), count + 1));
        2 * sum > 255 * count
    }

    /// The picture at `1 / factor` of its size, each pixel the mean of those it stands for.
    pub fn reduced(&self, factor: usize) -> Picture {
        let (width, height) = (self.width.div_ceil(factor), self.height.div_ceil(factor));
        let mean = |position: usize| {
            let (top, left) = (position / width * factor, position % width * factor);
            let rows = self.rows().skip(top).take(factor);
            let square = rows.flat_map(|row| row.iter().skip(left).take(factor));
            let (sum, count) =
                square.fold((0_u64, 0_u64), |(sum, count), &pixel| (sum + u64::from(pixel), count + 1));
            (sum / count.max(1)) as u8
        };
        Picture { width, height, pixels: (0..width * height).map(mean).collect() }
    }
}

/// Width and height of pictures that are all of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// The size that an image shape stands for.
    ///
    /// # Errors
    /// When the shape is not that of grey pictures.
    pub fn of(image_shape: &[usize]) -> Result<Size, NoPicture> {
        match image_shape {
            &[height, width] => Ok(Size { width, height }),
            _ => Err(NoPicture { image_shape: image_shape.to_vec() }),
        }
    }
}

/// Images of this shape are no grey pictures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected images of height x width to draw, found {}", image_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x"))]
pub struct NoPicture {
    image_shape: Vec<usize>,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_decides_whether_a_picture_is_dark_on_light() {
        let mut picture = Picture::filled(5, 3, 0);
        picture.pixels[6..9].fill(255); // all that is inside
        assert!(!picture.has_light_border());
        picture.invert();
        assert!(picture.has_light_border());
        assert!(Picture::filled(1, 1, 128).has_light_border());
        assert!(!Picture::filled(1, 1, 127).has_light_border());
    }

    #[test]
    fn a_reduced_picture_has_means_also_where_the_last_ones_are_of_fewer_pixels() {
        let picture = Picture { width: 3, height: 2, pixels: vec![0, 10, 7, 20, 30, 9] };
        assert_eq!(picture.reduced(2), Picture { width: 2, height: 1, pixels: vec![15, 8] });
        assert_eq!(picture.reduced(1), picture);
    }
}
