//! What makes a network better than plain descent: that each ingredient reaches the network and whoever uses it, that
//! committees are asked, and that networks learn from others.

mod common;

use std::fs;

#[cfg(unix)]
use common::interrupt;
use common::{IMAGES, LABELS, names, nn_cli, sample, scratch, tiny_data};
use nn_train::nn_core::{idx_format, ndarray::Array};

#[test]
fn a_network_is_asked_about_images_as_it_was_trained_on_them() {
    let folder = scratch();
    let flags = "--epochs 2 --hidden 12 --preprocess deskew --augment medium --average tail:0.5";
    let start = nn_cli(folder.path(), &format!("train --data {} {flags} -o up.model --json", sample()))
        .succeeds()
        .json()
        .swap_remove(0);
    assert_eq!(start["preprocessing"], "deskew");
    assert_eq!(start["ingredients"]["augment"], "medium");
    let model = nn_cli(folder.path(), "inspect up.model --json").succeeds().json().pop().unwrap();
    assert_eq!(model["preprocessing"], "deskew");
    assert_eq!(model["training"]["ingredients"]["average"], "tail:0.5");
    let text = nn_cli(folder.path(), "inspect up.model").succeeds().stdout;
    assert!(
        text.contains("images    with preprocessing deskew") && text.contains("augment medium"),
        "{text}"
    );

    // Image by image, all at once, and in a report.
    let all = format!("eval up.model --data {} --outputs up.npz --json", sample());
    let report = nn_cli(folder.path(), &all).succeeds().json().pop().unwrap();
    let one_by_one =
        nn_cli(folder.path(), &format!("predict up.model --data {} --index 0-999 --json", sample()));
    let right = one_by_one.succeeds().json().iter().filter(|answer| answer["correct"] == true).count();
    assert_eq!(report["errors"], 1000 - right as u64);
    let again = format!("report up.model --data {} -o up.html --json", sample());
    let page = nn_cli(folder.path(), &again).succeeds().json().pop().unwrap();
    assert_eq!(page["accuracy"], report["accuracy"]);
    // Without it, the network is another one's.
    let flags = flags.replace("deskew", "none");
    let plain = format!("train --data {} {flags} -o plain.model", sample());
    nn_cli(folder.path(), &plain).succeeds();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("up.model") != read("plain.model"));
}

#[test]
fn a_committee_is_asked_and_its_members_are_named() {
    let folder = scratch();
    for seed in 1..=3 {
        let line = format!("train --data {} --epochs 1 --hidden 8 --seed {seed} -o {seed}.model", sample());
        nn_cli(folder.path(), &line).succeeds();
    }
    let eval = |models: &str| nn_cli(folder.path(), &format!("eval {models} --data {} --json", sample()));
    let alone = eval("2.model").succeeds().json().pop().unwrap();
    assert!(alone.get("members").is_none());
    let together = eval("1.model 2.model 3.model").succeeds().json().pop().unwrap();
    assert_eq!(together["members"][1]["errors"], alone["errors"]);
    assert_eq!(together["model"], "1.model, 2.model, 3.model");
    let errors = |report: &serde_json::Value| report["errors"].as_u64().unwrap();
    let mean = (0..3).map(|member| errors(&together["members"][member])).sum::<u64>() / 3;
    assert!(errors(&together) < mean, "{together}");
    // Of three equal ones the answer is that of one.
    let same = eval("2.model 2.model 2.model").succeeds().json().pop().unwrap();
    assert_eq!(same["errors"], alone["errors"]);

    let text = nn_cli(folder.path(), &format!("eval 1.model 2.model --data {} --per-class", sample()));
    assert!(text.succeeds().stdout.starts_with("committee of 2 models\n  1.model: "));
    nn_cli(folder.path(), &format!("eval 1.model 2.model --data {} --outputs x.npz", sample())).fails_with(
        &["cannot write x.npz: a committee has no outputs of its own", "hint: --outputs goes with"],
    );
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --data tiny --epochs 1 -o tiny.model").succeeds();
    let mixed = nn_cli(folder.path(), &format!("eval 1.model tiny.model --data {}", sample()));
    mixed.fails_with(&["tiny.model does not fit the data"]);
}

#[test]
fn who_does_not_fit_a_committee_is_named() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let more = tiny_data(folder.path(), "more");
    let labels = Array::from_shape_fn(12, |item| (item % 4) as u8);
    for name in LABELS {
        fs::write(more.join(name), idx_format::write_array(Vec::new(), &labels).unwrap()).unwrap();
    }
    for data in ["tiny", "more"] {
        let line = format!("train --data {data} --epochs 1 --hidden 4 -o {data}.model");
        nn_cli(folder.path(), &line).succeeds();
    }
    nn_cli(folder.path(), "eval tiny.model tiny.model more.model --data tiny").fails_with(&[
        "more.model cannot be asked together with tiny.model: expected 3 outputs, as that has, found 4",
        "hint: models of a committee",
    ]);
    nn_cli(folder.path(), "eval tiny.model tiny.model --data more")
        .fails_with(&["cannot measure tiny.model on more", "expected at most 3 classes"]);
}

