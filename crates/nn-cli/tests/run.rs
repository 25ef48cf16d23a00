//! What a run promises beside surviving its end (`kill.rs`): it is left and taken up again without a trace, refuses to
//! become another one, and is whole when there is no room for it.
#![cfg(unix)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use common::{Run, command, interrupt, names, nn_cli, sample, scratch, send, tiny_data};
use nn_train::RunFolder;

/// The files of a run whose bytes are decided by what it was begun with.
const FILES: [&str; 4] =
    [RunFolder::BEST_MODEL, RunFolder::CHECKPOINT, RunFolder::LAST_MODEL, RunFolder::METRICS];

/// All that a run folder holds, by name.
fn contents(run: &Path) -> Vec<(String, Vec<u8>)> {
    names(run).into_iter().map(|name| (name.clone(), fs::read(run.join(&name)).unwrap())).collect()
}

#[track_caller]
fn assert_same(found: &Path, expected: &Path) {
    for name in FILES {
        assert!(fs::read(found.join(name)).unwrap() == fs::read(expected.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_run_that_is_interrupted_says_how_to_go_on_and_ends_as_if_it_had_not_been() {
    let folder = scratch();
    let flags = format!("--data {} --epochs 400 --hidden 20 --validation 0.1 --json", sample());
    nn_cli(folder.path(), &format!("train --run expected {flags}")).succeeds();

    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let run = interrupt(signal, folder.path(), &format!("train --run left {flags}"), 3);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.starts_with("note: interrupted: the last checkpoint is runs/left/checkpoint, "));
        assert!(run.stderr.trim_end().ends_with("go on with `nn-cli train --resume runs/left`"), "{run:?}");
        let end = run.json().pop().unwrap();
        assert_eq!((&end["interrupted"], &end["run"]), (&true.into(), &"runs/left".into()));

        let line = run.stderr.trim_end().rsplit_once('`').unwrap().0.rsplit_once('`').unwrap().1.to_owned();
        nn_cli(folder.path(), line.strip_prefix("nn-cli ").unwrap()).succeeds();
        assert_same(&folder.path().join("runs/left"), &folder.path().join("runs/expected"));
        fs::remove_dir_all(folder.path().join("runs/left")).unwrap();
    }
}

#[test]
fn a_second_signal_ends_the_run_at_once_and_spoils_nothing() {
    let folder = scratch();
    // Steps of many seconds, within which the first signal finds no place to stop.
    let line = format!("train --run slow --data {} --hidden 4000,4000 --batch 4000 --json", sample());
    let mut child = command(folder.path())
        .args(line.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    send("INT", child.id());
    thread::sleep(Duration::from_millis(50));
    send("INT", child.id());
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!(run.stderr, "", "no word of a step that was finished");

    let path = folder.path().join("runs/slow");
    let checkpoint = nn_train::load_checkpoint(&path.join(RunFolder::CHECKPOINT)).unwrap();
    assert_eq!((checkpoint.place.epochs.len(), checkpoint.place.batches), (0, 0));
    assert_eq!(names(&path), ["checkpoint", "config.toml", "lock", "metrics.csv", "metrics.jsonl"]);
}

#[test]
fn a_run_is_one_process_at_a_time() {
    let folder = scratch();
    let line = format!("train --run busy --data {} --epochs 100000 --json", sample());
    let mut child = command(folder.path()).args(line.split(' ')).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    nn_cli(folder.path(), "train --resume busy").fails_with(&[
        "the run in runs/busy is in use: expected to be its only process, found another",
        "hint: wait until that process is done, or stop it",
    ]);
    child.kill().unwrap();
    child.wait().unwrap();
    nn_cli(folder.path(), "inspect runs/busy").succeeds();
}

#[test]
fn a_run_goes_on_with_what_it_was_begun_with_or_not_at_all() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let other = tiny_data(folder.path(), "other");
    let mut labels = fs::read(other.join(common::LABELS[0])).unwrap();
    labels[8] = 2;
    fs::write(other.join(common::LABELS[0]), labels).unwrap();
    let flags = "--data tiny --hidden 4 --epochs 3 --batch 5 --validation 4 --seed 7";
    nn_cli(folder.path(), &format!("train --run first {flags}")).succeeds();
    let path = folder.path().join("runs/first");
    let before = contents(&path);

    for (flags, expected, found) in [
        ("--hidden 5", "--hidden 4", "5"),
        ("--activation tanh", "--activation relu", "tanh"),
        ("--optimizer adam", "--optimizer sgd", "adam"),
        ("--rate 0.25", "--rate 0.7", "0.25"),
        ("--schedule cosine", "--schedule one-cycle:0.3", "cosine"),
        ("--batch 6", "--batch 5", "6"),
        ("--epochs 4", "--epochs 3", "4"),
        ("--seed 8", "--seed 7", "8"),
        ("--order blocks:2,3", "--order full", "blocks:2,3"),
        ("--validation 3", "--validation 4", "3"),
        ("--preset article", "--preset default", "article"),
    ] {
        nn_cli(folder.path(), &format!("train --resume first {flags}")).fails_with(&[
            &format!("expected {expected}, as it was begun with, found {found}\n"),
            "hint: leave out the flags that decide what is computed",
        ]);
    }
    nn_cli(folder.path(), "train --resume first --patience 2")
        .fails_with(&["expected no --patience, for it was begun without, found 2\n"]);
    nn_cli(folder.path(), "train --resume first --data other").fails_with(&[
        "cannot go on with runs/first: the training data is another one: expected ",
        "hint: the run can only go on with the files that it was begun with",
    ]);
    nn_cli(folder.path(), &format!("train --run first {flags}")).fails_with(&[
        "cannot begin a run in runs/first: expected no run there, found one",
        "hint: `--resume` goes on with it",
    ]);
    assert!(contents(&path) == before, "nothing was touched");

    // The same things, typed again, are welcome.
    nn_cli(folder.path(), &format!("train --resume first {flags} --threads 3")).succeeds();
    assert!(contents(&path) == before);
}

#[test]
fn flags_that_only_go_together_with_those_of_the_run_may_be_repeated() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let flags = "--data tiny --hidden 4 --epochs 2 --loss mean-squared-error --output-activation sigmoid";
    nn_cli(folder.path(), &format!("train --run first {flags}")).succeeds();
    // On the loss of the preset it would be wrong usage.
    nn_cli(folder.path(), "train --resume first --output-activation sigmoid").succeeds();
    nn_cli(folder.path(), "train --resume first --output-activation tanh")
        .fails_with(&["expected --output-activation sigmoid, as it was begun with, found tanh"]);
}

#[test]
fn a_run_goes_on_where_its_data_is_now_or_says_where_it_was() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --run first --data tiny --hidden 4 --epochs 2").succeeds();
    let path = folder.path().join("runs/first");
    let before = contents(&path);

    // The same bytes in another shape.
    for name in common::IMAGES {
        let mut images = fs::read(data.join(name)).unwrap();
        images.swap(11, 15);
        fs::write(data.join(name), images).unwrap();
    }
    nn_cli(folder.path(), "train --resume first").fails_with(&[
        "cannot go on with runs/first: the image shape is another one: expected 5 x 3, as in the checkpoint, found \
         3 x 5",
        "hint: the run can only go on with the files that it was begun with",
    ]);
    fs::remove_dir_all(data).unwrap();
    nn_cli(folder.path(), "train --resume first").fails_with(&[
        "the data of the run is no longer in tiny: no data: expected a folder data/mnist",
        "--data names another folder",
    ]);
    assert!(contents(&path) == before, "nothing was touched");

    tiny_data(folder.path(), "data/mnist");
    let run = nn_cli(folder.path(), "train --resume first").succeeds();
    assert_eq!(
        run.stderr,
        "note: the data of the run is no longer in tiny: going on with that in data/mnist\n"
    );
}

