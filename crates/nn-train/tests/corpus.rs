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

#[test]
fn every_file_of_the_safetensors_corpus_is_refused_or_exported_again() {
    replay("safetensors", fuzzed::safetensors);
}

#[test]
fn every_file_of_the_npz_corpus_is_refused_or_exported_again() {
    replay("npz", fuzzed::npz);
}

#[test]
fn every_file_of_the_onnx_corpus_is_refused_or_described() {
    replay("onnx", fuzzed::onnx);
}
