//! Files that others cut, pipes that nobody writes to, names too long: what a hostile or unlucky surrounding does to a
//! run of the program.
#![cfg(unix)]

mod common;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    process::Stdio,
};

use common::{IMAGES, LABELS, Run, command, nn_cli, png, scratch, tiny_data, tiny_model};

/// Makes `folder/name` a training set of `count` images of 28 x 28, of which only the first few are not black. The file
/// has a hole for the rest, so that it takes no room on the disk.
fn large_data(folder: &Path, name: &str, count: u32) {
    let data = folder.join(name);
    fs::create_dir(&data).unwrap();
    let mut images = File::create(data.join(IMAGES[0])).unwrap();
    let lengths = [count, 28, 28].map(u32::to_be_bytes).concat();
    images.write_all(&[&[0, 0, 8, 3][..], &lengths].concat()).unwrap();
    let end = 16 + u64::from(count) * 784;
    images.seek(SeekFrom::Start(end - 1)).unwrap();
    images.write_all(&[200]).unwrap();
    let labels: Vec<u8> = (0..count).map(|index| (index % 2) as u8).collect();
    fs::write(data.join(LABELS[0]), [&[0, 0, 8, 1][..], &count.to_be_bytes(), &labels].concat()).unwrap();
}

/// Starts a training, cuts the images once it has announced itself, and gives what comes of it.
fn cut_during_training(folder: &Path, data: &str, line: &str) -> Run {
    let mut child = command(folder)
        .args(format!("train --data {data} --json {line}").split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut read = String::new();
    stdout.read_line(&mut read).unwrap();
    let images = folder.join(data).join(IMAGES[0]);
    File::options().write(true).open(images).unwrap().set_len(16).unwrap();
    stdout.read_to_string(&mut read).unwrap();
    let mut run: Run = child.wait_with_output().unwrap().into();
    run.stdout = read;
    run
}

#[test]
fn a_file_of_the_usual_length_may_be_cut_while_it_is_trained_on() {
    let folder = scratch();
    // 80 MB would be mapped, were it not for the rule of this program.
    large_data(folder.path(), "data", 100_000);
    let run = cut_during_training(folder.path(), "data", "--validation 10 --hidden 3 --epochs 2").succeeds();
    assert_eq!(run.json().len(), 4, "{run:?}");
    nn_cli(folder.path(), "inspect mnist.model").succeeds();
}

#[test]
fn a_mapped_file_that_is_cut_ends_the_run_with_its_name_and_a_hint() {
    let folder = scratch();
    // 314 MB, most of it a hole.
    large_data(folder.path(), "data", 400_000);
    let run = cut_during_training(folder.path(), "data", "--validation 10 --hidden 3 --epochs 1000000");
    assert_eq!(run.code, Some(1), "{run:?}");
    for part in [
        "error: cannot read data/train-images-idx3-ubyte: expected 313600000 bytes of elements as when it was opened, found the file cut (SIGBUS)",
        "hint: replace a file by renaming",
    ] {
        assert!(run.stderr.contains(part), "expected {part:?} in {run:?}");
    }
    assert!(!folder.path().join("mnist.model").exists());
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_without_a_writer_is_refused_and_not_waited_for() {
    let folder = scratch();
    tiny_model(folder.path());
    make_pipe(&folder.path().join("pipe"));
    for line in [
        "eval pipe --data tiny",
        "predict pipe --index 0 --data tiny",
        "inspect pipe",
        "predict tiny.model pipe",
    ] {
        nn_cli(folder.path(), line).fails_with(&[
            "cannot read pipe: expected a",
            "found a named pipe",
            "hint: ",
        ]);
    }
    nn_cli(folder.path(), "train --data tiny --output pipe").fails_with(&["found a device or pipe"]);
    nn_cli(folder.path(), "show --data tiny --png pipe").fails_with(&["found a device or pipe"]);
    for name in [IMAGES[0], LABELS[0], IMAGES[1], LABELS[1]] {
        let data = tiny_data(folder.path(), "piped");
        fs::remove_file(data.join(name)).unwrap();
        make_pipe(&data.join(name));
        for line in ["inspect piped", "train --data piped"] {
            nn_cli(folder.path(), line).fails_with(&[
                name,
                "expected a regular file, found a pipe or device",
                "hint: ",
            ]);
        }
        fs::remove_dir_all(data).unwrap();
    }
}

#[test]
fn a_pipe_that_a_shell_makes_is_read() {
    let folder = scratch();
    tiny_model(folder.path());
    let picture = png((3, 5), png::ColorType::Grayscale, png::BitDepth::Eight, &[7; 15]);
    fs::write(folder.path().join("sound.png"), picture).unwrap();
    let script = format!("cat sound.png | {} predict tiny.model /dev/stdin", env!("CARGO_BIN_EXE_nn-cli"));
    let mut shell = std::process::Command::new("sh");
    let run: Run = shell.args(["-c", &script]).current_dir(folder.path()).output().unwrap().into();
    assert!(run.succeeds().stdout.starts_with("/dev/stdin, predicted "));
}

#[test]
fn one_damaged_label_that_makes_classes_is_told_before_training() {
    let folder = scratch();
    let data = tiny_data(folder.path(), "tiny");
    let mut labels = fs::read(data.join(LABELS[0])).unwrap();
    labels[8 + 5] = 200;
    fs::write(data.join(LABELS[0]), labels).unwrap();
    let run = nn_cli(folder.path(), "train --data tiny --epochs 1").succeeds();
    let note = format!(
        "note: 197 of 201 classes have no image in tiny/{}: between 3 and 199; is the greatest label, 200 of image 5, right?",
        LABELS[0]
    );
    assert!(run.stderr.contains(&note), "expected {note:?} in {run:?}");
    // A sound set is no cause for a note.
    tiny_data(folder.path(), "tiny");
    assert_eq!(nn_cli(folder.path(), "train --data tiny --epochs 1").succeeds().stderr, "");
}

#[test]
fn names_as_long_as_they_can_be_are_written_and_longer_ones_refused_before_training() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let longest = "m".repeat(255);
    nn_cli(folder.path(), &format!("train --data tiny --epochs 1 --output {longest}")).succeeds();
    nn_cli(folder.path(), &format!("inspect {longest}")).succeeds();
    for line in ["train --data tiny --output", "show --data tiny --png"] {
        let run = nn_cli(folder.path(), &format!("{line} {longest}m"));
        run.fails_with(&[
            "mmm: expected a name that the system can hold",
            "found one of 256 bytes",
            "hint: ",
        ]);
    }
}

#[test]
fn an_output_that_cannot_be_read_is_called_that() {
    use std::os::unix::fs::PermissionsExt;

    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let locked = folder.path().join("locked.model");
    fs::write(&locked, "perhaps a model").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // An administrator may read everything; then it is another file indeed.
    let expected =
        if File::open(&locked).is_ok() { "found another file" } else { "found a file that cannot be read" };
    nn_cli(folder.path(), "train --data tiny --output locked.model").fails_with(&[
        "cannot write locked.model",
        expected,
        "hint: ",
    ]);
}
