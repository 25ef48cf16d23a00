//! What generated data sets promise: bits that follow from samples, plan and place, and folders that are whole.

use std::{fs, num::NonZeroUsize, ops::ControlFlow, path::Path};

use nn_train::{
    Augmentation, Augmenter, ClassNames, DataFiles, DataWriteError, GenerateError, GeneratedFolder,
    Generation, GenerationPlan, InvalidGeneration, NewDataFolder, Split, nn_core::Dataset,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sample() -> &'static Path {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample").as_ref()
}

/// All pixels from image `first` on.
fn made(generation: &Generation<'_>, first: u64, count: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    let result: ControlFlow<()> = generation.for_each_piece(first, threads(count), |number, piece| {
        assert_eq!((number - first) as usize * generation_features(generation), pixels.len());
        pixels.extend_from_slice(piece);
        ControlFlow::Continue(())
    });
    assert!(result.is_continue());
    pixels
}

/// The pixels of an image, which is how long the first piece of one image is.
fn generation_features(generation: &Generation<'_>) -> usize {
    let last = generation.plan().images - 1;
    let length =
        generation.for_each_piece(last, NonZeroUsize::MIN, |_, piece| ControlFlow::Break(piece.len()));
    length.break_value().expect("there is a last image")
}

#[test]
fn images_have_the_checksums_of_an_independent_program_on_every_machine() {
    // tests/golden/generate.py
    let files = DataFiles::open(sample(), Split::Train).unwrap();
    let all = files.view();
    for (augmentation, seed, shape, expected) in [
        (
            Augmentation::MEDIUM,
            42,
            [28, 28],
            "3e595ef038bedc5849b52373ca0fa5f47c5a3fab109561f5670ddb9d4c9b8cf2",
        ),
        (
            Augmentation::STRONG,
            u64::MAX,
            [28, 28],
            "ff0ce4f0aa4aaaab25623f996ce5c0c360424bd1a0d13ca37d1fe7e0f8517434",
        ),
        (
            Augmentation::MEDIUM,
            7,
            [16, 49],
            "dc6c6395cd129f1a4dbdae1c8216a1ec91cfa1ce327c9bb2066421051b1c5a65",
        ),
    ] {
        let plan = GenerationPlan { images: 110, augmentation, seed };
        let generation = Generation::new(all.slice(0..40), &shape, plan).unwrap();
        for count in 1..=4 {
            assert_eq!(
                hex(&made(&generation, 0, count)),
                expected,
                "{augmentation} {seed} {shape:?} {count}"
            );
        }
    }
}

/// 13 samples of 5 x 3 pixels and four classes.
fn small() -> (Vec<u8>, Vec<u8>) {
    let pixels = (0..13 * 15).map(|i: usize| (i * i * 31 % 251) as u8).collect();
    (pixels, (0..13).map(|i| (i * 7 % 4) as u8).collect())
}

proptest! {
    #[test]
    fn an_image_is_a_sample_in_a_round_whatever_came_before_it(
        images in 1_u64..100, first in 0_u64..110, seed: u64, count in 1_usize..=4
    ) {
        let (pixels, labels) = small();
        let samples = Dataset::new(&pixels, 15, &labels, 4).unwrap();
        let augmentation = Augmentation::MEDIUM;
        let plan = GenerationPlan { images, augmentation, seed };
        let generation = Generation::new(samples, &[5, 3], plan).unwrap();
        let mut augmenter = Augmenter::new(augmentation, &[5, 3], seed).unwrap();
        let mut expected = Vec::new();
        for image in first..images {
            let (round, index) = (image as usize / 13, image as usize % 13);
            let mut out = samples.row(index).to_vec();
            if round > 0 {
                augmenter.augment(samples.row(index), labels[index], round as u32, index, &mut out);
            }
            expected.extend(out);
            prop_assert_eq!(generation.label(image), labels[index]);
        }
        prop_assert_eq!(made(&generation, first, count), expected);
    }
}

