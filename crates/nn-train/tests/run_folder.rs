//! What the folder of a run promises: one process, no lost file, no litter.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nn_train::{RunError, RunFolder, write_atomically};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The folder of a run that exists and that nobody has open.
fn existing(folder: &Path) -> PathBuf {
    let path = folder.join("runs/first");
    let run = RunFolder::create(&path).unwrap();
    write_atomically(&run.file(RunFolder::CHECKPOINT), |writer| writer.write_all(b"place")).unwrap();
    path
}

#[test]
fn a_new_run_makes_the_folders_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c");
    let run = RunFolder::create(&path).unwrap();
    assert_eq!((run.path(), run.file("x")), (&*path, path.join("x")));
    assert_eq!(names(&path), ["lock"]);
}

#[test]
fn a_run_has_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = existing(folder.path());
    let run = RunFolder::open(&path).unwrap();
    let error = RunFolder::open(&path).unwrap_err();
    assert!(matches!(error, RunError::Locked { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("the run in {} is in use: expected to be its only process, found another", path.display())
    );
    drop(run);
    RunFolder::open(&path).unwrap();
}

#[test]
fn a_new_run_is_locked_before_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first");
    let run = RunFolder::create(&path).unwrap();
    assert!(matches!(RunFolder::create(&path), Err(RunError::Locked { .. })));
    drop(run);
    // Nothing was written: it can be begun again.
    RunFolder::create(&path).unwrap();
}

#[test]
fn a_folder_that_is_left_again_on_the_way_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    // `new/..` is there as soon as `new` is.
    RunFolder::create(&folder.path().join("new/../first")).unwrap();
    assert_eq!(names(folder.path()), ["first", "new"]);
    let error = RunFolder::create(&folder.path().join("other/..")).unwrap_err();
    assert!(matches!(error, RunError::Occupied { .. }), "{error:?}");
}

#[test]
fn of_many_processes_that_begin_a_run_at_once_one_does_and_the_others_are_told_why_not() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/first");
        let barrier = std::sync::Barrier::new(4);
        let begin = || {
            barrier.wait();
            let run = RunFolder::create(&path);
            barrier.wait();
            run.map(drop)
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(begin));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        let begun = results.iter().filter(|result| result.is_ok()).count();
        let locked = results.iter().filter(|result| matches!(result, Err(RunError::Locked { .. }))).count();
        assert_eq!((begun, locked), (1, 3), "{results:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_run_whose_lock_or_folder_was_moved_or_removed_is_not_held_any_more() {
    let lost = |take: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let path = existing(folder.path());
        let run = RunFolder::open(&path).unwrap();
        run.check_held().unwrap();
        take(&path);
        let error = run.check_held().unwrap_err();
        assert!(matches!(&error, RunError::Lost { path: named } if *named == path), "{error:?}");
        assert!(error.to_string().contains("expected its lock in the folder, found another or none"));
    };
    lost(&|path| fs::remove_file(path.join("lock")).unwrap());
    lost(&|path| fs::remove_dir_all(path).unwrap());
    lost(&|path| {
        fs::remove_file(path.join("lock")).unwrap();
        drop(RunFolder::open(path).unwrap());
    });
    lost(&|path| {
        fs::rename(path, path.with_file_name("elsewhere")).unwrap();
        drop(RunFolder::create(path).unwrap());
    });
}

#[test]
#[cfg(unix)]
fn a_lock_that_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = existing(folder.path());
    let lock = path.join("lock");
    let refused = || {
        let error = RunFolder::open(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot lock {}", lock.display()));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "not a regular file");
    };
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    refused();
    fs::remove_dir(&lock).unwrap();
    // Without a reader, to open it for writing waits for ever.
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    refused();
}

#[test]
fn a_run_is_never_replaced_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = existing(folder.path());
    let error = RunFolder::create(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot begin a run in {}: expected no run there, found one", path.display())
    );
    assert_eq!(fs::read_to_string(path.join("checkpoint")).unwrap(), "place");
}

#[test]
fn other_files_are_neither_replaced_nor_joined() {
    for name in
        ["thesis.txt", "config.toml", "metrics.jsonl", "metrics.csv", ".nn-train-0123456789abcdef.tmp"]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "years of work").unwrap();
        let error = RunFolder::create(folder.path()).unwrap_err();
        assert!(matches!(&error, RunError::Occupied { found, .. } if found == name), "{error:?}");
        assert_eq!(names(folder.path()), [name], "not even a lock was made");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    assert!(matches!(RunFolder::create(&file), Err(RunError::Io { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), "no folder");
}

#[test]
fn what_a_process_left_that_was_killed_before_its_run_existed_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let events = "events.out.tfevents.0000000001.nn-train";
    for name in
        ["lock", "config.toml", "metrics.jsonl", "metrics.csv", events, ".nn-train-0123456789abcdef.tmp"]
    {
        fs::write(folder.path().join(name), "").unwrap();
    }
    drop(RunFolder::create(folder.path()).unwrap());
    assert_eq!(names(folder.path()), ["config.toml", events, "lock", "metrics.csv", "metrics.jsonl"]);
    // But not beside a stranger.
    fs::write(folder.path().join("last.model"), "of somebody").unwrap();
    assert!(matches!(RunFolder::create(folder.path()), Err(RunError::Occupied { .. })));
}

#[test]
fn only_temporary_files_of_our_own_making_are_removed_when_a_run_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = existing(folder.path());
    let ours = [".nn-train-0123456789abcdef.tmp", ".nn-train-ffffffffffffffff.tmp"];
    let others = [
        ".nn-train-0123456789abcde.tmp",
        ".nn-train-0123456789abcdef.tmp.bak",
        ".nn-train-0123456789ABCDEF.tmp",
        ".nn-train-notes.tmp",
        "nn-train-0123456789abcdef.tmp",
        "thesis.txt",
    ];
    for name in ours.iter().chain(&others) {
        fs::write(path.join(name), "x").unwrap();
    }
    let folder_of_that_name = ".nn-train-aaaaaaaaaaaaaaaa.tmp";
    fs::create_dir(path.join(folder_of_that_name)).unwrap();

    drop(RunFolder::open(&path).unwrap());

    let mut expected = [&others[..], &["checkpoint", "lock", folder_of_that_name]].concat();
    expected.sort_unstable();
    assert_eq!(names(&path), expected);
}

#[test]
fn a_folder_without_a_checkpoint_is_no_run_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no run in {}: expected a folder with a file `checkpoint`, found a folder without one",
            folder.path().display()
        )
    );
    assert_eq!(names(folder.path()), [""; 0]);
    let missing = folder.path().join("missing");
    let error = RunFolder::open(&missing).unwrap_err();
    assert!(error.to_string().ends_with("found no folder"), "{error}");
    assert!(!missing.exists());
}
