//! An image looked up between its pixels: owns bilinear sampling, and refuses to know why a pixel comes from where it
//! does.
//!
//! What makes it fast: the four neighbours of every place between pixels are packed into one number beforehand, so that
//! a pixel of the result is one look-up, and all else is arithmetic on eight pixels at a time, in loops of a fixed
//! length that compilers turn into vector instructions. Nothing but additions, multiplications and comparisons of
//! single floats decides a result, so it is the same to the bit on every processor.

use super::affine::Affine;

/// Pixels that are computed together.
pub(super) const LANES: usize = 8;

/// Values below this become background. What the blur of a stroke's edge leaves there tells nothing, and each lit pixel
/// costs time in every step: of MNIST's pixels 19 % are lit, of strongly distorted ones 25 %, and 23 % are of 8 or
/// more.
const FAINT: f32 = 8.0;

/// A float of this size has no room for a fraction: to add and to take it away rounds to a whole number.
const ROUNDER: f32 = 12_582_912.0; // 3 * 2^22
/// The same for what is not negative, whose bits then end with the whole number.
const WHOLE: f32 = 8_388_608.0; // 2^23
const WHOLE_BITS: u32 = 0x007F_FFFF;

/// The most places between pixels: as whole numbers of a float, they are exact, and fit in [`WHOLE_BITS`].
pub(super) const MOST_PLACES: usize = 1 << 22;

/// A number for each of so many pixels of a row.
pub(super) type Lanes = [f32; LANES];

/// The columns of the first piece of a row.
const FIRST_COLUMNS: Lanes = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

/// An image, prepared to be looked up.
#[derive(Clone, Debug)]
pub(super) struct Warp {
    rows: usize,
    columns: usize,
    /// For each place between four pixels, border included, the upper left, upper right, lower left and lower right of
    /// them, from the lowest byte up; a row has two more than the image has columns, and there are two more rows.
    places: Vec<u32>,
    /// A row of the image and the one above it, with a pixel of background on the left and enough on the right.
    row: Vec<u8>,
    above: Vec<u8>,
    /// Where a row of the result comes from.
    sources: Vec<Sources>,
}

impl Warp {
    /// For images of so many rows and columns, both above 0 and with at most [`MOST_PLACES`].
    pub(super) fn new(rows: usize, columns: usize) -> Warp {
        Warp {
            rows,
            columns,
            places: vec![0; (rows + 2) * (columns + 2)],
            row: vec![0; columns + 3],
            above: vec![0; columns + 3],
            sources: vec![Sources::default(); columns.div_ceil(LANES)],
        }
    }

    /// Takes an image.
    pub(super) fn load(&mut self, image: &[u8]) {
        let stride = self.columns + 2;
        self.above.fill(0);
        let mut rows = image.chunks_exact(self.columns);
        // One row more than the image has: the places below its last row.
        for places in self.places.chunks_exact_mut(stride).take(self.rows + 1) {
            match rows.next() {
                Some(row) => self.row[1..=self.columns].copy_from_slice(row),
                None => self.row.fill(0),
            }
            let upper = self.above.iter().zip(&self.above[1..]);
            let lower = self.row.iter().zip(&self.row[1..]);
            for (place, ((&a, &b), (&c, &d))) in places.iter_mut().zip(upper.zip(lower)) {
                *place = u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16 | u32::from(d) << 24;
            }
            std::mem::swap(&mut self.above, &mut self.row);
        }
    }

    /// Writes the image of which each pixel comes from where `affine` says, and as much further across and down as
    /// `displacements` says for a row and then for a piece of eight of its columns.
    #[inline(always)]
    pub(super) fn draw<D: Fn(usize) -> [Lanes; 2]>(
        &mut self,
        affine: &Affine,
        displacements: impl Fn(usize) -> D,
        out: &mut [u8],
    ) {
        let Affine { across, down } = *affine;
        let steps = [across[0] as f32, down[0] as f32];
        // Places count from one before the first pixel.
        let start = |factors: [f64; 3], row: usize| (factors[1] * row as f64 + factors[2] + 1.0) as f32;
        for row in 0..self.rows {
            let displacement = displacements(row);
            let first = [start(across, row), start(down, row)];
            let mut columns: Lanes = FIRST_COLUMNS;
            for (piece, sources) in self.sources.iter_mut().enumerate() {
                let [mut x, mut y] = displacement(piece);
                for lane in 0..LANES {
                    x[lane] += steps[0] * columns[lane] + first[0];
                    y[lane] += steps[1] * columns[lane] + first[1];
                    columns[lane] += LANES as f32;
                }
                *sources = Sources::of(&x, &y, self.columns as f32, self.rows as f32);
            }
            for sources in &mut self.sources {
                sources.look_up(&self.places);
            }
            for (piece, sources) in self.sources.iter().enumerate() {
                let pixels = sources.pixels();
                // The last piece of a row may reach into the next, which is written after it.
                let out = &mut out[row * self.columns + piece * LANES..];
                match out.first_chunk_mut() {
                    Some(out) => *out = pixels,
                    None => out.copy_from_slice(&pixels[..out.len()]),
                }
            }
        }
    }
}

/// Where eight pixels come from. (They are stored between the two steps, a row of them, so that compilers take each
/// step for what it is: arithmetic on vectors, and then look-ups one by one.)
#[derive(Clone, Copy, Debug, Default)]
struct Sources {
    /// Numbers of places between four pixels.
    places: [u32; LANES],
    /// How far a source is from the left pixels to the right ones.
    x_share: Lanes,
    /// And from the upper ones to the lower.
    y_share: Lanes,
}

impl Sources {
    #[inline(always)]
    fn of(x: &Lanes, y: &Lanes, columns: f32, rows: f32) -> Sources {
        let mut sources = Sources::default();
        for lane in 0..LANES {
            let (x, y) = (clamped(x[lane], columns + 1.0), clamped(y[lane], rows + 1.0));
            // Half a pixel less, rounded: the pixel on the left, or that or the next where the place is a pixel's own,
            // with a share of 0 or of 1.
            let left = (x - 0.5 + ROUNDER) - ROUNDER;
            let top = (y - 0.5 + ROUNDER) - ROUNDER;
            sources.x_share[lane] = x - left;
            sources.y_share[lane] = y - top;
            sources.places[lane] = (top * (columns + 2.0) + left + WHOLE).to_bits() & WHOLE_BITS;
        }
        sources
    }

    #[inline(always)]
    fn look_up(&mut self, places: &[u32]) {
        for place in &mut self.places {
            *place = places[*place as usize];
        }
    }

    #[inline(always)]
    fn pixels(&self) -> [u8; LANES] {
        let mut pixels = [0; LANES];
        // Background, as about half of all pieces are.
        if self.places.iter().fold(0, |all, neighbours| all | neighbours) == 0 {
            return pixels;
        }
        for lane in 0..LANES {
            // As signed numbers, which older instructions convert faster.
            let byte = |shift: u32| (self.places[lane] >> shift & 255) as i32 as f32;
            let upper = byte(0) + self.x_share[lane] * (byte(8) - byte(0));
            let lower = byte(16) + self.x_share[lane] * (byte(24) - byte(16));
            let value = upper + self.y_share[lane] * (lower - upper);
            let value = if value < FAINT { 0.0 } else { value };
            pixels[lane] = (value + WHOLE).to_bits() as u8;
        }
        pixels
    }
}

/// From 0 to `greatest`; 0 for what is no number.
#[inline(always)]
fn clamped(value: f32, greatest: f32) -> f32 {
    let value = if value > 0.0 { value } else { 0.0 };
    if value < greatest { value } else { greatest }
}
