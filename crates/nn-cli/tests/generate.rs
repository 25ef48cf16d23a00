//! Data sets that the program generates: whole, the same for any number of threads, and gone on with after any end.

mod common;

use std::{fs, path::Path};

use common::{IMAGES, LABELS, names, nn_cli, sample, scratch, tiny_data};
use nn_train::{DataFiles, Split};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn sum(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_generated_data_set_is_trained_on_and_its_sums_do_not_depend_on_threads() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    fs::write(folder.path().join("tiny/classes.txt"), "left\nmiddle\nright\n").unwrap();
    let run =
        nn_cli(folder.path(), "generate --data tiny --images 100 --seed 42 -o made/one --json").succeeds();
    assert_eq!(run.stderr, "");
    let [start, end] = &run.json()[..] else { panic!("{run:?}") };
    assert_eq!(start["event"], "start");
    assert_eq!((&start["images"], &start["images_done"]), (&100.into(), &0.into()));
    assert_eq!((&start["augment"], &start["image_shape"]), (&"medium".into(), &serde_json::json!([5, 3])));
    assert_eq!(
        (&end["event"], &end["interrupted"], &end["images_done"]),
        (&"end".into(), &false.into(), &100.into())
    );

    let out = folder.path().join("made/one");
    let mut expected: Vec<String> = [IMAGES, LABELS].concat().iter().map(|&name| name.to_owned()).collect();
    expected.extend(["classes.txt".to_owned(), "manifest.json".to_owned()]);
    expected.sort();
    assert_eq!(names(&out), expected);
    assert_eq!(names(&folder.path().join("made")), ["one"]);
    let files = end["files"].as_array().unwrap();
    assert_eq!(files.len(), expected.len());
    for file in files {
        let path = out.join(file["name"].as_str().unwrap());
        assert_eq!(
            (&file["sha256"], &file["bytes"]),
            (&sum(&path).into(), &fs::metadata(&path).unwrap().len().into())
        );
    }
    let (source, made) = (folder.path().join("tiny"), DataFiles::open(&out, Split::Train).unwrap());
    let source = DataFiles::open(&source, Split::Train).unwrap();
    assert_eq!(made.len(), 100);
    assert_eq!(made.view().pixels()[..180], *source.view().pixels());
    assert_ne!(made.view().pixels()[180..360], *source.view().pixels());
    assert_eq!(made.view().labels()[12..24], *source.view().labels());

    let line = "generate --data tiny --images 100 --seed 42 -o made/two/ --threads 3 --augment medium";
    let text = nn_cli(folder.path(), line).succeeds().stdout;
    assert!(text.starts_with("100 images of 5x3, made of the 12 in tiny: medium, seed 42\n"), "{text}");
    for name in &expected {
        assert_eq!(
            fs::read(out.join(name)).unwrap(),
            fs::read(folder.path().join("made/two").join(name)).unwrap()
        );
        assert!(text.contains(&format!("{}  {name} (", sum(&out.join(name)))), "{text}");
    }

    nn_cli(folder.path(), "train --data made/one --hidden 4 --epochs 1 --batch 4 --output m.model")
        .succeeds();
    let inspected = nn_cli(folder.path(), "inspect made/one --json").succeeds().json();
    assert_eq!(inspected[0]["train"]["class_names"], serde_json::json!(["left", "middle", "right"]));
}

#[test]
fn without_a_test_set_there_is_none_and_a_note_says_so() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "tiny");
    fs::remove_file(data.join(IMAGES[1])).unwrap();
    fs::remove_file(data.join(LABELS[1])).unwrap();
    let run = nn_cli(folder.path(), "generate --data tiny --images 5 -o made").succeeds();
    assert!(run.stderr.contains("note: tiny has no test set"), "{run:?}");
    assert_eq!(names(&folder.path().join("made")), ["manifest.json", IMAGES[0], LABELS[0]]);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_written() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let generate = |rest: &str| nn_cli(folder.path(), &format!("generate --data tiny {rest}"));
    for (rest, part) in [
        ("--images 5", "--output <FOLDER>"),
        ("-o made", "--images <COUNT>"),
        ("-o made --images 0", "expected a whole number from 1 to 4294967295"),
        ("-o made --images -1", "expected a whole number from 1 to 4294967295"),
        ("-o made --images 4294967296", "expected a whole number from 1 to 4294967295"),
        ("-o made --images 5 --augment weak", "unknown augmentation `weak`"),
    ] {
        let run = generate(rest);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert_eq!(names(folder.path()), ["tiny"]);

    generate("--images 5 -o tiny")
        .fails_with(&["tiny: expected nothing there, or an empty folder", "hint: name a new folder"]);
    fs::create_dir(folder.path().join("made.partial")).unwrap();
    fs::write(folder.path().join("made.partial/mine"), "mine").unwrap();
    generate("--images 5 -o made")
        .fails_with(&["made.partial: expected nothing there", "hint: name a new folder"]);
    assert_eq!(names(&folder.path().join("made.partial")), ["mine"]);
    nn_cli(folder.path(), "generate --data missing --images 5 -o made").fails_with(&["missing", "hint: "]);
}

