//! Owns the sixteen-lane vector that every kernel is written in, and the run-time choice of the
//! instructions behind it. Knows no formula of a network.

mod functions;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use functions::{exp, sigmoid, tanh};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Numbers in a [`Line`]: the `f32` of one cache line, and of one AVX-512 register.
pub(crate) const LANES: usize = 16;

/// Sixteen numbers on a cache line of their own: the unit in which matrices are stored, so that no
/// vector load straddles two lines.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [f32; LANES]);

/// How many lines hold `columns` numbers.
pub(crate) const fn lines_for(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// The numbers of consecutive lines, as one slice.
pub(crate) fn floats(lines: &[Line]) -> &[f32] {
    <[f32]>::ref_from_bytes(lines.as_bytes()).expect("a line is sixteen f32, aligned better than one")
}

/// The numbers of consecutive lines, as one slice to write to.
pub(crate) fn floats_mut(lines: &mut [Line]) -> &mut [f32] {
    <[f32]>::mut_from_bytes(lines.as_mut_bytes()).expect("a line is sixteen f32, aligned better than one")
}

/// Arithmetic on sixteen lanes at once. Each method is what its name says, lane by lane.
pub(crate) trait Simd: Copy {
    /// Sixteen `f32` in registers.
    type Vector: Copy;
    /// Whether 32 registers of a whole line each are there, so that a tile may hold 24 of them.
    const WIDE: bool;

    fn splat(self, value: f32) -> Self::Vector;
    fn load(self, line: &Line) -> Self::Vector;
    fn store(self, value: Self::Vector, line: &mut Line);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sqrt(self, a: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The greater of the two; `b` where either is not a number, so that a NaN given as `b` survives.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller of the two; `b` where either is not a number.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// To the nearest whole number.
    fn round(self, a: Self::Vector) -> Self::Vector;
    /// Two to the power of a whole number in -126..=127.
    fn power_of_two(self, exponent: Self::Vector) -> Self::Vector;
    /// `yes` where `a > b`, else `no`.
    fn select_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector;
    /// `yes` in the first `count` lanes, at most sixteen, `no` in the others.
    fn select_first(self, count: usize, yes: Self::Vector, no: Self::Vector) -> Self::Vector;
    /// The sum of all lanes: first those eight apart, of these sums those four apart, and so on.
    fn sum(self, a: Self::Vector) -> f32;
    /// The greatest of all lanes, unspecified where one is not a number.
    fn greatest(self, a: Self::Vector) -> f32;
    /// Sixteen bytes as numbers, 0 to 255.
    fn bytes(self, bytes: &[u8; LANES]) -> Self::Vector;
    /// Transposes a square of sixteen lines: number `j` of `rows[i]` becomes number `i` of line `j`.
    fn transpose(self, rows: [&Line; LANES]) -> [Line; LANES];
    /// Asks for the bytes to be brought near, without waiting for them.
    fn prefetch(self, bytes: &[u8]);
    /// Bit `i` is set where byte `i` is not zero.
    fn nonzero_bytes(self, bytes: &[u8; 64]) -> u64;
}

/// The first `T` lines. (Kernels use loops where a closure would read better: a closure that is not
/// inlined is compiled without the instructions of its surroundings, and slow.)
#[inline(always)]
pub(crate) fn load_lines<S: Simd, const T: usize>(simd: S, lines: &[Line]) -> [S::Vector; T] {
    let lines: &[Line; T] = lines.first_chunk().expect("a tile lies within its row");
    let mut vectors = [simd.splat(0.0); T];
    for t in 0..T {
        vectors[t] = simd.load(&lines[t]);
    }
    vectors
}

/// Writes the first `T` lines.
#[inline(always)]
pub(crate) fn store_lines<S: Simd, const T: usize>(simd: S, vectors: [S::Vector; T], lines: &mut [Line]) {
    let lines: &mut [Line; T] = lines.first_chunk_mut().expect("a tile lies within its row");
    for t in 0..T {
        simd.store(vectors[t], &mut lines[t]);
    }
}

/// Work to be compiled once for each instruction set. `run` must be `#[inline(always)]`, and so must
/// all that it calls with `simd`, or the instructions of the set stay out of reach.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs the kernel with the best instructions of this machine, found at run time, so that a plain
/// release build is as fast as one made for this machine alone.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = x86::Avx512::detect() {
        return avx512.dispatch(kernel);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = x86::Avx2::detect() {
        return avx2.dispatch(kernel);
    }
    kernel.run(portable::Portable::<false>)
}

#[cfg(test)]
pub(crate) mod tests;
