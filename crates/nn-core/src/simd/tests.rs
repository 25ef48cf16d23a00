//! Holds every instruction set of this machine against the standard library, and runs the kernels of other
//! tests on each of them.

use super::{Kernel, LANES, Line, Simd, dispatch, functions, portable::Portable};

/// Sixteen lanes of exp, sigmoid and tanh at once.
#[derive(Clone, Copy)]
struct Functions([f32; LANES]);

impl Kernel for Functions {
    type Output = [[f32; LANES]; 3];
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let x = simd.load(&Line(self.0));
        let mut out = [Line::default(); 3];
        simd.store(functions::exp(simd, x), &mut out[0]);
        simd.store(functions::sigmoid(simd, x), &mut out[1]);
        simd.store(functions::tanh(simd, x), &mut out[2]);
        out.map(|line| line.0)
    }
}

#[derive(Clone, Copy)]
struct NonzeroBytes<'a>(&'a [u8; 64]);

impl Kernel for NonzeroBytes<'_> {
    type Output = u64;
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> u64 {
        simd.nonzero_bytes(self.0)
    }
}

/// The outputs on every instruction set that this machine has, and on portable code with tiles for few and
/// for many registers.
pub(crate) fn on_every_set<K: Kernel + Copy>(kernel: K) -> Vec<K::Output> {
    let mut outputs = vec![dispatch(kernel), kernel.run(Portable::<false>), kernel.run(Portable::<true>)];
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = super::x86::Avx2::detect() {
        outputs.push(avx2.dispatch(kernel));
    }
    outputs
}

fn assert_close(name: &str, x: f32, found: f32, expected: f64) {
    // Four units in the last place; below the smallest normal number, zero will do.
    let tolerance = expected.abs() * 4.0 * f64::from(f32::EPSILON) + f64::from(f32::MIN_POSITIVE);
    assert!((f64::from(found) - expected).abs() <= tolerance, "{name}({x}) = {found}, expected {expected}");
}

#[test]
fn exp_sigmoid_and_tanh_agree_with_f64_over_their_whole_range() {
    for step in 0..120_000 {
        let x: [f32; LANES] =
            std::array::from_fn(|lane| (step as f32 / 600.0 - 100.0) * (1.0 + lane as f32 / 64.0) * 0.86);
        for [exp, sigmoid, tanh] in on_every_set(Functions(x)) {
            for lane in 0..LANES {
                let wide = f64::from(x[lane]);
                if x[lane] < 88.7 {
                    assert_close("exp", x[lane], exp[lane], wide.exp());
                }
                assert_close("sigmoid", x[lane], sigmoid[lane], 1.0 / (1.0 + (-wide).exp()));
                assert_close("tanh", x[lane], tanh[lane], wide.tanh());
            }
        }
    }
}

#[test]
fn not_a_number_is_passed_on_and_infinities_reach_the_limits() {
    let mut x = [f32::NAN; LANES];
    x[1] = f32::INFINITY;
    x[2] = f32::NEG_INFINITY;
    for [exp, sigmoid, tanh] in on_every_set(Functions(x)) {
        assert!(exp[0].is_nan() && sigmoid[0].is_nan() && tanh[0].is_nan());
        assert!(exp[1] > 3.4e38);
        assert_eq!((exp[2], sigmoid[1], tanh[1], tanh[2]), (0.0, 1.0, 1.0, -1.0));
        assert!(sigmoid[2].abs() < 1e-38);
    }
}

#[test]
fn every_bit_of_a_mask_tells_of_its_own_byte() {
    for position in 0..64 {
        let mut bytes = [0_u8; 64];
        bytes[position] = (position + 1) as u8;
        bytes[63] = 255;
        let expected = (1_u64 << position) | (1 << 63);
        for mask in on_every_set(NonzeroBytes(&bytes)) {
            assert_eq!(mask, expected);
        }
    }
}

#[derive(Clone, Copy)]
struct Transpose<'a>(&'a [Line; LANES]);

impl Kernel for Transpose<'_> {
    type Output = [[f32; LANES]; LANES];
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        simd.transpose(self.0.each_ref()).map(|line| line.0)
    }
}

#[test]
fn rows_become_columns() {
    let rows: [Line; LANES] = std::array::from_fn(|i| Line(std::array::from_fn(|j| (100 * i + j) as f32)));
    for columns in on_every_set(Transpose(&rows)) {
        for (j, column) in columns.iter().enumerate() {
            for (i, &number) in column.iter().enumerate() {
                assert_eq!(number, rows[i].0[j], "row {i}, column {j}");
            }
        }
    }
}
