//! Rotation, scale, shear and shift: owns the matrix of one distortion and its inverse, and refuses to know pixels and
//! where chance comes from.

/// Where a pixel of the distorted image comes from: `source = (across . (x, y, 1), down . (x, y, 1))`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    /// The source's column: factors of the column and the row, and what is added.
    pub(super) across: [f64; 3],
    /// The source's row: the same.
    pub(super) down: [f64; 3],
}

/// What is done to an image, in this order, about its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Motion {
    /// Factors of width and height, above 0.
    pub(super) scale: [f64; 2],
    /// `x += shear * y`, where y counts downwards.
    pub(super) shear: f64,
    /// In degrees, at most 180 either way; clockwise to the eye, for y counts downwards.
    pub(super) rotation: f64,
    /// To the right and downwards, in pixels.
    pub(super) shift: [f64; 2],
}

impl Motion {
    /// The inverse for images of so many rows and columns. With R the rotation, K the shear, S the scale, t the shift
    /// and c the middle, a point p moves to R K S (p - c) + c + t, so that a point q comes from
    /// S^-1 K^-1 R^-1 (q - c - t) + c.
    pub(super) fn inverse(&self, rows: usize, columns: usize) -> Affine {
        let (sine, cosine) = sine_and_cosine(self.rotation);
        let [width, height] = self.scale;
        let middle = [(columns as f64 - 1.0) / 2.0, (rows as f64 - 1.0) / 2.0];
        // R^-1 = ((c, s), (-s, c)); K^-1 takes shear times the second row from the first.
        let down = [-sine / height, cosine / height];
        let across = [(cosine + self.shear * sine) / width, (sine - self.shear * cosine) / width];
        let [x, y] = [middle[0] + self.shift[0], middle[1] + self.shift[1]];
        let added = |row: [f64; 2], middle: f64| middle - (row[0] * x + row[1] * y);
        Affine {
            across: [across[0], across[1], added(across, middle[0])],
            down: [down[0], down[1], added(down, middle[1])],
        }
    }
}

/// Of an angle in degrees, from -180 to 180. The system's functions differ from machine to machine; these are Taylor's
/// series of half the angle, which at 90 degrees are right to 1e-15, and the formulas of the double angle.
fn sine_and_cosine(degrees: f64) -> (f64, f64) {
    let half = degrees * (std::f64::consts::PI / 360.0);
    let square = half * half;
    let (mut sine, mut cosine) = (1.0, 1.0);
    // Horner's scheme: 1 - x^2 / 2 (1 - x^2 / 12 (1 - ...)), and the same for the sine divided by x.
    for pair in (1..=11).rev() {
        let n = f64::from(2 * pair);
        cosine = 1.0 - square / (n * (n - 1.0)) * cosine;
        sine = 1.0 - square / (n * (n + 1.0)) * sine;
    }
    sine *= half;
    (2.0 * sine * cosine, 1.0 - 2.0 * sine * sine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_and_cosines_are_those_of_the_library() {
        for tenth in -1800..=1800 {
            let degrees = f64::from(tenth) / 10.0;
            let (sine, cosine) = sine_and_cosine(degrees);
            let (expected_sine, expected_cosine) = degrees.to_radians().sin_cos();
            assert!((sine - expected_sine).abs() < 1e-14, "{degrees}");
            assert!((cosine - expected_cosine).abs() < 1e-14, "{degrees}");
        }
    }

    #[test]
    fn no_motion_leaves_every_point_exactly_where_it_is() {
        let still = Motion { scale: [1.0; 2], shear: 0.0, rotation: 0.0, shift: [0.0; 2] };
        for (rows, columns) in [(1, 1), (28, 28), (5, 9), (100, 60)] {
            let expected = Affine { across: [1.0, 0.0, 0.0], down: [0.0, 1.0, 0.0] };
            assert_eq!(still.inverse(rows, columns), expected);
        }
    }

    #[test]
    fn the_inverse_undoes_scale_shear_rotation_and_shift_in_this_order() {
        let motion = Motion { scale: [1.25, 0.8], shear: 0.3, rotation: 37.0, shift: [1.5, -2.25] };
        let (rows, columns) = (9, 14);
        let inverse = motion.inverse(rows, columns);
        for (x, y) in [(0.0, 0.0), (13.0, 0.0), (4.0, 8.0), (6.5, 4.0)] {
            let (mut moved_x, mut moved_y) = ((x - 6.5) * 1.25, (y - 4.0) * 0.8);
            moved_x += 0.3 * moved_y;
            let (sine, cosine) = 37_f64.to_radians().sin_cos();
            (moved_x, moved_y) = (cosine * moved_x - sine * moved_y, sine * moved_x + cosine * moved_y);
            (moved_x, moved_y) = (moved_x + 6.5 + 1.5, moved_y + 4.0 - 2.25);
            let back = |row: [f64; 3]| row[0] * moved_x + row[1] * moved_y + row[2];
            assert!((back(inverse.across) - x).abs() < 1e-12, "{x}, {y}");
            assert!((back(inverse.down) - y).abs() < 1e-12, "{x}, {y}");
        }
    }
}
