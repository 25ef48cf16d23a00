//! How much memory a model file can ask for, and a fit on more samples than fit into it. One test alone, since it
//! counts what the whole process allocates.

mod sealed;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use nn_train::{
    Checkpoint, FitConfig, Ingredients, Model, Order, Preprocessing, Samples, Schedule, fit, initial_rng,
    nn_core::{Activation, Dataset, Loss, Network, Optimizer},
};
use sealed::seal;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all requests are passed on to the system's allocator as they are.
#[allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one only counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: the caller's promises about `layout` are those that the system's allocator needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `pointer` came from `alloc` above, which is the system's, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes live at any time during a call, beyond those live before; what it returns is dropped.
fn peak_of<R>(call: impl FnOnce() -> R) -> usize {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    drop(call());
    PEAK.load(Relaxed) - before
}

fn peak_of_decoding(bytes: &[u8]) -> usize {
    peak_of(|| Model::from_bytes(bytes))
}

/// The same for checkpoints, from the golden file.
fn judge_checkpoints(limit: usize) {
    let golden = include_bytes!("golden/checkpoint-v1.bin");
    let assert_small = |bytes: &[u8], what: &str| {
        let peak = peak_of(|| Checkpoint::from_bytes(bytes));
        assert!(peak < limit, "checkpoint, {what}: {peak} bytes");
    };
    for len in 0..golden.len() {
        assert_small(&golden[..len], "a cut");
    }
    let payload = &golden[20..golden.len() - 32];
    for place in 0..payload.len() {
        let greatest = [&[253][..], &[0xff; 8]].concat();
        let hostile = [&payload[..place], &greatest, &payload[place + 1..]].concat();
        assert_small(&seal(b"NNC", &hostile), "the greatest number");
        for bit in 0..8 {
            let mut damaged = payload.to_vec();
            damaged[place] ^= 1 << bit;
            assert_small(&seal(b"NNC", &damaged), "a bit");
        }
    }
}

/// An epoch in an order of blocks over so many samples of one byte, in two data sets.
fn peak_of_epoch(samples: usize, mixup: f32) -> usize {
    let bytes: Vec<u8> = (0..samples).map(|i| (i * i % 251) as u8).collect();
    let labels: Vec<u8> = (0..samples).map(|i| (i % 2) as u8).collect();
    let whole = Dataset::new(&bytes, 1, &labels, 2).unwrap();
    let (first, second) = whole.split_at(samples / 3);
    let parts = [first, second];
    let mut network = Network::builder(1).dense(2, Activation::Identity).zeros().unwrap();
    let config = FitConfig {
        epochs: 1,
        batch_size: NonZeroUsize::new(1000).unwrap(),
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.1,
        schedule: Schedule::Constant,
        seed: 1,
        threads: NonZeroUsize::MIN,
        ingredients: Ingredients { mixup, ..Ingredients::NONE },
        order: Order::Blocks { block: 128.try_into().unwrap(), window: 64.try_into().unwrap() },
    };
    peak_of(|| {
        fit(&mut network, &mut Optimizer::sgd(0.1), Samples::joined(&parts).unwrap(), None, &config, &mut ())
            .unwrap()
    })
}

fn judge_epochs() {
    for mixup in [0.0, 1.0] {
        let [few, many] = [50_000, 500_000].map(|samples| peak_of_epoch(samples, mixup));
        // The order of the blocks, eight bytes for 128 samples, is all that grows.
        let blocks = 8 * 500_000 / 128;
        assert!(many < few + 2 * blocks, "{few} and {many} bytes with mixup {mixup}");
    }
}

#[test]
fn no_damaged_or_hostile_small_file_takes_a_megabyte_nor_do_more_samples_in_an_order_of_blocks() {
    const LIMIT: usize = 1_000_000;
    let names = ["zero", "one", "two", "three", "four"].map(str::to_owned);
    let model = Model {
        network: Network::builder(6)
            .dense(3, Activation::Relu)
            .dense(5, Activation::Identity)
            .build(&mut initial_rng(42))
            .unwrap(),
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names: Some(names.to_vec()),
        record: None,
    };
    let sound = model.to_bytes().unwrap();
    assert!((1..LIMIT).contains(&peak_of_decoding(&sound)), "the allocator counts");

    for len in 0..sound.len() {
        assert!(peak_of_decoding(&sound[..len]) < LIMIT, "cut at {len}");
    }
    let mut bytes = sound.clone();
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(peak_of_decoding(&bytes) < LIMIT, "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }

    // The same from a file, where the reader is told by the header how much is to come.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.model");
    let load = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let peak = peak_of(|| assert!(nn_train::load(&path).is_err(), "{what}"));
        assert!(peak < LIMIT, "{what}: {peak} bytes");
    };
    for len in 0..sound.len() {
        load(&sound[..len], &format!("cut at {len}"));
    }
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        load(&bytes, &format!("bit {bit}"));
        bytes[bit / 8] ^= 1 << (bit % 8);
    }

    // Whoever makes a file can make its checksum too. Each byte of the payload in turn becomes the greatest number:
    // every length and every count claims 2^64 - 1.
    let payload = &sound[20..sound.len() - 32];
    for place in 0..payload.len() {
        let greatest = [&[253][..], &[0xff; 8]].concat();
        let hostile = [&payload[..place], &greatest, &payload[place + 1..]].concat();
        assert!(peak_of_decoding(&seal(b"NNM", &hostile)) < LIMIT, "the greatest number at byte {place}");
        for bit in 0..8 {
            let mut damaged = payload.to_vec();
            damaged[place] ^= 1 << bit;
            assert!(peak_of_decoding(&seal(b"NNM", &damaged)) < LIMIT, "bit {bit} of byte {place}");
        }
    }
    judge_checkpoints(LIMIT);
    judge_epochs();
}
