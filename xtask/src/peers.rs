//! `bench --peers`: owns the course of a comparison with other libraries, from the command line to the pages; the
//! programs that are compared stand in `xtask/peers`.

mod environment;
mod findings;
mod page;
mod plan;
mod rounds;
mod run;
mod table;

use crate::machine::Machine;
use crate::output::Output;
use crate::publish::write_atomically;
use crate::scratch::ScratchFolder;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use environment::{Environment, check_data};
use lexopt::prelude::*;
pub(crate) use page::replace_marked;
use plan::{OURS, PEERS, TASKS};
use rounds::{Row, State};
use run::Runner;
use std::fs;
use std::time::{Duration, Instant};

/// Rounds of a comparison that is worth writing down.
const ROUNDS: u32 = 5;
/// For one process; the longest takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(300);

/// One in so many measurements may be disturbed: the median bears one of five rounds.
const MOST_DISTURBED: usize = 10;

/// What is to be compared.
#[derive(Debug, PartialEq)]
struct Options {
    peers: Vec<&'static str>,
    tasks: Vec<&'static str>,
    rounds: u32,
    dry: bool,
}

impl Options {
    /// Whether the result is the whole comparison, which the pages of the repository show.
    fn is_whole(&self) -> bool {
        self.peers.len() == PEERS.len()
            && self.tasks.len() == TASKS.len()
            && self.rounds >= ROUNDS
            && !self.dry
    }
}

/// Whether `arguments` ask for a comparison.
pub(crate) fn is_asked_for(arguments: &lexopt::Parser) -> bool {
    let mut rest = arguments.clone();
    let Ok(mut words) = rest.raw_args() else { return false };
    words
        .by_ref()
        .take_while(|word| word != "--")
        .any(|word| word.to_str().is_some_and(|word| word.split('=').next() == Some("--peers")))
}

pub(crate) fn run(arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    let options = parse(arguments)?;
    let data = workspace::root().join("data");
    check_data(&data, "mnist")?;
    let mut cells = plan::cells(&options.peers, &options.tasks);
    if let Err(error) = check_data(&data, "fashion-mnist") {
        ensure!(!options.is_whole(), "{error:#}");
        output.line(format_args!("leaving out what needs Fashion-MNIST: {error:#}"));
        cells.retain(|cell| cell.task.data == "mnist");
    }
    ensure!(!cells.is_empty(), "none of these peers does any of these tasks");
    let environment = Environment::prepare(&cells, output)?;
    let runner = Runner {
        launcher: environment.launcher(),
        data,
        cache: environment.folder.join("cache"),
        limit: LIMIT,
        scratch: ScratchFolder::create("peers")?,
    };
    let started = Instant::now();
    let rows = rounds::run(
        cells,
        options.rounds,
        |cell, round| runner.measure(&environment.program(cell)?, cell, round),
        |line| output.line(line),
    )?;
    let said = rows.iter().flat_map(|row| &row.measurements).flat_map(|one| &one.versions);
    let machine = Machine::look(said.filter(|(name, _)| name != "this project").cloned().collect());
    output.line(format_args!("\n{} ({:.0} s)", machine.sentence(), started.elapsed().as_secs_f64()));
    for task in TASKS.iter().filter(|task| options.tasks.contains(&task.name)) {
        let lines = table::lines(&rows, task);
        let absent = table::absent(&rows, task);
        if !lines.is_empty() || !absent.is_empty() {
            output.text(format_args!("\n{} ({})\n{}", task.title, task.figure, table::terminal(&lines)));
            absent.iter().for_each(|line| output.line(format_args!("left out: {line}")));
        }
    }
    output.line("");
    findings::sentences(&rows).iter().for_each(|sentence| output.line(sentence));
    if !options.is_whole() {
        output.line(format_args!(
            "\nnothing was written: that takes all peers and tasks, {ROUNDS} rounds or more, and no --dry"
        ));
        return Ok(());
    }
    check_worth(&rows).context("nothing was written")?;
    write(&rows, &machine, options.rounds, output)
}

/// Refuses figures that would mislead: every peer must have a whole row in each of its tasks, on a quiet machine.
fn check_worth(rows: &[Row]) -> Result<()> {
    for row in rows {
        if rounds::best(rows, row.cell.task.name, row.cell.peer.name).is_none() {
            let why = if let State::Failed(why) = &row.state { why } else { "left out" };
            bail!("{}: {why}", row.cell.name());
        }
    }
    let (disturbed, measurements, _) = rounds::disturbances(rows);
    ensure!(
        disturbed * MOST_DISTURBED <= measurements,
        "other programs disturbed {disturbed} of {measurements} measurements (hint: run it again with nothing \
         beside it)"
    );
    Ok(())
}

