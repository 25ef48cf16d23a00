//! Owns the command line of the project's chores; each chore is a module, and none knows the four crates' code.

mod bench;
mod check_peers;
mod digest;
mod fetch;
mod growth;
mod machine;
mod output;
mod peers;
mod process;
mod publish;
mod python;
mod ranks;
mod results;
mod sample;
mod scratch;
mod tidy;
mod validate;
mod workspace;

use anyhow::Result;
use output::{Output, complain};
use std::io;
use std::process::ExitCode;

/// One chore: what is typed after `cargo xtask`, and what it does.
struct Command {
    name: &'static str,
    summary: &'static str,
    help: &'static str,
    run: fn(lexopt::Parser, &mut Output) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "fetch-data",
        summary: "bring MNIST or Fashion-MNIST, verified, into data/",
        help: fetch::HELP,
        run: fetch::run,
    },
    Command {
        name: "bench",
        summary: "run the benchmarks and print a table",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "results",
        summary: "train by the recipes over several seeds, and write the table",
        help: results::HELP,
        run: results::run,
    },
    Command {
        name: "ranks",
        summary: "measure training on several ranks, and fit its cost model",
        help: ranks::HELP,
        run: ranks::run,
    },
    Command {
        name: "growth",
        summary: "measure how time and memory of a training grow",
        help: growth::HELP,
        run: growth::run,
    },
    Command {
        name: "validate",
        summary: "run every check that CI runs",
        help: validate::HELP,
        run: validate::run,
    },
    Command {
        name: "check-peers",
        summary: "check that other programs read what is written for them",
        help: check_peers::HELP,
        run: check_peers::run,
    },
    Command {
        name: "tidy",
        summary: "check the rules of ARCHITECTURE.md that no compiler checks",
        help: tidy::HELP,
        run: tidy::run,
    },
    Command { name: "make-sample", summary: "make data/sample again", help: sample::HELP, run: sample::run },
];

/// The exit codes, as the four crates' program has them.
const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut output = Output::new(io::stdout());
    let outcome = run(lexopt::Parser::from_env(), &mut output);
    let mut code = ExitCode::SUCCESS;
    if let Err(error) = output.finish() {
        complain(format_args!("error: {error:#}"));
        code = ExitCode::from(FAILED);
    }
    if let Err(error) = outcome {
        complain(format_args!("error: {error:#}"));
        code = ExitCode::from(FAILED);
        if error.is::<lexopt::Error>() {
            complain(
                "hint: `cargo xtask --help` lists the commands, `cargo xtask COMMAND --help` explains one",
            );
            code = ExitCode::from(WRONG_USAGE);
        }
    }
    code
}

fn run(mut arguments: lexopt::Parser, output: &mut Output) -> Result<()> {
    use lexopt::prelude::*;
    let name = match arguments.next()? {
        None => return Err(lexopt::Error::from("expected a command").into()),
        Some(Short('h') | Long("help")) => {
            output.text(overview());
            return Ok(());
        }
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(lexopt::Error::from(format!("there is no command '{name}'")).into());
    };
    if asks_for_help(&arguments) {
        output.text(command.help);
        return Ok(());
    }
    (command.run)(arguments, output)
}

/// Whether `--help` or `-h` stands among the arguments that are still to be read, and before any `--`.
fn asks_for_help(arguments: &lexopt::Parser) -> bool {
    let mut rest = arguments.clone();
    let Ok(mut rest) = rest.raw_args() else { return false };
    rest.by_ref()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--help" || argument == "-h")
}

fn overview() -> String {
    let mut text =
        String::from("The project's chores.\n\nUsage: cargo xtask COMMAND [OPTIONS]\n\nCommands:\n");
    for command in COMMANDS {
        text += &format!("  {:<12} {}\n", command.name, command.summary);
    }
    text += "\n`cargo xtask COMMAND --help` explains a command and shows examples.\n\
             Exit codes: 0 done, 1 failed, 2 wrong usage.\n";
    text
}
