//! What is promised of data that is larger than memory, on data that is not: an order of blocks is repeatable, resumable
//! and kept, and several folders are as one with all that is in them.

mod common;

use std::{fs, ops::Range, path::Path};

use common::{IMAGES, LABELS, names, nn_cli, sample, scratch, tiny_data};
use nn_train::{
    DataFiles, RunFolder, Split,
    nn_core::{
        idx_format,
        ndarray::{Array, Array1, Axis},
    },
};

/// Makes `folder/name` a data set of some training images of the sample, with its test images if asked for.
fn part_of_sample(folder: &Path, name: &str, range: Range<usize>, with_test: bool) {
    let files = DataFiles::open(sample().as_ref(), Split::Train).unwrap();
    let part = files.view().slice(range);
    let pixels = Array::from_shape_vec((part.len(), 28, 28), part.pixels().to_vec()).unwrap();
    let labels = Array1::from(part.labels().to_vec());
    let data = folder.join(name);
    fs::create_dir(&data).unwrap();
    fs::write(data.join(IMAGES[0]), idx_format::write_array(Vec::new(), &pixels).unwrap()).unwrap();
    fs::write(data.join(LABELS[0]), idx_format::write_array(Vec::new(), &labels).unwrap()).unwrap();
    if with_test {
        for name in [IMAGES[1], LABELS[1]] {
            let name = format!("{name}.gz");
            fs::copy(Path::new(sample()).join(&name), data.join(&name)).unwrap();
        }
    }
    assert_eq!(pixels.len_of(Axis(0)), labels.len());
}

#[test]
fn an_order_of_blocks_gives_the_same_file_for_any_number_of_threads_and_however_it_is_left() {
    let folder = scratch();
    let flags = format!("--data {} --hidden 20 --epochs 2 --order blocks:32,16", sample());
    let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
    nn_cli(folder.path(), &format!("train {flags} --threads 1 -o one.model")).succeeds();
    let run = nn_cli(folder.path(), &format!("train {flags} --threads 3 -o three.model --json")).succeeds();
    assert_eq!(run.json()[0]["order"], "blocks:32,16");
    assert!(read("one.model") == read("three.model"));
    let full = flags.replace(" --order blocks:32,16", "");
    let run = nn_cli(folder.path(), &format!("train {full} -o full.model --json")).succeeds();
    assert_eq!(run.json()[0]["order"], "full", "so little data is shuffled as a whole");
    assert!(read("one.model") != read("full.model"));
    nn_cli(folder.path(), &format!("train {full} --order full -o asked.model")).succeeds();
    assert!(read("asked.model") == read("full.model"));

    nn_cli(folder.path(), &format!("train --run whole {flags}")).succeeds();
    assert!(read("runs/whole/last.model") == read("one.model"));
    // As a run that was left within its first epoch.
    fs::create_dir_all(folder.path().join("runs/left")).unwrap();
    let left = fs::read_dir(folder.path().join("runs/whole")).unwrap();
    for entry in left {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join("runs/left").join(entry.file_name())).unwrap();
    }
    leave_early(&folder.path().join("runs/left"), &folder.path().join("runs/whole"));
    nn_cli(folder.path(), "train --resume left --threads 2").succeeds();
    for name in [RunFolder::CHECKPOINT, RunFolder::LAST_MODEL, RunFolder::BEST_MODEL, RunFolder::METRICS] {
        assert!(read(&format!("runs/left/{name}")) == read(&format!("runs/whole/{name}")), "{name}");
    }
    let shown = nn_cli(folder.path(), "inspect runs/whole").succeeds().stdout;
    assert!(shown.contains(", order blocks:32,16, seed 1"), "{shown}");
    let config = fs::read_to_string(folder.path().join("runs/whole/config.toml")).unwrap();
    assert!(config.contains("\norder = \"blocks:32,16\"\n"), "{config}");
    nn_cli(folder.path(), "train --run again --config runs/whole/config.toml").succeeds();
    assert!(read("runs/again/last.model") == read("one.model"));
    nn_cli(folder.path(), "train --resume whole --order auto").succeeds();
    nn_cli(folder.path(), "train --resume whole --order full").fails_with(&[
        "cannot go on with runs/whole: expected --order blocks:32,16, as it was begun with, found full",
        "hint: ",
    ]);
}

