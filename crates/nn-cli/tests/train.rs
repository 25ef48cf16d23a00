//! What `train` promises: accuracy, reproducibility, its output, and that no file is lost.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use common::{Run, command, interrupt, interrupt_after, names, nn_cli, sample, scratch, send, tiny_data};

#[test]
fn training_on_the_sample_reaches_a_useful_accuracy_and_says_so_everywhere() {
    let folder = scratch();
    let line = format!("train --data {} --epochs 5 --json", sample());
    let lines = nn_cli(folder.path(), &line).succeeds().json();
    assert_eq!(lines.len(), 7);
    let (start, end) = (&lines[0], &lines[6]);

    assert_eq!(start["event"], "start");
    assert_eq!(start["layers"].to_string(), "[784,100,10]");
    assert_eq!(start["parameters"], 79510);
    assert_eq!((&start["train_samples"], &start["held_out"]), (&4000.into(), &"test".into()));
    for (epoch, line) in (1..).zip(&lines[1..6]) {
        assert_eq!((&line["event"], &line["epoch"]), (&"epoch".into(), &epoch.into()));
        assert!(line["train_loss"].is_f64() && line["rate"].is_f64() && line["seconds"].is_f64());
    }
    assert_eq!((&end["event"], &end["interrupted"]), (&"end".into(), &false.into()));
    let accuracy = end["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "{accuracy}");
    assert_eq!(lines[5]["held_out_accuracy"].as_f64(), Some(accuracy));

    // The model was saved where nothing else was said, and does as well when it is loaded.
    assert_eq!(names(folder.path()), ["mnist.model"]);
    let report = &nn_cli(folder.path(), &format!("eval mnist.model --data {} --json", sample())).json()[0];
    assert_eq!(report["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(report["loss"], end["test"]["loss"]);
    let diagonal: u64 = (0..10).map(|class| report["confusion"][class][class].as_u64().unwrap()).sum();
    assert_eq!(diagonal, 1000 - end["test"]["errors"].as_u64().unwrap());

    let record = &nn_cli(folder.path(), "inspect mnist.model --json").json()[0]["training"];
    assert_eq!((&record["seed"], &record["finished_epochs"]), (&1.into(), &5.into()));
    assert_eq!(record["held_out_accuracy"].as_f64(), Some(accuracy));
}

#[test]
fn people_read_a_line_for_each_epoch_the_accuracy_and_what_to_do_next() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let run = nn_cli(folder.path(), "train --data tiny -o a.model --epochs 3 --hidden 4").succeeds();
    for part in [
        "15-4-3",
        "79 parameters",
        "  3/3  ",
        "\ntest ",
        "\nsaved    a.model (",
        "nn-cli eval a.model --data tiny",
    ] {
        assert!(run.stdout.contains(part), "{part:?} in {run:?}");
    }
    // No bar, no colors: neither stream is a terminal.
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains('\x1b') && !run.stdout.contains('\r'), "{run:?}");
}

#[test]
fn the_sample_is_used_with_a_word_about_it_where_there_is_nothing_better() {
    let folder = scratch();
    let inner = folder.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::create_dir_all(folder.path().join("data/mnist")).unwrap();
    tiny_data(folder.path(), "data/sample");
    let run = nn_cli(&inner, "train --epochs 1").succeeds();
    assert!(run.stderr.starts_with("note: using the small sample in "), "{run:?}");
    assert!(run.stderr.contains("cargo xtask fetch-data"), "{run:?}");

    tiny_data(folder.path(), "data/mnist");
    let run = nn_cli(&inner, "train --epochs 1").succeeds();
    assert_eq!(run.stderr, "");
    assert!(run.stdout.contains("data/mnist: 12 images of 5x3"), "{run:?}");
}

#[test]
fn one_seed_gives_one_file_byte_for_byte_with_any_number_of_threads() {
    let folder = scratch();
    let model = |name: &str, flags: &str| {
        let line = format!("train --data {} --epochs 2 --hidden 30,20 -o {name} {flags}", sample());
        nn_cli(folder.path(), &line).succeeds();
        fs::read(folder.path().join(name)).unwrap()
    };
    let first = model("a", "--seed 7 --threads 1");
    assert!(first == model("b", "--seed 7 --threads 1"));
    assert!(first == model("c", "--seed 7 --threads 3"));
    assert!(first == model("d", "--seed 7"));
    assert!(first != model("e", "--seed 8"));
}

#[test]
fn validation_samples_are_the_last_of_the_training_files() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for (flag, train, kept) in [("0.25", 9, 3), ("5", 7, 5)] {
        let line = format!("train --data tiny --epochs 1 --validation {flag} --json");
        let lines = nn_cli(folder.path(), &line).succeeds().json();
        assert_eq!(
            (&lines[0]["train_samples"], &lines[0]["held_out_samples"]),
            (&train.into(), &kept.into())
        );
        assert_eq!(lines[1]["held_out"], "validation");
        assert_eq!(lines[2]["test"]["samples"], 12);
    }
    nn_cli(folder.path(), "train --data tiny --validation 12 -o new.model")
        .fails_with(&["--validation keeps 12 of 12 training samples, expected fewer", "hint: "]);
}

