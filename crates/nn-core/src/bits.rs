//! Owns maps of 64 inputs, or of 64 rows, as the bits of a number. Knows not what they stand for.

use std::ops::Range;

/// Inputs looked at together: the bits of a `u64`, one cache line of bytes.
pub(crate) const BLOCK: usize = 64;

/// Samples of a block from which on the maps are transposed as a whole, not bit by bit.
const TRANSPOSE_FROM: usize = 8;

/// Bit n of the j-th map of the result is bit j of map n: the transpose of a 64 x 64 matrix of bits,
/// of which the rows that are not given are 0.
#[inline(always)]
pub(crate) fn transpose_bits(maps: &[u64]) -> [u64; BLOCK] {
    let mut result = [0; BLOCK];
    if maps.len() < TRANSPOSE_FROM {
        for (n, &map) in maps.iter().enumerate() {
            for j in ones(map) {
                result[j] |= 1 << n;
            }
        }
        return result;
    }
    result[..maps.len()].copy_from_slice(maps);
    // The upper right quarter changes places with the lower left one; then so do the quarters of each
    // quarter, down to single bits.
    let (mut width, mut low_half) = (BLOCK / 2, u64::MAX >> (BLOCK / 2));
    while width > 0 {
        for maps in result.chunks_exact_mut(2 * width) {
            let (upper, lower) = maps.split_at_mut(width);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let exchange = ((*upper >> width) ^ *lower) & low_half;
                *upper ^= exchange << width;
                *lower ^= exchange;
            }
        }
        width /= 2;
        low_half ^= low_half << width;
    }
    result
}

/// The map with ones at `places`, of which there is at least one.
#[inline(always)]
pub(crate) fn places(places: Range<usize>) -> u64 {
    u64::MAX >> (BLOCK - places.len()) << places.start
}

/// The places of the ones in `mask`, lowest first.
#[inline(always)]
pub(crate) fn ones(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let place = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_bits_are_transposed_whatever_their_number() {
        let bit = |n: usize, j: usize| (n * n * 31 + 7 * j * j + n * j).is_multiple_of(5);
        for rows in [0, 1, 3, 7, 8, 9, 40, 64] {
            let map = |n| (0..BLOCK).fold(0, |map, j| map | u64::from(bit(n, j)) << j);
            let maps: Vec<u64> = (0..rows).map(map).collect();
            let transposed = transpose_bits(&maps);
            for (j, map) in transposed.iter().enumerate() {
                for n in 0..BLOCK {
                    assert_eq!(map >> n & 1 == 1, n < rows && bit(n, j), "row {n} of {rows}, bit {j}");
                }
            }
        }
    }
}
