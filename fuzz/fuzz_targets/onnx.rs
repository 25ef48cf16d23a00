//! Fuzzes the reader of ONNX files; what must hold is written beside the tests of `nn-train`.
#![no_main]

#[allow(dead_code, reason = "each target of this crate calls one of them")]
#[path = "../../crates/nn-train/tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::onnx(bytes));
