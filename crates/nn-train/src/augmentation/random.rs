//! The chance of one distortion: owns the numbers that belong to a sample in an epoch, and refuses to know what they
//! decide.
//!
//! The generator has no state. Number `k` of a sample is a hash of its key and `k`, so that each number has its place
//! whatever else is drawn, and any thread can distort any sample at any time. The hash is the output of SplitMix64
//! (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014), and the key is the same hash of
//! seed, epoch and index, one after the other. A sample takes some eighty numbers, for which ChaCha, the generator of
//! all else here, needs longer than the whole distortion does.

/// 2^64 divided by the golden ratio, made odd: SplitMix64's step from one number to the next.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The numbers of one sample in one epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    key: u64,
}

impl Draws {
    pub(super) fn new(seed: u64, epoch: u32, index: usize) -> Draws {
        let key = mix(mix(mix(seed.wrapping_add(STEP)) ^ u64::from(epoch)).wrapping_add(STEP) ^ index as u64);
        Draws { key }
    }

    /// Sixty-four random bits, those of place `place`.
    #[inline]
    pub(super) fn bits(self, place: u64) -> u64 {
        mix(self.key.wrapping_add(STEP.wrapping_mul(place.wrapping_add(1))))
    }

    /// Uniform from -1 to 1, one of 2^53 numbers that lie as far from 0 on one side as on the other.
    #[inline]
    pub(super) fn uniform(self, place: u64) -> f64 {
        let halves = (self.bits(place) >> 11) as f64 + 0.5;
        halves * (2.0 / (1_u64 << 53) as f64) - 1.0
    }

    /// Nearly normal, of mean 0 and variance 1: the sum of four uniform numbers of 16 bits (Irwin and Hall). It is
    /// never beyond 3.47, which a true normal number is once in two thousand times.
    #[inline]
    pub(super) fn normal(self, place: u64) -> f32 {
        let bits = self.bits(place);
        let pairs = (bits & 0x0000_FFFF_0000_FFFF) + (bits >> 16 & 0x0000_FFFF_0000_FFFF);
        let sum = (pairs as u32).wrapping_add((pairs >> 32) as u32);
        // Each of the four has variance (2^32 - 1) / 12, and together they have the mean 2 (2^16 - 1).
        const SCALE: f32 = (1.732_050_807_568_877_2 / 65_536.0) as f32;
        (sum as f32 - 131_070.0) * SCALE
    }
}

/// The finaliser of SplitMix64, David Stafford's variant 13.
#[inline]
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
