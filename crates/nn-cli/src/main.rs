//! The program: owns which command runs and how the process ends, and refuses to do the work.
#![doc = include_str!("../README.md")]

// In the order of a command: what was typed, what it means, the commands, what they draw on.
mod args;
mod preset;
mod recipe;

mod convert;
mod eval;
mod inspect;
mod predict;
mod serve;
mod show;
mod train;

mod cut;
mod data;
mod interrupt;
mod model;
mod picture;
mod pictures;
mod progress;
mod target;

mod failure;
mod output;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};

use crate::{
    args::{Cli, Command},
    output::Output,
    preset::Recipe,
};

/// How a command ended that did not fail.
enum Outcome {
    Done,
    /// By a signal, which decides the exit status.
    Interrupted(u8),
}

impl Outcome {
    const FAILED: u8 = 1;
}

fn main() -> ExitCode {
    // Prints help or a message about wrong usage by itself, and exits with 0 or 2.
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted(status)) => ExitCode::from(status),
        Err(error) => {
            let hint = failure::hint(&error);
            output::error(&error, hint);
            ExitCode::from(Outcome::FAILED)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<Outcome> {
    let mut output = Output::new();
    let mut outcome = Outcome::Done;
    match command {
        Command::Train(args) => {
            let recipe = Recipe::new(args).unwrap_or_else(|message| wrong_usage("train", &message));
            outcome = train::run(args, &recipe, &mut output)?;
        }
        Command::Eval(args) => eval::run(args, &mut output)?,
        Command::Predict(args) => predict::run(args, &mut output)?,
        Command::Show(args) => show::run(args, &mut output)?,
        Command::Inspect(args) => inspect::run(args, &mut output)?,
        Command::Serve(args) => outcome = serve::run(args, &mut output)?,
        Command::Convert(args) => convert::run(args, &mut output)?,
    }
    output.flush()?;
    Ok(outcome)
}

/// Ends the program as clap does for what it can tell by itself.
fn wrong_usage(name: &str, message: &str) -> ! {
    let mut program = Cli::command();
    program.build();
    let command = program.find_subcommand_mut(name).expect("the name is that of a command");
    command.error(ErrorKind::ValueValidation, message).exit()
}
