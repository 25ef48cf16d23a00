//! What a configuration promises: that of a run repeats it, flags stand above it, and what is wrong is named with its
//! place.

mod common;

use std::fs;

use common::{names, nn_cli, scratch, tiny_data};
use nn_train::RunFolder;

const RECIPE: &str = "--optimizer adam --hidden 5,4 --rate 0.01 --schedule step:2:0.5 --batch 3 --epochs 4 --seed 7 \
                      --validation 0.25 --patience 3 --checkpoint-every 2 --activation tanh --augment \
                      rotation=5,shift=0.5 --preprocess deskew --mixup 0.2 --label-smoothing 0.1 --dropout 0.1,0.2 \
                      --weight-decay 0.01 --clip 0.5 --average ema:0.5 --order blocks:2,3";

#[test]
fn the_configuration_of_a_run_repeats_it_to_the_last_bit() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), &format!("train --run first --data tiny {RECIPE}")).succeeds();
    let run = nn_cli(folder.path(), "train --run second --config runs/first/config.toml").succeeds();
    assert_eq!(run.stderr, "");
    for name in [
        RunFolder::CONFIG,
        RunFolder::CHECKPOINT,
        RunFolder::METRICS,
        RunFolder::LAST_MODEL,
        RunFolder::BEST_MODEL,
    ] {
        let read = |run: &str| fs::read(folder.path().join("runs").join(run).join(name)).unwrap();
        assert!(read("first") == read("second"), "{name}");
    }
    // Another seed is another result, and all else stays.
    nn_cli(folder.path(), "train --run third --config runs/first/config.toml --seed 8").succeeds();
    let read =
        |run: &str| fs::read_to_string(folder.path().join("runs").join(run).join("config.toml")).unwrap();
    assert_eq!(read("third"), read("first").replace("seed = 7", "seed = 8"));
    assert!(read("first").contains("\nvalidation = 3\n"), "the samples are counted: {}", read("first"));
}

#[test]
fn the_configuration_that_is_printed_is_the_one_that_is_trained_with() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let flags = "--preset article --hidden none --loss mean-squared-error --rate 0.2 --epochs 2";
    let printed = nn_cli(folder.path(), &format!("train {flags} --print-config")).succeeds();
    assert!(printed.stdout.starts_with("# "), "{printed:?}");
    assert_eq!(printed.stderr, "", "nobody looks for data: {printed:?}");
    fs::write(folder.path().join("my.toml"), &printed.stdout).unwrap();
    nn_cli(folder.path(), &format!("train --data tiny {flags} -o flags.model")).succeeds();
    nn_cli(folder.path(), "train --data tiny --config my.toml -o config.model").succeeds();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("flags.model") == read("config.model"));
    // It is a fixed point, and data that was named is part of it.
    let again = nn_cli(folder.path(), "train --config my.toml --print-config").succeeds();
    assert_eq!(again.stdout, printed.stdout);
    let named = nn_cli(folder.path(), "train --config my.toml --data tiny --print-config").succeeds();
    assert!(named.stdout.contains("\ndata = \"tiny\"\n"), "{named:?}");
    assert_eq!(names(folder.path()), ["config.model", "flags.model", "my.toml", "tiny"]);
}