#[test]
fn every_choice_of_a_recipe_trains() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for flags in [
        "--preset article",
        "--preset article --activation relu --rate 0.01",
        "--hidden none",
        "--hidden 5,4,3 --activation leaky-relu --initializer glorot",
        "--activation tanh --loss mean-squared-error",
        "--activation identity --loss mean-squared-error --output-activation identity --rate 0.01",
        "--loss binary-cross-entropy --output-activation softmax",
        "--loss sigmoid-cross-entropy --optimizer momentum",
        "--optimizer nesterov --schedule step:1:0.5",
        "--optimizer adam --schedule cosine --initializer normal:0.1",
        "--schedule one-cycle:0.1 --batch 1000000 --seed 18446744073709551615",
    ] {
        let run = nn_cli(folder.path(), &format!("train --data tiny --epochs 2 {flags}")).succeeds();
        assert!(run.stdout.contains("  2/2  "), "{flags}: {run:?}");
        nn_cli(folder.path(), "eval mnist.model --data tiny").succeeds();
    }
}

#[test]
fn a_preset_is_recorded_only_where_nothing_in_it_was_changed() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for (flags, preset) in [("--seed 3 --threads 1", "\"article\""), ("--rate 0.2", "null")] {
        nn_cli(folder.path(), &format!("train --data tiny --preset article {flags}")).succeeds();
        let record = &nn_cli(folder.path(), "inspect mnist.model --json").json()[0]["training"];
        assert_eq!(record["preset"].to_string(), preset);
    }
}

#[test]
fn training_that_diverges_is_an_error_with_the_remedy() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --data tiny --rate 1e30 --schedule constant --loss mean-squared-error \
                --output-activation identity --batch 1 --json";
    let run = nn_cli(folder.path(), line);
    assert_eq!(run.code, Some(1), "{run:?}");
    for part in
        ["error: cannot train on tiny: ", "is not finite", "epoch 1", "hint: training diverged", "--rate"]
    {
        assert!(run.stderr.contains(part), "{part:?} in {run:?}");
    }
    assert_eq!(names(folder.path()), ["tiny"]);
}

#[test]
fn a_batch_too_large_for_the_memory_is_refused_before_it_is_asked_for() {
    let folder = scratch();
    let data = folder.path().join("dots");
    fs::create_dir(&data).unwrap();
    // 70,000 images of 1x1 pixel, all of class 0; the last 10,000 are for validation.
    let images = [&[0, 0, 8, 3, 0, 1, 0x11, 0x70, 0, 0, 0, 1, 0, 0, 0, 1][..], &[7; 70_000]].concat();
    fs::write(data.join("train-images-idx3-ubyte"), images).unwrap();
    let labels = [&[0, 0, 8, 1, 0, 1, 0x11, 0x70][..], &[0; 70_000]].concat();
    fs::write(data.join("train-labels-idx1-ubyte"), labels).unwrap();
    nn_cli(folder.path(), "train --data dots --validation 10000 --batch 60000 --hidden 20000").fails_with(&[
        "a step of 60,000 samples through 1-20000-1 is too large",
        "expected at most 4,294,967,296 bytes",
        "found 9,600,960,000",
        "hint: try a smaller --batch or --hidden",
    ]);
    assert_eq!(names(folder.path()), ["dots"]);
}

#[test]
fn a_sample_is_used_where_a_download_left_only_its_parts() {
    let folder = scratch();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("mnist")).unwrap();
    fs::write(data.join("mnist/.train-images-idx3-ubyte.gz.part"), "half").unwrap();
    tiny_data(&data, "sample");
    let run = nn_cli(folder.path(), "train --epochs 1 --hidden 3").succeeds();
    assert!(run.stderr.contains("using the small sample in data/sample"), "{run:?}");
}

