//! What the fuzzer found worth keeping, gone through again by the functions that it calls.

mod fuzzed;
#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn every_file_of_the_parsers_corpus_is_refused_or_read_as_it_is() {
    replay("idx", fuzzed::idx);
}

#[test]
fn every_stream_of_the_gzip_corpus_is_refused_or_read_within_the_limit() {
    replay("gzip", fuzzed::gzip);
}
