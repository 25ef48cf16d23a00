//! Holds the products of every instruction set of this machine, and of tiles for few and for many registers,
//! against plain sums, and the sums of a tile against those of its rows alone.

use super::*;
use crate::parameters::Parameters;
use crate::simd::tests::on_every_set;
use crate::simd::{Kernel, floats};
use ndarray::{Array2, ArrayView2, s};

/// (N, I, O): ragged, more terms than a panel holds, fewer rows than a tile, wide enough for every tile and to be packed,
/// more samples and inputs than are transposed at a time.
const SIZES: [(usize, usize, usize); 8] = [
    (1, 3, 2),
    (5, 33, 16),
    (23, 47, 50),
    (7, 400, 17),
    (9, 18, 805),
    (13, 385, 129),
    (2, 65, 49),
    (139, 61, 390),
];

/// Whole numbers from -4 to 4, whose products and sums are exact, so that any order gives the same.
fn whole_numbers(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((7 * i + 5 * j + i * j) % 9) as f32 - 4.0)
}

/// Numbers of many digits, whose sums tell the order of their terms.
fn fractions(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((3 * i + 11 * j + i * j) as f32).sin())
}

fn parameters(weights: &Array2<f32>) -> Parameters {
    let mut parameters = Parameters::zeros([weights.dim()]).unwrap();
    parameters.weights_mut(0).assign(weights);
    // To be left alone: they stand where the next weights would.
    parameters.biases_mut(0).fill(f32::NAN);
    parameters
}

/// X W of some samples, added to ones; dZ W^T, in place of ones; and X^T dZ, in two parts.
#[derive(Clone, Copy)]
struct Products<'a> {
    x: ArrayView2<'a, f32>,
    weights: &'a Parameters,
    d_z: ArrayView2<'a, f32>,
}

impl Kernel for Products<'_> {
    type Output = [Array2<f32>; 3];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let Self { x, weights, d_z } = self;
        let (samples, inputs, outputs) = (x.nrows(), x.ncols(), d_z.ncols());
        let ones = |columns| Matrix::from_view(Array2::ones((samples, columns)).view());
        let (mut z, mut d_x) = (ones(outputs), ones(inputs));
        let rows = weights.rows(0);
        add_product(simd, &Matrix::from_view(x), rows.of(0..inputs), &mut z);
        transposed_product(simd, &Matrix::from_view(d_z), rows, &mut d_x);
        for matrix in [&z, &d_x] {
            let (columns, width) = (matrix.columns(), matrix.width() * LANES);
            let padding = |row: &[f32]| row[columns..].iter().all(|&number| number == 0.0);
            assert!(floats(matrix.lines()).chunks(width).all(padding), "the padding is zero");
        }

        let half = samples / 2;
        let part =
            |matrix: ArrayView2<'_, f32>, rows: Range<usize>| Matrix::from_view(matrix.slice(s![rows, ..]));
        let parts =
            [(part(x, 0..half), part(d_z, 0..half)), (part(x, half..samples), part(d_z, half..samples))];
        let mut store = Store(Matrix::zeros(inputs, outputs));
        // Not from the first input on, so that rows are counted from the first asked for.
        for rows in [0..inputs / 3, inputs / 3..inputs] {
            let mut part = Store(Matrix::zeros(rows.len(), outputs));
            let parts = parts.iter().map(|(x, d_z)| (x, d_z));
            weight_gradient(simd, parts, rows.clone(), part.0.width(), &mut part);
            for (n, row) in rows.enumerate() {
                store.0.row_mut(row).copy_from_slice(part.0.row(n));
            }
        }
        [z.view().to_owned(), d_x.view().to_owned(), store.0.view().to_owned()]
    }
}

struct Store(Matrix);

impl<S: Simd> GradientSink<S> for Store {
    fn ignores_zero(&self) -> bool {
        false
    }

    fn prefetch<const T: usize>(&self, _simd: S, row: usize, start: usize) {
        assert!(start + T <= self.0.row(row).len(), "only what `take` is given is asked for");
    }

    #[inline(always)]
    fn take<const T: usize>(&mut self, simd: S, row: usize, start: usize, gradient: [S::Vector; T]) {
        store_lines(simd, gradient, &mut self.0.row_mut(row)[start..]);
    }
}

#[test]
fn products_of_any_size_are_the_plain_sums() {
    for (samples, inputs, outputs) in SIZES {
        let (x, d_z) = (whole_numbers(samples, inputs), whole_numbers(samples, outputs));
        let weights = whole_numbers(inputs, outputs);
        // By ndarray, which takes another way; the numbers are whole, so all ways lead to the same.
        let expected = [1.0 + x.dot(&weights), d_z.dot(&weights.t()), x.t().dot(&d_z)];
        let weights = parameters(&weights);
        for found in on_every_set(Products { x: x.view(), weights: &weights, d_z: d_z.view() }) {
            assert!(found == expected, "{samples} samples, {inputs} inputs, {outputs} outputs");
        }
    }
}

#[test]
fn a_sample_has_the_same_sums_alone_as_among_others_and_in_any_tile() {
    for (samples, inputs, outputs) in SIZES {
        let (x, d_z) = (fractions(samples, inputs), fractions(samples, outputs));
        let weights = parameters(&fractions(inputs, outputs));
        let all = on_every_set(Products { x: x.view(), weights: &weights, d_z: d_z.view() });
        // The second and the third differ in their tiles alone.
        assert!(all[1] == all[2], "{samples} samples, {inputs} inputs, {outputs} outputs");
        for n in 0..samples {
            let (x, d_z) = (x.slice(s![n..n + 1, ..]), d_z.slice(s![n..n + 1, ..]));
            let alone = on_every_set(Products { x, weights: &weights, d_z });
            for ([z, d_x, _], [one_z, one_d_x, _]) in all.iter().zip(&alone) {
                assert_eq!(z.row(n), one_z.row(0), "{samples} samples, {inputs} inputs, {outputs} outputs");
                assert_eq!(
                    d_x.row(n),
                    one_d_x.row(0),
                    "{samples} samples, {inputs} inputs, {outputs} outputs"
                );
            }
        }
    }
}
