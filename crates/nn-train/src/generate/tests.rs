//! What only the inside can tell: folders that are left after any piece, and disks that fail at any moment.

use std::{
    fs, io,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

use nn_core::idx_format::write_array;
use nn_core::ndarray::Array;

use super::{
    GenerateError, GeneratedFolder, GenerationPlan,
    files::{Operation, images_in},
};
use crate::{Augmentation, DataFiles, Split};

const PLAN: GenerationPlan = GenerationPlan { images: 61, augmentation: Augmentation::MEDIUM, seed: 9 };
/// Images in a piece; the last one has a single image.
const PIECE: u64 = 4;
/// Less than a piece has.
const SYNC: u64 = 40;

/// 11 samples of 4 x 7 pixels.
fn source(folder: &Path) -> DataFiles {
    let pixels =
        Array::from_shape_fn((11, 4, 7), |(n, row, column)| ((n * 91 + row * 37 + column * 5) % 256) as u8);
    let labels = Array::from_shape_fn(11, |n| (n % 3) as u8);
    let (images_name, labels_name) = Split::Train.file_names();
    fs::write(folder.join(images_name), write_array(Vec::new(), &pixels).unwrap()).unwrap();
    fs::write(folder.join(labels_name), write_array(Vec::new(), &labels).unwrap()).unwrap();
    DataFiles::open(folder, Split::Train).unwrap()
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Goes on as far as `stop` says, which is told how many pieces came.
fn fill(folder: &mut GeneratedFolder<'_>, count: usize, stop: u64) -> Result<ControlFlow<()>, GenerateError> {
    let mut pieces = 0;
    folder.fill_by(PIECE, SYNC, threads(count), |_| {
        pieces += 1;
        if pieces == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// The files of a folder, by their names.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn whole(files: &DataFiles, path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folder = GeneratedFolder::open(path, files, None, PLAN).unwrap();
    assert!(fill(&mut folder, 1, u64::MAX).unwrap().is_continue());
    folder.publish().unwrap();
    contents(path)
}

#[test]
fn stops_at_any_pieces_and_other_threads_change_no_byte() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let expected = whole(&files, &scratch.path().join("expected"));
    assert_eq!(expected.len(), 3);
    for count in 1..=4 {
        for stop in [1, 2, 5, 15, 16] {
            let path = scratch.path().join(format!("{count}-{stop}"));
            let mut lives = 0;
            loop {
                let mut folder = GeneratedFolder::open(&path, &files, None, PLAN).unwrap();
                assert_eq!(folder.images_done(), PLAN.images.min(lives * stop * PIECE));
                lives += 1;
                // A stop at the last piece is a stop, too.
                if fill(&mut folder, count, stop).unwrap().is_continue() {
                    folder.publish().unwrap();
                    break;
                }
            }
            assert!(lives > 16 / stop, "{lives}");
            assert!(contents(&path) == expected, "{count} {stop}");
        }
    }
}

#[test]
fn a_failure_of_any_operation_leaves_what_can_be_gone_on_with() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let expected = whole(&files, &scratch.path().join("expected"));
    for operation in [
        Operation::WriteImages,
        Operation::SyncImages,
        Operation::WriteState,
        Operation::WriteFile,
        Operation::SyncFolder,
        Operation::Rename,
    ] {
        // How often images are synced meanwhile depends on how fast the disk is; all else does not.
        for failing in 0.. {
            let path = scratch.path().join(format!("{operation:?}{failing}"));
            let calls = Mutex::new(0);
            let hook = |called| {
                let mut calls = calls.lock().unwrap();
                *calls += u64::from(called == operation);
                let fails = called == operation && *calls == failing + 1;
                if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            };
            let result =
                GeneratedFolder::open_with(&path, &files, None, PLAN, &hook).and_then(|mut folder| {
                    assert!(fill(&mut folder, 2, u64::MAX)?.is_continue());
                    folder.publish()
                });
            if calls.into_inner().unwrap() <= failing {
                result.unwrap();
                assert!(failing > 0 && contents(&path) == expected, "{operation:?} {failing}");
                break;
            }
            let error = result.unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
            assert_eq!(cause.kind(), io::ErrorKind::StorageFull, "{error}");
            assert!(!path.exists(), "{operation:?} {failing}");

            // Room was made.
            let mut folder = GeneratedFolder::open(&path, &files, None, PLAN).unwrap();
            assert!(fill(&mut folder, 2, u64::MAX).unwrap().is_continue());
            folder.publish().unwrap();
            assert!(contents(&path) == expected, "{operation:?} {failing}");
        }
    }
}

#[test]
fn what_a_killed_process_leaves_is_gone_on_with_and_what_is_damaged_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let expected = whole(&files, &scratch.path().join("expected"));
    let (path, partial) = (scratch.path().join("out"), scratch.path().join("out.partial"));
    let images = images_in(&partial);
    let state = partial.join(GeneratedFolder::STATE);
    let open = || GeneratedFolder::open(&path, &files, None, PLAN);

    // Killed before there was a state: what is there is begun anew.
    fs::create_dir(&partial).unwrap();
    fs::write(&images, b"\0\0\x08").unwrap();
    fs::write(partial.join(".nn-train-0123456789abcdef.tmp"), "half a state").unwrap();
    let mut folder = open().unwrap();
    assert!(fill(&mut folder, 2, 7).unwrap().is_break());
    drop(folder);

    // Killed after more was written than the state knows of.
    let (sound_images, sound_state) = (fs::read(&images).unwrap(), fs::read(&state).unwrap());
    fs::write(&images, [&sound_images[..], b"and more"].concat()).unwrap();
    fs::write(partial.join(".nn-train-0123456789abcdef.tmp"), "half a state").unwrap();
    assert_eq!(open().unwrap().images_done(), 28);

    // Every bit counts.
    for place in (0..sound_images.len()).step_by(61) {
        let mut damaged = sound_images.clone();
        damaged[place] ^= 1;
        fs::write(&images, &damaged).unwrap();
        let error = open().unwrap_err();
        assert!(matches!(error, GenerateError::Damaged { .. }), "{error}");
        assert_eq!(fs::read(&images).unwrap(), damaged, "nothing is touched");
    }
    fs::write(&images, &sound_images[..sound_images.len() - 1]).unwrap();
    assert!(open().unwrap_err().to_string().contains("expected at least 800 bytes, found 799"));
    fs::write(&images, &sound_images).unwrap();

    let text = String::from_utf8(sound_state.clone()).unwrap();
    for (damaged, part) in [
        ("{}".to_owned(), "missing field"),
        (text.replace("\"images_done\": 28", "\"images_done\": 62"), "expected at most 61 images, found 62"),
        (
            text.replace("\"images_done\": 28", "\"images_done\": 18446744073709551615"),
            "found 18446744073709551615",
        ),
        (text.replace("\"images_done\": 28", "\"images_done\": 27"), "expected SHA-256"),
        (text.replace("\"release\": \"", "\"release\": \"9"), "it was begun with release 9"),
    ] {
        assert_ne!(damaged, text);
        fs::write(&state, damaged).unwrap();
        let message = open().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    fs::write(&state, &sound_state).unwrap();

    // Killed after all was written, and before the folder had its name.
    let mut folder = open().unwrap();
    assert!(fill(&mut folder, 3, u64::MAX).unwrap().is_continue());
    drop(folder);
    fs::write(partial.join(Split::Train.file_names().1), "half of the labels").unwrap();
    let mut folder = open().unwrap();
    assert_eq!(folder.images_done(), 61);
    assert!(fill(&mut folder, 3, u64::MAX).unwrap().is_continue());
    folder.publish().unwrap();
    assert!(contents(&path) == expected);
}

#[test]
fn folders_of_others_are_not_touched() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let path = scratch.path().join("out");
    fs::create_dir(scratch.path().join("out.partial")).unwrap();
    fs::write(scratch.path().join("out.partial/mine"), "mine").unwrap();
    let error = GeneratedFolder::open(&path, &files, None, PLAN).unwrap_err();
    assert!(error.to_string().contains("out.partial: expected nothing there, or an empty folder"), "{error}");
    assert_eq!(contents(&scratch.path().join("out.partial")), [("mine".into(), b"mine".to_vec())]);
    assert!(!path.exists());
}

/// A file of images that was not begun by this program.
#[test]
fn a_folder_with_images_of_somebody_else_is_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let images_name = Split::Train.file_names().0;
    for content in [&b"precious"[..], &fs::read(scratch.path().join(images_name)).unwrap()] {
        let folder = scratch.path().join("theirs.partial");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(images_name), content).unwrap();
        let error = GeneratedFolder::open(&scratch.path().join("theirs"), &files, None, PLAN).unwrap_err();
        assert!(matches!(error, GenerateError::Write(_)), "{error}");
        assert!(error.to_string().contains(images_name), "{error}");
        assert_eq!(contents(&folder), [(images_name.into(), content.to_vec())]);
        fs::remove_dir_all(&folder).unwrap();
    }
    // What a process leaves that is killed early.
    for len in [0, 1, 16] {
        let path = scratch.path().join(format!("begun{len}"));
        let folder = scratch.path().join(format!("begun{len}.partial"));
        fs::create_dir(&folder).unwrap();
        let header = [0, 0, 8, 3, 0, 0, 0, 61, 0, 0, 0, 4, 0, 0, 0, 7];
        fs::write(folder.join(images_name), &header[..len]).unwrap();
        assert_eq!(whole(&files, &path).len(), 3);
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let images_name = Split::Train.file_names().0;
    let folder = scratch.path().join("linked.partial");
    let target = scratch.path().join("target");
    fs::create_dir(&folder).unwrap();
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, folder.join(images_name)).unwrap();
    let error = GeneratedFolder::open(&scratch.path().join("linked"), &files, None, PLAN).unwrap_err();
    assert!(error.to_string().contains(images_name), "{error}");
    assert_eq!(fs::read(&target).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn what_was_moved_meanwhile_is_not_published() {
    let scratch = tempfile::tempdir().unwrap();
    let files = source(scratch.path());
    let images_name = Split::Train.file_names().0;
    for (name, interfere) in [
        ("moved", (|partial, moved| fs::rename(partial, moved)) as fn(&Path, &Path) -> io::Result<()>),
        ("removed", |partial, _| fs::remove_file(images_in(partial))),
        ("replaced", |partial, moved| {
            fs::rename(partial, moved)?;
            fs::create_dir(partial)?;
            fs::write(images_in(partial), "")
        }),
        ("cut", |partial, _| fs::File::options().write(true).open(images_in(partial))?.set_len(3)),
    ] {
        let path = scratch.path().join(name);
        let mut folder = GeneratedFolder::open(&path, &files, None, PLAN).unwrap();
        assert!(fill(&mut folder, 1, u64::MAX).unwrap().is_continue());
        interfere(folder.partial(), &scratch.path().join("elsewhere")).unwrap();
        let partial = folder.partial().to_owned();
        let error = folder.publish().unwrap_err();
        assert!(
            matches!(error, GenerateError::Lost { .. } | GenerateError::Damaged { .. }),
            "{name}: {error}"
        );
        assert!(!path.exists(), "{name}");
        assert!(!partial.join(GeneratedFolder::MANIFEST).exists(), "{name}");
        let _ = fs::remove_dir_all(scratch.path().join("elsewhere"));
    }
    // While it is filled, the state is not written beside images of others.
    let path = scratch.path().join("while");
    let mut folder = GeneratedFolder::open(&path, &files, None, PLAN).unwrap();
    fs::remove_file(folder.partial().join(images_name)).unwrap();
    assert!(matches!(fill(&mut folder, 1, u64::MAX), Err(GenerateError::Lost { .. })));
}
