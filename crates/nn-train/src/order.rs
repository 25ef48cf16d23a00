//! Chance, made repeatable: owns the random streams of a seed and the order of each epoch, and refuses to know
//! what is in the data.
//!
//! Everything follows from documents, not from the version of a library, so that a seed means the same thing on
//! every platform and in every release:
//! - the generator is ChaCha with 8 rounds, a 64-bit block counter and a 64-bit stream number; the key is the
//!   seed as 8 little-endian bytes, then 24 zero bytes;
//! - stream 0 initialises parameters, stream `2^32 + e` orders epoch `e`, and stream `2^33 + e` decides how much of
//!   each of its samples is mixed with another: streams never overlap;
//! - a 64-bit integer is two 32-bit words, the low one first;
//! - an integer below a bound is Lemire's (*Fast Random Integer Generation in an Interval*, 2019), which is exactly
//!   uniform;
//! - the shuffle is Durstenfeld's form of Fisher and Yates, from the last place down to the second.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// The first stream of the epochs; those below are for purposes that need one stream a seed.
const EPOCH_STREAMS: u64 = 1 << 32;

/// The first stream of what is mixed in the epochs.
const MIXING_STREAMS: u64 = 1 << 33;

/// The generator that initialises the parameters of a network.
///
/// It never overlaps the generators of [`epoch_order`], so that one seed can decide everything.
///
/// # Examples
/// ```
/// use nn_train::{initial_rng, nn_core::{Activation, Network}};
///
/// let network = || Network::builder(6).dense(5, Activation::Identity).build(&mut initial_rng(42));
/// assert_eq!(network()?, network()?);
/// # Ok::<(), nn_train::nn_core::NetworkError>(())
/// ```
#[must_use]
pub fn initial_rng(seed: u64) -> ChaCha8Rng {
    stream(seed, 0)
}

/// The order in which epoch `epoch` visits `len` samples: a uniformly random permutation of `0..len`, and a pure
/// function of its arguments.
///
/// # Examples
/// ```
/// assert_eq!(nn_train::epoch_order(42, 1, 10), [2, 3, 6, 5, 8, 1, 4, 7, 9, 0]);
/// assert_eq!(nn_train::epoch_order(42, 2, 10), [0, 6, 4, 7, 5, 9, 2, 1, 8, 3]);
/// ```
#[must_use]
pub fn epoch_order(seed: u64, epoch: u32, len: usize) -> Vec<usize> {
    let mut order = Vec::new();
    fill_epoch_order(&mut order, seed, epoch, len);
    order
}

/// Replaces `order` by [`epoch_order`], reusing its memory.
pub fn fill_epoch_order(order: &mut Vec<usize>, seed: u64, epoch: u32, len: usize) {
    let mut rng = stream(seed, EPOCH_STREAMS | u64::from(epoch));
    order.clear();
    order.extend(0..len);
    for last in (1..len).rev() {
        // `usize` is at most 64 bits wide, and the result is at most `last`: neither cast loses anything.
        let other = below(&mut rng, last as u64 + 1) as usize;
        order.swap(last, other);
    }
}

/// The generator that decides how much of each sample of an epoch is mixed with another.
pub(crate) fn mixing_rng(seed: u64, epoch: u32) -> ChaCha8Rng {
    stream(seed, MIXING_STREAMS | u64::from(epoch))
}

fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(stream);
    rng
}

/// A uniform integer in `0..bound`; `bound` is above 0.
///
/// The high half of `x * bound` falls in `0..bound`. Each result has `floor(2^64 / bound)` values of `x` of its own
/// once the products whose low half is below `2^64 mod bound` are thrown away.
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        let low = product as u64;
        // The leftovers are fewer than `bound`: nearly always this saves their division.
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The golden values here were printed by tests/golden/epoch_order.py, which shares no code with this file.

    #[test]
    fn orders_are_those_of_an_independent_program() {
        assert_eq!(epoch_order(0, 1, 10), [6, 2, 8, 7, 1, 9, 5, 4, 3, 0]);
        assert_eq!(epoch_order(42, 1, 10), [2, 3, 6, 5, 8, 1, 4, 7, 9, 0]);
        assert_eq!(epoch_order(42, 2, 10), [0, 6, 4, 7, 5, 9, 2, 1, 8, 3]);
        assert_eq!(epoch_order(u64::MAX, u32::MAX, 10), [1, 8, 2, 6, 5, 9, 7, 0, 4, 3]);
    }

    #[test]
    fn an_order_of_sixty_thousand_is_that_of_an_independent_program() {
        let bytes = epoch_order(42, 1, 60_000).into_iter().flat_map(|index| (index as u64).to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        assert_eq!(hash, 0xa78a_a6e4_61f0_5c6d);
    }

    #[test]
    fn the_initial_stream_is_that_of_an_independent_program() {
        let mut rng = initial_rng(42);
        let words = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        assert_eq!(words, [0x5927_3471_198f_a887, 0x4923_8aa4_169d_f72b, 0x7e54_361f_64fc_90f6]);
    }

    #[test]
    fn bounded_integers_throw_the_leftovers_away() {
        // A bound just above half the range rejects nearly every second word: three times in these six.
        let mut rng = stream(42, EPOCH_STREAMS);
        let found: Vec<u64> = (0..6).map(|_| below(&mut rng, (1 << 63) + 1)).collect();
        assert_eq!(
            found,
            [
                0x6e72_6378_7329_a366,
                0x6d31_d087_0a35_3b01,
                0x0948_4f71_7c9c_e35b,
                0x1b9c_bf15_1056_579b,
                0x798a_dc1e_79e8_0797,
                0x0eb6_ca67_cb34_c2f4
            ]
        );
    }

    #[test]
    fn an_order_visits_every_sample_once() {
        for len in [0, 1, 2, 3, 64, 1001] {
            let mut order = epoch_order(7, 3, len);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..len));
        }
    }

    #[test]
    fn every_permutation_is_as_likely_as_any_other() {
        // 6,000 epochs of three samples: each of the six orders 1,000 times, with a deviation of 28.9.
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6_000 {
            *counts.entry(epoch_order(1, epoch, 3)).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (count - 1_000).abs() < 120), "{counts:?}");
    }

    #[test]
    fn refilling_gives_the_same_order_and_keeps_the_memory() {
        let mut order = epoch_order(42, 1, 100);
        let memory = order.as_ptr();
        fill_epoch_order(&mut order, 42, 2, 100);
        assert_eq!(order, epoch_order(42, 2, 100));
        assert_eq!(order.as_ptr(), memory);
    }
}
