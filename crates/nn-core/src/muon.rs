//! Owns Muon's change of a matrix of weights: momentum, made orthogonal. Knows no layer and no batch.
//!
//! Keller Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the details are those of
//! PyTorch's `torch.optim.Muon` with Nesterov's look ahead and `adjust_lr_fn="match_rms_adamw"` (Liu et al. 2025,
//! "Muon is Scalable for LLM Training"), but that all is computed in `f32` and not in `bfloat16`.

use crate::dense::{self, StoreRows};
use crate::matrix::Matrix;
use crate::parameters::{Rows, Shape};
use crate::simd::{Kernel, Line, Simd, dispatch};
use crate::team::{Parts, Team};
use crate::whole::SumSquares;
use std::iter::once;
use std::ops::Range;

/// The coefficients a, b and c of a X + b (X X^T) X + c (X X^T)^2 X: of each singular value s it makes
/// a s + b s^3 + c s^5, which five times over takes all that are not tiny to between 0.7 and 1.2.
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];

const ITERATIONS: usize = 5;

/// A matrix of a smaller norm is taken to have this one.
const LEAST_NORM: f64 = 1e-7;

/// Rows of a task.
const TASK_ROWS: usize = 48;

/// Muon at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Muon {
    pub(crate) momentum: f32,
    pub(crate) rate: f32,
    /// What the weights are multiplied by first.
    pub(crate) shrink: f32,
}

/// Memory for the iteration, kept from one matrix to the next.
#[derive(Debug, Default)]
pub(crate) struct Orthogonalizer {
    /// X, of the shape of the weights.
    x: Matrix,
    next: Matrix,
    /// G, the product of X with its own transpose on its smaller side.
    gram: Matrix,
    /// b G + c G^2.
    polynomial: Matrix,
    tasks: Vec<Task>,
    /// For each task, its lines of `x`, and of `gram`.
    lines: Vec<Range<usize>>,
    gram_lines: Vec<Range<usize>>,
}

/// Some rows of a product.
#[derive(Debug, Default)]
struct Task {
    rows: Range<usize>,
    left: Matrix,
    product: Matrix,
    squares: f64,
}

impl Orthogonalizer {
    /// Changes weights W by their gradient, `factor` times `gradient`, and their momentum M:
    /// M = momentum M + (1 - momentum) gradient; W = shrink W - rate 0.2 sqrt(max(I, O)) X, where X is
    /// momentum M + (1 - momentum) gradient, made orthogonal.
    pub(crate) fn step(
        &mut self,
        team: &mut Team,
        shape: Shape,
        muon: Muon,
        weights: &mut [Line],
        momentum: &mut [Line],
        (gradient, factor): (&[Line], f32),
    ) {
        self.prepare(shape);
        let cut = team.even_cut(self.lines.len());
        let parts = [Parts::new(self.x.lines_mut(), &self.lines), Parts::new(momentum, &self.lines)];
        let lines = &self.lines;
        team.for_each_part(parts, &cut, |index, [x, momentum]| {
            let gradient = &gradient[lines[index].clone()];
            dispatch(LookAhead { muon, gradient, factor, momentum, x });
        });
        self.orthogonalize(team);
        let rate = (f64::from(muon.rate) * 0.2 * (shape.inputs.max(shape.outputs) as f64).sqrt()) as f32;
        let (x, lines) = (&self.x, &self.lines);
        team.for_each_part([Parts::new(weights, lines)], &cut, |index, [weights]| {
            let x = &x.lines()[lines[index].clone()];
            dispatch(Follow { shrink: muon.shrink, rate, weights, x });
        });
    }

    /// Makes room for matrices of a shape, and cuts them into tasks.
    fn prepare(&mut self, shape: Shape) {
        let (inputs, outputs) = (shape.inputs, shape.outputs);
        let least = inputs.min(outputs);
        self.x.reshape(inputs, outputs);
        self.next.reshape(inputs, outputs);
        self.gram.reshape(least, least);
        self.polynomial.reshape(least, least);
        let cut = |ranges: &mut Vec<Range<usize>>, rows: usize, width: usize| {
            ranges.clear();
            let starts = (0..rows).step_by(TASK_ROWS);
            ranges.extend(starts.map(|row| row * width..rows.min(row + TASK_ROWS) * width));
        };
        cut(&mut self.lines, inputs, self.x.width());
        cut(&mut self.gram_lines, least, self.gram.width());
        while self.tasks.len() < self.lines.len() {
            self.tasks.push(Task::default());
        }
        for (index, task) in self.tasks.iter_mut().enumerate() {
            task.rows = index * TASK_ROWS..(index + 1) * TASK_ROWS;
        }
    }

