//! Opens, checks and views the training images of MNIST, or a generated file of the same size: mapped, read, and
//! mapped with every page touched.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use idx_format::ndarray::Ix3;
use idx_format::{Access, Idx, IdxFile, IdxWriter, OpenOptions};
use tempfile::TempDir;

fn open(criterion: &mut Criterion) {
    let (path, _kept_until_the_end) = training_images();
    let length = path.metadata().expect("the file has just been found").len();

    let mut group = criterion.benchmark_group("open 60000 x 28 x 28");
    for (name, access) in [("mapped", Access::Map), ("read", Access::Read)] {
        // Mapping moves no bytes, so a throughput of it would mean nothing.
        if access == Access::Read {
            group.throughput(Throughput::Bytes(length));
        }
        let options = OpenOptions::new().access(access);
        group.bench_function(name, |bencher| bencher.iter(|| first_and_last_pixel(&path, &options)));
    }
    let options = OpenOptions::new().access(Access::Map);
    group.bench_function("mapped, every pixel summed", |bencher| {
        bencher.iter(|| {
            let file = IdxFile::open_with(&path, &options).expect("the file is valid");
            file.view().payload().iter().map(|&pixel| u64::from(pixel)).sum::<u64>()
        });
    });
    group.finish();

    let file = std::fs::read(&path).expect("the file can be read");
    criterion.bench_function("parse 60000 x 28 x 28 in memory", |bencher| {
        bencher.iter(|| Idx::parse(black_box(&file)).expect("the file is valid").payload().len());
    });
}

/// Everything that a user does before the first pixel, and two pixels.
fn first_and_last_pixel(path: &Path, options: &OpenOptions) -> (u8, u8) {
    let file = IdxFile::open_with(path, options).expect("the file is valid");
    let images =
        file.view().expect_images().and_then(Idx::array::<u8, Ix3>).expect("they are images of bytes");
    (images[[0, 0, 0]], images[[59_999, 27, 27]])
}

/// The real file if it has been fetched; otherwise noise of the same shape, in a folder that goes with the guard.
fn training_images() -> (PathBuf, Option<TempDir>) {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist/train-images-idx3-ubyte");
    if real.is_file() {
        return (real, None);
    }
    let folder = TempDir::new().expect("a folder for temporary files");
    let path = folder.path().join("train-images-idx3-ubyte");
    let mut writer = IdxWriter::<_, u8>::new(File::create(&path).expect("a new file"), &[60_000, 28, 28])
        .expect("a valid shape");
    let mut image = [0_u8; 28 * 28];
    for item in 0..60_000_u32 {
        for (pixel, byte) in image.iter_mut().enumerate() {
            *byte = (item.wrapping_mul(2_654_435_761).wrapping_add(pixel as u32 * 40_503) >> 13) as u8;
        }
        writer.write_item(&image).expect("room on the disk");
    }
    writer.finish().expect("room on the disk");
    (path, Some(folder))
}

criterion_group!(benches, open);
criterion_main!(benches);