#[test]
fn who_takes_may_stop_at_any_piece() {
    let files = DataFiles::open(sample(), Split::Train).unwrap();
    let plan = GenerationPlan { images: 20_000, augmentation: Augmentation::ELASTIC, seed: 1 };
    let generation = Generation::new(files.view(), files.image_shape(), plan).unwrap();
    for stop in 1..5 {
        let mut taken = 0;
        let result = generation.for_each_piece(7, threads(3), |first, _| {
            taken += 1;
            if taken == stop { ControlFlow::Break(first) } else { ControlFlow::Continue(()) }
        });
        // Pieces are of so many whole images as a MiB has room for.
        assert_eq!(result, ControlFlow::Break(7 + (stop - 1) * ((1 << 20) / 784)));
    }
}

#[test]
fn what_cannot_be_generated_is_refused() {
    let (pixels, labels) = small();
    let samples = Dataset::new(&pixels, 15, &labels, 4).unwrap();
    let plan = GenerationPlan { images: 20, augmentation: Augmentation::AFFINE, seed: 1 };
    let error = |samples, shape, plan| Generation::new(samples, shape, plan).unwrap_err();
    for images in [0, u64::from(u32::MAX) + 1, u64::MAX] {
        let found = error(samples, &[5, 3], GenerationPlan { images, ..plan });
        assert_eq!(found, InvalidGeneration::Images { found: images });
    }
    Generation::new(samples, &[5, 3], GenerationPlan { images: u32::MAX.into(), ..plan }).unwrap();
    assert_eq!(error(samples.slice(0..0), &[5, 3], plan), InvalidGeneration::NoSamples);
    let shape = "3 x 6".to_owned();
    let expected = InvalidGeneration::Shape { image_shape: shape, features: 15 };
    assert_eq!(error(samples, &[3, 6], plan), expected);
    for shape in [&[15][..], &[5, 3, 1], &[5, 0], &[usize::MAX, usize::MAX]] {
        assert!(matches!(error(samples, shape, plan), InvalidGeneration::Augmentation(_)), "{shape:?}");
    }
    let augmentation = Augmentation { rotation: f32::NAN, ..Augmentation::AFFINE };
    let found = error(samples, &[5, 3], GenerationPlan { augmentation, ..plan });
    assert!(matches!(found, InvalidGeneration::Augmentation(_)));
}

/// Makes `folder/source` a data set of [`small`], whose test set is the same, with names of its classes.
fn source(folder: &Path) -> (DataFiles, DataFiles) {
    let path = folder.join("source");
    let (pixels, labels) = small();
    let new = NewDataFolder::create(&path).unwrap();
    let mut samples = new.samples([5, 3]).unwrap();
    for (row, &label) in pixels.chunks(15).zip(&labels) {
        samples.push(row, label).unwrap();
    }
    for split in [Split::Train, Split::Test] {
        samples.write(split, 0..13).unwrap();
    }
    let names = ["a", "b", "c", "d", "never"].map(str::to_owned).to_vec();
    new.write_class_names(&ClassNames::new(names).unwrap()).unwrap();
    new.publish().unwrap();
    (DataFiles::open(&path, Split::Train).unwrap(), DataFiles::open(&path, Split::Test).unwrap())
}

const PLAN: GenerationPlan = GenerationPlan { images: 50, augmentation: Augmentation::MEDIUM, seed: 3 };

