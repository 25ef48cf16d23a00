//! The program: owns which command runs and how the process ends, and refuses to do the work.
#![doc = include_str!("../README.md")]

// In the order of a command: what was typed, what it means, the commands, what they draw on.
mod args;
mod config;
mod preset;
mod recipe;
mod suggest;

mod convert;
mod eval;
mod export;
mod generate;
mod import;
mod inspect;
mod predict;
mod report;
mod serve;
mod shell;
mod show;
mod sweep;
mod train;

mod cut;
mod dashboard;
mod data;
mod interrupt;
mod model;
mod picture;
mod pictures;
mod progress;
mod ranks;
mod target;

mod failure;
mod output;

use std::{env, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};

use crate::{
    args::{Cli, Command, TrainArgs},
    config::Config,
    failure::Advised,
    output::Output,
    preset::{PresetName, Recipe},
    recipe::Undefined,
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
    outlive_file_limit();
    // Prints help or a message about wrong usage by itself, and exits with 0 or 2.
    let cli = Cli::from_arg_matches(&program().get_matches()).unwrap_or_else(|error| error.exit());
    output::choose_color(cli.color);
    match run(&cli.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted(status)) => ExitCode::from(status),
        Err(error) => {
            let hint = failure::hint(&error);
            output::error(&error, hint);
            // The other processes of a training would wait for this one.
            ranks::abort(Outcome::FAILED.into());
            ExitCode::from(Outcome::FAILED)
        }
    }
}

/// Makes a write past the limit on the length of files (`ulimit -f`) an error, with a name and a hint, where the signal
/// would end the program without a word.
fn outlive_file_limit() {
    // Nobody reads the flag; where the signal cannot be watched, all is as it was.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

fn run(command: &Command) -> anyhow::Result<Outcome> {
    let mut output = Output::new();
    let mut outcome = Outcome::Done;
    match command {
        Command::Train(args) => outcome = train(("train", PresetName::Default), args, &mut output)?,
        Command::Distill(args) => {
            outcome = train(("distill", PresetName::Small), &args.train_args(), &mut output)?;
        }
        Command::Sweep(args) => outcome = sweep::run(args, &mut output)?,
        Command::Eval(args) => eval::run(args, &mut output)?,
        Command::Predict(args) => predict::run(args, &mut output)?,
        Command::Report(args) => report::run(args, &mut output)?,
        Command::Show(args) => show::run(args, &mut output)?,
        Command::Export(args) => export::run(args, &mut output)?,
        Command::Import(args) => import::run(args, &mut output)?,
        Command::Inspect(args) => inspect::run(args, &mut output)?,
        Command::Serve(args) => outcome = serve::run(args, &mut output)?,
        Command::Generate(args) => outcome = generate::run(args, &mut output)?,
        Command::Convert(args) => convert::run(args, &mut output)?,
        Command::Completions(args) => shell::completions(args, &mut output)?,
        Command::Man(args) => shell::man(args, &mut output)?,
    }
    output.flush()?;
    Ok(outcome)
}

/// Trains by what was typed, after the command of this name, whose configurations have this preset where they name none.
fn train(
    (command, usual): (&str, PresetName),
    args: &TrainArgs,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let mut config = args.config.as_deref().map(Config::load).transpose()?;
    if let Some(config) = &mut config {
        config.args.preset.get_or_insert(usual);
    }
    let recipe = match (Recipe::new(config.as_ref().map(|config| &config.args), args), &args.config) {
        (Ok(recipe), _) => recipe,
        (Err(undefined), Some(path)) if args.loss.is_none() && args.output_activation.is_none() => {
            let hint = format!("without `output-activation` it is {}", undefined.loss.output_activation());
            return Err(Advised::new(format!("cannot train by {}: {undefined}", path.display()), hint).into());
        }
        (Err(Undefined { loss, output }), _) => {
            let natural = loss.output_activation();
            let message = format!(
                "--loss {loss} is not defined on --output-activation {output}; leave the latter out to have {natural}"
            );
            wrong_usage(command, &message)
        }
    };
    train::run(args, config, &recipe, output)
}

/// The parser, in colors or not as the command line has it that it is to parse: its help and its errors come before
/// anybody knows what was typed.
fn program() -> clap::Command {
    let mut typed = env::args_os().skip(1).take_while(|word| word != "--");
    let mut choice = clap::ColorChoice::Auto;
    while let Some(word) = typed.next() {
        let word = word.to_string_lossy();
        let value = match word.strip_prefix("--color") {
            Some("") => typed.next().map(|value| value.to_string_lossy().into_owned()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        choice = match value.as_deref() {
            Some("always") => clap::ColorChoice::Always,
            Some("never") => clap::ColorChoice::Never,
            _ => choice,
        };
    }
    Cli::command().color(choice)
}

/// Ends the program as clap does for what it can tell by itself.
fn wrong_usage(name: &str, message: &str) -> ! {
    let mut program = program();
    program.build();
    let command = program.find_subcommand_mut(name).expect("the name is that of a command");
    command.error(ErrorKind::ValueValidation, message).exit()
}
