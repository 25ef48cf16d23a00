//! Chance, made repeatable: owns the random streams of a seed and what the order of an epoch may be, and refuses to
//! know what is in the data.
//!
//! Everything follows from documents, not from the version of a library, so that a seed means the same thing on
//! every platform and in every release:
//! - the generator is ChaCha with 8 rounds, a 64-bit block counter and a 64-bit stream number; the key is the
//!   seed as 8 little-endian bytes, then 24 zero bytes;
//! - stream 0 initialises parameters, stream `2^32 + e` orders epoch `e`, and stream `2 * 2^32 + e` decides how much of
//!   each of its samples is mixed with another; in an order of blocks, stream `3 * 2^32 + e` orders the blocks and
//!   stream `4 * 2^32 + e` shuffles the windows, one after the other: streams never overlap;
//! - a 64-bit integer is two 32-bit words, the low one first;
//! - an integer below a bound is Lemire's (*Fast Random Integer Generation in an Interval*, 2019), which is exactly
//!   uniform;
//! - the shuffle is Durstenfeld's form of Fisher and Yates, from the last place down to the second.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::sequence::Sequence;

/// The first stream of the epochs; those below are for purposes that need one stream a seed.
const EPOCH_STREAMS: u64 = 1 << 32;

/// The first stream of what is mixed in the epochs.
const MIXING_STREAMS: u64 = 2 << 32;

/// The first stream of the orders of blocks, and that of the windows made of them.
const BLOCK_STREAMS: u64 = 3 << 32;
const WINDOW_STREAMS: u64 = 4 << 32;

/// In which order an epoch visits the samples. Either way it visits each of them once, and the order is a pure function
/// of the seed, the epoch and the number of samples.
///
/// # Randomness of an order of blocks
/// Which blocks come together in a window and in which order its samples come is uniformly random, and so is the
/// position of each sample in an epoch (nearly so, where the last block is shorter than the others). What differs from a
/// full order is that samples of one block are never further apart than a window. Where samples have nothing to do with
/// their neighbours, as in data that was shuffled when it was written, no batch can tell the difference.
///
/// The worst that there can be are blocks of one kind each, as in data sorted by class. Then the share of a class varies
/// from window to window, and its count in a batch of `B` samples has `1 + (B - 1) / W (1 - W / N)` times the variance
/// of a full order's, for windows of `W` blocks of `N`: 1.1 times for batches of 50 and windows of 512.
/// `tests/orders.rs` measures it.
///
/// # Examples
/// ```
/// use nn_train::Order;
///
/// let order: Order = "blocks:2,3".parse()?;
/// assert_eq!(order.epoch(42, 1, 10), [3, 5, 1, 4, 0, 2, 8, 9, 7, 6]);
/// assert_eq!((Order::BLOCKS.to_string(), Order::Full.to_string()), ("blocks:128,512".into(), "full".into()));
/// # Ok::<(), nn_train::InvalidOrder>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Every permutation is as likely as any other: [`epoch_order`]. It is in memory as a whole, eight bytes a sample,
    /// and neighbours in it lie anywhere in the data.
    #[default]
    Full,
    /// For data that is larger than memory: the samples are cut into blocks of neighbours, the blocks are shuffled, and
    /// the samples of each window of blocks are shuffled among themselves. So an epoch reads the data in pieces of a
    /// block, and no more than two windows of it at a time.
    Blocks {
        /// Samples in a block, but for the last one of the data.
        block: NonZeroUsize,
        /// Blocks in a window, but for the last one of an epoch.
        window: NonZeroUsize,
    },
}

impl Order {
    /// Blocks of 128 samples in windows of 512, which are 65,536 samples: of images of 28 x 28 pixels, pieces of 100 KB
    /// in windows of 51 MB.
    pub const BLOCKS: Order =
        Order::Blocks { block: NonZeroUsize::new(128).unwrap(), window: NonZeroUsize::new(512).unwrap() };

    /// The samples in the order in which epoch `epoch` visits so many of them, eight bytes for each.
    /// [`fit`](crate::fit) goes through the same order without all of it in memory.
    #[must_use]
    pub fn epoch(self, seed: u64, epoch: u32, len: usize) -> Vec<usize> {
        let mut sequence = Sequence::new(self, seed, len);
        sequence.begin(epoch);
        sequence.cover(&(0..len));
        sequence.indices(0..len).to_vec()
    }
}