/// So many that no machine is done before it is interrupted.
#[cfg(unix)]
const MANY: &str = "--images 150000 --augment strong --seed 18446744073709551615";

#[test]
#[cfg(unix)]
fn the_same_command_goes_on_after_ctrl_c_and_after_a_kill() {
    use common::interrupt;

    let folder = scratch();
    let line =
        |threads: u32| format!("generate --data {} {MANY} -o made --threads {threads} --json", sample());
    let killed = interrupt("KILL", folder.path(), &line(1), 1);
    assert_eq!(killed.code, None, "{killed:?}");
    assert_eq!(names(folder.path()), ["made.partial"]);

    let stopped = interrupt("INT", folder.path(), &line(2), 1);
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    let kept = " images are kept in made.partial; the same command goes on\n";
    assert!(
        stopped.stderr.starts_with("note: interrupted: ") && stopped.stderr.ends_with(kept),
        "{stopped:?}"
    );
    let end = stopped.json().pop().unwrap();
    assert_eq!((&end["interrupted"], &end["files"]), (&true.into(), &Value::Array(Vec::new())));
    let done = end["images_done"].as_u64().unwrap();
    assert!(done > 0 && done < 150_000, "{end}");

    nn_cli(folder.path(), &line(1).replace("strong", "medium"))
        .fails_with(&["made.partial: it was begun with augmentation rotation=15,", "hint: the same source"]);
    let line_of_all = line(1).replace("-o made", "-o whole");
    let resumed = nn_cli(folder.path(), &line(1)).succeeds().json();
    assert_eq!(resumed[0]["images_done"], done);
    let whole = nn_cli(folder.path(), &line_of_all).succeeds().json();
    assert_eq!(resumed[1]["files"], whole[1]["files"]);
    assert_eq!(names(folder.path()), ["made", "whole"]);
    let images = folder.path().join("made").join(IMAGES[0]);
    assert_eq!(whole[1]["files"][0]["sha256"], sum(&images));
}

#[test]
#[cfg(target_os = "linux")]
fn a_data_set_on_a_disk_that_fills_up_goes_on_when_there_is_room_again() {
    use common::on_a_small_disk;

    let folder = scratch();
    let flags = format!("--data {} --images 6000", sample());
    nn_cli(folder.path(), &format!("generate {flags} -o expected")).succeeds();
    // Room for some of the 4.7 MB of images, then for these and not for the test files, then for all.
    let script = format!(
        "nn={nn}
        $nn generate {flags} -o disk/made; echo status $?
        ls disk
        mount -o remount,size=4720k disk; $nn generate {flags} -o disk/made; echo status $?
        ls disk
        mount -o remount,size=9000k disk; $nn generate {flags} -o disk/made >/dev/null; echo status $?
        ls disk
        for name in $(ls expected); do cmp disk/made/$name expected/$name || exit 1; done",
        nn = env!("CARGO_BIN_EXE_nn-cli")
    );
    let Some(run) = on_a_small_disk(folder.path(), 3000, &script) else { return };
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().filter(|line| !line.contains(" images")).collect();
    assert_eq!(
        lines,
        ["status 1", "made.partial", "status 1", "made.partial", "status 0", "made"],
        "{run:?}"
    );
    assert_eq!(run.stderr.matches("No space left on device").count(), 2, "{run:?}");
    assert_eq!(run.stderr.matches("hint: is the disk full? what was made is kept").count(), 2, "{run:?}");
}
