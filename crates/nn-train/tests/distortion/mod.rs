//! A second statement of augmentation and deskewing, slow, in f64, pixel by pixel: owns the formulas as they are in the
//! documentation, and shares no code with the library. `tests/golden/augmentation.py` is a third, in Python.
#![allow(dead_code, reason = "each test program uses a part of this")]

use nn_train::Augmentation;

/// An image as the formulas see it: background without end around it.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) pixels: &'a [u8],
}

impl Image<'_> {
    fn pixel(&self, x: f64, y: f64) -> f64 {
        let is_inside = (0.0..self.columns as f64).contains(&x) && (0.0..self.rows as f64).contains(&y);
        if is_inside { self.pixels[y as usize * self.columns + x as usize].into() } else { 0.0 }
    }

    /// Between four pixels.
    pub(crate) fn bilinear(&self, x: f64, y: f64) -> f64 {
        let (left, top) = (x.floor(), y.floor());
        let (a, b) = (x - left, y - top);
        (1.0 - b) * ((1.0 - a) * self.pixel(left, top) + a * self.pixel(left + 1.0, top))
            + b * ((1.0 - a) * self.pixel(left, top + 1.0) + a * self.pixel(left + 1.0, top + 1.0))
    }
}

/// SplitMix64's output function.
fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64, epoch: u32, index: usize) -> Chance {
        let seeded = mix(seed.wrapping_add(STEP));
        let of_epoch = mix(seeded ^ u64::from(epoch));
        Chance(mix(of_epoch.wrapping_add(STEP) ^ index as u64))
    }

    fn bits(&self, place: usize) -> u64 {
        mix(self.0.wrapping_add(STEP.wrapping_mul(place as u64 + 1)))
    }

    fn uniform(&self, place: usize) -> f64 {
        ((self.bits(place) >> 11) as f64 + 0.5) / 2_f64.powi(52) - 1.0
    }

    fn normal(&self, place: usize) -> f64 {
        let sum: f64 = (0..4).map(|part| f64::from((self.bits(place) >> (16 * part)) as u16)).sum();
        (sum - 131_070.0) * 3_f64.sqrt() / 65_536.0
    }
}

/// The cubic B-spline around 0.
fn spline(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        2.0 / 3.0 - x * x + x * x * x / 2.0
    } else if x < 2.0 {
        (2.0 - x).powi(3) / 6.0
    } else {
        0.0
    }
}

/// For each place of an axis the weights of all grid points.
pub(crate) fn axis(length: usize, smoothness: f32) -> Vec<Vec<f64>> {
    let spacing = 3_f64.sqrt() * f64::from(smoothness);
    let middle = (length as f64 - 1.0) / 2.0;
    let before = (middle / spacing).ceil();
    let position = |place: usize| (place as f64 - middle) / spacing + before;
    let points = position(length - 1).floor() as usize + 4;
    let weights = |place| {
        let each: Vec<f64> =
            (0..points).map(|point| spline(position(place) - (point as f64 - 1.0))).collect();
        let norm = each.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        each.into_iter().map(|weight| weight / norm).collect()
    };
    (0..length).map(weights).collect()
}

/// The distorted image, not rounded.
pub(crate) fn augmented(
    augmentation: &Augmentation,
    image: Image<'_>,
    label: u8,
    (seed, epoch, index): (u64, u32, usize),
) -> Vec<f64> {
    let chance = Chance::new(seed, epoch, index);
    let half = if augmentation.class_limits && (label == 1 || label == 7) { 0.5 } else { 1.0 };
    let draw = |most: f32, place| f64::from(most) * chance.uniform(place);
    let (sine, cosine) = (half * draw(augmentation.rotation, 0)).to_radians().sin_cos();
    let (width, height) = (1.0 + draw(augmentation.scale, 1), 1.0 + draw(augmentation.scale, 2));
    let shear = half * draw(augmentation.shear, 3);
    let (right, lower) = (draw(augmentation.shift, 4), draw(augmentation.shift, 5));

    let strength = f64::from(augmentation.elastic_strength);
    let down_axis = axis(image.rows, augmentation.elastic_smoothness);
    let across_axis = axis(image.columns, augmentation.elastic_smoothness);
    let moved = |x: usize, y: usize, direction: usize| {
        let mut sum = 0.0;
        for (row, down) in down_axis[y].iter().enumerate() {
            for (column, across) in across_axis[x].iter().enumerate() {
                let place = 16 + (direction * down_axis[y].len() + row) * across_axis[x].len() + column;
                sum += down * across * chance.normal(place);
            }
        }
        strength * sum
    };
    let (middle_x, middle_y) = ((image.columns as f64 - 1.0) / 2.0, (image.rows as f64 - 1.0) / 2.0);
    let mut result = Vec::new();
    for y in 0..image.rows {
        for x in 0..image.columns {
            // Backwards: shift, rotation, shear, scale.
            let (u, v) = (x as f64 - middle_x - right, y as f64 - middle_y - lower);
            let (u, v) = (cosine * u + sine * v, cosine * v - sine * u);
            let u = u - shear * v;
            let (mut u, mut v) = (u / width + middle_x, v / height + middle_y);
            if strength > 0.0 {
                u += moved(x, y, 0);
                v += moved(x, y, 1);
            }
            result.push(image.bilinear(u, v));
        }
    }
    result
}

/// The image with its slant taken away, not rounded.
pub(crate) fn deskewed(image: Image<'_>) -> Vec<f64> {
    let moment = |power: &dyn Fn(f64, f64) -> f64| -> f64 {
        let each = image.pixels.iter().enumerate().map(|(place, &pixel)| {
            f64::from(pixel) * power((place % image.columns) as f64, (place / image.columns) as f64)
        });
        each.sum()
    };
    let mass = moment(&|_, _| 1.0);
    let original = || image.pixels.iter().map(|&pixel| pixel.into()).collect();
    if mass == 0.0 {
        return original();
    }
    let (center_x, center_y) = (moment(&|x, _| x) / mass, moment(&|_, y| y) / mass);
    let slanted = moment(&|x, y| (x - center_x) * (y - center_y));
    let spread = moment(&|_, y| (y - center_y).powi(2));
    if spread < 1e-9 * mass {
        return original();
    }
    let slant = (slanted / spread).clamp(-2.0, 2.0);
    let places = (0..image.pixels.len()).map(|place| (place % image.columns, place / image.columns));
    places.map(|(x, y)| image.bilinear(x as f64 + slant * (y as f64 - center_y), y as f64)).collect()
}
