//! Owns the updates that must know the whole gradient before they change anything: of a gradient that is
//! clipped, of one that is summed over processes, and of matrices that change as matrices. Knows no way of a batch.

use crate::dense::{GradientSink, StoreRows};
use crate::matrix::Matrix;
use crate::muon::Orthogonalizer;
use crate::optimizer::Optimizer;
use crate::parameters::{Parameters, Shape};
use crate::pass::{self, Pass};
use crate::plan::{Block, Plan};
use crate::simd::{Kernel, LANES, Line, Simd, dispatch, floats, floats_mut};
use crate::tally::Tally;
use crate::team::{Parts, Team};
use crate::update::{Update, UpdateRows};

/// Changes a gradient, padding and all, and the tally that goes with it, into those of more samples; or tells that it
/// cannot.
pub(crate) type Exchange<'a> = dyn FnMut(&mut [f32], &mut Tally) -> bool + 'a;

/// Memory for such updates, kept from one step to the next.
#[derive(Debug)]
pub(crate) struct Whole {
    gradients: Parameters,
    orthogonalizer: Orthogonalizer,
    /// For each block, the sum of the squares of its gradient. They are added up in the order of the blocks, so
    /// that the sum does not depend on the number of threads.
    squares: Vec<f64>,
}

impl Whole {
    pub(crate) fn new(parameters: &Parameters, plan: &Plan) -> Self {
        Self {
            gradients: parameters.zeros_like(),
            orthogonalizer: Orthogonalizer::default(),
            squares: vec![0.0; plan.blocks.len()],
        }
    }

    /// Stores the gradient of a pass; without one, that of no samples, which is 0. `is_clipped` says whether its
    /// norm will matter.
    pub(crate) fn store<'a>(
        &mut self,
        team: &mut Team,
        plan: &Plan,
        pass: Option<&Pass<'a, impl Iterator<Item = (&'a [Matrix], &'a [Matrix])> + Clone + Sync>>,
        is_clipped: bool,
    ) {
        let Self { gradients, squares, .. } = self;
        let Some(pass) = pass else {
            gradients.all_lines_mut().fill(Line::default());
            squares.fill(0.0);
            return;
        };
        let parts = Parts::new(gradients.all_lines_mut(), &plan.lines);
        team.for_each_with(squares, parts, |index, squares, lines| {
            let block = &plan.blocks[index];
            let shape = plan.shapes[block.layer];
            dispatch(StoreBlock { block, shape, pass, lines, squares: is_clipped.then_some(squares) });
        });
    }

    /// Has the stored gradient changed, and tells whether it was. `is_clipped` says whether its norm will matter.
    pub(crate) fn exchange(
        &mut self,
        team: &mut Team,
        plan: &Plan,
        is_clipped: bool,
        exchange: &mut Exchange<'_>,
        tally: &mut Tally,
    ) -> bool {
        let Self { gradients, squares, .. } = self;
        if !exchange(floats_mut(gradients.all_lines_mut()), tally) {
            return false;
        }
        if is_clipped {
            let parts = Parts::new(gradients.all_lines_mut(), &plan.lines);
            team.for_each_with(squares, parts, |index, squares, lines| {
                let columns = plan.shapes[plan.blocks[index].layer].outputs;
                *squares = dispatch(SumSquares { lines, columns });
            });
        }
        true
    }

    /// Changes the parameters by the stored gradient.
    pub(crate) fn apply(
        &mut self,
        team: &mut Team,
        plan: &Plan,
        (optimizer, update): (&mut Optimizer, Update),
        parameters: &mut Parameters,
    ) {
        let Self { gradients, squares, orthogonalizer } = self;
        let factor = clip_factor(optimizer.clip(), squares);
        apply(team, plan, (optimizer, update), (gradients, factor), parameters, orthogonalizer);
    }
}

/// Changes the parameters by a gradient that is there.
pub(crate) fn step_by(
    plan: &Plan,
    (optimizer, update): (&mut Optimizer, Update),
    gradients: &Parameters,
    parameters: &mut Parameters,
) {
    // Nobody asks for a norm that bounds nothing.
    let blocks = if optimizer.clip().is_some() { &plan.blocks[..] } else { &[] };
    let square = |(block, lines): (&Block, &std::ops::Range<usize>)| {
        let lines = &gradients.all_lines()[lines.clone()];
        dispatch(SumSquares { lines, columns: plan.shapes[block.layer].outputs })
    };
    let squares: Vec<f64> = blocks.iter().zip(&plan.lines).map(square).collect();
    let factor = clip_factor(optimizer.clip(), &squares);
    let mut alone = Team::new(std::num::NonZeroUsize::MIN);
    let orthogonalizer = &mut Orthogonalizer::default();
    apply(&mut alone, plan, (optimizer, update), (gradients, factor), parameters, orthogonalizer);
}

