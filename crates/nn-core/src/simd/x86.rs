//! Owns the AVX-512 and AVX2 forms of the vector. Each type is a proof that the machine has the
//! instructions: it can be made only by `detect`.
#![allow(unsafe_code, reason = "intrinsics are unsafe to call; every type here is a proof that they exist")]

use super::{Kernel, LANES, Line, Simd};
use std::arch::x86_64::*;

/// Proof that this machine has AVX-512 F, BW and VL, and all that [`Avx2`] proves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

/// Proof that this machine has AVX2, FMA, BMI1 and BMI2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx512 {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }

    #[inline]
    pub(crate) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2,fma")]
        fn run<K: Kernel>(simd: Avx512, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so `detect` found every feature that `run` is compiled for.
        unsafe { run(self, kernel) }
    }
}

impl Avx2 {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }

    #[inline]
    pub(crate) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,bmi1,bmi2,fma")]
        fn run<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
            kernel.run(simd)
        }
        // SAFETY: `self` exists, so `detect` found every feature that `run` is compiled for.
        unsafe { run(self, kernel) }
    }
}

// Every intrinsic below is safe to call once its instruction set is known to be there, which `self`
// proves; the loads and stores go through references to a whole `Line` or array of the exact size,
// and the unaligned forms ask for no more.
macro_rules! proven {
    ($intrinsic:expr) => {
        // SAFETY: `self` proves the instruction set; pointers come from references to all the bytes read or written.
        unsafe { $intrinsic }
    };
}

impl Avx512 {
    /// What `detect` has found is more than `Avx2` asks for.
    #[inline(always)]
    fn avx2(self) -> Avx2 {
        Avx2(())
    }

    #[inline(always)]
    fn halves(self, a: __m512) -> [__m256; 2] {
        proven!({
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(a));
            [_mm512_castps512_ps256(a), _mm256_castpd_ps(high)]
        })
    }
}