#[test]
fn test_images_without_labels_are_not_taken_for_no_test_set() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "tiny");
    fs::remove_file(data.join("t10k-labels-idx1-ubyte")).unwrap();
    nn_cli(folder.path(), "train --data tiny --validation 2")
        .fails_with(&["no test labels in tiny", "hint: "]);
}

#[test]
fn a_network_too_large_to_be_loaded_again_is_refused_before_memory_is_asked_for() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for hidden in ["5000000", "100000,100000", "18446744073709551615", "9999999999,9999999999"] {
        nn_cli(folder.path(), &format!("train --data tiny --hidden {hidden}"))
            .fails_with(&["is too large: expected fewer than 67,076,096 parameters, found", "hint: "]);
    }
}

#[test]
fn where_the_model_cannot_be_saved_is_said_before_training() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
    for (output, message) in [
        (
            "missing/new.model",
            &["missing/new.model: expected a folder missing, found none", "hint: make"][..],
        ),
        ("tiny", &["tiny: expected a model or nothing there, found a folder", "hint: "]),
        ("thesis.txt", &["thesis.txt: expected a model or nothing there, found another file", "hint: "]),
        (
            "missing/",
            &["cannot write missing/: expected a model or nothing there", "found the name of a folder"],
        ),
        ("missing/.", &["found the name of a folder", "hint: name a file in it"]),
        #[cfg(unix)]
        ("dangling", &["cannot write dangling: ", "found a link to nothing", "hint: delete the link"]),
        ("thesis.txt/new.model", &["cannot write thesis.txt/new.model"]),
        ("tiny/train-labels-idx1-ubyte", &["found another file"]),
        #[cfg(unix)]
        ("/dev/full", &["/dev/full: expected a model or nothing there, found a device or pipe"]),
        #[cfg(target_os = "linux")]
        ("/proc/new.model", &["cannot write /proc/new.model: cannot make a file in /proc"]),
    ] {
        nn_cli(folder.path(), &format!("train --data tiny --output {output}")).fails_with(message);
    }
    assert_eq!(fs::read_to_string(folder.path().join("thesis.txt")).unwrap(), "years of work");
    #[cfg(unix)]
    fs::remove_file(folder.path().join("dangling")).unwrap();
    assert_eq!(names(folder.path()), ["thesis.txt", "tiny"]);
}

#[test]
#[cfg(unix)]
fn a_network_that_cannot_be_saved_where_it_should_is_saved_under_another_name() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --data tiny -o new.model --epochs 100000000 --json";
    let run = interrupt_after("INT", folder.path(), line, 2, || {
        // It was free when training began.
        fs::create_dir(folder.path().join("new.model")).unwrap();
        fs::write(folder.path().join("new.model.1"), "another").unwrap();
    });
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with("note: saved the network in new.model.2 instead"), "{run:?}");
    assert!(run.stderr.contains("error: cannot find a regular file to replace at new.model"), "{run:?}");
    nn_cli(folder.path(), "inspect new.model.2").succeeds();
    assert_eq!(names(folder.path()), ["new.model", "new.model.1", "new.model.2", "tiny"]);
}

#[test]
fn an_earlier_model_is_replaced_as_a_whole() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --data tiny --epochs 1 --seed 1").succeeds();
    let first = fs::read(folder.path().join("mnist.model")).unwrap();
    nn_cli(folder.path(), "train --data tiny --epochs 1 --seed 2").succeeds();
    assert_ne!(fs::read(folder.path().join("mnist.model")).unwrap(), first);
    assert_eq!(names(folder.path()), ["mnist.model", "tiny"]);
}

/// A limit on the length of files stands for a disk that fills up.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_leaves_the_earlier_model_and_nothing_half_written() {
    let folder = scratch();
    let train = |limit: &str| -> Run {
        let script = format!(
            "ulimit -f {limit}; exec {} train --data {} --epochs 1",
            env!("CARGO_BIN_EXE_nn-cli"),
            sample()
        );
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).current_dir(folder.path()).output().unwrap().into()
    };
    train("unlimited").succeeds();
    let model = fs::read(folder.path().join("mnist.model")).unwrap();
    let run = train("16");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("the temporary file of mnist.model: "), "{run:?}");
    assert!(
        run.stderr.contains("hint: is the disk full? an earlier file of that name is unharmed"),
        "{run:?}"
    );
    assert!(!run.stdout.contains("saved"), "{run:?}");
    assert!(fs::read(folder.path().join("mnist.model")).unwrap() == model);
    assert_eq!(names(folder.path()), ["mnist.model"]);
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_ends_every_command_with_an_error() {
    let folder = scratch();
    common::tiny_model(folder.path());
    for line in [
        "train --data tiny -o new.model",
        "train --data tiny -o new.model --json",
        "eval tiny.model --data tiny",
        "predict tiny.model --data tiny --index 0",
        "show --data tiny",
        "inspect tiny",
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let run: Run = command(folder.path())
            .args(line.split(' '))
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .unwrap()
            .into();
        run.fails_with(&["error: cannot write to standard output: No space left on device"]);
    }
    assert!(!folder.path().join("new.model").exists());
}

