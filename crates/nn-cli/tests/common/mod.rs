//! What the tests of the program share: running it, and small data to run it on.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod events;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use nn_train::nn_core::{idx_format, ndarray::Array};
use serde_json::Value;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Run {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Each line of standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Fails with exit status 1 and a message with all of these in it, and says nothing else.
    #[track_caller]
    pub(crate) fn fails_with(&self, expected: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for part in expected {
            assert!(self.stderr.contains(part), "expected {part:?} in {self:?}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The program, to be run in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nn-cli"));
    // Neither the machine that tests nor `cargo test` decides what is printed.
    command.current_dir(folder).env_remove("CARGO").env_remove("NO_COLOR").env("LC_ALL", "C");
    command
}

/// Runs the program in `folder` with arguments that have no blanks in them.
#[track_caller]
pub(crate) fn nn_cli(folder: &Path, line: &str) -> Run {
    command(folder).args(line.split_whitespace()).output().expect("the program starts").into()
}

/// Sends a signal to a process.
#[cfg(unix)]
pub(crate) fn send(signal: &str, process: u32) {
    let kill = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Starts a training, sends a signal after so many lines of its output, and waits for the end.
#[cfg(unix)]
pub(crate) fn interrupt(signal: &str, folder: &Path, line: &str, after_lines: usize) -> Run {
    interrupt_after(signal, folder, line, after_lines, || ())
}

/// As [`interrupt`], once something else was done.
#[cfg(unix)]
pub(crate) fn interrupt_after(
    signal: &str,
    folder: &Path,
    line: &str,
    after_lines: usize,
    before: impl FnOnce(),
) -> Run {
    let mut child =
        command(folder).args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut read = String::new();
    for _ in 0..after_lines {
        assert_ne!(stdout.read_line(&mut read).unwrap(), 0, "{read}");
    }
    before();
    send(signal, child.id());
    stdout.read_to_string(&mut read).unwrap();
    let mut run: Run = child.wait_with_output().unwrap().into();
    run.stdout = read;
    run
}

/// The sample of MNIST that is committed with the project.
pub(crate) fn sample() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample")
}

/// A folder of a test's own.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) const IMAGES: [&str; 2] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
pub(crate) const LABELS: [&str; 2] = ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"];

/// Makes `folder/name` a data set of 12 images of 5 x 3 pixels and three classes, for training and for testing.
pub(crate) fn tiny_data(folder: &Path, name: &str) -> PathBuf {
    let data = folder.join(name);
    fs::create_dir_all(&data).unwrap();
    let pixels = Array::from_shape_fn((12, 5, 3), |(item, row, column)| {
        if column == item % 3 { 200 + row as u8 } else { (item * row) as u8 }
    });
    let labels = Array::from_shape_fn(12, |item| (item % 3) as u8);
    for (images_name, labels_name) in IMAGES.into_iter().zip(LABELS) {
        let images = idx_format::write_array(Vec::new(), &pixels).unwrap();
        fs::write(data.join(images_name), images).unwrap();
        fs::write(data.join(labels_name), idx_format::write_array(Vec::new(), &labels).unwrap()).unwrap();
    }
    data
}

/// Makes `folder/tiny.model`, which was trained on [`tiny_data`].
pub(crate) fn tiny_model(folder: &Path) -> PathBuf {
    tiny_data(folder, "tiny");
    nn_cli(folder, "train --data tiny --output tiny.model --hidden 4 --epochs 2 --batch 4").succeeds();
    folder.join("tiny.model")
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().expect("names are UTF-8"))
        .collect();
    names.sort();
    names
}

/// The bytes of a PNG file.
pub(crate) fn png(
    (width, height): (u32, u32),
    color: png::ColorType,
    depth: png::BitDepth,
    samples: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(samples).unwrap();
    bytes
}

/// Runs a script with a file system of its own at `disk` in the folder, of so many KiB, which nobody else sees and which
/// goes away with the script. `None` where the system allows no such thing.
#[cfg(target_os = "linux")]
pub(crate) fn on_a_small_disk(folder: &Path, size: u32, script: &str) -> Option<Run> {
    fs::create_dir_all(folder.join("disk")).unwrap();
    let mount = format!("mount -t tmpfs -o size={size}k tmpfs disk");
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).current_dir(folder);
        command.env("LC_ALL", "C").env_remove("CARGO").output()
    };
    if !unshared(&mount).is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "a file system of one's own is needed here");
        return None;
    }
    Some(unshared(&format!("{mount} || exit 99\n{script}")).unwrap().into())
}
