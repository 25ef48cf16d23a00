//! `bench`: owns running the benchmarks and the short table of what they found; measures nothing itself. The
//! comparison with others is that of `peers.rs`.

use crate::output::Output;
use crate::peers;
use crate::tidy::CHAIN;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;
use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) const HELP: &str = "\
Run the benchmarks of the libraries, and print a table of what they found; or compare with others.

Usage: cargo xtask bench [FILTER] [OPTIONS] [-- CRITERION OPTIONS]
       cargo xtask bench --peers[=NAMES] [--tasks NAMES] [--rounds N] [--dry]

Arguments:
  [FILTER]  run only the benchmarks whose name contains this

Options:
  -p, --package NAME  only the benchmarks of this crate; may be repeated
  --table             run nothing, print the table of the last runs

Comparison with other libraries, in place of the benchmarks:
  --peers[=NAMES]     the same work by this project and by these, separated by commas [default: all of
                      pytorch, jax, burn, candle, scikit-learn, numpy, onnxruntime]
  --tasks NAMES       only these [default: all of epoch, process, one-by-one, as-printed, deep, one-image,
                      many-images, augment, sweep, dense, lit, native, threads, matrix]
  --rounds N          how often each program has its turn [default: 5]
  --dry               write nothing

The comparison needs python3 with venv, g++ for PyTorch's compiler, Linux or macOS, and the data of
`cargo xtask fetch-data` and `cargo xtask fetch-data fashion-mnist`. What it installs and builds goes to
.bench-peers/, in the versions that xtask/peers pins: gigabytes, most of them PyTorch's. With all peers and
tasks, 5 rounds or more and no --dry, it writes docs/benchmarks.md, docs/benchmarks.json and the summary in
README.md, unless a peer failed or other programs disturbed it; otherwise it prints the tables alone. That
takes about 50 minutes on two cores, after building burn, during which nothing else should run.

Examples:
  cargo xtask bench
  cargo xtask bench parse --package idx-format
  cargo xtask bench -- --save-baseline before
  cargo xtask bench --table
  cargo xtask bench --peers
  cargo xtask bench --peers=jax,pytorch --tasks epoch,deep --rounds 1
";

/// The crates that have benchmarks.
const BENCHED: &[&str] = &["idx-format", "nn-core", "nn-train"];

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    if peers::is_asked_for(&arguments) {
        return peers::run(arguments, output);
    }
    let options = parse(arguments)?;
    let started = SystemTime::now();
    if !options.table_only {
        for package in &options.packages {
            let mut command = workspace::cargo();
            command
                .args(["bench", "--package", package, "--"])
                .args(&options.filter)
                .args(&options.criterion);
            let status = command.status().context("cannot start cargo")?;
            ensure!(status.success(), "`cargo bench --package {package}` ended with {status}");
        }
    }
    let folder = criterion_folder()?;
    let mut measured = Vec::new();
    collect(&folder, &mut measured)?;
    // Estimates of other runs stay in the folder; the table is of this one.
    measured.retain(|one| {
        options.table_only && options.filter.as_ref().is_none_or(|filter| one.name.contains(filter.as_str()))
            || one.written >= started
    });
    measured.sort_by(|one, other| one.name.cmp(&other.name));
    if measured.is_empty() {
        bail!("there are no estimates in {}", folder.display());
    }
    output.text(format_args!("\n{}", table(&measured)));
    Ok(())
}

struct Options {
    packages: Vec<String>,
    filter: Option<String>,
    criterion: Vec<String>,
    table_only: bool,
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut options =
        Options { packages: Vec::new(), filter: None, criterion: Vec::new(), table_only: false };
    // What stands after `--` is criterion's, and lexopt would not tell it from a filter.
    let mut words: Vec<std::ffi::OsString> = arguments.raw_args()?.collect();
    if let Some(separator) = words.iter().position(|word| word == "--") {
        let rest = words.split_off(separator);
        options.criterion =
            rest.into_iter().skip(1).map(lexopt::ValueExt::string).collect::<Result<_, _>>()?;
    }
    let mut arguments = lexopt::Parser::from_args(words);
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('p') | Long("package") => options.packages.push(arguments.value()?.string()?),
            Long("table") => options.table_only = true,
            Value(filter) if options.filter.is_none() => options.filter = Some(filter.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if let Some(package) = options.packages.iter().find(|package| !CHAIN.contains(&package.as_str())) {
        return Err(lexopt::Error::from(format!("there is no crate '{package}'")).into());
    }
    if options.packages.is_empty() {
        options.packages.extend(BENCHED.iter().map(|package| (*package).to_owned()));
    }
    Ok(options)
}

/// Where criterion leaves its estimates.
fn criterion_folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("CRITERION_HOME") {
        return Ok(folder.into());
    }
    Ok(workspace::target_folder()?.join("criterion"))
}

/// A benchmark's last estimates.
#[derive(Debug, PartialEq)]
struct Measured {
    name: String,
    /// Nanoseconds an iteration: the median, and the 95 % confidence interval around it.
    median: f64,
    interval: (f64, f64),
    throughput: Option<Throughput>,
    written: SystemTime,
}

/// What an iteration gets through.
#[derive(Debug, PartialEq)]
enum Throughput {
    Bytes(f64),
    Elements(f64),
}

/// Finds estimates at any depth: groups, functions and inputs are folders.
fn collect(folder: &Path, measured: &mut Vec<Measured>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") && path.join("estimates.json").exists() {
            measured.push(read(&path).with_context(|| format!("in {}", path.display()))?);
        } else {
            collect(&path, measured)?;
        }
    }
    Ok(())
}