/// Replaces the pages.
fn write(rows: &[Row], machine: &Machine, rounds: u32, output: &mut Output) -> Result<()> {
    let root = workspace::root();
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme).context("cannot read README.md")?;
    let text = replace_marked(&text, "bench:peers", &page::readme(rows, machine)).context("in README.md")?;
    let mut json = serde_json::to_string_pretty(&page::json(rows, machine, rounds))?;
    json += "\n";
    let pages = [
        (root.join("docs/benchmarks.md"), page::page(rows, machine, rounds)),
        (root.join("docs/benchmarks.json"), json),
        (readme, text),
    ];
    for (path, text) in &pages {
        write_atomically(path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        output.line(format_args!("wrote {}", workspace::display(path)));
    }
    Ok(())
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options> {
    let (mut peers, mut tasks): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let (mut rounds, mut dry) = (ROUNDS, false);
    let peer_names: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
    let task_names: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("peers") => {
                if let Some(names) = arguments.optional_value() {
                    peers.extend(pick("peer", &names.string()?, &peer_names)?);
                }
            }
            Value(names) => peers.extend(pick("peer", &names.string()?, &peer_names)?),
            Long("tasks") => tasks.extend(pick("task", &arguments.value()?.string()?, &task_names)?),
            Long("rounds") => rounds = arguments.value()?.parse()?,
            Long("dry") => dry = true,
            _ => return Err(argument.unexpected().into()),
        }
    }
    if rounds == 0 {
        return Err(lexopt::Error::from("--rounds must be at least 1").into());
    }
    if peers.is_empty() {
        peers.clone_from(&peer_names);
    }
    if tasks.is_empty() {
        tasks.clone_from(&task_names);
    }
    // What is compared is compared with us; and the order is that of the plan, whatever was typed.
    let peers = peer_names.into_iter().filter(|name| *name == OURS || peers.contains(name)).collect();
    let tasks = task_names.into_iter().filter(|name| tasks.contains(name)).collect();
    Ok(Options { peers, tasks, rounds, dry })
}

/// The names in a list separated by commas, each of which must be known.
fn pick(kind: &str, names: &str, known: &[&'static str]) -> Result<Vec<&'static str>> {
    let find = |name: &str| {
        known.iter().copied().find(|one| *one == name).ok_or_else(|| {
            let known = known.join(", ");
            lexopt::Error::from(format!("there is no {kind} '{name}': expected some of {known}")).into()
        })
    };
    names.split(',').map(|name| find(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options> {
        let arguments = lexopt::Parser::from_args(words);
        assert!(is_asked_for(&arguments));
        parse(arguments)
    }

    #[test]
    fn all_peers_do_all_tasks_by_default_and_that_alone_is_written_down() {
        let options = parsed(&["--peers"]).unwrap();
        assert_eq!(
            (options.peers.len(), options.tasks.len(), options.rounds),
            (PEERS.len(), TASKS.len(), ROUNDS)
        );
        assert!(options.is_whole());
        assert!(parsed(&["--peers", "--rounds", "7"]).unwrap().is_whole());
        for words in [
            &["--peers=jax"][..],
            &["--peers", "jax"],
            &["--peers", "--rounds", "4"],
            &["--peers", "--dry"],
            &["--peers", "--tasks", "epoch"],
        ] {
            assert!(!parsed(words).unwrap().is_whole(), "{words:?}");
        }
    }

    #[test]
    fn peers_and_tasks_are_picked_by_name_and_this_project_is_always_there() {
        let with_equals = parsed(&["--peers=jax,pytorch", "--tasks=deep, epoch", "--rounds=1"]).unwrap();
        assert_eq!(with_equals.peers, [OURS, "pytorch", "jax"]);
        assert_eq!(with_equals.tasks, ["epoch", "deep"]);
        assert_eq!(
            with_equals,
            parsed(&["--peers", "jax,pytorch", "--tasks", "deep,epoch", "--rounds", "1"]).unwrap()
        );
    }

    #[test]
    fn unknown_names_are_wrong_usage_and_answered_with_the_list() {
        for words in [&["--peers=keras"][..], &["--peers", "keras"], &["--peers", "--tasks", "keras"]] {
            let error = parsed(words).unwrap_err();
            assert!(error.is::<lexopt::Error>());
            let message = error.to_string();
            assert!(message.contains("no ") && message.contains("'keras'"), "{message}");
            assert!(message.contains("pytorch") || message.contains("epoch"), "{message}");
        }
        for words in [&["--peers", "--rounds", "0"][..], &["--peers", "--table"]] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn misleading_figures_are_not_worth_writing() {
        let run = |failing: &'static str, others: f64| {
            let measure = |cell: &plan::Cell, round: u32| {
                ensure!(cell.peer.name != failing, "no memory");
                let others = Some(if round == 1 { others } else { 0.0 });
                Ok(run::Measurement { others, ..rounds::tests::measured(1.0) })
            };
            check_worth(&rounds::run(plan::cells(&[OURS, "jax"], &["deep"]), 5, measure, |_| {}).unwrap())
        };
        run("nobody", 0.01).unwrap();
        assert_eq!(run("jax", 0.0).unwrap_err().to_string(), "deep: JAX, 2 threads: no memory");
        let message = run("nobody", 0.5).unwrap_err().to_string();
        assert!(message.starts_with("other programs disturbed 2 of 10 measurements"), "{message}");
    }

    #[test]
    fn a_run_of_our_own_benchmarks_is_no_comparison() {
        for words in [&["step"][..], &["--", "--peers"], &["--table"]] {
            assert!(!is_asked_for(&lexopt::Parser::from_args(words)), "{words:?}");
        }
    }
}
