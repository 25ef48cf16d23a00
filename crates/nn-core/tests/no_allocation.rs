//! Holds the engine to its promise that a training step allocates nothing once its buffers are there, and
//! the network to its promise for forward propagation in a workspace.
//! One test alone, because the allocator that counts serves the whole program.
#![allow(unsafe_code, reason = "an allocator is unsafe to write; this one passes every call on")]

mod oracle;
mod samples;

use nn_core::ndarray::{Array2, s};
use nn_core::{
    Activation, Average, Batch, Dropout, Engine, Loss, Objective, Optimizer, Part, Rule, Targets, Workspace,
};
use rand_chacha::ChaCha8Rng;
use samples::{Samples, network, rng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counting how often it is asked for memory by any thread.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator as it came, so its promises hold.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The fewest of three times: on a busy machine the harness may once say that the test is slow, and allocates for it.
fn allocations_of(mut work: impl FnMut()) -> u64 {
    let mut once = || {
        let before = ALLOCATIONS.load(Ordering::SeqCst);
        work();
        ALLOCATIONS.load(Ordering::SeqCst) - before
    };
    (0..3).map(|_| once()).min().unwrap_or(0)
}

#[test]
fn a_steady_state_step_and_forward_propagation_in_a_workspace_allocate_nothing() {
    assert!(allocations_of(|| drop(std::hint::black_box(Box::new(1)))) > 0, "the counter counts");

    let rng = &mut rng(1);
    let order: Vec<usize> = (0..64).collect();
    for density in [0.2, 1.0] {
        let samples = Samples::new(64, 784, 10, density, rng);
        for threads in [1, 2, 4] {
            for rule in Rule::ALL {
                for sizes in [[1, 1], [64, 64], [64, 32], [3, 64]] {
                    let mut network =
                        network(&[784, 100, 30, 10], Activation::Relu, Activation::Identity, rng);
                    let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap());
                    let mut optimizer = Optimizer::new(rule, 0.001);
                    let mut steps = |count: usize, sizes: [usize; 2]| {
                        for step in 0..count {
                            let batch = samples.dataset().batch(&order[..sizes[step % 2]]);
                            let loss = Loss::SoftmaxCrossEntropy;
                            let tally = engine.step(&mut network, &mut optimizer, loss, batch);
                            assert_eq!(tally.samples, batch.len() as u64);
                        }
                    };
                    // Two steps of each size, since the form of the inputs may change after the first;
                    // before them one that every thread has a part in, since a thread that still begins
                    // its life allocates.
                    steps(1, [64, 64]);
                    steps(4, sizes);
                    let allocations = allocations_of(|| steps(10, sizes));
                    assert_eq!(
                        allocations, 0,
                        "{rule}, {threads} threads, batches of {sizes:?}, density {density}"
                    );
                }
            }
        }
    }

    steps_of_wide_layers_allocate_nothing(rng);
    steps_of_everything_allocate_nothing(rng);
    steps_over_parts_allocate_nothing(rng);
    steps_over_gathered_rows_allocate_nothing(rng);

    let samples = Samples::new(64, 784, 10, 0.2, rng);
    let network = network(&[784, 100, 30, 10], Activation::Relu, Activation::Identity, rng);
    let mut workspace = Workspace::new(&network);
    let mut forward = |count: usize| {
        for n in 0..64 {
            let batch = samples.dataset().slice(n..64.min(n + count)).all();
            assert_eq!(network.forward_in(&mut workspace, batch).nrows(), batch.len());
        }
    };
    forward(64);
    assert_eq!(allocations_of(|| forward(1)), 0, "one sample at a time");
    assert_eq!(allocations_of(|| forward(64)), 0, "many at a time");
}

/// Layers wide enough that what their products go over is packed.
fn steps_of_wide_layers_allocate_nothing(rng: &mut ChaCha8Rng) {
    let samples = Samples::new(64, 784, 10, 0.2, rng);
    for threads in [1, 2] {
        let mut network = network(&[784, 300, 260, 10], Activation::Relu, Activation::Identity, rng);
        let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap());
        let mut sgd = Optimizer::sgd(0.001);
        let mut steps = |count: usize| {
            for _ in 0..count {
                let batch = samples.dataset().all();
                engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, batch);
            }
        };
        // Which thread has which block is not the same in every step, and each keeps memory for its largest.
        steps(10);
        assert_eq!(allocations_of(|| steps(10)), 0, "{threads} threads");
    }
}