#[test]
fn the_commands_that_are_named_are_whole_where_names_have_blanks() {
    let folder = scratch();
    tiny_data(folder.path(), "my data");
    let line = ["train", "--run", "my run", "--data", "my data", "--hidden", "4", "--epochs", "2"];
    let run: Run = command(folder.path()).args(line).output().unwrap().into();
    let next = "next     nn-cli eval 'runs/my run/last.model' --data 'my data' --confusion\n";
    assert!(run.stdout.ends_with(next), "{run:?}");

    let line = ["train", "--run", "it's", "--data", "my data", "--epochs", "1000000"];
    let mut child =
        command(folder.path()).args(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    send("INT", child.id());
    let run: Run = child.wait_with_output().unwrap().into();
    assert!(run.stderr.trim_end().ends_with(r"go on with `nn-cli train --resume 'runs/it'\''s'`"), "{run:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn data_in_a_folder_whose_name_is_no_text_can_be_trained_on_but_not_in_a_run() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let folder = scratch();
    let name = OsStr::from_bytes(b"da\xffta");
    fs::rename(tiny_data(folder.path(), "tiny"), folder.path().join(name)).unwrap();
    let train = |kept: &str| -> Run {
        let line = format!("train {kept} --epochs 1 --data");
        command(folder.path()).args(line.split(' ')).arg(name).output().unwrap().into()
    };
    train("--output a.model").succeeds();
    train("--run first")
        .fails_with(&["cannot keep a run on the data in da\u{fffd}ta: path contains invalid UTF-8"]);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_checkpoint_of_another_release_is_refused_for_that_and_not_for_what_it_says_otherwise() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --run first --data tiny --hidden 4 --epochs 2").succeeds();
    let path = folder.path().join("runs/first/checkpoint");
    let own = nn_train::load_checkpoint(&path).unwrap();

    let other = nn_train::Checkpoint { release: "0.9.9".into(), settings: "{}".into(), ..own.clone() };
    nn_train::save_checkpoint(&other, &path).unwrap();
    nn_cli(folder.path(), "train --resume first").fails_with(&[
        "cannot go on with runs/first: the release is another one: expected 0.9.9, as in the checkpoint, found ",
        "hint: the run can only go on with the release",
    ]);
    let foreign = nn_train::Checkpoint { settings: "of another program".into(), ..own };
    nn_train::save_checkpoint(&foreign, &path).unwrap();
    nn_cli(folder.path(), "train --resume first")
        .fails_with(&["cannot go on with runs/first: cannot read the settings in the checkpoint: "]);
    // It is a sound checkpoint for all that.
    let description = &nn_cli(folder.path(), "inspect runs/first --json").succeeds().json()[0];
    assert_eq!((&description["kind"], description["settings"].is_null()), (&"checkpoint".into(), true));
    nn_cli(folder.path(), "inspect runs/first").succeeds();
}

#[test]
fn a_run_whose_lock_was_removed_ends_before_it_writes_beside_another_process() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --run first --data tiny --hidden 4 --epochs 1000000 --json";
    let mut child = command(folder.path())
        .args(line.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    fs::remove_file(folder.path().join("runs/first/lock")).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(1), "{run:?}");
    for part in
        ["the run in runs/first was taken from this process", "hint: the folder or the file `lock` in it"]
    {
        assert!(run.stderr.contains(part), "expected {part:?} in {run:?}");
    }
    nn_cli(folder.path(), "inspect runs/first").succeeds();
}

#[test]
fn a_damaged_checkpoint_is_named_and_left_alone() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --run first --data tiny --hidden 4 --epochs 2").succeeds();
    let path = folder.path().join("runs/first/checkpoint");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, &bytes).unwrap();
    nn_cli(folder.path(), "train --resume first").fails_with(&["runs/first/checkpoint: the file is damaged"]);
    assert!(fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_run_that_diverges_keeps_its_last_good_checkpoint() {
    let folder = scratch();
    // The rate is 0 at first, so that the first steps are sound ones.
    let line = format!(
        "train --run first --data {} --epochs 2 --rate 1e30 --schedule one-cycle:0.9 --checkpoint-every 1",
        sample()
    );
    let run = nn_cli(folder.path(), &line);
    assert_eq!(run.code, Some(1), "{run:?}");
    for part in
        ["(the last checkpoint is runs/first/checkpoint, ", "at epoch 1, batch ", "hint: training diverged"]
    {
        assert!(run.stderr.contains(part), "expected {part:?} in {run:?}");
    }
    let path = folder.path().join("runs/first");
    let checkpoint = nn_train::load_checkpoint(&path.join(RunFolder::CHECKPOINT)).unwrap();
    assert!(checkpoint.network.parameters().is_finite());
    assert_eq!(names(&path), ["checkpoint", "config.toml", "lock", "metrics.csv", "metrics.jsonl"]);
}

#[test]
fn patience_ends_a_run_and_the_best_network_is_the_one_to_use() {
    let folder = scratch();
    let line = format!(
        "train --run first --data {} --epochs 60 --rate 0.5 --schedule constant --hidden 20 --validation 0.2 \
         --patience 2 --json",
        sample()
    );
    let end = nn_cli(folder.path(), &line).succeeds().json().pop().unwrap();
    let (epochs, best) = (end["epochs"].as_u64().unwrap(), end["best_epoch"].as_u64().unwrap());
    assert!(epochs < 60, "{end}");
    assert_eq!(epochs, best + 2);
    assert_eq!(end["out_of_patience"], true);
    assert_eq!(end["model"], "runs/first/best.model");
    let metrics = fs::read_to_string(folder.path().join("runs/first/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count() as u64, epochs);
    // It stays over.
    let again = nn_cli(folder.path(), "train --resume first --json").succeeds().json().pop().unwrap();
    assert_eq!((&again["epochs"], &again["test"]), (&end["epochs"], &end["test"]));
    nn_cli(folder.path(), "eval runs/first").fails_with(&[
        "cannot load runs/first: expected a model file, found a folder",
        "hint: the folder is that of a run; its last network is runs/first/last.model",
    ]);
    nn_cli(folder.path(), "eval first").fails_with(&[
        "cannot read first",
        "hint: runs/first is a run; its last network is runs/first/last.model",
    ]);
}

#[test]
fn patience_that_chooses_by_the_test_set_is_pointed_out() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --run first --data tiny --hidden 4 --epochs 2 --patience 2";
    let run = nn_cli(folder.path(), line).succeeds();
    assert!(run.stderr.starts_with("note: patience chooses the network by the test set here"), "{run:?}");
    let line = "train --run second --data tiny --hidden 4 --epochs 2 --patience 2 --validation 4";
    let run = nn_cli(folder.path(), line).succeeds();
    assert!(!run.stderr.contains("note:"), "{run:?}");
}

#[test]
fn a_run_that_is_over_has_no_table_to_show() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let first = nn_cli(folder.path(), "train --run first --data tiny --hidden 4 --epochs 2").succeeds();
    assert!(first.stdout.contains("train loss"), "{first:?}");
    let again = nn_cli(folder.path(), "train --resume first").succeeds();
    assert!(!again.stdout.contains("train loss"), "{again:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_on_a_disk_that_fills_up_goes_on_when_there_is_room_again() {
    let folder = scratch();
    let flags = format!("--data {} --epochs 2", sample());
    nn_cli(folder.path(), &format!("train --run expected {flags}")).succeeds();
    // Room for the first checkpoint and the models after an epoch, and not for the checkpoint with the best of them.
    let script = format!(
        "nn={nn}
        $nn train --run disk/left {flags}; echo status $?
        ls -A disk/left; $nn inspect disk/left --json >/dev/null; echo status $?
        mount -o remount,ro disk; $nn train --resume disk/left; echo status $?
        mount -o remount,rw,size=9000k disk; $nn train --resume disk/left >/dev/null; echo status $?
        for name in {files}; do cmp disk/left/$name runs/expected/$name || exit 1; done",
        nn = env!("CARGO_BIN_EXE_nn-cli"),
        files = FILES.join(" ")
    );
    let Some(run) = common::on_a_small_disk(folder.path(), 1200, &script) else { return };
    assert_eq!(run.code, Some(0), "{run:?}");
    let statuses: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("status ")).collect();
    assert_eq!(statuses, ["status 1", "status 0", "status 1", "status 0"], "{run:?}");
    let files =
        "status 1\nbest.model\ncheckpoint\nconfig.toml\nlast.model\nlock\nmetrics.csv\nmetrics.jsonl\n";
    assert!(run.stdout.contains(files), "no temporary file is left: {run:?}");
    let [full, read_only] = ["No space left on device", "Read-only file system"];
    for part in
        [full, "the last checkpoint is disk/left/checkpoint, after epoch 0", "is the disk full?", read_only]
    {
        assert!(run.stderr.contains(part), "expected {part:?} in {run:?}");
    }
}
