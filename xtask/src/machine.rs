//! Owns what figures were measured on: processor, commit, compiler, versions; measures nothing.

use crate::workspace;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;

/// Where and with what the figures were measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// The widest vector instructions.
    pub(crate) simd: String,
    pub(crate) system: String,
    pub(crate) commit: String,
    pub(crate) rust: String,
    /// Of the peers, by name.
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// The machine at hand, and the versions of what else was measured.
    pub(crate) fn look(versions: BTreeMap<String, String>) -> Self {
        Self {
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            simd: simd().into(),
            system: said_by(Command::new("uname").args(["-s", "-r", "-m"])),
            commit: commit(),
            rust: said_by(Command::new("rustc").arg("--version").current_dir(workspace::root())),
            versions,
        }
    }

    /// One line for a page.
    pub(crate) fn sentence(&self) -> String {
        let Self { processor, cores, simd, system, commit, rust, .. } = self;
        let plural = if *cores == 1 { "core" } else { "cores" };
        let mut text = format!(
            "{processor}, {cores} {plural}, {simd}; {system}; this project at commit {commit} with {rust}"
        );
        for (number, (name, version)) in self.versions.iter().enumerate() {
            text += if number == 0 { "; " } else { ", " };
            text += &format!("{name} {version}");
        }
        text + "."
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "processor": self.processor, "cores": self.cores, "simd": self.simd, "system": self.system,
            "commit": self.commit, "rust": self.rust, "versions": self.versions,
        })
    }
}

/// The first processor's name in `/proc/cpuinfo`, with the numbers that tell its generation.
fn processor(cpuinfo: &str) -> String {
    let value = |name: &str| {
        let line =
            cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let Some(name) = value("model name") else { return std::env::consts::ARCH.into() };
    match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

#[cfg(target_arch = "x86_64")]
fn simd() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") {
        "AVX2"
    } else {
        "SSE2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn simd() -> &'static str {
    if cfg!(target_arch = "aarch64") { "NEON" } else { "portable vectors" }
}

/// The commit, and whether what was measured is more than that.
fn commit() -> String {
    let git =
        |arguments: &[&str]| said_by(Command::new("git").args(arguments).current_dir(workspace::root()));
    let commit = git(&["rev-parse", "--short", "HEAD"]);
    // Pages change without changing what is measured.
    let changed = git(&["status", "--porcelain", "--", "crates", "xtask", "Cargo.toml", "Cargo.lock"]);
    if changed == UNKNOWN || changed.is_empty() { commit } else { format!("{commit} with changes") }
}

const UNKNOWN: &str = "unknown";

fn said_by(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().into(),
        _ => UNKNOWN.into(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Machine {
        Machine {
            processor: "Example 9000".into(),
            cores: 2,
            simd: "AVX2".into(),
            system: "Linux".into(),
            commit: "abc1234".into(),
            rust: "rustc 1.95.0".into(),
            versions: [("JAX".to_owned(), "0.10".to_owned())].into(),
        }
    }

    #[test]
    fn a_processor_is_named_with_its_generation() {
        let cpuinfo =
            "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n";
        assert_eq!(processor(cpuinfo), "AMD EPYC (family 25, model 1)");
        assert_eq!(processor(""), std::env::consts::ARCH);
    }

    #[test]
    fn the_sentence_names_everything_that_figures_depend_on() {
        let expected =
            "Example 9000, 2 cores, AVX2; Linux; this project at commit abc1234 with rustc 1.95.0; JAX 0.10.";
        assert_eq!(example().sentence(), expected);
    }
}