#[test]
fn a_reader_that_goes_away_stops_the_printing_and_not_the_training() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    for flag in ["", "--json"] {
        let mut child = command(folder.path())
            .args(format!("train --data tiny -o new.model --epochs 300 {flag}").split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let record = &nn_cli(folder.path(), "inspect new.model --json").json()[0]["training"];
        assert_eq!(record["finished_epochs"], 300);
        fs::remove_file(folder.path().join("new.model")).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_training_saves_the_last_finished_epoch_and_exits_with_130() {
    let folder = scratch();
    let line = format!("train --data {} --epochs 100000 --json", sample());
    let run = interrupt("INT", folder.path(), &line, 3);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stderr.starts_with("note: interrupted: saved the network as it was after"), "{run:?}");
    let lines = run.json();
    let epochs = lines.len() - 2;
    assert!(epochs >= 2);
    let end = &lines[lines.len() - 1];
    assert_eq!((&end["interrupted"], &end["epochs"]), (&true.into(), &epochs.into()));

    let record = &nn_cli(folder.path(), "inspect mnist.model --json").json()[0]["training"];
    assert_eq!((&record["epochs"], &record["finished_epochs"]), (&100_000.into(), &epochs.into()));
    let report = &nn_cli(folder.path(), &format!("eval mnist.model --data {} --json", sample())).json()[0];
    assert_eq!(report["accuracy"], end["test"]["accuracy"]);
}

#[test]
#[cfg(unix)]
fn a_training_interrupted_in_its_first_epoch_saves_nothing() {
    let folder = scratch();
    let line = format!("train --data {} --hidden 2000,2000 --batch 1 --json", sample());
    let run = interrupt("INT", folder.path(), &line, 1);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(
        run.stderr.contains("note: interrupted before the first epoch was over: nothing was saved"),
        "{run:?}"
    );
    assert_eq!(run.json().len(), 1);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_shutdown_and_a_closed_terminal_save_as_ctrl_c_does() {
    let folder = scratch();
    let line = format!("train --data {} --epochs 100000 --json", sample());
    // Under `nohup` the tests would ignore it too, and what they start.
    let ignored = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let is_hangup_ignored = u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1;
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        if signal == "HUP" && is_hangup_ignored {
            continue;
        }
        let run = interrupt(signal, folder.path(), &line, 3);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.starts_with("note: interrupted: saved the network"), "{run:?}");
        nn_cli(folder.path(), "inspect mnist.model").succeeds();
        fs::remove_file(folder.path().join("mnist.model")).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn under_nohup_a_closed_terminal_stops_nothing() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let mut child = std::process::Command::new("nohup")
        .arg(env!("CARGO_BIN_EXE_nn-cli"))
        .args(["train", "--data", "tiny", "--epochs", "2000", "--json"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut read = String::new();
    stdout.read_line(&mut read).unwrap();
    send("HUP", child.id());
    std::io::Read::read_to_string(&mut stdout, &mut read).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{read}");
    assert_eq!(read.lines().count(), 2002);
}

/// A limit on the length of files, here of that which standard output goes to, stands for a disk that fills up.
#[test]
#[cfg(target_os = "linux")]
fn output_that_fails_amid_a_training_does_not_lose_what_was_trained() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let script = format!(
        "ulimit -f 4; exec {} train --data tiny --hidden 4 --epochs 3000 >log",
        env!("CARGO_BIN_EXE_nn-cli")
    );
    let mut shell = std::process::Command::new("sh");
    let run: Run = shell.args(["-c", &script]).current_dir(folder.path()).output().unwrap().into();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with("note: saved mnist.model as it was after "), "{run:?}");
    assert!(run.stderr.contains("error: cannot write to standard output: File too large"), "{run:?}");
    let record = &nn_cli(folder.path(), "inspect mnist.model --json").json()[0]["training"];
    let finished = record["finished_epochs"].as_u64().unwrap();
    assert!((1..3000).contains(&finished), "{finished}");
}
