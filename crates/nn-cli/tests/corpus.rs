//! What the fuzzer found worth keeping, gone through again by the functions that it calls.

mod fuzzed;
#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn every_file_of_the_pictures_corpus_is_refused_or_a_picture() {
    replay("picture", fuzzed::picture);
}
