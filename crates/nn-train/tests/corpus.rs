//! What the fuzzer found worth keeping, gone through again by the functions that it calls.

mod fuzzed;

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "nothing in {}", folder.display());
    for path in files {
        let bytes = fs::read(&path).unwrap();
        catch_unwind(|| property(&bytes)).unwrap_or_else(|_| panic!("{}", path.display()));
    }
}

#[test]
fn every_file_of_the_models_corpus_is_refused_or_saved_again() {
    replay("model", fuzzed::model);
}
