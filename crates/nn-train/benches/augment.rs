//! Distorting 60,000 images of 28 x 28 pixels, as an epoch does: the embedded MNIST sample over and over, by one thread
//! and by two.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nn_train::{Augmentation, Augmenter, DataFiles, Split};
use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::Duration;

const IMAGES: usize = 60_000;

fn distort(files: &DataFiles, augmentation: Augmentation, epoch: u32, out: &mut [u8], threads: usize) {
    let images = files.view();
    let features = images.features();
    let share = IMAGES.div_ceil(threads);
    thread::scope(|scope| {
        for (part, out) in out.chunks_mut(share * features).enumerate() {
            scope.spawn(move || {
                let mut augmenter = Augmenter::new(augmentation, files.image_shape(), 1)
                    .expect("it is one of those with a name");
                for (index, out) in (part * share..).zip(out.chunks_exact_mut(features)) {
                    let image = index % images.len();
                    augmenter.augment(images.row(image), images.label(image), epoch, index, out);
                }
            });
        }
    });
}

fn augment(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample");
    let files = DataFiles::open(&folder, Split::Train).expect("the embedded sample is there");
    let mut out = vec![0; IMAGES * files.view().features()];
    let mut group = criterion.benchmark_group("augment");
    group.throughput(Throughput::Elements(IMAGES as u64));
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for (name, augmentation) in Augmentation::ALL_NAMED {
        for threads in [1, 2] {
            let mut epoch = 0;
            group.bench_function(BenchmarkId::new(name, threads), |bencher| {
                bencher.iter(|| {
                    epoch += 1;
                    distort(&files, augmentation, epoch, black_box(&mut out), threads);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, augment);
criterion_main!(benches);
