//! What the fuzzer found worth keeping, gone through again by the functions that it calls.

mod fuzzed;
#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn every_file_of_the_models_corpus_is_refused_or_saved_again() {
    replay("model", fuzzed::model);
}

#[test]
fn every_file_of_the_checkpoints_corpus_is_refused_or_saved_again() {
    replay("checkpoint", fuzzed::checkpoint);
}
