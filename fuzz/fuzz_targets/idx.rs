//! Fuzzes the parser of IDX files; what must hold is written beside the tests of `idx-format`.
#![no_main]

#[path = "../../crates/idx-format/tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::idx(bytes));
