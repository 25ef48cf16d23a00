//! Owns dropout: which inputs and hidden units a step leaves out. Knows no layer's formula.
//!
//! Whether a unit is dropped is a hash of where it stands, and no generator has a state: any thread makes any
//! part of a mask, and back-propagation makes it a second time instead of remembering it.

use crate::simd::{LANES, Line};

/// Leaves out random inputs and hidden units in training steps (Srivastava et al. 2014), each with its own
/// probability, and multiplies what is kept by 1 / (1 - probability), so that a network that is used, of which
/// nothing is ever left out, needs no other weights ("inverted" dropout).
///
/// Which ones they are is a function of the seed, the number of steps that the optimizer has taken, the sample's
/// place in its batch, the layer and the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability that an input counts as 0, at least 0 and below 1.
    pub input: f32,
    /// Probability that the activation of a hidden unit counts as 0, at least 0 and below 1.
    pub hidden: f32,
    /// Other seeds leave out others.
    pub seed: u64,
}

impl Dropout {
    /// Leaves nothing out.
    pub const NONE: Self = Self { input: 0.0, hidden: 0.0, seed: 0 };

    /// # Panics
    /// If a probability is out of its range.
    #[track_caller]
    pub(crate) fn check(&self) {
        for (what, probability) in [("input", self.input), ("hidden", self.hidden)] {
            let allowed = (0.0..1.0).contains(&probability);
            assert!(allowed, "a dropout of {probability} ({what}), expected at least 0 and below 1");
        }
    }
}

/// What one step leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Masks {
    key: u64,
    /// The place in the whole batch of the first sample that is here.
    first: u64,
    input: f32,
    hidden: f32,
}

impl Masks {
    /// Those of the step that follows `steps` others, if there are any.
    pub(crate) fn new(dropout: &Dropout, steps: u64) -> Option<Self> {
        let Dropout { input, hidden, seed } = *dropout;
        let key = mix(mix(seed).wrapping_add(steps));
        (input > 0.0 || hidden > 0.0).then_some(Self { key, first: 0, input, hidden })
    }

    /// Those of the samples from place `first` of the batch on, which are counted from 0 again.
    pub(crate) fn starting_at(self, first: usize) -> Self {
        Self { first: first as u64, ..self }
    }

    /// What is left out of the inputs.
    pub(crate) fn inputs(self) -> Option<LayerMask> {
        LayerMask::new(self, 0, self.input)
    }

    /// What is left out of the activations of a hidden layer, counted from 0.
    pub(crate) fn hidden(self, layer: usize) -> Option<LayerMask> {
        LayerMask::new(self, layer as u64 + 1, self.hidden)
    }
}

/// What is left out of one layer's units, or of the inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerMask {
    key: u64,
    /// A unit whose hash is below this is dropped.
    below: u32,
    /// The probability that a unit is kept.
    pub(crate) kept: f32,
    /// What a kept unit is multiplied by, 1 / `kept`.
    pub(crate) scale: f32,
}

impl LayerMask {
    fn new(masks: Masks, layer: u64, probability: f32) -> Option<Self> {
        let below = (f64::from(probability) * 2_f64.powi(32)) as u32;
        let kept = 1.0 - probability;
        // Samples are counted by adding to the key, so that the first may be any.
        let key = mix(masks.key ^ layer).wrapping_add(masks.first);
        (below > 0).then_some(Self { key, below, kept, scale: 1.0 / kept })
    }

    /// What is left out of the `n`-th sample that is here.
    #[inline(always)]
    pub(crate) fn row(self, n: usize) -> RowMask {
        RowMask { key: mix(self.key.wrapping_add(n as u64)), below: self.below, scale: self.scale }
    }
}

/// What is left out of one sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowMask {
    key: u64,
    below: u32,
    scale: f32,
}

