//! Owns what the peers need to run: a Python environment and built programs, all in `.bench-peers/`; compares nothing.

use super::plan::{Cell, NATIVE, PEERS, Peer, Source};
use super::run::word;
use crate::output::Output;
use crate::process::run_quietly;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// PyTorch alone is gigabytes.
const PIP_LIMIT: Duration = Duration::from_secs(3600);
const VENV_LIMIT: Duration = Duration::from_secs(300);

/// Programs that are ready to run.
pub(super) struct Environment {
    pub(super) folder: PathBuf,
    sources: PathBuf,
    built: BTreeMap<&'static str, PathBuf>,
}

impl Environment {
    /// Makes what these cells need and is not there yet. Python is always needed: it runs the launcher.
    pub(super) fn prepare(cells: &[Cell], output: &mut Output) -> Result<Self> {
        let root = workspace::root();
        let mut environment = Self {
            folder: root.join(".bench-peers"),
            sources: root.join("xtask/peers"),
            built: BTreeMap::new(),
        };
        environment.make_python(output)?;
        let has_a_cell = |peer: &&Peer| cells.iter().any(|cell| cell.peer.name == peer.name);
        for peer in PEERS.iter().filter(has_a_cell) {
            if let Source::Python { packages, .. } = peer.source {
                environment.install(peer, packages, output)?;
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
            Source::Python { script, .. } => vec![word(&self.python()), word(&self.sources.join(script))],
            _ => vec![word(self.built.get(key(cell)).context("this program was not built")?)],
        })
    }

    /// What starts a program and reports on it.
    pub(super) fn launcher(&self) -> Vec<OsString> {
        // Without its packages Python is small, and its memory is below anything that is measured.
        vec![word(&self.python()), "-I".into(), "-S".into(), word(&self.sources.join("launch.py"))]
    }

    fn python(&self) -> PathBuf {
        self.folder.join("python/bin/python")
    }

    fn make_python(&self, output: &mut Output) -> Result<()> {
        let folder = self.folder.join("python");
        if self.python().exists() {
            return Ok(());
        }
        output.line(format_args!("making {}", workspace::display(&folder)));
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(&folder);
        run_quietly(&mut command, VENV_LIMIT).context(
            "the peers need a Python environment (hint: install python3 with its venv module, \
             on Debian the packages python3 and python3-venv)",
        )
    }

    /// Installs what a peer imports, in the versions of the requirements file. A stamp says when it is done.
    fn install(&self, peer: &Peer, packages: &[&str], output: &mut Output) -> Result<()> {
        let path = self.sources.join("requirements.txt");
        let requirements =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let wanted = pins(&requirements, packages)?;
        let stamp = self.folder.join(format!("python/installed-{}", peer.name));
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        output.line(format_args!("installing {} by pip", wanted.trim().replace('\n', " ")));
        let mut command = Command::new(self.python());
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command.args(wanted.lines());
        run_quietly(&mut command, PIP_LIMIT).with_context(|| {
            format!(
                "cannot install {} (hint: does pip reach a package index? `--peers` with the names of others \
                 leaves it out)",
                peer.title
            )
        })?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
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
        executable(&String::from_utf8_lossy(&built.stdout))
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

/// The lines of the requirements that pin these packages.
fn pins(requirements: &str, packages: &[&str]) -> Result<String> {
    let mut pins = String::new();
    for package in packages {
        let is_it = |line: &&str| line.split_once("==").is_some_and(|(name, _)| name == *package);
        let Some(line) = requirements.lines().find(is_it) else {
            bail!("xtask/peers/requirements.txt has no version of {package}");
        };
        pins += line;
        pins += "\n";
    }
    Ok(pins)
}

/// The last program among cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
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
    fn pins_are_the_lines_of_the_packages_that_are_asked_for() {
        let requirements = "# versions\njax==0.1\njaxlib==0.2\ntorch==3.0\n";
        assert_eq!(pins(requirements, &["torch", "jax"]).unwrap(), "torch==3.0\njax==0.1\n");
        assert!(pins(requirements, &["numpy"]).unwrap_err().to_string().contains("no version of numpy"));
    }

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\nnot json\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/a/peer-1\"}\n{\"success\":true}\n";
        assert_eq!(executable(messages), Some("/a/peer-1".into()));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn missing_data_comes_with_the_command_that_brings_it() {
        let scratch = ScratchFolder::create("peers").unwrap();
        let message = |name| check_data(scratch.path(), name).unwrap_err().to_string();
        assert!(message("mnist").ends_with("(hint: `cargo xtask fetch-data`)"));
        assert!(message("fashion-mnist").ends_with("(hint: `cargo xtask fetch-data fashion-mnist`)"));
    }
}
