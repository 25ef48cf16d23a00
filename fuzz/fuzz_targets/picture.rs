//! Fuzzes the reader of pictures; what must hold is written beside the tests of `nn-cli`.
#![no_main]

#[path = "../../crates/nn-cli/tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::picture(bytes));
