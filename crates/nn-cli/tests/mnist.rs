//! The accuracy that the presets promise, on the whole of MNIST.
//!
//! `cargo xtask fetch-data` brings the data. Without it the test is skipped, unless the environment variable
//! `MNIST_REQUIRED` is set.

#![allow(
    clippy::print_stdout,
    reason = "the accuracies are worth reading, and a test that is skipped says so"
)]

mod common;

use std::{env, path::Path};

use common::{nn_cli, scratch};

#[test]
fn the_presets_keep_their_promises_on_mnist() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
    if !data.join("train-images-idx3-ubyte").exists() {
        assert!(
            env::var_os("MNIST_REQUIRED").is_none(),
            "MNIST_REQUIRED is set, and there is no {}",
            data.display()
        );
        println!("skipped: there is no {}; `cargo xtask fetch-data` brings it", data.display());
        return;
    }
    for (flags, least) in [
        ("--preset default", 0.978),
        // The ten epochs of the preset take longer than a test should.
        ("--preset article --epochs 3", 0.94),
    ] {
        let folder = scratch();
        let line = format!("train {flags} --seed 1 --json --data {}", data.display());
        let lines = nn_cli(folder.path(), &line).succeeds().json();
        let accuracy = lines.last().unwrap()["test"]["accuracy"].as_f64().unwrap();
        println!("{flags}: {accuracy}");
        assert!(accuracy >= least, "{flags}: expected at least {least}, found {accuracy}");
    }
}