/// Puts a checkpoint of the middle of the first epoch in the place of that of the end.
fn leave_early(left: &Path, whole: &Path) {
    use nn_train::{
        Checkpoint, Observer, Snapshot, fit, initial_rng, load_checkpoint,
        nn_core::{Activation, Network, Optimizer},
        save_checkpoint,
    };
    use std::ops::ControlFlow;

    struct Leave<'a>(&'a Checkpoint<'a>, &'a Path);
    impl Observer for Leave<'_> {
        fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
            if snapshot.place.batches < 41 {
                return ControlFlow::Continue(());
            }
            let Checkpoint { config, image_shape, train, validation, settings, .. } = self.0;
            let checkpoint = Checkpoint {
                validation: *validation,
                settings: settings.clone(),
                ..Checkpoint::new(snapshot, config, image_shape, *train)
            };
            save_checkpoint(&checkpoint, self.1).unwrap();
            ControlFlow::Break(())
        }
    }
    let begun = load_checkpoint(&whole.join(RunFolder::CHECKPOINT)).unwrap();
    let files = DataFiles::open(sample().as_ref(), Split::Train).unwrap();
    let builder = Network::builder(784).dense(20, Activation::Relu).dense(10, Activation::Identity);
    let mut network = builder.build(&mut initial_rng(begun.config.seed)).unwrap();
    let mut optimizer = Optimizer::new(begun.optimizer.rule(), begun.config.rate);
    let mut leave = Leave(&begun, &left.join(RunFolder::CHECKPOINT));
    fit(&mut network, &mut optimizer, files.view(), None, &begun.config, &mut leave).unwrap();
}

#[test]
fn several_folders_train_to_the_file_of_one_with_all_their_images() {
    let folder = scratch();
    part_of_sample(folder.path(), "a", 0..1500, false);
    part_of_sample(folder.path(), "b", 1500..1501, true);
    part_of_sample(folder.path(), "c", 1501..4000, false);
    let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
    let flags = "--hidden 20 --epochs 1";
    for (number, more) in [
        "",
        "--order blocks:32,16",
        "--validation 3000",
        "--preprocess deskew",
        "--augment affine --mixup 0.2",
    ]
    .into_iter()
    .enumerate()
    {
        let one = format!("train --data {} {flags} {more} -o one{number}.model --json", sample());
        let one = nn_cli(folder.path(), &one).succeeds();
        let several =
            format!("train --data a --data b --data c {flags} {more} -o several{number}.model --json");
        let several = nn_cli(folder.path(), &several).succeeds();
        assert_eq!(several.json()[0]["data"], "a, b, c");
        assert_eq!(several.json()[0]["train_samples"], one.json()[0]["train_samples"]);
        assert_eq!(several.json()[1]["held_out_loss"], one.json()[1]["held_out_loss"], "{more}");
        assert!(read(&format!("several{number}.model")) == read(&format!("one{number}.model")), "{more}");
    }
}

#[test]
fn a_run_on_several_folders_knows_all_of_them() {
    let folder = scratch();
    for (name, range, with_test) in [("a", 0..500, false), ("b", 500..900, true)] {
        part_of_sample(folder.path(), name, range, with_test);
    }
    let flags = "--hidden 5 --epochs 1";
    let run = nn_cli(folder.path(), &format!("train --run first --data a --data b {flags}")).succeeds();
    assert!(run.stdout.contains("data     a, b: 900 images"), "{run:?}");
    assert!(run.stdout.contains(" eval runs/first/last.model --data b --confusion"), "{run:?}");
    let config = fs::read_to_string(folder.path().join("runs/first/config.toml")).unwrap();
    assert!(config.contains("\ndata = [\"a\", \"b\"]\n"), "{config}");
    nn_cli(folder.path(), "train --run second --config runs/first/config.toml").succeeds();
    let read = |run: &str| fs::read(folder.path().join("runs").join(run).join("last.model")).unwrap();
    assert!(read("first") == read("second"));
    nn_cli(folder.path(), "train --resume first").succeeds();
    nn_cli(folder.path(), "train --resume first --data b --data a")
        .fails_with(&["the training data is another one"]);
    nn_cli(folder.path(), "report runs/first -o page.html").succeeds();
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("--data a --data b"));
    assert!(names(folder.path()).contains(&"page.html".to_owned()));
}

