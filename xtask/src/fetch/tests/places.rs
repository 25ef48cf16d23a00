//! Owns the tests of what is on the disk: the folder itself, `--from`, and the arguments that name them.

use super::*;
use std::io::Read as _;

impl Scene {
    /// Makes what the user has, under `name`, and points `--from` at it.
    fn has(&mut self, name: &str, bytes: &[u8]) {
        let path = self.scratch.path().join("from").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self.request.from = Some(self.scratch.path().join("from"));
    }

    /// A tar archive of both files in the folder that npm packs into.
    fn tar(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in [("index.js", &b"{}"[..]), (IMAGES, &self.images), (LABELS, &self.labels)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, format!("package/data/{name}"), bytes).unwrap();
        }
        archive.into_inner().unwrap()
    }
}

#[test]
fn a_folder_may_hold_files_packed_or_not_in_either_spelling_and_deeper_down() {
    let mut scene = Scene::new(Vec::new());
    scene.has("archive/train-images.idx3-ubyte", &scene.images.clone());
    scene.has("archive/labels/train-labels-idx1-ubyte.gz", &gzip(&scene.labels));
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_wrong_candidate_does_not_hide_a_right_one() {
    let mut scene = Scene::new(Vec::new());
    scene.has("a/train-images-idx3-ubyte", b"too short");
    scene.has("b/train-images-idx3-ubyte", &scene.images.clone());
    scene.has("b/train-labels-idx1-ubyte", &scene.labels.clone());
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn tar_archives_are_read_packed_or_not_whatever_they_are_called() {
    for pack in [<[u8]>::to_vec, gzip] {
        let mut scene = Scene::new(Vec::new());
        let archive = scene.tar();
        scene.has("archive", &pack(&archive));
        scene.request.from = Some(scene.scratch.path().join("from/archive"));
        scene.fetch().unwrap();
        assert!(scene.is_complete());
    }
}

#[test]
fn a_single_file_is_taken_and_the_rest_is_told_as_missing() {
    let mut scene = Scene::new(Vec::new());
    scene.has("train-labels.idx1-ubyte.gz", &gzip(&scene.labels));
    scene.request.from = Some(scene.scratch.path().join("from/train-labels.idx1-ubyte.gz"));
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.starts_with(&format!("no source has {IMAGES}\n")), "{message}");
    // Half a set would be taken for a whole one.
    assert!(!scene.request.to.exists());
    assert_eq!(scene.names_waiting(), [LABELS]);
    scene.has("train-images-idx3-ubyte", &scene.images.clone());
    scene.fetch().unwrap();
    assert!(scene.is_complete());
}

#[test]
fn a_zip_archive_is_refused_with_what_to_do() {
    let mut scene = Scene::new(Vec::new());
    scene.has("archive.zip", b"PK\x03\x04 and so on");
    scene.request.from = Some(scene.scratch.path().join("from/archive.zip"));
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.contains("unpack it and give the folder"), "{message}");
}

#[test]
fn a_path_that_is_not_there_is_told_and_the_next_source_tried() {
    let mut scene = Scene::new(vec!["http://127.0.0.1:9/".into()]);
    scene.request.from = Some(scene.scratch.path().join("nowhere"));
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.contains("nowhere: cannot be read: ") && message.contains("127.0.0.1:9"), "{message}");
}

#[test]
fn packed_files_in_the_folder_itself_are_enough() {
    let mut scene = Scene::new(Vec::new());
    fs::create_dir_all(&scene.request.to).unwrap();
    fs::write(scene.path("train-images-idx3-ubyte.gz"), gzip(&scene.images)).unwrap();
    fs::write(scene.path("train-labels.idx1-ubyte"), &scene.labels).unwrap();
    scene.fetch().unwrap();
    assert_eq!(fs::read(scene.path(IMAGES)).unwrap(), scene.images);
    assert_eq!(fs::read(scene.path(LABELS)).unwrap(), scene.labels);
}