    /// X = U V^T, nearly, where X was U S V^T.
    fn orthogonalize(&mut self, team: &mut Team) {
        let Self { x, next, gram, polynomial, tasks, lines, gram_lines } = self;
        let tall = x.rows() >= x.columns();
        let columns = x.columns();
        let tasks = &mut tasks[..lines.len()];
        // No singular value is greater than the norm.
        team.for_each_with(tasks, Parts::new(x.lines_mut(), lines), |_, task, x| {
            task.squares = dispatch(SumSquares { lines: x, columns });
        });
        let norm = tasks.iter().map(|task| task.squares).sum::<f64>().sqrt();
        let scale = (1.0 / norm.max(LEAST_NORM)) as f32;
        team.for_each_with(tasks, Parts::new(x.lines_mut(), lines), |_, _, x| {
            dispatch(Scale { x, scale });
        });
        let [a, b, c] = COEFFICIENTS;
        for _ in 0..ITERATIONS {
            let of_gram = gram_lines.len();
            team.for_each_with(
                &mut tasks[..of_gram],
                Parts::new(gram.lines_mut(), gram_lines),
                |_, task, gram| {
                    dispatch(Gram { x, tall, task, gram });
                },
            );
            let parts = Parts::new(polynomial.lines_mut(), gram_lines);
            team.for_each_with(&mut tasks[..of_gram], parts, |_, task, polynomial| {
                let product =
                    Product { left: (gram, c), right: gram, plus: (gram, b), task, out: polynomial };
                dispatch(product);
            });
            team.for_each_with(tasks, Parts::new(next.lines_mut(), lines), |_, task, out| {
                let (left, right) = if tall { (&*x, &*polynomial) } else { (&*polynomial, &*x) };
                dispatch(Product { left: (left, 1.0), right, plus: (x, a), task, out });
            });
            std::mem::swap(x, next);
        }
    }
}

/// Momentum's step, and the look ahead from it.
struct LookAhead<'a> {
    muon: Muon,
    gradient: &'a [Line],
    factor: f32,
    momentum: &'a mut [Line],
    x: &'a mut [Line],
}

impl Kernel for LookAhead<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (keep, add) = (simd.splat(self.muon.momentum), simd.splat(1.0 - self.muon.momentum));
        for ((x, momentum), gradient) in self.x.iter_mut().zip(self.momentum).zip(self.gradient) {
            let gradient = simd.mul(simd.load(gradient), simd.splat(self.factor));
            let change = simd.mul(add, gradient);
            let mean = simd.mul_add(keep, simd.load(momentum), change);
            simd.store(mean, momentum);
            simd.store(simd.mul_add(keep, mean, change), x);
        }
    }
}

/// W = shrink W - rate X.
struct Follow<'a> {
    shrink: f32,
    rate: f32,
    weights: &'a mut [Line],
    x: &'a [Line],
}

impl Kernel for Follow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (w, x) in self.weights.iter_mut().zip(self.x) {
            let shrunk = simd.mul(simd.load(w), simd.splat(self.shrink));
            simd.store(simd.mul_add(simd.splat(-self.rate), simd.load(x), shrunk), w);
        }
    }
}

struct Scale<'a> {
    x: &'a mut [Line],
    scale: f32,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for line in self.x {
            simd.store(simd.mul(simd.load(line), simd.splat(self.scale)), line);
        }
    }
}

/// A task's rows of G: of X^T X where X is tall, else of X X^T.
struct Gram<'a> {
    x: &'a Matrix,
    tall: bool,
    task: &'a mut Task,
    gram: &'a mut [Line],
}

impl Kernel for Gram<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { x, tall, task, gram } = self;
        if tall {
            let rows = task.rows.start..task.rows.end.min(x.columns());
            let mut store = StoreRows { width: x.width(), lines: gram };
            dense::weight_gradient(simd, once((x, x)), rows, x.width(), &mut store);
        } else {
            let rows = task.rows.start..task.rows.end.min(x.rows());
            task.left.copy_rows(x, rows.clone());
            task.product.reshape(rows.len(), x.rows());
            dense::transposed_product(simd, &task.left, Rows::of_matrix(x), &mut task.product);
            gram.copy_from_slice(task.product.lines());
        }
    }
}

