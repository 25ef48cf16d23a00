//! What a file on a real disk goes through when it is written.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use nn_train::{WriteStage, write_atomically};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_file_appears_with_all_of_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..100_003_u32).map(|i| (i % 251) as u8).collect();
    write_atomically(&folder.path().join("new"), |writer| writer.write_all(&content)).unwrap();
    assert_eq!(fs::read(folder.path().join("new")).unwrap(), content);
    assert_eq!(names(folder.path()), ["new"]);
}

#[test]
fn whoever_has_the_old_file_open_keeps_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "the old content").unwrap();
    let mut reader = fs::File::open(&path).unwrap();

    write_atomically(&path, |writer| writer.write_all(b"new")).unwrap();

    let mut old = String::new();
    reader.read_to_string(&mut old).unwrap();
    assert_eq!(old, "the old content");
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn a_failing_writer_leaves_the_old_file_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();

    let error = write_atomically(&path, |writer| {
        writer.write_all(&[0; 20_000])?;
        Err(io::ErrorKind::StorageFull.into())
    })
    .unwrap_err();

    assert_eq!(error.stage, WriteStage::Write);
    assert_eq!(error.to_string(), format!("cannot write the temporary file of {}", path.display()));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no storage space");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_panicking_writer_leaves_the_old_file_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();

    let panic = std::panic::catch_unwind(|| {
        write_atomically(&path, |writer| {
            writer.write_all(b"half of the")?;
            panic!("in the middle")
        })
    });

    assert!(panic.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn folders_that_cannot_hold_the_file_are_named_with_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();

    let fails_at = |path: &Path| {
        let error = write_atomically(path, |writer| writer.write_all(b"new")).unwrap_err();
        assert_eq!(error.path, path);
        (error.stage, error.source.kind())
    };
    assert_eq!(fails_at(&folder.path().join("missing/new")), (WriteStage::Create, io::ErrorKind::NotFound));
    assert_eq!(fails_at(&folder.path().join("folder")), (WriteStage::Resolve, io::ErrorKind::InvalidInput));
    assert!(write_atomically(&file.join("new"), |_| Ok(())).is_err());
    assert!(write_atomically(&folder.path().join("new/"), |_| Ok(())).is_err());
    assert!(write_atomically(Path::new(""), |_| Ok(())).is_err());
    assert_eq!(names(folder.path()), ["file", "folder"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn a_bare_name_lies_in_the_current_folder() {
    let name = format!("nn-train-bare-name-{}", std::process::id());
    write_atomically(Path::new(&name), |writer| writer.write_all(b"here")).unwrap();
    let content = fs::read_to_string(&name);
    fs::remove_file(&name).unwrap();
    assert_eq!(content.unwrap(), "here");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_permissions_of_an_existing_file_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomically(&path, |writer| writer.write_all(b"new")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[test]
    fn a_symbolic_link_stays_and_the_file_it_points_at_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(folder.path().join("real/file"), "old").unwrap();
        symlink("real/file", folder.path().join("link")).unwrap();

        write_atomically(&folder.path().join("link"), |writer| writer.write_all(b"new")).unwrap();

        assert_eq!(fs::read_link(folder.path().join("link")).unwrap(), Path::new("real/file"));
        assert_eq!(fs::read_to_string(folder.path().join("real/file")).unwrap(), "new");
        assert_eq!(names(&folder.path().join("real")), ["file"]);
    }

    /// A socket stands for all that is no regular file. Never a device here: if this test failed in the hands of an
    /// administrator, it would replace it.
    #[test]
    fn what_is_no_regular_file_is_never_replaced_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();

        let error = write_atomically(&path, |writer| writer.write_all(b"new")).unwrap_err();

        assert_eq!(error.stage, WriteStage::Resolve);
        assert_eq!(error.source.to_string(), "not a regular file");
        assert!(!fs::metadata(&path).unwrap().is_file());
        assert_eq!(names(folder.path()), ["socket"]);
    }

    /// Runs this very test again as a child process, which writes half of a file and waits to be killed.
    #[test]
    fn a_process_killed_while_writing_leaves_the_old_file() {
        if let Some(path) = std::env::var_os("NN_TRAIN_WRITE_HALF_OF") {
            let _ = write_atomically(Path::new(&path), |writer| {
                writer.write_all(&[b'n'; 50_000])?;
                io::Write::write_all(&mut io::stdout(), b"half written\n")?;
                std::thread::sleep(std::time::Duration::from_secs(60));
                Ok(())
            });
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();

        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "unix::a_process_killed_while_writing_leaves_the_old_file"])
            .env("NN_TRAIN_WRITE_HALF_OF", &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = io::BufRead::lines(io::BufReader::new(child.stdout.take().unwrap()));
        assert!(lines.any(|line| line.unwrap().contains("half written")));
        child.kill().unwrap();
        child.wait().unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        // The temporary file is there, and does not stand in the way of the next attempt.
        assert_eq!(names(folder.path()).len(), 2);
        write_atomically(&path, |writer| writer.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