/// Soft targets, dropout, decay, clipping and an average in every step.
fn steps_of_everything_allocate_nothing(rng: &mut ChaCha8Rng) {
    let samples = Samples::new(64, 784, 10, 0.2, rng);
    let order: Vec<usize> = (0..64).collect();
    let (others, shares) = (samples::classes(64, 10, rng), [0.75; 64]);
    let probabilities = Array2::from_elem((64, 10), 0.1);
    let dropout = Dropout { input: 0.2, hidden: 0.5, seed: 3 };
    let objective = Objective { dropout, label_smoothing: 0.1, ..Loss::SoftmaxCrossEntropy.into() };
    for threads in [1, 2, 4] {
        for rule in Rule::ALL {
            // The second layer is wider than its inputs are many.
            let mut network = network(&[784, 60, 100, 30, 10], Activation::Relu, Activation::Identity, rng);
            let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap());
            let mut optimizer = Optimizer::new(rule, 0.001);
            optimizer.set_weight_decay(0.1);
            optimizer.set_clip(Some(0.5));
            let mut average = Average::new(&network);
            let mut steps = |sizes: [usize; 2]| {
                for (step, size) in [sizes[0], sizes[1], sizes[0], sizes[1]].into_iter().enumerate() {
                    let targets = if step % 2 == 0 {
                        Targets::Mixed { other_labels: &others[..size], shares: &shares[..size] }
                    } else {
                        Targets::Teacher { probabilities: probabilities.slice(s![..size, ..]), share: 0.5 }
                    };
                    let batch = samples.dataset().batch(&order[..size]).with_targets(targets);
                    engine.step(&mut network, &mut optimizer, objective, batch);
                    engine.average(&mut average, &network, (step % 2 == 0).then_some(0.9));
                }
            };
            steps([64, 64]);
            steps([64, 32]);
            let allocations = allocations_of(|| steps([64, 32]));
            assert_eq!(allocations, 0, "{rule}, {threads} threads");
        }
    }
}

/// Parts of batches, empty ones too, whose gradients are exchanged.
fn steps_over_parts_allocate_nothing(rng: &mut ChaCha8Rng) {
    let samples = Samples::new(64, 784, 10, 0.2, rng);
    for threads in [1, 2] {
        let mut network = network(&[784, 60, 10], Activation::Relu, Activation::Identity, rng);
        let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap());
        let mut optimizer = Optimizer::sgd(0.001);
        let mut steps = || {
            for count in [64, 0, 64, 31] {
                let part = Part { batch: samples.dataset().slice(0..count).all(), first: 0, of: 64 };
                let exchanged = engine.step_part(
                    &mut network,
                    &mut optimizer,
                    Loss::SoftmaxCrossEntropy,
                    part,
                    |gradient, _| {
                        gradient.iter_mut().for_each(|number| *number *= 2.0);
                        Ok::<(), std::convert::Infallible>(())
                    },
                );
                assert!(exchanged.is_ok());
            }
        };
        steps();
        steps();
        assert_eq!(allocations_of(&mut steps), 0, "{threads} threads");
    }
}

/// Batches whose samples lie in several data sets.
fn steps_over_gathered_rows_allocate_nothing(rng: &mut ChaCha8Rng) {
    let parts = [Samples::new(40, 784, 10, 0.2, rng), Samples::new(24, 784, 10, 0.2, rng)];
    let rows: Vec<&[u8]> = parts.iter().flat_map(|part| part.dataset().pixels().chunks(784)).collect();
    let labels: Vec<u8> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
    for threads in [1, 2] {
        let mut network = network(&[784, 60, 10], Activation::Relu, Activation::Identity, rng);
        let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap());
        let mut optimizer = Optimizer::sgd(0.001);
        let mut steps = || {
            for count in [64, 32, 64, 31] {
                let batch = Batch::of_rows(&rows[..count], &labels[..count], 784, 10);
                let batch = batch.followed_by_rows(&rows[count..]);
                engine.step(&mut network, &mut optimizer, Loss::SoftmaxCrossEntropy, batch);
            }
        };
        steps();
        steps();
        assert_eq!(allocations_of(&mut steps), 0, "{threads} threads");
    }
}