/// A task's rows of f L R + p P, with (L, f) `left`, R `right` and (P, p) `plus`.
struct Product<'a> {
    left: (&'a Matrix, f32),
    right: &'a Matrix,
    plus: (&'a Matrix, f32),
    task: &'a mut Task,
    out: &'a mut [Line],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { left: (left, factor), right, plus: (plus, share), task, out } = self;
        let rows = task.rows.start..task.rows.end.min(left.rows());
        task.left.copy_rows(left, rows.clone());
        Scale { x: task.left.lines_mut(), scale: factor }.run(simd);
        task.product.copy_rows(plus, rows);
        Scale { x: task.product.lines_mut(), scale: share }.run(simd);
        dense::add_product(simd, &task.left, Rows::of_matrix(right), &mut task.product);
        out.copy_from_slice(task.product.lines());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::floats;
    use crate::simd::tests::on_every_set;
    use ndarray::Array2;

    /// Whole numbers, whose products and sums are exact.
    fn matrix(rows: usize, columns: usize) -> Matrix {
        let number = |(i, j)| ((7 * i + 5 * j + i * j) % 9) as f32 - 4.0;
        Matrix::from_view(Array2::from_shape_fn((rows, columns), number).view())
    }

    /// All rows of G, and of 2 G G + 3 G; then momentum's step and what follows it.
    #[derive(Clone, Copy)]
    struct Everything<'a>(&'a Matrix);

    impl Kernel for Everything<'_> {
        type Output = [Array2<f32>; 4];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let x = self.0;
            let least = x.rows().min(x.columns());
            let (mut gram, mut product) = (Matrix::zeros(least, least), Matrix::zeros(least, least));
            let mut task = Task { rows: 0..TASK_ROWS, ..Task::default() };
            let tall = x.rows() >= x.columns();
            Gram { x, tall, task: &mut task, gram: gram.lines_mut() }.run(simd);
            let (left, plus) = ((&gram, 2.0), (&gram, 3.0));
            Product { left, right: &gram, plus, task: &mut task, out: product.lines_mut() }.run(simd);

            let muon = Muon { momentum: 0.75, rate: 1.0, shrink: 0.5 };
            let (mut momentum, mut ahead) = (x.clone(), x.clone());
            LookAhead {
                muon,
                gradient: x.lines(),
                factor: 2.0,
                momentum: momentum.lines_mut(),
                x: ahead.lines_mut(),
            }
            .run(simd);
            let mut weights = x.clone();
            Follow { shrink: 0.5, rate: 4.0, weights: weights.lines_mut(), x: ahead.lines() }.run(simd);
            [&gram, &product, &momentum, &weights].map(|matrix| matrix.view().to_owned())
        }
    }

    #[test]
    fn every_instruction_set_makes_the_same_products_and_steps() {
        for (rows, columns) in [(23, 17), (17, 23), (48, 5), (5, 70)] {
            let x = matrix(rows, columns);
            let view = x.view();
            let gram = if rows >= columns { view.t().dot(&view) } else { view.dot(&view.t()) };
            let product = 2.0 * gram.dot(&gram) + 3.0 * &gram;
            // 0.75 x + 0.25 (2 x), and 0.75 of that + 0.25 (2 x).
            let momentum = 1.25 * &view;
            let weights = &view * (0.5 - 4.0 * (0.75 * 1.25 + 0.5));
            let expected = [gram, product, momentum, weights];
            for found in on_every_set(Everything(&x)) {
                assert_eq!(found, expected, "{rows} x {columns}");
            }
        }
    }

    #[test]
    fn a_zero_stays_zero_and_the_padding_too() {
        let mut orthogonalizer = Orthogonalizer::default();
        let parameters = crate::parameters::Parameters::zeros([(70, 20)]).unwrap();
        orthogonalizer.prepare(parameters.shape(0));
        orthogonalizer.orthogonalize(&mut Team::new(std::num::NonZeroUsize::MIN));
        assert!(floats(orthogonalizer.x.lines()).iter().all(|&x| x == 0.0));
        orthogonalizer.x = matrix(70, 20);
        orthogonalizer.orthogonalize(&mut Team::new(std::num::NonZeroUsize::MIN));
        for n in 0..70 {
            assert!(floats(orthogonalizer.x.row(n))[20..].iter().all(|&x| x == 0.0));
            assert!(orthogonalizer.x.row_floats(n).iter().any(|&x| x != 0.0));
        }
    }
}
