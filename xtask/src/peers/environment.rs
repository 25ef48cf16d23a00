//! Owns what the peers need to run: their packages for Python and built programs, all in `.bench-peers/`; compares
//! nothing.

use super::plan::{Cell, NATIVE, PEERS, Peer, Source};
use super::run::word;
use crate::output::Output;
use crate::python::{self, Python};
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Programs that are ready to run.
pub(super) struct Environment {
    pub(super) folder: PathBuf,
    sources: PathBuf,
    python: Python,
    built: BTreeMap<&'static str, PathBuf>,
}

impl Environment {
    /// Makes what these cells need and is not there yet. Python is always needed: it runs the launcher.
    pub(super) fn prepare(cells: &[Cell], output: &mut Output) -> Result<Self> {
        let root = workspace::root();
        let mut environment = Self {
            folder: python::folder(),
            sources: root.join("xtask/peers"),
            python: Python::of_project(),
            built: BTreeMap::new(),
        };
        environment.python.make(output)?;
        let has_a_cell = |peer: &&Peer| cells.iter().any(|cell| cell.peer.name == peer.name);
        for peer in PEERS.iter().filter(has_a_cell) {
            if let Source::Python { packages, .. } = peer.source {
                environment
                    .python
                    .install(peer.name, packages, output)
                    .context("`--peers` with the names of others leaves it out")?;
            }
        }
        for cell in cells {
            let key = key(cell);
            if !matches!(cell.peer.source, Source::Python { .. }) && !environment.built.contains_key(key) {
                output.line(format_args!("building {key}"));
                let program = environment.build(key)?;
                environment.built.insert(key, program);
            }
        }
        Ok(environment)
    }

    /// The program of a cell, with its first arguments.
    pub(super) fn program(&self, cell: &Cell) -> Result<Vec<OsString>> {
        Ok(match cell.peer.source {
            Source::Python { script, .. } => {
                vec![word(&self.python.program()), word(&self.sources.join(script))]
            }
            _ => vec![word(self.built.get(key(cell)).context("this program was not built")?)],
        })
    }

    /// What starts a program and reports on it.
    pub(super) fn launcher(&self) -> Vec<OsString> {
        // Without its packages Python is small, and its memory is below anything that is measured.
        vec![word(&self.python.program()), "-I".into(), "-S".into(), word(&self.sources.join("launch.py"))]
    }

    fn build(&self, key: &str) -> Result<PathBuf> {
        let mut command = workspace::cargo();
        let target = |name: &str| self.folder.join("target").join(name);
        match key {
            "nn-cli" => command.args(["build", "--release", "--locked", "--package", "nn-cli"]),
            "peer" | "peer-native" => {
                command.args(["bench", "--no-run", "--locked", "--package", "nn-train", "--bench", "peer"])
            }
            _ => command
                .args(["build", "--release", "--locked", "--manifest-path"])
                .arg(self.sources.join(key).join("Cargo.toml")),
        };
        // Ours are built as anybody builds them; the libraries of others may need to be told of the processor.
        if !["nn-cli", "peer"].contains(&key) {
            command.env("RUSTFLAGS", "-Ctarget-cpu=native").arg("--target-dir").arg(target(key));
        }
        command.arg("--message-format=json-render-diagnostics");
        let built = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let built = built.context("cannot start cargo")?;
        ensure!(built.status.success(), "cargo could not build {key} ({})", built.status);
        let program = match key {
            "nn-cli" => "nn-cli".to_owned(),
            "peer" | "peer-native" => "peer".to_owned(),
            _ => format!("peer-{key}"),
        };
        workspace::built(&String::from_utf8_lossy(&built.stdout), &program)
            .with_context(|| format!("cargo names no program of {key}"))
    }
}

/// Which program a cell is done by, where it is a built one.
fn key(cell: &Cell) -> &'static str {
    match cell.peer.source {
        Source::Cargo { folder } => folder,
        _ if cell.task.is_process => "nn-cli",
        _ if cell.variant == NATIVE => "peer-native",
        _ => "peer",
    }
}

/// Fails with a hint where a data set is missing.
pub(super) fn check_data(data: &Path, name: &str) -> Result<()> {
    let folder = data.join(name);
    for split in ["train", "t10k"] {
        for kind in ["images-idx3", "labels-idx1"] {
            let file = folder.join(format!("{split}-{kind}-ubyte"));
            if !file.exists() {
                let chore = if name == "mnist" { "fetch-data".into() } else { format!("fetch-data {name}") };
                bail!("{} is missing (hint: `cargo xtask {chore}`)", workspace::display(&file));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    #[test]
    fn missing_data_comes_with_the_command_that_brings_it() {
        let scratch = ScratchFolder::create("peers").unwrap();
        let message = |name| check_data(scratch.path(), name).unwrap_err().to_string();
        assert!(message("mnist").ends_with("(hint: `cargo xtask fetch-data`)"));
        assert!(message("fashion-mnist").ends_with("(hint: `cargo xtask fetch-data fashion-mnist`)"));
    }
}
