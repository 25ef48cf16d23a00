//! `ranks`: owns the measurement of training on several ranks of one machine, and the cost model that follows from it;
//! what is measured is in `nn-cli`.

use crate::machine::Machine;
use crate::output::Output;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const HELP: &str = "\
Measure training on several ranks of this machine, and fit the cost model of docs/distributed.md.

Usage: cargo xtask ranks [OPTIONS]

Options:
  --ranks N         ranks to compare with one, each of one thread [default: 2]
  --rounds N        how often each has its turn [default: 5]
  --batch N         samples a rank in a step [default: 256]
  --hidden UNITS    the hidden layers [default: 800]
  --epochs N        epochs of a training, of which the first is left out [default: 3]
  --mpirun WORDS    how to start ranks, with its options between blanks [default: the variable MPIRUN, or mpirun]
  --require RATIO   fail where the ranks are not so many times as fast as one

It needs Open MPI and libclang, compiles nn-cli with the feature `mpi` in the release profile, and trains on
data/mnist, or on data/sample where that is not there. xtask/ranks/network.sh makes a network on this machine to
measure in.

Examples:
  cargo xtask ranks
  cargo xtask ranks --ranks 4 --batch 64 --hidden 100
  cargo xtask ranks --rounds 3 --require 1.6
  sudo xtask/ranks/network.sh 1gbit cargo xtask ranks --ranks 4
";