impl RowMask {
    /// A number of 32 random bits: Wellons' hash "lowbias32" of the unit and one half of the key, with the other
    /// half added between its two rounds so that no two rows are parts of the same sequence.
    #[inline(always)]
    fn hash(self, unit: usize) -> u32 {
        let mut x = unit as u32 ^ self.key as u32;
        x = (x ^ x >> 16).wrapping_mul(0x7feb_352d);
        x = (x ^ x >> 15).wrapping_add((self.key >> 32) as u32).wrapping_mul(0x846c_a68b);
        x ^ x >> 16
    }

    /// What an activation is multiplied by: 0 or 1 / the probability that it is kept.
    #[inline(always)]
    pub(crate) fn factor(self, unit: usize) -> f32 {
        if self.hash(unit) < self.below { 0.0 } else { self.scale }
    }

    /// [`factor`](Self::factor) of sixteen units from unit `first` on.
    #[inline(always)]
    pub(crate) fn factors(self, first: usize) -> Line {
        let mut factors = Line::default();
        for lane in 0..LANES {
            factors.0[lane] = self.factor(first + lane);
        }
        factors
    }

    /// Sets those of the inputs from `first` on to 0 that are left out.
    #[inline(always)]
    pub(crate) fn drop_bytes<const N: usize>(self, first: usize, bytes: &mut [u8; N]) {
        for j in 0..N {
            bytes[j] = if self.hash(first + j) < self.below { 0 } else { bytes[j] };
        }
    }
}