#[test]
fn a_network_learns_from_others_and_its_run_remembers_them() {
    let folder = scratch();
    let data = format!("--data {}", sample());
    nn_cli(folder.path(), &format!("train {data} --epochs 2 --hidden 40 -o one.model")).succeeds();
    nn_cli(folder.path(), &format!("train {data} --epochs 2 --hidden 40 --seed 2 -o two.model")).succeeds();
    let flags = "--hidden 8 --epochs 2 --preprocess none --augment none";
    let train = |rest: &str| nn_cli(folder.path(), &format!("train --preset small {data} {flags} {rest}"));
    train("-o alone.model").succeeds();
    train("--teacher one.model,two.model -o taught.model").succeeds();
    nn_cli(folder.path(), &format!("distill one.model two.model {data} {flags} -o distilled.model"))
        .succeeds();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("taught.model") == read("distilled.model") && read("taught.model") != read("alone.model"));
    // Who listens to labels alone learns as if there were no teacher.
    train("--teacher one.model --teacher-share 0 -o deaf.model").succeeds();
    let accuracy = |model: &str| {
        let line = format!("eval {model} {data} --json");
        nn_cli(folder.path(), &line).succeeds().json().pop().unwrap()["loss"].as_f64().unwrap()
    };
    assert!((accuracy("deaf.model") - accuracy("alone.model")).abs() < 0.01);

    train("--teacher one.model,two.model --run taught --checkpoint-every 7").succeeds();
    let last = read("runs/taught/last.model");
    let again = nn_cli(folder.path(), "train --run again --config runs/taught/config.toml");
    again.succeeds();
    assert!(read("runs/again/last.model") == last);
    for (flags, part) in [
        ("--teacher one.model", "expected --teacher with 2 models, as it was begun with, found 1"),
        ("--patience 3", "expected no --patience, for it was begun without, found 3"),
        ("--teacher-share 0.5", "expected --teacher-share 0.9, as it was begun with, found 0.5"),
        ("--mixup 0.5", "expected --mixup 0, as it was begun with, found 0.5"),
        ("--preprocess deskew", "expected --preprocess none, as it was begun with, found deskew"),
    ] {
        nn_cli(folder.path(), &format!("train --resume taught {flags}")).fails_with(&[part]);
    }
    // Where nothing is left to learn, nobody needs to teach.
    fs::rename(folder.path().join("one.model"), folder.path().join("gone.model")).unwrap();
    let checkpoint = read("runs/taught/checkpoint");
    nn_cli(folder.path(), "train --resume taught").succeeds();
    assert!(read("runs/taught/checkpoint") == checkpoint && read("runs/taught/last.model") == last);
    let upright = format!("train --preset small {data} --epochs 1 --teacher two.model");
    nn_cli(folder.path(), &upright)
        .fails_with(&["two.model cannot teach here: expected a network that sees its images with", "hint: "]);
}

#[test]
#[cfg(unix)]
fn a_run_goes_on_with_the_teachers_that_it_was_begun_with_alone() {
    let folder = scratch();
    let data = format!("--data {}", sample());
    let train = |rest: &str| nn_cli(folder.path(), &format!("train {data} --epochs 1 --hidden 8 {rest}"));
    train("-o one.model").succeeds();
    train("-o upright.model --preprocess deskew").succeeds();
    let line = format!("train {data} --epochs 500 --hidden 8 --teacher one.model --run taught --json");
    assert_eq!(interrupt("INT", folder.path(), &line, 2).code, Some(130));
    let resume = || nn_cli(folder.path(), "train --resume taught");
    fs::rename(folder.path().join("one.model"), folder.path().join("two.model")).unwrap();
    resume()
        .fails_with(&["the teacher one.model is not there any more", "hint: --teacher FILE,... says where"]);
    let line = "train --resume taught --teacher two.model --json";
    assert_eq!(interrupt("INT", folder.path(), line, 2).code, Some(130));
    // Whatever else is the matter with it, no flag would help.
    fs::copy(folder.path().join("upright.model"), folder.path().join("two.model")).unwrap();
    resume().fails_with(&["the teachers are others", "hint: the run can only go on with the files"]);
}

