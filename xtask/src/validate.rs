//! `validate`: owns the order of the checks that CI runs, and the account of how they went.

mod commands;
mod invocation;
mod packages;
mod tally;

use crate::output::Output;
use crate::process::run_in_sight;
use crate::{check_peers, tidy, workspace};
use anyhow::{Context as _, Result, anyhow, bail};
use invocation::Invocation;
use lexopt::prelude::*;
use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;
use tally::Tally;

pub(crate) const HELP: &str = "\
Run every check that CI runs, the cheapest first, and stop at the first that fails.

Usage: cargo xtask validate [OPTIONS]

Options:
  --list         name the steps and what each runs
  --only STEPS   run these alone, separated by commas
  --skip STEPS   leave these out, separated by commas
  --from STEP    begin here, for going on after a failure was mended

Environment:
  CI                set on a build farm: packages must come from committed files
  MNIST_REQUIRED    1: the tests that need data/mnist fail where it is missing, instead of being skipped
  BROWSER_REQUIRED  1: so do the tests that need Chromium and chromedriver
  PEERS_REQUIRED    1: the step peers installs the Python packages that it needs, instead of being skipped
  MPI_REQUIRED      1: the step mpi fails where mpirun is missing, instead of being skipped

Examples:
  cargo xtask validate
  cargo xtask validate --only format,tidy,clippy
  cargo xtask validate --from test --skip package
";

/// A step: a name for the options, what it does, and how.
struct Step {
    name: &'static str,
    summary: &'static str,
    run: fn(&mut Output) -> Result<Report>,
}

/// What a step that passed has to say for itself.
#[derive(Default)]
struct Report {
    tests: Option<Tally>,
}

const STEPS: &[Step] = &[
    Step { name: "format", summary: "cargo fmt --check", run: |output| cargo("fmt --all --check", output) },
    Step {
        name: "tidy",
        summary: "cargo xtask tidy",
        run: |output| tidy::check(output).map(|()| Report::default()),
    },
    Step {
        name: "clippy",
        summary: "clippy on everything, warnings are errors",
        run: |output| cargo("clippy --workspace --all-targets -- -D warnings", output),
    },
    Step { name: "build", summary: "build every crate, its tests, examples and benchmarks", run: build },
    Step {
        name: "commands",
        summary: "the program takes the commands that the pages show",
        run: commands::check,
    },
    Step { name: "test", summary: "unit, integration and documentation tests", run: test },
    Step { name: "examples", summary: "run the numbered examples in their order", run: examples },
    Step { name: "docs", summary: "build the documentation, warnings are errors", run: docs },
    Step { name: "package", summary: "each crate packages with all that it needs", run: package },
    Step {
        name: "peers",
        summary: "other programs read what is written for them",
        run: |output| check_peers::step(output).map(|()| Report::default()),
    },
    Step { name: "mpi", summary: "training on several ranks, where Open MPI is installed", run: mpi },
];

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let Some(steps) = parse(arguments)? else {
        for step in STEPS {
            output.line(format_args!("{:<10} {}", step.name, step.summary));
        }
        return Ok(());
    };
    let mut passed: Vec<String> = Vec::new();
    let mut tests = None;
    let started = Instant::now();
    for step in steps {
        output.line(format_args!("\n== {}: {}", step.name, step.summary));
        let step_started = Instant::now();
        let outcome = (step.run)(output);
        let seconds = step_started.elapsed().as_secs_f64();
        match outcome {
            Ok(report) => {
                passed.push(format!("{:<10} {seconds:>7.1} s  passed", step.name));
                tests = tests.or(report.tests);
            }
            Err(error) => {
                summarise(&passed, output);
                output.line(format_args!("{:<10} {seconds:>7.1} s  FAILED", step.name));
                let hint = format!("mend it, then `cargo xtask validate --from {}`", step.name);
                return Err(error.context(format!("the step {} failed ({hint})", step.name)));
            }
        }
    }
    summarise(&passed, output);
    output.line(format_args!("{:<10} {:>7.1} s", "in all", started.elapsed().as_secs_f64()));
    if let Some(tests) = tests {
        output.line(tests);
    }
    Ok(())
}

fn summarise(passed: &[String], output: &mut Output) {
    output.line("\n== summary");
    for line in passed {
        output.line(line);
    }
}

/// The steps to run, or `None` where they are to be listed.
fn parse(mut arguments: lexopt::Parser) -> Result<Option<Vec<&'static Step>>> {
    let (mut only, mut skip, mut first, mut list) = (None, Vec::new(), 0, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("list") => list = true,
            Long("only") => only = Some(positions(&arguments.value()?.string()?)?),
            Long("skip") => skip = positions(&arguments.value()?.string()?)?,
            Long("from") => first = position(&arguments.value()?.string()?)?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if list {
        return Ok(None);
    }
    let is_wanted = |position: &usize| {
        *position >= first
            && !skip.contains(position)
            && only.as_ref().is_none_or(|only| only.contains(position))
    };
    let steps: Vec<&Step> = (0..STEPS.len()).filter(is_wanted).map(|position| &STEPS[position]).collect();
    if steps.is_empty() {
        return Err(lexopt::Error::from("these options leave no step to run").into());
    }
    Ok(Some(steps))
}

