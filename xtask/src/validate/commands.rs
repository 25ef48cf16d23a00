//! Owns asking the program itself whether it has the commands and options that the pages tell people to type.

use super::Report;
use crate::output::Output;
use crate::tidy::{self, ProgramCall};
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

pub(super) fn check(output: &mut Output) -> Result<Report> {
    let calls = tidy::program_calls(&tidy::pages()?);
    let program = workspace::program(workspace::EVERYTHING)?;
    let mut helps: BTreeMap<Option<String>, String> = BTreeMap::new();
    let mut wrong = 0;
    for call in &calls {
        let command = command_of(call);
        if !helps.contains_key(&command) {
            let name = command.as_deref().unwrap_or_default();
            let words = command.iter().map(String::as_str).chain(["--help"]);
            let help = Command::new(&program).args(words).stderr(Stdio::inherit()).output();
            let help = help.with_context(|| format!("cannot start {}", program.display()))?;
            // Which clap has explained already.
            ensure!(help.status.success(), "`nn-cli {name} --help` ended with {}", help.status);
            helps.insert(command.clone(), String::from_utf8_lossy(&help.stdout).into_owned());
        }
        for option in unknown_options(call, &helps[&command]) {
            let typed = call.arguments.join(" ");
            output.line(format_args!("{}:{}: `nn-cli {typed}` has no {option}", call.path, call.line));
            wrong += 1;
        }
    }
    output.line(format_args!("{} calls of nn-cli on the pages", calls.len()));
    if wrong > 0 {
        bail!("{wrong} options on the pages are unknown to the program");
    }
    Ok(Report::default())
}

/// The subcommand, if the call has one.
fn command_of(call: &ProgramCall) -> Option<String> {
    call.arguments.first().filter(|word| !word.starts_with('-')).cloned()
}

/// The long options of the call that do not stand in `help`.
fn unknown_options<'a>(call: &'a ProgramCall, help: &str) -> Vec<&'a str> {
    let is_known = |option: &&str| {
        help.split(|character: char| character != '-' && !character.is_alphanumeric())
            .any(|word| word == *option)
    };
    let options = call.arguments.iter().filter(|word| word.starts_with("--") && word.len() > 2);
    options.map(|word| tidy::option_name(word)).filter(|option| !is_known(option)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_known_as_a_whole_word_of_the_help() {
        let arguments = ["train", "--epochs=3", "--epoch", "--data", "x", "--"].map(str::to_owned).to_vec();
        let call = ProgramCall { path: "README.md".into(), line: 1, arguments };
        assert_eq!(command_of(&call).as_deref(), Some("train"));
        assert_eq!(unknown_options(&call, "  --epochs <N>\n  -d, --data <DIR>  see --data-set"), ["--epoch"]);
    }
}
