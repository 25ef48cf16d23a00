//! The order of an epoch as it is needed: owns the positions that are about to be visited, and refuses to know what is
//! done there.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use crate::order::{Order, block_rng, fill_epoch_order, shuffle, window_rng};

/// Which sample an epoch visits at which position. Of an [order of blocks](Order::Blocks) only those windows are in
/// memory that were asked for last, beside the order of the blocks.
pub(crate) struct Sequence {
    order: Order,
    seed: u64,
    epoch: u32,
    samples: usize,
    /// Samples in a block, but for the last one of the data.
    block: usize,
    /// Blocks in a window, but for the last one of the epoch.
    window: usize,
    /// The blocks in the order of the epoch. In a full order there are none.
    blocks: Vec<usize>,
    /// The place of the data's last block in that order, from 0.
    last_block_at: usize,
    /// Shuffles one window after the other.
    rng: ChaCha8Rng,
    /// Which windows are in `indices`, and the position of the first of those.
    windows: Range<usize>,
    start: usize,
    indices: Vec<usize>,
}

impl Sequence {
    pub(crate) fn new(order: Order, seed: u64, samples: usize) -> Sequence {
        let (block, window) = match order {
            Order::Full => (samples, 1),
            Order::Blocks { block, window } => (block.get().min(samples), window.get()),
        };
        Sequence {
            order,
            seed,
            epoch: 0,
            samples,
            block: block.max(1),
            window,
            blocks: Vec::new(),
            last_block_at: 0,
            rng: window_rng(seed, 0),
            windows: 0..0,
            start: 0,
            indices: Vec::new(),
        }
    }

    /// Goes to the beginning of an epoch.
    pub(crate) fn begin(&mut self, epoch: u32) {
        self.epoch = epoch;
        if self.order == Order::Full {
            fill_epoch_order(&mut self.indices, self.seed, epoch, self.samples);
            return;
        }
        self.blocks.clear();
        self.blocks.extend(0..self.samples.div_ceil(self.block));
        shuffle(&mut block_rng(self.seed, epoch), &mut self.blocks);
        let last = self.blocks.len().saturating_sub(1);
        self.last_block_at = self.blocks.iter().position(|&block| block == last).unwrap_or(0);
        self.rewind();
    }

    fn rewind(&mut self) {
        self.rng = window_rng(self.seed, self.epoch);
        self.windows = 0..0;
        self.start = 0;
        self.indices.clear();
    }

    /// Sees to it that these positions can be asked for. What is before them is given up.
    pub(crate) fn cover(&mut self, positions: &Range<usize>) {
        if self.order == Order::Full {
            return;
        }
        if positions.start < self.start {
            self.rewind();
        }
        loop {
            while !self.windows.is_empty() && self.window_start(self.windows.start + 1) <= positions.start {
                self.windows.start += 1;
                let start = self.window_start(self.windows.start);
                self.indices.drain(..start - self.start);
                self.start = start;
            }
            let blocks = self.window_blocks(self.windows.end);
            if self.window_start(self.windows.end) >= positions.end || blocks.is_empty() {
                return;
            }
            let from = self.indices.len();
            for place in blocks {
                let samples = self.block_samples(place);
                self.indices.extend(samples);
            }
            shuffle(&mut self.rng, &mut self.indices[from..]);
            self.windows.end += 1;
        }
    }

    /// The samples at positions that are [covered](Self::cover).
    pub(crate) fn indices(&self, positions: Range<usize>) -> &[usize] {
        &self.indices[positions.start - self.start..positions.end - self.start]
    }

    /// In which window a position is.
    pub(crate) fn window_of(&self, position: usize) -> usize {
        let guess = position / self.window.saturating_mul(self.block);
        // After the shorter block, the windows begin somewhat earlier.
        guess + usize::from(position >= self.window_start(guess + 1))
    }

    /// The position with which a window begins; the number of samples for windows after the last one.
    pub(crate) fn window_start(&self, window: usize) -> usize {
        let place = self.window_blocks(window).start;
        let missing = self.blocks.len() * self.block - self.samples;
        place * self.block - if place > self.last_block_at { missing } else { 0 }
    }

    /// The places of a window's blocks in the order of the blocks. Windows after the last one have none.
    pub(crate) fn window_blocks(&self, window: usize) -> Range<usize> {
        let start = |window: usize| window.saturating_mul(self.window).min(self.blocks.len());
        start(window)..start(window + 1)
    }

    /// The samples of the block at a place in the order of the blocks.
    pub(crate) fn block_samples(&self, place: usize) -> Range<usize> {
        let start = self.blocks[place] * self.block;
        start..self.samples.min(start + self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(block: usize, window: usize) -> Order {
        Order::Blocks { block: block.try_into().unwrap(), window: window.try_into().unwrap() }
    }

    #[test]
    fn any_positions_of_a_sequence_are_those_of_the_whole_order() {
        for (order, samples) in [
            (blocks(4, 3), 101),
            (blocks(4, 3), 96),
            (blocks(1, 7), 50),
            (blocks(50, 2), 49),
            (Order::Full, 60),
        ] {
            let whole = order.epoch(7, 2, samples);
            for batch in [1, 5, 12, 30] {
                for first in [0, 1, samples / 2, samples - 1] {
                    let mut sequence = Sequence::new(order, 7, samples);
                    sequence.begin(1);
                    sequence.cover(&(0..batch.min(samples)));
                    sequence.begin(2);
                    for start in (first..samples).step_by(batch) {
                        let positions = start..samples.min(start + batch);
                        sequence.cover(&positions);
                        assert_eq!(sequence.indices(positions.clone()), &whole[positions]);
                    }
                    // And back again.
                    sequence.cover(&(0..1));
                    assert_eq!(sequence.indices(0..1), &whole[..1]);
                }
            }
        }
    }

    #[test]
    fn only_the_windows_around_the_positions_are_in_memory() {
        let mut sequence = Sequence::new(blocks(4, 3), 7, 1000);
        sequence.begin(1);
        for start in (0..1000).step_by(5) {
            sequence.cover(&(start..start + 5));
            assert!(sequence.indices.len() <= 2 * 12);
        }
        assert!(sequence.indices.capacity() < 100);
    }

    #[test]
    fn windows_are_where_their_blocks_are_and_cover_every_position() {
        for samples in [1, 11, 12, 13, 95, 96, 97, 100] {
            let mut sequence = Sequence::new(blocks(4, 3), 7, samples);
            sequence.begin(3);
            let mut position = 0;
            for window in 0..samples.div_ceil(12) {
                assert_eq!(sequence.window_start(window), position);
                for place in sequence.window_blocks(window) {
                    for _ in sequence.block_samples(place) {
                        assert_eq!(sequence.window_of(position), window, "{samples} {position}");
                        position += 1;
                    }
                }
            }
            assert_eq!(position, samples);
        }
    }
}