/// Joins the lanes four apart, then those two apart, then the last two.
macro_rules! fold_eight {
    ($a:expr, $join:ident) => {
        proven!({
            let a = $a;
            let four = $join(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = $join(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32($join(two, _mm_movehdup_ps(two)))
        })
    };
}

impl Avx2 {
    #[inline(always)]
    fn sum_of_eight(self, a: __m256) -> f32 {
        fold_eight!(a, _mm_add_ps)
    }

    #[inline(always)]
    fn greatest_of_eight(self, a: __m256) -> f32 {
        fold_eight!(a, _mm_max_ps)
    }
}

/// Asks for each cache line of the bytes.
#[inline(always)]
fn prefetch(bytes: &[u8]) {
    for line in bytes.chunks(64) {
        // SAFETY: SSE is part of every x86-64 machine, and a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

impl Simd for Avx512 {
    type Vector = __m512;
    const WIDE: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        proven!(_mm512_set1_ps(value))
    }
    #[inline(always)]
    fn load(self, line: &Line) -> __m512 {
        proven!(_mm512_loadu_ps(line.0.as_ptr()))
    }
    #[inline(always)]
    fn store(self, value: __m512, line: &mut Line) {
        proven!(_mm512_storeu_ps(line.0.as_mut_ptr(), value));
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        proven!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        proven!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        proven!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        proven!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn power_of_two(self, exponent: __m512) -> __m512 {
        proven!(_mm512_scalef_ps(_mm512_set1_ps(1.0), exponent))
    }
    #[inline(always)]
    fn select_greater(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        proven!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes))
    }
    #[inline(always)]
    fn select_first(self, count: usize, yes: __m512, no: __m512) -> __m512 {
        proven!(_mm512_mask_blend_ps(((1_u32 << count) - 1) as u16, no, yes))
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        let [low, high] = self.halves(a);
        self.avx2().sum_of_eight(proven!(_mm256_add_ps(low, high)))
    }
    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        let [low, high] = self.halves(a);
        self.avx2().greatest_of_eight(proven!(_mm256_max_ps(low, high)))
    }
    #[inline(always)]
    fn bytes(self, bytes: &[u8; 16]) -> __m512 {
        proven!({
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        })
    }
    #[inline(always)]
    fn transpose(self, rows: [&Line; LANES]) -> [Line; LANES] {
        let mut columns = [Line::default(); LANES];
        for quarter in 0..4 {
            // Four columns of all rows: part p of vector r holds those of row 4 p + r.
            let mut vectors = [self.splat(0.0); 4];
            for r in 0..4 {
                let mut parts = [&[0.0; 4]; 4];
                for p in 0..4 {
                    parts[p] = &rows[4 * p + r].0.as_chunks().0[quarter];
                }
                vectors[r] = proven!({
                    let vector = _mm512_castps128_ps512(_mm_loadu_ps(parts[0].as_ptr()));
                    let vector = _mm512_insertf32x4::<1>(vector, _mm_loadu_ps(parts[1].as_ptr()));
                    let vector = _mm512_insertf32x4::<2>(vector, _mm_loadu_ps(parts[2].as_ptr()));
                    _mm512_insertf32x4::<3>(vector, _mm_loadu_ps(parts[3].as_ptr()))
                });
            }
            // Each part is a square of four by four, to be transposed.
            let [low, high] = proven!([
                [_mm512_unpacklo_ps(vectors[0], vectors[1]), _mm512_unpacklo_ps(vectors[2], vectors[3])],
                [_mm512_unpackhi_ps(vectors[0], vectors[1]), _mm512_unpackhi_ps(vectors[2], vectors[3])],
            ]);
            let transposed = proven!([
                _mm512_shuffle_ps::<0x44>(low[0], low[1]),
                _mm512_shuffle_ps::<0xee>(low[0], low[1]),
                _mm512_shuffle_ps::<0x44>(high[0], high[1]),
                _mm512_shuffle_ps::<0xee>(high[0], high[1]),
            ]);
            for c in 0..4 {
                self.store(transposed[c], &mut columns[4 * quarter + c]);
            }
        }
        columns
    }
    #[inline(always)]
    fn prefetch(self, bytes: &[u8]) {
        prefetch(bytes);
    }
    #[inline(always)]
    fn nonzero_bytes(self, bytes: &[u8; 64]) -> u64 {
        proven!({
            let bytes = _mm512_loadu_si512(bytes.as_ptr().cast());
            _mm512_test_epi8_mask(bytes, bytes)
        })
    }
}

impl Simd for Avx2 {
    type Vector = [__m256; 2];
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [__m256; 2] {
        let half = proven!(_mm256_set1_ps(value));
        [half, half]
    }
    #[inline(always)]
    fn load(self, line: &Line) -> [__m256; 2] {
        proven!([_mm256_loadu_ps(line.0.as_ptr()), _mm256_loadu_ps(line.0[8..].as_ptr())])
    }
    #[inline(always)]
    fn store(self, value: [__m256; 2], line: &mut Line) {
        let (low, high) = line.0.split_at_mut(8);
        proven!(_mm256_storeu_ps(low.as_mut_ptr(), value[0]));
        proven!(_mm256_storeu_ps(high.as_mut_ptr(), value[1]));
    }
    #[inline(always)]
    fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn div(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn sqrt(self, a: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])])
    }
    #[inline(always)]
    fn mul_add(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }
    #[inline(always)]
    fn max(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn min(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn round(self, a: [__m256; 2]) -> [__m256; 2] {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        proven!([_mm256_round_ps::<NEAREST>(a[0]), _mm256_round_ps::<NEAREST>(a[1])])
    }
    #[inline(always)]
    fn power_of_two(self, exponent: [__m256; 2]) -> [__m256; 2] {
        proven!({
            let bias = _mm256_set1_epi32(127);
            let low = _mm256_add_epi32(_mm256_cvtps_epi32(exponent[0]), bias);
            let high = _mm256_add_epi32(_mm256_cvtps_epi32(exponent[1]), bias);
            [
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(low)),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(high)),
            ]
        })
    }
    #[inline(always)]
    fn select_greater(
        self,
        a: [__m256; 2],
        b: [__m256; 2],
        yes: [__m256; 2],
        no: [__m256; 2],
    ) -> [__m256; 2] {
        proven!({
            let low = _mm256_cmp_ps::<_CMP_GT_OQ>(a[0], b[0]);
            let high = _mm256_cmp_ps::<_CMP_GT_OQ>(a[1], b[1]);
            [_mm256_blendv_ps(no[0], yes[0], low), _mm256_blendv_ps(no[1], yes[1], high)]
        })
    }
    #[inline(always)]
    fn select_first(self, count: usize, yes: [__m256; 2], no: [__m256; 2]) -> [__m256; 2] {
        proven!({
            let count = _mm256_set1_epi32(count as i32);
            let low = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            let high = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
            [
                _mm256_blendv_ps(no[0], yes[0], _mm256_castsi256_ps(low)),
                _mm256_blendv_ps(no[1], yes[1], _mm256_castsi256_ps(high)),
            ]
        })
    }
    #[inline(always)]
    fn sum(self, a: [__m256; 2]) -> f32 {
        self.sum_of_eight(proven!(_mm256_add_ps(a[0], a[1])))
    }
    #[inline(always)]
    fn greatest(self, a: [__m256; 2]) -> f32 {
        self.greatest_of_eight(proven!(_mm256_max_ps(a[0], a[1])))
    }
    #[inline(always)]
    fn bytes(self, bytes: &[u8; 16]) -> [__m256; 2] {
        proven!({
            let low = _mm_loadu_si128(bytes.as_ptr().cast());
            let high = _mm_srli_si128::<8>(low);
            [_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high))]
        })
    }
    #[inline(always)]
    fn transpose(self, rows: [&Line; LANES]) -> [Line; LANES] {
        let mut columns = [Line::default(); LANES];
        for quarter in 0..4 {
            for half in 0..2 {
                // Four columns of eight rows: part p of vector r holds those of row 4 p + r.
                let mut vectors = [proven!(_mm256_setzero_ps()); 4];
                for r in 0..4 {
                    let low = &rows[8 * half + r].0.as_chunks::<4>().0[quarter];
                    let high = &rows[8 * half + 4 + r].0.as_chunks::<4>().0[quarter];
                    vectors[r] = proven!({
                        let vector = _mm256_castps128_ps256(_mm_loadu_ps(low.as_ptr()));
                        _mm256_insertf128_ps::<1>(vector, _mm_loadu_ps(high.as_ptr()))
                    });
                }
                // Each part is a square of four by four, to be transposed.
                let [low, high] = proven!([
                    [_mm256_unpacklo_ps(vectors[0], vectors[1]), _mm256_unpacklo_ps(vectors[2], vectors[3])],
                    [_mm256_unpackhi_ps(vectors[0], vectors[1]), _mm256_unpackhi_ps(vectors[2], vectors[3])],
                ]);
                let transposed = proven!([
                    _mm256_shuffle_ps::<0x44>(low[0], low[1]),
                    _mm256_shuffle_ps::<0xee>(low[0], low[1]),
                    _mm256_shuffle_ps::<0x44>(high[0], high[1]),
                    _mm256_shuffle_ps::<0xee>(high[0], high[1]),
                ]);
                for c in 0..4 {
                    let column = &mut columns[4 * quarter + c].0.as_chunks_mut::<8>().0[half];
                    proven!(_mm256_storeu_ps(column.as_mut_ptr(), transposed[c]));
                }
            }
        }
        columns
    }
    #[inline(always)]
    fn prefetch(self, bytes: &[u8]) {
        prefetch(bytes);
    }
    #[inline(always)]
    fn nonzero_bytes(self, bytes: &[u8; 64]) -> u64 {
        let (low, high) = bytes.split_at(32);
        proven!({
            let zero = _mm256_setzero_si256();
            let low = _mm256_cmpeq_epi8(_mm256_loadu_si256(low.as_ptr().cast()), zero);
            let high = _mm256_cmpeq_epi8(_mm256_loadu_si256(high.as_ptr().cast()), zero);
            let (low, high) = (_mm256_movemask_epi8(low) as u32, _mm256_movemask_epi8(high) as u32);
            !(u64::from(low) | (u64::from(high) << 32))
        })
    }
}
