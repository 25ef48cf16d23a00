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

/// The program of the target of that name among cargo's JSON messages: others are built beside a benchmark, in any order.
pub(crate) fn built(messages: &str, target: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut of_target = messages.filter(|message| message["target"]["name"] == target);
    of_target.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// `path` as a person at the top of the tree would type it.
pub(crate) fn display(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"peer"},"executable":null}
not json
{"reason":"compiler-artifact","target":{"name":"nn-cli"},"executable":"/a/nn-cli"}
{"reason":"compiler-artifact","target":{"name":"peer"},"executable":"/a/peer-1"}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/a/other"}
{"success":true}
"#;
        assert_eq!(built(messages, "peer"), Some("/a/peer-1".into()));
        assert_eq!(built(messages, "none"), None);
        assert_eq!(built("", "peer"), None);
    }
}