/// Reads `estimates.json` and `benchmark.json` of one benchmark.
fn read(folder: &Path) -> Result<Measured> {
    let path = folder.join("estimates.json");
    let estimates: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let benchmark: Value = serde_json::from_slice(&fs::read(folder.join("benchmark.json"))?)?;
    let number = |value: &Value| value.as_f64().context("expected a number");
    let interval = &estimates["median"]["confidence_interval"];
    let throughput = &benchmark["throughput"];
    let throughput = if let Some(elements) = throughput["Elements"].as_f64() {
        Some(Throughput::Elements(elements))
    } else {
        throughput["Bytes"].as_f64().or(throughput["BytesDecimal"].as_f64()).map(Throughput::Bytes)
    };
    Ok(Measured {
        name: benchmark["full_id"].as_str().context("expected a name")?.to_owned(),
        median: number(&estimates["median"]["point_estimate"])?,
        interval: (number(&interval["lower_bound"])?, number(&interval["upper_bound"])?),
        throughput,
        written: fs::metadata(&path)?.modified()?,
    })
}

fn table(measured: &[Measured]) -> String {
    let width = measured.iter().map(|one| one.name.len()).max().unwrap_or(0).max("benchmark".len());
    let mut text =
        format!("{:<width$}  {:>10}  {:>23}  {:>14}\n", "benchmark", "median", "95 % interval", "throughput");
    for one in measured {
        let interval = format!("{} .. {}", duration(one.interval.0), duration(one.interval.1));
        let seconds = one.median * 1e-9;
        let throughput = match one.throughput {
            Some(Throughput::Bytes(bytes)) => rate(bytes / seconds, "B/s"),
            Some(Throughput::Elements(elements)) => rate(elements / seconds, "elem/s"),
            None => String::new(),
        };
        let row =
            format!("{:<width$}  {:>10}  {interval:>23}  {throughput:>14}", one.name, duration(one.median));
        text += row.trim_end();
        text += "\n";
    }
    text
}

/// Nanoseconds in the unit that leaves one to three digits before the point.
fn duration(nanoseconds: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    let (scale, unit) = units.into_iter().find(|(scale, _)| nanoseconds >= *scale).unwrap_or((1.0, "ns"));
    format!("{} {unit}", four_digits(nanoseconds / scale))
}

fn rate(per_second: f64, unit: &str) -> String {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let (scale, prefix) = prefixes.into_iter().find(|(scale, _)| per_second >= *scale).unwrap_or((1.0, ""));
    format!("{} {prefix}{unit}", four_digits(per_second / scale))
}

/// Four digits, of which the last ones are noise anyway.
fn four_digits(value: f64) -> String {
    let decimals = if value >= 100.0 {
        1
    } else if value >= 10.0 {
        2
    } else {
        3
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;
    use serde_json::json;

    /// Lays down what criterion leaves of a benchmark whose median is `median` nanoseconds.
    fn leave(folder: &Path, name: &str, median: f64, throughput: &Value) {
        let folder = folder.join(name).join("new");
        fs::create_dir_all(&folder).unwrap();
        let interval =
            json!({ "confidence_level": 0.95, "lower_bound": median * 0.99, "upper_bound": median * 1.01 });
        let estimates = json!({ "median": { "point_estimate": median, "confidence_interval": interval } });
        fs::write(folder.join("estimates.json"), estimates.to_string()).unwrap();
        let benchmark = json!({ "full_id": name, "throughput": throughput });
        fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
    }

    #[test]
    fn the_table_has_a_row_for_each_benchmark_with_units_that_fit() {
        let scratch = ScratchFolder::create("bench").unwrap();
        leave(scratch.path(), "open/map", 12_345.0, &json!({ "Bytes": 47_040_016 }));
        leave(scratch.path(), "step/64", 1_500_000.0, &json!({ "Elements": 64 }));
        leave(scratch.path(), "parse", 9.876, &Value::Null);
        let mut measured = Vec::new();
        collect(scratch.path(), &mut measured).unwrap();
        measured.sort_by(|one, other| one.name.cmp(&other.name));
        let expected = "\
benchmark      median            95 % interval      throughput
open/map     12.35 µs     12.22 µs .. 12.47 µs      3.810 TB/s
parse        9.876 ns     9.777 ns .. 9.975 ns
step/64      1.500 ms     1.485 ms .. 1.515 ms   42.67 kelem/s
";
        assert_eq!(table(&measured), expected);
    }

    #[test]
    fn what_stands_after_the_separator_is_for_criterion() {
        let words = ["step", "-p", "nn-core", "--", "--save-baseline", "before"];
        let options = parse(lexopt::Parser::from_args(words)).unwrap();
        assert_eq!(options.filter.as_deref(), Some("step"));
        assert_eq!(options.packages, ["nn-core"]);
        assert_eq!(options.criterion, ["--save-baseline", "before"]);
    }

    #[test]
    fn both_crates_are_benched_by_default_and_unknown_ones_are_wrong_usage() {
        assert_eq!(parse(lexopt::Parser::from_args([""; 0])).unwrap().packages, BENCHED);
        let error = parse(lexopt::Parser::from_args(["-p", "numpy"])).map(drop).unwrap_err();
        assert!(error.is::<lexopt::Error>());
    }

    #[test]
    fn a_broken_file_is_named() {
        let scratch = ScratchFolder::create("bench").unwrap();
        leave(scratch.path(), "parse", 1.0, &Value::Null);
        fs::write(scratch.path().join("parse/new/estimates.json"), "{").unwrap();
        let message = format!("{:#}", collect(scratch.path(), &mut Vec::new()).unwrap_err());
        assert!(message.contains("parse"), "{message}");
    }
}
