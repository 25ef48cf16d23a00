//! Owns where the workspace is and what cargo says of it; knows nothing of what stands in it.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the source tree, whatever folder the command was typed in.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable when it runs the program; the compiled-in value serves a program run by hand.
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = PathBuf::from(package);
    package.parent().map(Path::to_path_buf).unwrap_or(package)
}

/// The cargo that runs this program, ready to run another command at the top of the tree.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// `cargo metadata` of the workspace, without that of its dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let output =
        cargo().args(["metadata", "--no-deps", "--format-version=1"]).stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    ensure!(output.status.success(), "`cargo metadata` ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("`cargo metadata` printed no JSON")
}

/// Where cargo puts what it makes.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata()?;
    metadata["target_directory"].as_str().map(PathBuf::from).context("cargo names no target folder")
}

/// The program that trains, built as anybody builds it.
pub(crate) fn release_program() -> Result<PathBuf> {
    program(&["--release", "--package", "nn-cli"])
}

/// What `cargo build` is told to build all that the checks need at once. Whoever builds less, as one package or without
/// the tests, has the dependencies compiled anew, with fewer features.
pub(crate) const EVERYTHING: &[&str] = &["--workspace", "--all-targets"];

/// The program that trains, after a `cargo build` with these arguments.
pub(crate) fn program(arguments: &[&str]) -> Result<PathBuf> {
    let status = cargo().args(["build", "--quiet"]).args(arguments).status();
    ensure!(status.context("cannot start cargo")?.success(), "nn-cli could not be built");
    let profile = if arguments.contains(&"--release") { "release" } else { "debug" };
    Ok(target_folder()?.join(profile).join(format!("nn-cli{}", env::consts::EXE_SUFFIX)))
}

/// `path` as a person at the top of the tree would type it.
pub(crate) fn display(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