/// The output function of SplitMix64 (Steele et al. 2014): each bit of `x` changes half of the result's.
#[inline(always)]
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Dropout = Dropout { input: 0.5, hidden: 0.5, seed: 7 };

    /// Whether each of 64 units of a layer is kept, lowest first; layer 0 is the inputs.
    fn kept(dropout: Dropout, steps: u64, layer: usize, n: usize) -> u64 {
        let masks = Masks::new(&dropout, steps).unwrap();
        let mask = if layer == 0 { masks.inputs() } else { masks.hidden(layer - 1) };
        let row = mask.unwrap().row(n);
        (0..64).fold(0, |kept, unit| kept | u64::from(row.factor(unit) > 0.0) << unit)
    }

    #[test]
    fn masks_are_the_same_for_ever() {
        // In Python, of which the numbers are:
        // m = 2 ** 64 - 1
        // def mix(x):
        //     x = x + 0x9e3779b97f4a7c15 & m
        //     x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & m
        //     x = (x ^ x >> 27) * 0x94d049bb133111eb & m
        //     return x ^ x >> 31
        // def hash(key, unit):
        //     x = unit ^ key & 0xffffffff
        //     x = (x ^ x >> 16) * 0x7feb352d & 0xffffffff
        //     x = ((x ^ x >> 15) + (key >> 32) & 0xffffffff) * 0x846ca68b & 0xffffffff
        //     return x ^ x >> 16
        // def kept(seed, steps, layer, n):
        //     key = mix(mix(mix(mix(seed) + steps & m) ^ layer) + n & m)
        //     return sum((hash(key, unit) >= 2 ** 31) << unit for unit in range(64))
        // for where in (0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (900, 2, 63):
        //     print(hex(kept(7, *where)))
        let found = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (900, 2, 63)];
        let found = found.map(|(steps, layer, n)| kept(HALF, steps, layer, n));
        assert_eq!(found, GOLDEN);
    }

    const GOLDEN: [u64; 5] = [
        0x1dd0_4fae_9ad0_bfb0,
        0x4743_2c07_d090_a04d,
        0xfb64_5218_3cba_ca3c,
        0xe155_64d8_bdc9_6c61,
        0x376c_6417_a454_b0a1,
    ];

    #[test]
    fn the_share_that_is_dropped_is_the_probability_whatever_changes() {
        for probability in [0.01, 0.2, 0.5, 0.9_f32] {
            let dropout = Dropout { input: probability, hidden: probability, seed: 3 };
            let rows = |of: &dyn Fn(u64) -> u64| (0..2000).map(|i| of(i).count_zeros()).sum::<u32>();
            for dropped in [
                rows(&|steps| kept(dropout, steps, 1, 0)),
                rows(&|layer| kept(dropout, 5, layer as usize, 9)),
                rows(&|n| kept(dropout, 5, 0, n as usize)),
                rows(&|seed| kept(Dropout { seed, ..dropout }, 5, 2, 9)),
            ] {
                let (p, count) = (f64::from(probability), 64.0 * 2000.0);
                // Five standard deviations.
                let error = (f64::from(dropped) / count - p).abs();
                assert!(error < 5.0 * (p * (1.0 - p) / count).sqrt(), "{probability}: {dropped}");
            }
        }
    }

    #[test]
    fn masks_that_stand_apart_in_one_thing_have_nothing_to_do_with_each_other() {
        let base = |i: u64| kept(HALF, i, 1, (i % 7) as usize);
        let others: [&dyn Fn(u64) -> u64; 5] = [
            &|i| kept(HALF, i + 1, 1, (i % 7) as usize),
            &|i| kept(HALF, i, 2, (i % 7) as usize),
            &|i| kept(HALF, i, 1, (i % 7) as usize + 1),
            &|i| kept(Dropout { seed: 8, ..HALF }, i, 1, (i % 7) as usize),
            // The same mask, one unit further.
            &|i| kept(HALF, i, 1, (i % 7) as usize).rotate_left(1),
        ];
        for (which, other) in others.iter().enumerate() {
            let equal: u32 = (0..2000).map(|i| (!(base(i) ^ other(i))).count_ones()).sum();
            let count = 64.0 * 2000.0_f64;
            let error = (f64::from(equal) / count - 0.5).abs();
            assert!(error < 5.0 * (0.25 / count).sqrt(), "{which}: {equal} of {count} are equal");
        }
    }

    #[test]
    fn what_is_kept_is_scaled_and_bytes_are_dropped_like_numbers() {
        let mask = Masks::new(&Dropout { input: 0.2, ..HALF }, 4).unwrap().inputs().unwrap();
        assert_eq!((mask.kept, mask.scale), (0.8, 1.25));
        let row = mask.row(3);
        let mut bytes = [9; 64];
        row.drop_bytes(128, &mut bytes);
        for (line, bytes) in bytes.as_chunks::<LANES>().0.iter().enumerate() {
            let factors = row.factors(128 + line * LANES).0;
            for (factor, &byte) in factors.into_iter().zip(bytes) {
                assert_eq!(factor, f32::from(byte) / 9.0 * 1.25);
            }
        }
        assert!(bytes.contains(&0) && bytes.contains(&9));
    }

    #[test]
    fn a_part_of_a_batch_has_the_masks_of_its_place_in_the_whole() {
        let whole = Masks::new(&HALF, 4).unwrap();
        let part = whole.starting_at(5);
        for (whole, part) in [(whole.inputs(), part.inputs()), (whole.hidden(1), part.hidden(1))] {
            let (whole, part) = (whole.unwrap(), part.unwrap());
            for n in 0..3 {
                assert_eq!(part.row(n).factors(16).0, whole.row(n + 5).factors(16).0);
                assert_ne!(part.row(n).factors(16).0, whole.row(n).factors(16).0);
            }
        }
    }

    #[test]
    fn where_nothing_is_dropped_there_is_no_mask() {
        assert_eq!(Masks::new(&Dropout::NONE, 3), None);
        let masks = |dropout| {
            let masks = Masks::new(&dropout, 3).unwrap();
            (masks.inputs().is_some(), masks.hidden(0).is_some())
        };
        assert_eq!(masks(Dropout { input: 0.0, ..HALF }), (false, true));
        assert_eq!(masks(Dropout { hidden: 0.0, ..HALF }), (true, false));
    }
}