struct Options {
    ranks: usize,
    rounds: usize,
    batch: usize,
    hidden: String,
    epochs: usize,
    mpirun: Vec<String>,
    required: Option<f64>,
}

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let options = parse(arguments)?;
    let program = build(&["build", "--release", "--package", "nn-cli", "--bin", "nn-cli"], "nn-cli")?;
    let bench = build(&["bench", "--no-run", "--package", "nn-cli", "--bench", "ranks"], "ranks")?;
    output.line(Machine::look(BTreeMap::new()).sentence());

    let sums = sums(&options, &bench)?;
    ensure!(sums.len() > 1, "the measurement of sums has told of {} lengths", sums.len());
    output.line(format_args!(
        "\n{} ranks: numbers summed, microseconds of a sum and of MPI_Allreduce",
        options.ranks
    ));
    for Sum { numbers, sum, allreduce } in &sums {
        output.line(format_args!("{numbers:>9}  {:>9.1}  {:>9.1}", 1e6 * sum, 1e6 * allreduce));
    }
    let points: Vec<(f64, f64)> = sums.iter().map(|sum| (sum.numbers, sum.sum)).collect();
    let Line { latency, slope } = Line::through(&points);
    output.line(format_args!("a sum of n numbers takes {:.1} us + n {:.3} ns", 1e6 * latency, 1e9 * slope));

    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        // In turn, so that a machine that slows down slows both.
        alone.push(epoch(&options, &program, 1)?);
        together.push(epoch(&options, &program, options.ranks)?);
    }
    let (alone, together) = (median(alone.into_iter()), median(together.into_iter()));
    // A sample costs each what it costs; a step of the ranks has as many more.
    let ratio = alone.seconds / together.seconds;
    let exchange = between(&points, alone.parameters);
    // Where there are fewer cores than ranks, these take turns.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let turns = (options.ranks as f64 / cores).max(1.0);
    let step = alone.seconds * options.batch as f64 / alone.samples;
    let modelled = options.ranks as f64 * step / (turns * step + exchange);
    output.line(format_args!(
        "\nan epoch of {} samples, hidden {}, {} samples a rank and step, one thread a rank:\n\
         1 rank   {:.3} s\n{} ranks  {:.3} s, {ratio:.2} times as fast; by the model {modelled:.2}: \
         a step of {:.2} ms, a sum of {:.2} ms",
        alone.samples,
        options.hidden,
        options.batch,
        alone.seconds,
        options.ranks,
        together.seconds,
        1e3 * step,
        1e3 * exchange,
    ));
    if let Some(required) = options.required {
        ensure!(ratio >= required, "expected to be {required} times as fast, found {ratio:.2}");
    }
    Ok(())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let mut options = Options {
        ranks: 2,
        rounds: 5,
        batch: 256,
        hidden: "800".into(),
        epochs: 3,
        mpirun: words(&std::env::var("MPIRUN").unwrap_or_else(|_| "mpirun".into())),
        required: None,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("ranks") => options.ranks = arguments.value()?.parse()?,
            Long("rounds") => options.rounds = arguments.value()?.parse()?,
            Long("batch") => options.batch = arguments.value()?.parse()?,
            Long("hidden") => options.hidden = arguments.value()?.string()?,
            Long("epochs") => options.epochs = arguments.value()?.parse()?,
            Long("mpirun") => options.mpirun = words(&arguments.value()?.string()?),
            Long("require") => options.required = Some(arguments.value()?.parse()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let is_sound = options.ranks > 0 && options.rounds > 0 && options.batch > 0 && options.epochs > 1;
    if !is_sound || options.mpirun.is_empty() {
        let message = "expected at least 1 rank, 1 round, 1 sample, 2 epochs, and a word for --mpirun";
        return Err(lexopt::Error::from(message).into());
    }
    Ok(options)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Compiles with the feature, and gives the path of the target of that name.
fn build(arguments: &[&str], target: &str) -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(arguments).args(["--features", "mpi", "--message-format", "json-render-diagnostics"]);
    let built = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(built.status.success(), "cargo could not build nn-cli with the feature mpi");
    workspace::built(&String::from_utf8_lossy(&built.stdout), target)
        .with_context(|| format!("cargo built no program `{target}`"))
}

/// The standard output of so many ranks of a program.
fn ranks(options: &Options, count: usize, program: &Path, arguments: &[OsString]) -> Result<String> {
    let [mpirun, flags @ ..] = &options.mpirun[..] else { bail!("there is no word to start ranks with") };
    let mut command = Command::new(mpirun);
    command.args(flags).arg("-n").arg(count.to_string()).arg(program).args(arguments);
    // Root is who runs this in a container, where there is nobody else.
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    let ran = command.stderr(Stdio::inherit()).output();
    let ran = ran.with_context(|| format!("cannot start {mpirun}; is Open MPI installed?"))?;
    ensure!(ran.status.success(), "{mpirun} of {count} ranks ended with {}", ran.status);
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// How long it takes to sum so many numbers, in seconds.
struct Sum {
    numbers: f64,
    sum: f64,
    allreduce: f64,
}

fn sums(options: &Options, bench: &Path) -> Result<Vec<Sum>> {
    let said = ranks(options, options.ranks, bench, &[])?;
    let number = |line: &Value, key: &str| line[key].as_f64().with_context(|| format!("no {key} in {line}"));
    said.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            Ok(Sum {
                numbers: number(&line, "numbers")?,
                sum: number(&line, "sum")?,
                allreduce: number(&line, "allreduce")?,
            })
        })
        .collect()
}

/// What a training tells of an epoch.
#[derive(Clone, Copy)]
struct Epoch {
    seconds: f64,
    samples: f64,
    parameters: f64,
}

fn median(epochs: impl Iterator<Item = Epoch>) -> Epoch {
    let mut epochs: Vec<Epoch> = epochs.collect();
    epochs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    epochs[epochs.len() / 2]
}