#[test]
fn other_data_and_another_release_than_the_configuration_was_written_for_are_noted() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --run first --data tiny --epochs 1").succeeds();
    let config = folder.path().join("runs/first/config.toml");
    let line = "train --config runs/first/config.toml";
    assert_eq!(nn_cli(folder.path(), line).succeeds().stderr, "");

    let images = data.join(common::IMAGES[0]);
    let mut bytes = fs::read(&images).unwrap();
    bytes[20] ^= 1;
    fs::write(&images, bytes).unwrap();
    let expected = "note: the training data is not that of the configuration: the result will be another\n";
    assert_eq!(nn_cli(folder.path(), line).succeeds().stderr, expected);
    // Whoever names the data knows.
    assert_eq!(nn_cli(folder.path(), &format!("{line} --data tiny")).succeeds().stderr, "");

    let text = fs::read_to_string(&config).unwrap();
    let release = format!("release = \"{}\"", env!("CARGO_PKG_VERSION"));
    fs::write(&config, text.replace(&release, "release = \"0.0.9\"")).unwrap();
    let run = nn_cli(folder.path(), &format!("{line} --data tiny")).succeeds();
    assert!(run.stderr.starts_with("note: the configuration is of release 0.0.9, and this is "), "{run:?}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_before_anything_is_done() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("key.toml", b"seed = 1\nepohcs = 3\n");
    write("value.toml", b"loss = 'crossentropy'\n");
    write("pair.toml", b"loss = 'binary-cross-entropy'\noutput-activation = 'relu'\n");
    write("patience.toml", b"patience = 3\n");
    write("text.toml", b"\xff\xfe\n");
    write("long.toml", &vec![b'#'; 2 << 20]);
    write("nested.toml", &vec![b'['; 100_000]);
    for (config, message) in [
        (
            "key.toml",
            &["key.toml, line 2, column 1: unknown key `epohcs`", "hint: did you mean `epochs`?"][..],
        ),
        (
            "value.toml",
            &["value.toml, line 1, column 8: wrong value `crossentropy` of `loss`", "expected one of"],
        ),
        ("patience.toml", &["the patience in patience.toml is that of a run", "hint: --run NAME"]),
        ("text.toml", &["cannot read text.toml", "UTF-8"]),
        ("long.toml", &["cannot read long.toml: expected a configuration of at most 1048576 bytes"]),
        ("nested.toml", &["nested.toml, line 1, column "]),
        ("kye.toml", &["cannot read kye.toml", "hint: did you mean key.toml?"]),
        ("missing", &["cannot read missing", "hint: `nn-cli train --print-config`"]),
        ("tiny", &["cannot read tiny"]),
    ] {
        nn_cli(folder.path(), &format!("train --data tiny --config {config}")).fails_with(message);
    }
    nn_cli(folder.path(), "train --data tiny --config pair.toml").fails_with(&[
        "cannot train by pair.toml: the loss",
        "is not defined on the output activation relu",
        "hint: without `output-activation` it is",
    ]);
    let run = nn_cli(folder.path(), "train --data tiny --config pair.toml --output-activation tanh");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("is not defined on --output-activation tanh"), "{run:?}");
    assert!(!names(folder.path()).contains(&"mnist.model".to_owned()));
}

#[test]
fn a_misspelled_run_model_or_folder_is_recognised() {
    let folder = scratch();
    common::tiny_model(folder.path());
    fs::write(folder.path().join("five.png"), "").unwrap();
    for run in ["first", "second"] {
        nn_cli(folder.path(), &format!("train --run {run} --data tiny --epochs 1")).succeeds();
    }
    for (line, message) in [
        ("train --resume frist", "hint: did you mean runs/first? in runs there is first and second"),
        ("train --resume other", "hint: in runs there is first and second"),
        ("train --resume ./tiyn", "hint: `nn-cli train --run NAME`"),
        ("eval tiny.modle --data tiny", "hint: did you mean tiny.model?"),
        ("predict tinny.model --index 0 --data tiny", "hint: did you mean tiny.model?"),
        ("predict tiny.model fiev.png", "hint: did you mean five.png?"),
        ("inspect tiny.modl", "hint: did you mean tiny.model?"),
        ("train --data tinny", "hint: there is no such folder; did you mean tiny?"),
        ("eval other.thing --data tiny", "hint: `nn-cli train` makes a model"),
        ("report frist", "hint: did you mean runs/first?"),
        ("report runs/frist", "hint: did you mean runs/first?"),
        ("report tiny.modle", "hint: did you mean tiny.model?"),
        ("report other", "hint: `nn-cli train --run NAME` makes a run"),
        ("show tiny.modle", "hint: did you mean tiny.model?"),
    ] {
        nn_cli(folder.path(), line).fails_with(&[message]);
    }
}
