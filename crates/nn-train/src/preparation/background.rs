//! The paper, or the board, without what is written on it: owns the estimate of how bright it is at each place, and
//! refuses to know what is written.

use super::Plane;

/// Coefficients of 1, x, y, x^2, x y, y^2, with x and y from -1 to 1 over the picture. Light falls off smoothly.
const TERMS: usize = 6;

/// A background whose brightness spans fewer levels than this is taken for even.
const EVEN_SPAN: f32 = 10.0;

/// Pixels that a fit looks at: many more would not change it.
const MOST_SAMPLES: usize = 20_000;

/// How bright the background is at each place.
pub(super) struct Background {
    width: usize,
    height: usize,
    terms: [f64; TERMS],
    /// The standard deviation of its pixels from it, in levels; robust, so that ink does not count.
    pub(super) noise: f32,
}

impl Background {
    /// The background of a picture, known by its border: what is written may touch that, but not cover most of it.
    pub(super) fn estimate(picture: &Plane) -> Background {
        let border = border(picture);
        let mut background =
            Background { width: picture.width, height: picture.height, terms: [0.0; TERMS], noise: 0.0 };
        background.terms[0] = median(border.iter().map(|&(.., value)| value).collect()).into();
        let even = background.terms;
        background.refine(&border, 6);
        if background.span() < EVEN_SPAN {
            // So that a clean picture stays exactly what it is.
            background.terms = even;
            background.noise = deviation(&background.residuals(&border));
        } else {
            let stride = (picture.values.len() / MOST_SAMPLES).max(1);
            let all: Vec<_> = (0..picture.values.len()).step_by(stride).collect();
            background.refine(&samples(picture, all.into_iter()), 4);
        }
        background
    }

    /// The background at each place, row by row.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        let y = centered(row, self.height);
        let [constant, x1, y1, x2, xy, y2] = self.terms;
        (0..self.width).map(move |column| {
            let x = centered(column, self.width);
            (constant + y * (y1 + y * y2) + x * (x1 + y * xy + x * x2)).clamp(0.0, 255.0) as f32
        })
    }

    /// Fits the surface to the samples, again and again without those that are far from it.
    fn refine(&mut self, samples: &[(f64, f64, f32)], rounds: usize) {
        for _ in 0..rounds {
            let residuals = self.residuals(samples);
            self.noise = deviation(&residuals);
            let nearest = 3.0 * self.noise + 1.0;
            let kept = samples.iter().zip(&residuals).filter(|(_, residual)| residual.abs() <= nearest);
            self.terms = fit(kept.map(|(sample, _)| sample));
        }
        self.noise = deviation(&self.residuals(samples));
    }

    fn residuals(&self, samples: &[(f64, f64, f32)]) -> Vec<f32> {
        let value = |x, y| terms(x, y).iter().zip(&self.terms).map(|(a, b)| a * b).sum::<f64>();
        samples.iter().map(|&(x, y, found)| found - value(x, y) as f32).collect()
    }

    /// From the darkest to the brightest of the corners, the middles of the sides and the center.
    fn span(&self) -> f32 {
        let places = [0, self.height / 2, self.height - 1];
        let values = places.into_iter().flat_map(|row| {
            let row: Vec<f32> = self.row(row).collect();
            [row[0], row[self.width / 2], row[self.width - 1]]
        });
        let (least, greatest) =
            values.fold((f32::MAX, f32::MIN), |(least, most), value| (least.min(value), most.max(value)));
        greatest - least
    }
}

/// From -1 at the first of so many to 1 at the last.
fn centered(position: usize, count: usize) -> f64 {
    if count < 2 { 0.0 } else { 2.0 * position as f64 / (count - 1) as f64 - 1.0 }
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

/// Pixels of the picture with their places.
fn samples(picture: &Plane, positions: impl Iterator<Item = usize>) -> Vec<(f64, f64, f32)> {
    let sample = |position: usize| {
        let x = centered(position % picture.width, picture.width);
        (x, centered(position / picture.width, picture.height), picture.values[position])
    };
    positions.map(sample).collect()
}

/// The outermost pixels, a sixteenth of the shorter side deep.
fn border(picture: &Plane) -> Vec<(f64, f64, f32)> {
    let (width, height) = (picture.width, picture.height);
    let depth = (width.min(height) / 16).max(1);
    let is_outer = |position: usize, count: usize| position < depth || position + depth >= count;
    let is_border =
        |position: &usize| is_outer(position / width, height) || is_outer(position % width, width);
    let count = 2 * depth * (width + height);
    let border = (0..width * height).filter(is_border).step_by((count / MOST_SAMPLES).max(1));
    samples(picture, border)
}

/// The surface nearest to the samples, by least squares.
fn fit<'a>(samples: impl Iterator<Item = &'a (f64, f64, f32)>) -> [f64; TERMS] {
    let mut matrix = [[0.0; TERMS + 1]; TERMS];
    for &(x, y, value) in samples {
        let terms = terms(x, y);
        for (row, a) in matrix.iter_mut().zip(terms) {
            for (sum, b) in row.iter_mut().zip(terms.into_iter().chain([value.into()])) {
                *sum += a * b;
            }
        }
    }
    // A picture of one row says nothing of y: a little weight on 0 decides where nothing else does.
    let little = 1e-7 * matrix[0][0].max(1.0);
    for term in 0..TERMS {
        matrix[term][term] += little;
    }
    // Gauss and Jordan; the matrix is positive definite, so that no row is exchanged.
    for pivot in 0..TERMS {
        let divisor = matrix[pivot][pivot];
        matrix[pivot].iter_mut().for_each(|value| *value /= divisor);
        let pivot_row = matrix[pivot];
        for (_, row) in matrix.iter_mut().enumerate().filter(|(row, _)| *row != pivot) {
            let factor = row[pivot];
            row.iter_mut().zip(pivot_row).for_each(|(value, above)| *value -= factor * above);
        }
    }
    matrix.map(|row| row[TERMS])
}

/// Of at least one value.
fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The standard deviation of what is normally distributed, by the median of the distances from 0.
fn deviation(residuals: &[f32]) -> f32 {
    1.4826 * median(residuals.iter().map(|residual| residual.abs()).collect())
}