/// The median epoch but for the first of a training by so many ranks.
fn epoch(options: &Options, program: &Path, count: usize) -> Result<Epoch> {
    let data = workspace::root().join("data");
    let mnist = data.join("mnist");
    let data = if mnist.is_dir() { mnist } else { data.join("sample") };
    let model = std::env::temp_dir().join(format!("xtask-ranks-{}.model", std::process::id()));
    let batch = (options.batch * count).to_string();
    let epochs = options.epochs.to_string();
    let words = ["train", "--distributed", "--json", "--threads", "1", "--rate", "0.05"];
    let mut arguments: Vec<OsString> = words.map(OsString::from).into();
    arguments
        .extend(["--hidden", &options.hidden, "--batch", &batch, "--epochs", &epochs].map(OsString::from));
    arguments.extend([OsString::from("--data"), data.into(), "--output".into(), model.clone().into()]);
    let said = ranks(options, count, program, &arguments);
    // What is measured is the training.
    let _ = std::fs::remove_file(model);
    let lines: Vec<Value> = said?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of =
        |event: &str| lines.iter().filter(move |line| line["event"] == event).cloned().collect::<Vec<_>>();
    let start = of("start").pop().context("the training has told of no start")?;
    let number = |line: &Value, key: &str| line[key].as_f64().with_context(|| format!("no {key} in {line}"));
    let (samples, parameters) = (number(&start, "train_samples")?, number(&start, "parameters")?);
    let epochs: Vec<Epoch> = of("epoch")
        .iter()
        .skip(1)
        .map(|line| Ok(Epoch { seconds: number(line, "seconds")?, samples, parameters }))
        .collect::<Result<_>>()?;
    ensure!(!epochs.is_empty(), "the training has told of no epoch");
    Ok(median(epochs.into_iter()))
}

/// What is measured at two neighbouring numbers tells what to expect between them: where links let a burst pass, a line
/// through all of it would be wrong by a third. Beyond what was measured, the nearest two go on.
fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let next = points.partition_point(|&(number, _)| number < x).clamp(1, points.len() - 1);
    let [(x0, y0), (x1, y1)] = [points[next - 1], points[next]];
    y0 + (x - x0) * (y1 - y0) / (x1 - x0)
}

/// A time that grows with a number: latency + slope x.
#[derive(Debug, PartialEq)]
struct Line {
    latency: f64,
    slope: f64,
}

impl Line {
    /// The line whose errors, each as a share of its time, have the least mean square: a short time counts as much as a
    /// long one.
    fn through(points: &[(f64, f64)]) -> Line {
        // Weighted least squares, each residual divided by its time.
        let [mut w, mut wx, mut wy, mut wxx, mut wxy] = [0.0; 5];
        for &(x, y) in points {
            let weight = 1.0 / (y * y);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }
        let slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
        Line { latency: (wy - slope * wx) / w, slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points_of_a_line_is_that_line() {
        let points = [16.0, 1024.0, 65_536.0, 1e6].map(|x| (x, 2e-5 + 3e-9 * x));
        let Line { latency, slope } = Line::through(&points);
        assert!((latency - 2e-5).abs() < 1e-12 && (slope - 3e-9).abs() < 1e-16, "{latency} {slope}");
    }

    #[test]
    fn a_short_time_counts_as_much_as_a_long_one() {
        // The last time is far off the line, and so is in proportion none of the others.
        let points = [(1.0, 10e-6), (10.0, 10e-6), (1000.0, 2000e-6)];
        let Line { latency, .. } = Line::through(&points);
        assert!((latency - 10e-6).abs() < 10e-6, "{latency}");
    }

    #[test]
    fn a_sum_takes_what_its_neighbours_say() {
        let points = [(10.0, 1.0), (20.0, 3.0), (40.0, 4.0)];
        assert_eq!([15.0, 20.0, 30.0, 60.0, 5.0].map(|x| between(&points, x)), [2.0, 3.0, 3.5, 5.0, 0.0]);
    }

    #[test]
    fn the_median_epoch_is_the_one_in_the_middle() {
        let epochs = [3.0, 1.0, 2.0].map(|seconds| Epoch { seconds, samples: 1.0, parameters: 1.0 });
        assert_eq!(median(epochs.into_iter()).seconds, 2.0);
    }

    #[test]
    fn options_of_no_measurement_are_wrong_usage() {
        for arguments in [&["--ranks", "0"][..], &["--epochs", "1"], &["--mpirun", " "], &["ranks"]] {
            let error = parse(lexopt::Parser::from_args(arguments)).map(drop).unwrap_err();
            assert!(error.is::<lexopt::Error>(), "{arguments:?}: {error}");
        }
    }
}
