//! Fuzzes the way from a stream to an IDX file, gzip included; what must hold is written beside the tests of `idx-format`.
#![no_main]

#[path = "../../crates/idx-format/tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::gzip(bytes));
