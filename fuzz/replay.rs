//! What the fuzzer found worth keeping, gone through again: owns the way to a target's corpus, for the tests of the
//! crates, and refuses to know what must hold.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Calls `property` with every file of a target's corpus, and names the one at which it panics.
pub(crate) fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "nothing in {}", folder.display());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        catch_unwind(|| property(&bytes)).unwrap_or_else(|_| panic!("{}", path.display()));
    }
}
