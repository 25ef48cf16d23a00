//! Smooth random displacements: owns the coarse grid that they are drawn on, and refuses to know images and the rest of
//! a distortion.
//!
//! Simard, Steinkraus and Platt (*Best Practices for Convolutional Neural Networks*, 2003) draw a number for each pixel
//! and smooth them with a Gaussian of deviation sigma. What is left then has no detail finer than about sigma, so few
//! numbers say the same: independent ones on a grid of spacing `h = sqrt(3) sigma`, between which a cubic B-spline
//! leads. The spline is nearly a Gaussian itself, and its variance is `h^2 / 3`, that is sigma^2: it is the smoothing.
//! For 28 x 28 pixels and a sigma of 5.5 there are 6 x 6 numbers for each direction in place of 784.
//!
//! Weights are scaled so that their squares sum to 1 at each pixel, and so the displacement has the same variance
//! everywhere, where the plain spline would make it a fifth smaller half-way between grid points than at them.

use super::{
    random::Draws,
    warp::{LANES, Lanes},
};

/// Weights of a cubic B-spline on an axis.
const TAPS: usize = 4;

/// The first grid point that counts at a place of an axis, and the weights of that and the next three.
type Tap = (usize, [f32; TAPS]);

/// The displacements of one image.
#[derive(Clone, Debug)]
pub(super) struct Elastic {
    /// The root mean square of a displacement, in pixels.
    strength: f32,
    grid_rows: usize,
    grid_columns: usize,
    /// For each row of the image, its first grid row and the weights of that and the next three.
    rows: Vec<Tap>,
    /// For each piece of eight columns, the first grid column that counts in it.
    firsts: Vec<usize>,
    /// How many grid columns are looked at in a piece.
    span: usize,
    /// For each piece and in it for each of so many grid columns, the weights at its columns, some of them 0.
    columns: Vec<Lanes>,
    /// What was drawn, in pixels: for each grid row its grid columns, across and down.
    numbers: Vec<[f32; 2]>,
    /// For each piece of columns and in it for each grid row, the displacements across and down between the grid
    /// columns.
    strips: Vec<[Lanes; 2]>,
}

impl Elastic {
    pub(super) fn new(strength: f32, smoothness: f32, rows: usize, columns: usize) -> Elastic {
        let spacing = 3_f64.sqrt() * f64::from(smoothness);
        let (rows, grid_rows) = axis(rows, spacing);
        let (taps, grid_columns) = axis(columns, spacing);
        let pieces = || taps.chunks(LANES);
        let (first_of, end_of) =
            (|piece: &[Tap]| piece[0].0, |piece: &[Tap]| piece[piece.len() - 1].0 + TAPS);
        let span = pieces().map(|piece| end_of(piece) - first_of(piece)).max().unwrap_or(0);
        let firsts: Vec<usize> = pieces().map(|piece| first_of(piece).min(grid_columns - span)).collect();
        let mut columns = vec![[0.0; LANES]; firsts.len() * span];
        for ((piece, &start), columns) in pieces().zip(&firsts).zip(columns.chunks_exact_mut(span)) {
            for (lane, (first, weights)) in piece.iter().enumerate() {
                for (column, &weight) in columns[first - start..].iter_mut().zip(weights) {
                    column[lane] = weight;
                }
            }
        }
        let numbers = vec![[0.0; 2]; grid_rows * grid_columns];
        let strips = vec![[[0.0; LANES]; 2]; firsts.len() * grid_rows];
        Elastic { strength, grid_rows, grid_columns, rows, firsts, span, columns, numbers, strips }
    }

    /// Draws the displacements of an image, by the numbers of `draws` from place `first` on.
    pub(super) fn draw(&mut self, draws: Draws, first: u64) {
        let down = first + self.numbers.len() as u64;
        for (place, number) in (0..).zip(&mut self.numbers) {
            *number = [first + place, down + place].map(|place| self.strength * draws.normal(place));
        }
        let pieces = self.strips.chunks_exact_mut(self.grid_rows).zip(self.columns.chunks_exact(self.span));
        for ((strips, columns), &first) in pieces.zip(&self.firsts) {
            for (strip, numbers) in strips.iter_mut().zip(self.numbers.chunks_exact(self.grid_columns)) {
                let [mut across, mut down] = [[0.0; LANES]; 2];
                for (numbers, weights) in numbers[first..].iter().zip(columns) {
                    for lane in 0..LANES {
                        across[lane] += numbers[0] * weights[lane];
                        down[lane] += numbers[1] * weights[lane];
                    }
                }
                *strip = [across, down];
            }
        }
    }

    /// The displacements of row `row`: for a piece of eight columns, across and down.
    #[inline(always)]
    pub(super) fn of_row(&self, row: usize) -> impl Fn(usize) -> [Lanes; 2] {
        let (first, weights) = self.rows[row];
        move |piece| {
            let strips = &self.strips[piece * self.grid_rows + first..][..TAPS];
            let [mut across, mut down] = [[0.0; LANES]; 2];
            for (strip, weight) in strips.iter().zip(weights) {
                for lane in 0..LANES {
                    across[lane] += weight * strip[0][lane];
                    down[lane] += weight * strip[1][lane];
                }
            }
            [across, down]
        }
    }
}

/// For each place of an axis of `length` pixels, the first grid point that counts and the weights of that and the next
/// three; and how many grid points there are. The grid has a point in the middle of the axis.
fn axis(length: usize, spacing: f64) -> (Vec<Tap>, usize) {
    let middle = (length as f64 - 1.0) / 2.0;
    let before = (middle / spacing).ceil();
    let taps = |place: usize| {
        let position = (place as f64 - middle) / spacing + before;
        let first = position.floor().max(0.0);
        (first as usize, spline(position - first).map(|weight| weight as f32))
    };
    let taps: Vec<_> = (0..length).map(taps).collect();
    let points = taps.last().map_or(0, |(first, _)| first + TAPS);
    (taps, points)
}

/// The cubic B-spline at a share `t` of the way from the second of four points to the third, scaled so that the squares
/// of the weights sum to 1.
fn spline(t: f64) -> [f64; TAPS] {
    let rest = 1.0 - t;
    let weights = [
        rest * rest * rest,
        3.0 * t * t * t - 6.0 * t * t + 4.0,
        3.0 * rest * rest * rest - 6.0 * rest * rest + 4.0,
        t * t * t,
    ];
    let norm = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
    weights.map(|weight| weight / norm)
}
