//! Owns the vector of machines without a named instruction set: sixteen numbers, one at a time, left
//! to the compiler to join (on 64-bit ARM it uses NEON, which is always there).

use super::{LANES, Line, Simd};

/// The tests also run it as `WIDE`, so that the tiles of large registers are tried on machines without them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable<const WIDE: bool>;

#[inline(always)]
fn map2(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// Joins the lanes eight apart, then those four apart, until one is left.
#[inline(always)]
fn fold_halves(mut a: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            a[i] = f(a[i], a[i + half]);
        }
    }
    a[0]
}

impl<const WIDE: bool> Simd for Portable<WIDE> {
    type Vector = [f32; LANES];
    const WIDE: bool = WIDE;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }
    #[inline(always)]
    fn load(self, line: &Line) -> Self::Vector {
        line.0
    }
    #[inline(always)]
    fn store(self, value: Self::Vector, line: &mut Line) {
        line.0 = value;
    }
    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self, a: Self::Vector) -> Self::Vector {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Without the instruction, `f32::mul_add` is a call into the C library, a hundred times slower.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
        } else {
            std::array::from_fn(|i| a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn round(self, a: Self::Vector) -> Self::Vector {
        a.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn power_of_two(self, exponent: Self::Vector) -> Self::Vector {
        exponent.map(|e| f32::from_bits((((e as i32) + 127) as u32) << 23))
    }
    #[inline(always)]
    fn select_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector {
        std::array::from_fn(|i| if a[i] > b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn select_first(self, count: usize, yes: Self::Vector, no: Self::Vector) -> Self::Vector {
        std::array::from_fn(|i| if i < count { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn sum(self, a: Self::Vector) -> f32 {
        fold_halves(a, |a, b| a + b)
    }
    #[inline(always)]
    fn greatest(self, a: Self::Vector) -> f32 {
        fold_halves(a, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn bytes(self, bytes: &[u8; 16]) -> Self::Vector {
        bytes.map(f32::from)
    }
    #[inline(always)]
    fn transpose(self, rows: [&Line; LANES]) -> [Line; LANES] {
        let mut columns = [Line::default(); LANES];
        for (i, row) in rows.iter().enumerate() {
            for (column, &value) in columns.iter_mut().zip(&row.0) {
                column.0[i] = value;
            }
        }
        columns
    }
    #[inline(always)]
    fn prefetch(self, _bytes: &[u8]) {}
    #[inline(always)]
    fn nonzero_bytes(self, bytes: &[u8; 64]) -> u64 {
        (0..64).fold(0, |mask, i| mask | (u64::from(bytes[i] != 0) << i))
    }
}