#[test]
fn a_folder_has_images_labels_test_files_names_and_a_manifest_with_their_sums() {
    let scratch = tempfile::tempdir().unwrap();
    let (train, test) = source(scratch.path());
    // An empty folder that is there already is as good as none.
    let path = scratch.path().join("out");
    fs::create_dir(&path).unwrap();
    let mut folder = GeneratedFolder::open(&path, &train, Some(&test), PLAN).unwrap();
    let mut seen = Vec::new();
    let filled = folder.fill(threads(2), |done| {
        seen.push(done);
        ControlFlow::Continue(())
    });
    assert!(filled.unwrap().is_continue());
    assert_eq!(seen.last(), Some(&50));
    assert!(fs::read_dir(&path).unwrap().next().is_none(), "nothing is in it before all is");
    let files = folder.publish().unwrap();

    let names: Vec<&str> = files.iter().map(|file| &*file.name).collect();
    let (test_images, test_labels) = Split::Test.file_names();
    let (images, labels) = Split::Train.file_names();
    assert_eq!(names, [images, labels, "classes.txt", test_images, test_labels, "manifest.json"]);
    let mut found: Vec<String> =
        fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let mut expected = names.clone();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(!scratch.path().join("out.partial").exists());
    for file in &files {
        let bytes = fs::read(path.join(&file.name)).unwrap();
        assert_eq!((bytes.len() as u64, hex(&bytes)), (file.bytes, file.hex()), "{}", file.name);
    }

    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(path.join("manifest.json")).unwrap()).unwrap();
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), 5);
    for (entry, file) in listed.iter().zip(&files) {
        assert_eq!(entry["name"], *file.name);
        assert_eq!((entry["bytes"].as_u64(), &entry["sha256"]), (Some(file.bytes), &file.hex().into()));
    }
    assert_eq!(
        (&manifest["images"], &manifest["seed"], &manifest["augment"]),
        (&50.into(), &3.into(), &"medium".into())
    );
    assert_eq!(manifest["settings"], "rotation=10,scale=0.1,shear=0.15,shift=1,elastic-strength=0.8");
    assert_eq!(manifest["image_shape"], serde_json::json!([5, 3]));
    let of_source = fs::read(scratch.path().join("source").join(images)).unwrap();
    assert_eq!(manifest["source_files"][0]["sha256"], hex(&of_source));

    let generated = DataFiles::open(&path, Split::Train).unwrap();
    let generation = Generation::new(train.view(), train.image_shape(), PLAN).unwrap();
    assert_eq!((generated.len(), generated.image_shape(), generated.classes()), (50, &[5, 3][..], 5));
    assert_eq!(generated.view().pixels(), made(&generation, 0, 1));
    assert_eq!(generated.view().labels(), (0..50).map(|image| generation.label(image)).collect::<Vec<_>>());
    assert_eq!(DataFiles::open(&path, Split::Test).unwrap().view().pixels(), test.view().pixels());

    // Nothing replaces it.
    let error = GeneratedFolder::open(&path, &train, Some(&test), PLAN).unwrap_err();
    assert!(matches!(error, GenerateError::Write(DataWriteError::Occupied { .. })), "{error}");
}

#[test]
fn what_was_begun_goes_on_with_the_same_source_and_plan_in_one_process_only() {
    let scratch = tempfile::tempdir().unwrap();
    let (train, _) = source(scratch.path());
    let path = scratch.path().join("out");
    let open = |files, plan| GeneratedFolder::open(&path, files, None, plan);
    let mut first = open(&train, PLAN).unwrap();
    assert!(matches!(open(&train, PLAN).unwrap_err(), GenerateError::Locked { .. }));
    assert!(first.fill(threads(1), |_| ControlFlow::Break(())).unwrap().is_break());
    drop(first);

    // The same classes and shape, and another pixel.
    let changed = scratch.path().join("changed");
    fs::create_dir(&changed).unwrap();
    for entry in fs::read_dir(scratch.path().join("source")).unwrap() {
        let entry = entry.unwrap();
        let mut bytes = fs::read(entry.path()).unwrap();
        if entry.file_name() == Split::Train.file_names().0 {
            *bytes.last_mut().unwrap() ^= 1;
        }
        fs::write(changed.join(entry.file_name()), bytes).unwrap();
    }
    let changed = DataFiles::open(&changed, Split::Train).unwrap();
    for (files, plan, expected) in [
        (&train, GenerationPlan { images: 51, ..PLAN }, "image count"),
        (&train, GenerationPlan { seed: 4, ..PLAN }, "seed"),
        (&train, GenerationPlan { augmentation: Augmentation::AFFINE, ..PLAN }, "augmentation"),
        (&changed, PLAN, "samples of SHA-256"),
    ] {
        match open(files, plan).unwrap_err() {
            GenerateError::Other { what, .. } => assert_eq!(what, expected),
            error => panic!("{error}"),
        }
    }
    assert_eq!(open(&train, PLAN).unwrap().images_done(), 50);
}