#[test]
fn folders_that_do_not_go_together_and_orders_that_are_none_are_refused() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), &format!("train --data tiny --data {}", sample())).fails_with(&[
        "expected images of 5 x 3",
        "as in tiny/train-images-idx3-ubyte, found 28 x 28",
        "hint: only images of one shape",
    ]);
    nn_cli(folder.path(), "train --data tiny --data missing").fails_with(&["missing"]);
    for (order, code) in [("half", 2), ("blocks:0,1", 2), ("blocks:3", 2), ("blocks:3,2", 0)] {
        let run = nn_cli(folder.path(), &format!("train --data tiny --epochs 1 --order {order}"));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(code == 0 || run.stderr.contains("blocks:BLOCK,WINDOW"), "{run:?}");
    }
    fs::write(folder.path().join("several.toml"), "data = ['tiny', 'tiny']\n[grid]\nrate = [0.1, 0.2]\n")
        .unwrap();
    nn_cli(folder.path(), "sweep several.toml")
        .fails_with(&["expected one folder of data for a sweep, found tiny, tiny"]);
    nn_cli(folder.path(), "sweep several.toml --data tiny --plan").succeeds();
    let printed = nn_cli(folder.path(), "train --order blocks --print-config").succeeds().stdout;
    assert!(printed.contains("\norder = \"blocks:128,512\"\n"), "{printed}");
    let printed = nn_cli(folder.path(), "train --print-config").succeeds().stdout;
    assert!(printed.contains("\norder = \"auto\"\n"), "{printed}");
}

#[test]
fn a_folder_that_is_named_twice_is_told_and_is_not_what_is_measured_by() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let twice = "train --data tiny --data ./tiny --epochs 1";
    let run = nn_cli(folder.path(), twice).succeeds();
    let note =
        "note: named more than once, so that their samples are seen as often in each epoch: tiny, ./tiny\n";
    assert!(run.stderr.contains(note), "{run:?}");
    nn_cli(folder.path(), &format!("{twice} --validation 3"))
        .fails_with(&["./tiny is named twice, and what is kept of it for validation", "hint: "]);
    // What is kept is of the last folder.
    tiny_data(folder.path(), "other");
    let kept_of_another = "train --data tiny --data tiny --data other --epochs 1 --validation";
    nn_cli(folder.path(), &format!("{kept_of_another} 12")).succeeds();
    nn_cli(folder.path(), &format!("{kept_of_another} 13")).fails_with(&["tiny is named twice"]);
}

/// The files have no bytes on the disk: what is not written of a file is zeros.
#[cfg(target_os = "linux")]
#[test]
fn more_mapped_files_than_can_be_watched_over_are_refused_with_a_hint() {
    let folder = scratch();
    let side: u32 = 1 << 14;
    let mut line = "train".to_owned();
    for number in 0..65 {
        let part = folder.path().join(number.to_string());
        fs::create_dir(&part).unwrap();
        let header = [&[0, 0, 8, 3, 0, 0, 0, 1][..], &side.to_be_bytes(), &side.to_be_bytes()].concat();
        let images = part.join("train-images-idx3-ubyte");
        fs::write(&images, &header).unwrap();
        let file = fs::File::options().write(true).open(&images).unwrap();
        file.set_len(header.len() as u64 + u64::from(side) * u64::from(side)).unwrap();
        fs::write(part.join("train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 0]).unwrap();
        line += &format!(" --data {number}");
    }
    nn_cli(folder.path(), &line).fails_with(&["cannot map 64/", "at most 64 files", "hint: join them"]);
}
