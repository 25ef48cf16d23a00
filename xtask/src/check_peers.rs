//! `check-peers`: owns which programs of others are asked whether they read what is written for them, and what they
//! need; the checks themselves are programs in `xtask/peers`, and none knows another.

use crate::output::Output;
use crate::process::run_in_sight;
use crate::python::Python;
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use lexopt::prelude::*;
use std::env;
use std::process::Command;

pub(crate) const HELP: &str = "\
Check that other programs read what this project writes for them, and the other way round.

Usage: cargo xtask check-peers [OPTIONS]

Options:
  --prepare     install what the checks need, and stop there
  --only NAMES  run these checks alone, separated by commas

The checks are programs for Python in xtask/peers. What they import is installed by pip, in the versions of
xtask/peers/requirements.txt, into .bench-peers/python, which bench --peers uses too; PyTorch takes some gigabytes.
They use data/mnist where it is there, and data/sample otherwise.

Examples:
  cargo xtask check-peers
  cargo xtask check-peers --prepare
  cargo xtask check-peers --only interchange
";

/// A program that ends with an error where something is not as it should be. It is given the path of `nn-cli` and of the
/// folder of the data.
struct Check {
    name: &'static str,
    /// Who is asked about what.
    about: &'static str,
    /// A file of `xtask/peers`.
    script: &'static str,
    packages: &'static [&'static str],
}

const CHECKS: &[Check] = &[
    Check {
        name: "interchange",
        about: "PyTorch, ONNX Runtime and NumPy compute what exported networks compute, and their networks are imported",
        script: "check_interchange.py",
        packages: &["numpy", "onnx", "onnxruntime", "safetensors", "torch"],
    },
    Check {
        name: "event-files",
        about: "TensorBoard's own reader lists every number that a run has written for it",
        script: "check_event_files.py",
        packages: &["numpy", "setuptools", "tensorboard"],
    },
];

pub(crate) fn run(mut arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let (mut only, mut is_preparation) = (None, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("prepare") => is_preparation = true,
            Long("only") => only = Some(named(&arguments.value()?.string()?)?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let checks = only.unwrap_or_else(|| CHECKS.iter().collect());
    prepare(&checks, output)?;
    if is_preparation { Ok(()) } else { check(&checks, &["--package", "nn-cli"], output) }
}

/// All checks, as a step of `validate`: run where their packages are, or must be, and skipped aloud elsewhere.
pub(crate) fn step(output: &mut Output) -> Result<()> {
    let checks: Vec<&Check> = CHECKS.iter().collect();
    if env::var_os("PEERS_REQUIRED").is_some_and(|value| !value.is_empty()) {
        prepare(&checks, output)?;
        return check(&checks, workspace::EVERYTHING, output);
    }
    let python = Python::of_project();
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for check in checks {
        let is_ready = python.has(check.name, check.packages)?;
        if is_ready { ready.push(check) } else { missing.push(check.name) }
    }
    if !missing.is_empty() {
        output.line(format_args!(
            "skipped: the packages of {} are not installed; `cargo xtask check-peers` installs them",
            missing.join(", ")
        ));
    }
    check(&ready, workspace::EVERYTHING, output)
}

fn named(names: &str) -> Result<Vec<&'static Check>> {
    let known = || CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
    let check = |name: &str| {
        CHECKS.iter().find(|check| check.name == name).ok_or_else(|| {
            lexopt::Error::from(format!("there is no check '{name}': expected one of {}", known())).into()
        })
    };
    names.split(',').map(|name| check(name.trim())).collect()
}

fn prepare(checks: &[&Check], output: &mut Output) -> Result<()> {
    let python = Python::of_project();
    python.make(output)?;
    checks.iter().try_for_each(|check| python.install(check.name, check.packages, output))
}

/// `build` is what `cargo build` is told before.
fn check(checks: &[&Check], build: &[&str], output: &mut Output) -> Result<()> {
    if checks.is_empty() {
        return Ok(());
    }
    let program = workspace::program(build)?;
    let data = workspace::root().join("data");
    let mnist = data.join("mnist");
    let is_complete = mnist.join("t10k-images-idx3-ubyte").exists();
    if !is_complete && env::var_os("MNIST_REQUIRED").is_some() {
        bail!("MNIST_REQUIRED is set, and there is no {}", workspace::display(&mnist));
    }
    let data = if is_complete { mnist } else { data.join("sample") };
    for check in checks {
        output.line(format_args!("{}: {}", check.name, check.about));
        let mut command = Command::new(Python::of_project().program());
        // What the user has installed or set is not what is checked with, and nothing is left beside the sources.
        command
            .args(["-E", "-s"])
            .arg(workspace::root().join("xtask/peers").join(check.script))
            .arg(&program)
            .arg(&data);
        let status = run_in_sight(&mut command, output);
        let status = status.with_context(|| format!("cannot start {}", check.script))?;
        if !status.success() {
            bail!("the check {} failed ({status})", check.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_known_by_name() {
        assert_eq!(named("interchange").unwrap()[0].script, "check_interchange.py");
        let error = named("interchange, tea").map(|_| ()).unwrap_err();
        assert!(error.is::<lexopt::Error>() && error.to_string().contains("no check 'tea'"), "{error}");
    }

    #[test]
    fn every_check_is_a_program_in_its_place() {
        for check in CHECKS {
            assert!(workspace::root().join("xtask/peers").join(check.script).is_file(), "{}", check.script);
        }
    }
}