/// What a gradient is multiplied by so that its norm, the root of the sum of all squares, is at most `clip`. The
/// 1e-6 is that of PyTorch's `clip_grad_norm_`, and keeps the quotient finite.
fn clip_factor(clip: Option<f32>, squares: &[f64]) -> f32 {
    let norm = squares.iter().sum::<f64>().sqrt();
    clip.map_or(1.0, |clip| (f64::from(clip) / (norm + 1e-6)).min(1.0) as f32)
}

/// Changes the parameters by `factor` times the gradients.
fn apply(
    team: &mut Team,
    plan: &Plan,
    (optimizer, update): (&mut Optimizer, Update),
    (gradients, factor): (&Parameters, f32),
    parameters: &mut Parameters,
    orthogonalizer: &mut Orthogonalizer,
) {
    let muon = optimizer.muon();
    let layers = plan.shapes.len();
    let parts = optimizer.parts(parameters, plan);
    team.for_each_part(parts, plan.first_blocks(team.threads()), |index, lines| {
        let block = &plan.blocks[index];
        let shape = plan.shapes[block.layer];
        let gradients = &gradients.all_lines()[plan.lines[index].clone()];
        let rows = UpdateRows::new(update, shape.width(), lines);
        let biases_only = muon.is_some() && block.layer + 1 < layers;
        dispatch(ApplyBlock { block, shape, rows, gradients, factor, biases_only });
    });
    let Some(muon) = muon else { return };
    let [momentum, _] = optimizer.memories_mut();
    for shape in &plan.shapes[..layers - 1] {
        let lines = shape.lines(0..shape.inputs);
        let weights = &mut parameters.all_lines_mut()[lines.clone()];
        let gradient = &gradients.all_lines()[lines.clone()];
        orthogonalizer.step(team, *shape, muon, weights, &mut momentum[lines], (gradient, factor));
    }
}

/// Stores the gradient of one block of rows.
struct StoreBlock<'a, 'b, P> {
    block: &'a Block,
    shape: Shape,
    pass: &'a Pass<'b, P>,
    lines: &'a mut [Line],
    /// Where the sum of the gradient's squares goes, if it is wanted.
    squares: Option<&'a mut f64>,
}

impl<'b, P: Iterator<Item = (&'b [Matrix], &'b [Matrix])> + Clone> Kernel for StoreBlock<'_, 'b, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, shape, pass, lines, squares } = self;
        lines.fill(Line::default());
        let mut store = StoreRows { width: shape.width(), lines };
        pass::parameter_gradient(simd, block, shape, pass, &mut store);
        if let Some(squares) = squares {
            *squares = sum_squares(store.lines, shape.outputs);
        }
    }
}

/// The sum of the squares of rows of `columns` numbers.
pub(crate) struct SumSquares<'a> {
    pub(crate) lines: &'a [Line],
    pub(crate) columns: usize,
}

impl Kernel for SumSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> f64 {
        sum_squares(self.lines, self.columns)
    }
}

/// The sum of the squares of rows of `columns` numbers, without their padding.
#[inline(always)]
fn sum_squares(lines: &[Line], columns: usize) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for row in lines.chunks_exact(columns.div_ceil(LANES)) {
        let (whole, rest) = floats(row)[..columns].as_chunks::<LANES>();
        for numbers in whole {
            for lane in 0..LANES {
                sums[lane] += f64::from(numbers[lane]) * f64::from(numbers[lane]);
            }
        }
        for (sum, &number) in sums.iter_mut().zip(rest) {
            *sum += f64::from(number) * f64::from(number);
        }
    }
    sums.iter().sum()
}

/// Changes one block of rows by its stored gradient.
struct ApplyBlock<'a> {
    block: &'a Block,
    shape: Shape,
    rows: UpdateRows<'a>,
    gradients: &'a [Line],
    factor: f32,
    /// Whether the weights are left alone, their decay too.
    biases_only: bool,
}

impl Kernel for ApplyBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { block, shape, mut rows, gradients, factor, biases_only } = self;
        let weights = block.weights(shape).len();
        let first = if biases_only { weights } else { 0 };
        if !biases_only {
            rows.decay(simd, weights);
        }
        let width = shape.width();
        for (row, gradients) in gradients.chunks_exact(width).enumerate().skip(first) {
            for (line, gradient) in gradients.iter().enumerate() {
                rows.take(simd, row, line, [simd.mul(simd.load(gradient), simd.splat(factor))]);
            }
        }
    }
}