#[test]
fn teachers_that_see_their_images_otherwise_are_told_apart() {
    let folder = scratch();
    let data = format!("--data {}", sample());
    let train = |rest: &str| nn_cli(folder.path(), &format!("train {data} --epochs 1 --hidden 8 {rest}"));
    train("-o plain.model").succeeds();
    train("-o upright.model --preprocess deskew").succeeds();
    for preprocessing in ["none", "deskew"] {
        train(&format!("--preprocess {preprocessing} --teacher plain.model,upright.model")).fails_with(&[
            "plain.model sees its images with preprocessing none, upright.model with deskew",
            "hint: take teachers that were trained with one --preprocess",
        ]);
    }
    train("--teacher upright.model").fails_with(&["found deskew", "hint: --preprocess deskew makes both"]);
    train("--teacher upright.model --preprocess deskew").succeeds();
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for (flags, part) in [
        ("--augment rotation=x", "rotation"),
        ("--augment wobbly", "wobbly"),
        ("--mixup 2", "expected a number from 0 to 1"),
        ("--label-smoothing 1", "expected a number from 0 to below 1"),
        ("--dropout 1", "expected HIDDEN or INPUTS,HIDDEN"),
        ("--weight-decay -1", "expected a finite number of at least 0"),
        ("--clip 0", "expected a finite number above 0"),
        ("--average ema:2", "at most 0.99999994, found 2; `none` leaves it out"),
        ("--augment rotation=999", "is `999`, expected a number from 0 to 180; `none` leaves it out"),
        ("--preprocess upside-down", "deskew"),
    ] {
        let run = nn_cli(folder.path(), &format!("train --data tiny {flags}"));
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    nn_cli(folder.path(), "train --data tiny --teacher missing.model").fails_with(&["missing.model"]);
    assert_eq!(names(folder.path()), ["tiny"]);
}

#[test]
fn what_cannot_be_distorted_is_refused_before_a_run_has_a_folder() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "flat");
    // Samples that are no pictures.
    let pixels = Array::from_shape_fn((12, 15), |(item, pixel)| (item * pixel) as u8);
    for name in IMAGES {
        fs::write(data.join(name), idx_format::write_array(Vec::new(), &pixels).unwrap()).unwrap();
    }
    let train = |rest: &str| nn_cli(folder.path(), &format!("train --data flat --epochs 1 {rest}"));
    train("--augment medium --run first").fails_with(&[
        "cannot distort the images in flat",
        "found 15",
        "hint: --augment none",
    ]);
    assert_eq!(names(folder.path()), ["flat"]);
    fs::write(folder.path().join("s.toml"), "epochs = 1\n[grid]\naugment = ['none', 'medium']\n").unwrap();
    nn_cli(folder.path(), "sweep s.toml --data flat").fails_with(&["cannot distort the images in flat"]);
    assert_eq!(names(folder.path()), ["flat", "s.toml"]);
    train("--run first").succeeds();
}

#[test]
fn the_file_of_a_teacher_is_not_written_over() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let run = |line: &str| nn_cli(folder.path(), &format!("{line} --data tiny --epochs 1 --hidden 4"));
    run("train -o wise.model").succeeds();
    run("train -o mnist.model --seed 2").succeeds();
    fs::create_dir(folder.path().join("above")).unwrap();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let (wise, usual) = (read("wise.model"), read("mnist.model"));
    #[cfg(unix)]
    std::os::unix::fs::symlink("wise.model", folder.path().join("link.model")).unwrap();
    for line in [
        "train --teacher mnist.model,wise.model -o above/../wise.model",
        #[cfg(unix)]
        "train --teacher wise.model -o link.model",
        #[cfg(unix)]
        "train --teacher link.model -o wise.model",
        // The usual name of what is written.
        "distill mnist.model --preprocess none --augment none",
    ] {
        run(line).fails_with(&[
            "expected another file there, found a teacher's own file",
            "hint: it would be lost",
        ]);
        assert!(read("wise.model") == wise && read("mnist.model") == usual, "{line}");
    }
    run("train --teacher mnist.model -o wise.model").succeeds();
}

#[test]
fn settings_without_effect_are_noted_before_the_training() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let train =
        |flags: &str| nn_cli(folder.path(), &format!("train --data tiny --epochs 1 --batch 4 {flags}"));
    train("-o wise.model").succeeds();
    for (flags, note) in [
        ("--augment rotation=0,elastic-smoothness=3", "leaves every image as it is"),
        ("--mixup 0.2 --batch 1", "mixup 0.2 does nothing"),
        (
            "--hidden none --dropout 0.2,0.5",
            "dropout 0.5 of the hidden units does nothing: the network has none",
        ),
        ("--teacher wise.model --teacher-share 0", "the teachers are not heard"),
        (
            "--average ema:0.99",
            "the average ema:0.99 remembers some 100 steps, and the training has 3: 98.01 %",
        ),
        ("--average tail:0.1", "the average tail:0.1 does nothing"),
    ] {
        let batch = if flags.contains("--batch") { "" } else { "--batch 4" };
        let line = format!("train --data tiny --epochs 1 {flags} {batch} -o new.model");
        let run = nn_cli(folder.path(), &line).succeeds();
        assert!(run.stderr.starts_with("note: ") && run.stderr.contains(note), "{note}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    }
    for flags in ["--augment shift=1 --dropout 0.2,0", "--hidden 4 --dropout 0.5 --mixup 1 --average tail:1"]
    {
        assert_eq!(train(flags).succeeds().stderr, "", "{flags}");
    }
    train("--teacher-share 0.5")
        .fails_with(&["--teacher-share is how much is learnt from teachers", "hint: "]);
    fs::write(folder.path().join("s.toml"), "epochs = 1\n[grid]\nteacher-share = [0.5, 0.9]\n").unwrap();
    nn_cli(folder.path(), "sweep s.toml --plan")
        .fails_with(&["`teacher-share` is how much", "hint: `teacher`"]);
}