fn positions(names: &str) -> Result<Vec<usize>> {
    names.split(',').map(|name| position(name.trim())).collect()
}

fn position(name: &str) -> Result<usize> {
    STEPS.iter().position(|step| step.name == name).ok_or_else(|| {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        lexopt::Error::from(format!("there is no step '{name}': expected one of {}", known.join(", "))).into()
    })
}

/// A step that is one cargo command.
fn cargo(arguments: &str, output: &mut Output) -> Result<Report> {
    Invocation::cargo(arguments).run(output)?;
    Ok(Report::default())
}

fn build(output: &mut Output) -> Result<Report> {
    cargo(&format!("build {}", workspace::EVERYTHING.join(" ")), output)
}

fn test(output: &mut Output) -> Result<Report> {
    let mut tests = Tally::default();
    // The command that the README gives, so that what it promises is what is checked.
    Invocation::cargo("test --workspace").run_reading(output, |line| tests.read(line))?;
    if tests.passed == 0 {
        bail!("no test was run");
    }
    Ok(Report { tests: Some(tests) })
}

fn examples(output: &mut Output) -> Result<Report> {
    build(output)?;
    let built = workspace::target_folder()?.join("debug/examples");
    let mut names = Vec::new();
    for package in tidy::CHAIN {
        let folder = workspace::root().join("crates").join(package).join("examples");
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let name = entry?
                .file_name()
                .into_string()
                .map_err(|name| anyhow!("{} is not UTF-8", name.display()))?;
            names.extend(name.strip_suffix(".rs").map(str::to_owned));
        }
    }
    // By their numbers, which count on from crate to crate.
    names.sort();
    for name in names {
        output.line(format_args!("-- {name}"));
        let mut example = Command::new(built.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
        let status = run_in_sight(&mut example, output);
        let status = status.with_context(|| format!("cannot start the example {name}"))?;
        if !status.success() {
            bail!("the example {name} ended with {status}");
        }
    }
    Ok(Report::default())
}

fn docs(output: &mut Output) -> Result<Report> {
    Invocation::cargo("doc --workspace --no-deps")
        .with_variable("RUSTDOCFLAGS", "-D warnings")
        .run(output)?;
    Ok(Report::default())
}

fn package(output: &mut Output) -> Result<Report> {
    // On a build farm, what is packaged is what is committed; at home, work in progress is no failure.
    let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    let dirty = if in_ci { "" } else { " --allow-dirty" };
    cargo(&format!("package --workspace --exclude {} --no-verify{dirty}", tidy::CHORES), output)?;
    let target = workspace::target_folder()?;
    let manifest = packages::unpack(&target)?;
    // Each by itself, as who depends on it has it: together, one would have the features that another asks for.
    for package in tidy::CHAIN {
        Invocation::cargo(&format!("check --package {package}"))
            .with_path("--manifest-path", &manifest)
            .with_path("--target-dir", &target)
            .run(output)
            .context(
                "does the crate use a file from outside its folder, or a feature that only others ask for?",
            )?;
    }
    Ok(Report::default())
}

/// What others need no MPI for is checked without it, in all other steps.
fn mpi(output: &mut Output) -> Result<Report> {
    let is_there = Command::new("mpirun").arg("--version").output().is_ok_and(|ran| ran.status.success());
    if !is_there {
        if env::var_os("MPI_REQUIRED").is_some_and(|value| !value.is_empty()) {
            bail!("MPI_REQUIRED is set, and mpirun does not start");
        }
        output.line("skipped: there is no mpirun; on Debian it comes with openmpi-bin, libopenmpi-dev and libclang-dev");
        return Ok(Report::default());
    }
    // Of the whole workspace, so that only what the feature changes is compiled anew.
    cargo("clippy --workspace --features nn-cli/mpi --all-targets -- -D warnings", output)?;
    Invocation::cargo("test --workspace --features nn-cli/mpi --test ranks")
        .with_variable("MPI_REQUIRED", "1")
        .run(output)?;
    Ok(Report::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        let steps = parse(lexopt::Parser::from_args(arguments)).unwrap();
        steps.into_iter().flatten().map(|step| step.name).collect()
    }

    #[test]
    fn every_step_is_run_by_default_and_the_cheapest_first() {
        let names = names(&[]);
        assert_eq!(names.len(), STEPS.len());
        assert_eq!(names[..3], ["format", "tidy", "clippy"]);
    }

    #[test]
    fn steps_are_picked_and_skipped_by_name_and_keep_their_order() {
        assert_eq!(names(&["--only", "tidy,format"]), ["format", "tidy"]);
        assert!(!names(&["--skip=mpi, package"]).contains(&"package"));
        assert_eq!(names(&["--from", "docs", "--skip", "package"]), ["docs", "peers", "mpi"]);
    }

    #[test]
    fn unknown_steps_and_no_steps_are_wrong_usage() {
        for arguments in [&["--only", "lint"][..], &["--only", "format", "--skip", "format"], &["format"]] {
            let error = parse(lexopt::Parser::from_args(arguments)).map(drop).unwrap_err();
            assert!(error.is::<lexopt::Error>(), "{arguments:?}: {error}");
        }
    }
}