impl fmt::Display for Order {
    /// As [`FromStr`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Full => f.write_str("full"),
            Order::Blocks { block, window } => write!(f, "blocks:{block},{window}"),
        }
    }
}

impl FromStr for Order {
    type Err = InvalidOrder;

    /// Reads `full`, `blocks` for [`Order::BLOCKS`], or `blocks:BLOCK,WINDOW`.
    fn from_str(text: &str) -> Result<Order, InvalidOrder> {
        let blocks = || {
            let (block, window) = text.strip_prefix("blocks:")?.split_once(',')?;
            Some(Order::Blocks { block: block.parse().ok()?, window: window.parse().ok()? })
        };
        match text {
            "full" => Ok(Order::Full),
            "blocks" => Ok(Order::BLOCKS),
            _ => blocks().ok_or_else(|| InvalidOrder { found: text.to_owned() }),
        }
    }
}

/// A text is no [`Order`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected full, blocks or blocks:BLOCK,WINDOW, such as blocks:128,512, found {found}")]
#[non_exhaustive]
pub struct InvalidOrder {
    /// The text.
    pub found: String,
}

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
    shuffle(&mut rng, order);
}

pub(crate) fn shuffle(rng: &mut ChaCha8Rng, order: &mut [usize]) {
    for last in (1..order.len()).rev() {
        // `usize` is at most 64 bits wide, and the result is at most `last`: neither cast loses anything.
        let other = below(rng, last as u64 + 1) as usize;
        order.swap(last, other);
    }
}

/// The generator that orders the blocks of an epoch.
pub(crate) fn block_rng(seed: u64, epoch: u32) -> ChaCha8Rng {
    stream(seed, BLOCK_STREAMS | u64::from(epoch))
}

/// The generator that shuffles the windows of an epoch, one after the other.
pub(crate) fn window_rng(seed: u64, epoch: u32) -> ChaCha8Rng {
    stream(seed, WINDOW_STREAMS | u64::from(epoch))
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

    fn fnv1a(order: Vec<usize>) -> u64 {
        let bytes = order.into_iter().flat_map(|index| (index as u64).to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn long_orders_are_those_of_an_independent_program() {
        assert_eq!(fnv1a(epoch_order(42, 1, 60_000)), 0xa78a_a6e4_61f0_5c6d);
        assert_eq!(fnv1a(Order::Full.epoch(42, 1, 60_000)), 0xa78a_a6e4_61f0_5c6d);
        assert_eq!(fnv1a(Order::BLOCKS.epoch(42, 1, 200_001)), 0x622d_766f_fcad_c43d);
    }

    #[test]
    fn orders_of_blocks_are_those_of_an_independent_program() {
        let order = |text: &str, seed, epoch, len| text.parse::<Order>().unwrap().epoch(seed, epoch, len);
        assert_eq!(order("blocks:2,3", 42, 1, 10), [3, 5, 1, 4, 0, 2, 8, 9, 7, 6]);
        assert_eq!(order("blocks:2,3", 42, 2, 11), [9, 10, 8, 2, 3, 1, 6, 4, 0, 7, 5]);
        assert_eq!(order("blocks:4,2", u64::MAX, u32::MAX, 11), [7, 6, 10, 5, 8, 9, 4, 2, 1, 3, 0]);
        assert_eq!(order("blocks:100,100", 7, 1, 5), [2, 0, 1, 4, 3]);
        assert_eq!(order(&format!("blocks:{0},{0}", usize::MAX), 7, 1, 5), [2, 0, 1, 4, 3]);
    }

    #[test]
    fn orders_are_read_as_they_are_written() {
        for text in ["full", "blocks:128,512", "blocks:1,1"] {
            assert_eq!(text.parse::<Order>().unwrap().to_string(), text);
        }
        assert_eq!("blocks".parse(), Ok(Order::BLOCKS));
        for text in [
            "",
            "Full",
            "blocks:",
            "blocks:128",
            "blocks:0,512",
            "blocks:128,0",
            "blocks:1,2,3",
            "blocks:-1,2",
        ] {
            assert_eq!(text.parse::<Order>(), Err(InvalidOrder { found: text.to_owned() }), "{text}");
        }
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