#[test]
fn a_wrong_file_is_replaced_and_who_had_it_open_keeps_the_old_one() {
    let mut scene = Scene::new(Vec::new());
    fs::create_dir_all(&scene.request.to).unwrap();
    let wrong = noise(200_000, 4);
    fs::write(scene.path(IMAGES), &wrong).unwrap();
    let mut opened = File::open(scene.path(IMAGES)).unwrap();
    let archive = scene.tar();
    scene.has("archive.tar", &archive);
    scene.request.from = Some(scene.scratch.path().join("from/archive.tar"));
    scene.fetch().unwrap();
    assert!(scene.is_complete());
    assert!(scene.said[0].contains("is wrong and will be replaced: expected SHA-256"), "{:?}", scene.said);
    let mut still = Vec::new();
    opened.read_to_end(&mut still).unwrap();
    assert!(still == wrong, "the open file was edited in place");
}

#[test]
fn a_failed_run_leaves_the_wrong_file_as_it_was() {
    let mut scene = Scene::new(Vec::new());
    fs::create_dir_all(&scene.request.to).unwrap();
    fs::write(scene.path(IMAGES), b"mine").unwrap();
    scene.has("train-images-idx3-ubyte", b"also wrong");
    scene.fetch().unwrap_err();
    assert_eq!(fs::read(scene.path(IMAGES)).unwrap(), b"mine");
    assert_eq!(scene.names_there(), [IMAGES]);
}

#[test]
fn a_place_that_takes_no_files_ends_the_run_at_once() {
    let mut scene = Scene::new(vec!["http://127.0.0.1:9/".into()]);
    scene.has(IMAGES, &scene.images.clone());
    // A folder under the temporary name: no file is made there, whoever runs the test.
    let temporary = format!(".{IMAGES}.{}.tmp", std::process::id());
    fs::create_dir_all(scene.waiting(&temporary)).unwrap();
    let message = format!("{:#}", scene.fetch().unwrap_err());
    assert!(message.starts_with("cannot write into "), "{message}");
    assert!(!scene.said.iter().any(|line| line.contains("127.0.0.1:9")), "{:?}", scene.said);
}

#[test]
fn a_folder_where_a_file_belongs_is_named_before_anything_is_written() {
    let mut scene = Scene::new(Vec::new());
    scene.has(IMAGES, &scene.images.clone());
    fs::create_dir_all(scene.path(LABELS)).unwrap();
    let message = scene.fetch().unwrap_err().to_string();
    assert!(
        message.ends_with(&format!("{LABELS} is a folder: a file of that name belongs there")),
        "{message}"
    );
    assert_eq!(scene.names_there(), [LABELS]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_without_waiting_for_its_writer() {
    let mut scene = Scene::new(Vec::new());
    scene.has("other", b"");
    let pipe = scene.scratch.path().join("from").join(LABELS);
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // So that a program that reads the pipe after all fails the test instead of hanging in it.
    let writer = std::thread::spawn({
        let (pipe, labels) = (pipe.clone(), scene.labels.clone());
        move || fs::write(pipe, labels)
    });
    scene.request.from = Some(pipe.clone());
    let message = scene.fetch().unwrap_err().to_string();
    assert!(message.contains(": neither a folder nor a regular file"), "{message}");
    assert!(fs::read(pipe).unwrap() == scene.labels);
    writer.join().unwrap().unwrap();
}

fn parsed(arguments: &[&str]) -> Result<(DataSet, super::super::Request)> {
    parse(lexopt::Parser::from_args(arguments))
}

#[test]
fn mnist_is_the_default_and_a_mirror_replaces_the_built_in_ones() {
    let (set, request) = parsed(&[]).unwrap();
    assert_eq!(set.name, "mnist");
    assert!(set.mirrors.len() > 1 && request.to.ends_with("data/mnist"));
    let (set, request) =
        parsed(&["fashion-mnist", "--mirror", "https://a.example/", "--mirror=http://b.example/"]).unwrap();
    assert_eq!(set.mirrors, ["https://a.example/", "http://b.example/"]);
    assert!(request.to.ends_with("data/fashion-mnist"));
}

#[test]
fn wrong_arguments_are_wrong_usage() {
    for arguments in [
        &["kmnist"][..],
        &["mnist", "mnist"],
        &["--mirror", "ftp://a.example/"],
        &["--mirror", "https://a.example/", "--offline"],
        &["--form", "x"],
    ] {
        let error = parsed(arguments).map(drop).unwrap_err();
        assert!(error.is::<lexopt::Error>(), "{arguments:?}: {error}");
    }
}
