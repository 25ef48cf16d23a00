//! Files that are going to be written: owns the check, made before the work begins, that the result can be kept and
//! that nothing else is lost by it, and refuses to know the result.

use std::{
    fs::{self, File},
    io,
    path::{MAIN_SEPARATOR_STR, Path},
    process,
};

use anyhow::{Context, Result};

use crate::failure::Advised;

/// Checks that a file can be written at `path`, and that what is there now, if anything, may be replaced: that
/// `is_such` holds for it. `what` is the kind of file, as "a model".
///
/// # Errors
/// When the path is no place for a file, or something else is there.
pub(crate) fn check(path: &Path, what: &str, is_such: impl FnOnce(&Path) -> bool) -> Result<()> {
    let refuse = |found: &str, hint: &str| {
        let message =
            format!("cannot write {}: expected {what} or nothing there, found {found}", path.display());
        Err(Advised::new(message, hint).into())
    };
    // `file_name` would take `models/` and `models/.` for a file of the name `models`.
    let name = path.as_os_str().as_encoded_bytes();
    if name.ends_with(b"/") || name.ends_with(b"/.") || name.ends_with(MAIN_SEPARATOR_STR.as_bytes()) {
        return refuse("the name of a folder", "name a file in it");
    }
    // Through symbolic links, as the file is going to be written.
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return refuse("a folder", "name a file in it"),
        Ok(found) if !found.is_file() => return refuse("a device or pipe", "name a plain file"),
        Ok(found) if found.len() > 0 => {
            if let Err(error) = File::open(path) {
                let found = format!("a file that cannot be read ({error})");
                return refuse(&found, "whatever it holds would be lost: name another file");
            }
            if !is_such(path) {
                return refuse(
                    "another file",
                    "it would be lost: name another file, or delete this one first",
                );
            }
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_symlink() => {
            return refuse("a link to nothing", "delete the link first, or name another file");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(too_long(path)),
        Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
    check_folder(path)
}

/// Checks that the file at `path` is another one than that at `source`, which is read: through symbolic links, whatever
/// the two are called. `what` is the latter, as "a teacher's own file".
///
/// # Errors
/// When it is the same.
pub(crate) fn check_other(path: &Path, source: &Path, what: &str) -> Result<()> {
    // What is not there is no file of the other's.
    let (Ok(target), Ok(own)) = (fs::canonicalize(path), fs::canonicalize(source)) else { return Ok(()) };
    if target != own {
        return Ok(());
    }
    let message = format!("cannot write {}: expected another file there, found {what}", path.display());
    Err(Advised::new(message, "it would be lost: name another file by --output").into())
}

/// Checks that a file can be made in the folder of `path`, by making one.
fn check_folder(path: &Path) -> Result<()> {
    // A file that is a link is written where it points to.
    let resolved = fs::canonicalize(path);
    let path = resolved.as_deref().unwrap_or(path);
    if path.file_name().is_none() {
        let message = format!("cannot write {}: expected the name of a file", path.display());
        return Err(Advised::new(message, "add a name to the folder").into());
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let message =
            format!("cannot write {}: expected a folder {}, found none", path.display(), folder.display());
        return Err(Advised::new(message, "make the folder first, or name another file").into());
    }
    // Not longer than the file's own name, which may be as long as names can be.
    let trial = folder.join(format!(".trial-{}", process::id()));
    File::create_new(&trial).and_then(|_| fs::remove_file(&trial)).with_context(|| {
        format!("cannot write {}: cannot make a file in {}", path.display(), folder.display())
    })
}

/// A name that the system has no room for, in which the end is enough to know it by.
fn too_long(path: &Path) -> anyhow::Error {
    let name = path.to_string_lossy();
    let end = name.char_indices().rev().nth(39).map_or(&name[..], |(start, _)| &name[start..]);
    let message = format!(
        "cannot write ...{end}: expected a name that the system can hold (mostly at most 255 bytes, 4,095 with all \
         folders), found one of {} bytes",
        path.as_os_str().len()
    );
    Advised::new(message, "name a file of a shorter name").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder of a test's own.
    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_file_an_empty_one_and_one_of_the_same_kind_may_be_written_and_no_trial_stays() {
        let folder = folder();
        let path = folder.path().join("new");
        check(&path, "a model", |_| false).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        fs::write(&path, "").unwrap();
        check(&path, "a model", |_| false).unwrap();
        fs::write(&path, "old").unwrap();
        check(&path, "a model", |_| true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn another_file_a_folder_and_a_missing_folder_are_refused() {
        let folder = folder();
        let path = folder.path().join("thesis.txt");
        fs::write(&path, "years of work").unwrap();
        let message = |path: &Path| check(path, "a model", |_| false).unwrap_err().to_string();
        assert!(message(&path).contains("expected a model or nothing there, found another file"));
        assert!(message(folder.path()).contains("found a folder"));
        assert!(message(&folder.path().join("missing/new")).contains("found none"));
        assert!(message(&path.join("below-a-file")).contains("cannot write"));
        assert!(message(Path::new("")).contains("expected the name of a file"));
        let long = message(&folder.path().join("n".repeat(300)));
        assert!(long.contains("expected a name that the system can hold") && long.len() < 250, "{long}");
        check(&folder.path().join("n".repeat(255)), "a model", |_| false).unwrap();
    }
}
