//! `completions` and `man`: owns what a shell and a manual are told of the program, all of it made from the parser of
//! the command line, and refuses to know a single flag.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use nn_train::write_atomically;

use crate::{
    args::{Cli, CompletionsArgs, ManArgs},
    failure::Advised,
    output::{Output, count},
    suggest, target,
};

/// What every page begins with, as long as it is one of these.
const OPENING: &str = ".ie \\n(.g .ds Aq";

pub(crate) fn completions(args: &CompletionsArgs, output: &mut Output) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let mut script = String::from_utf8(script).context("a completion script is text")?;
    if args.shell == Shell::Bash {
        // clap_complete 4.6 spells a name that has a hyphen one way where it remembers the command and another where it
        // looks it up, and completes nothing behind a command (clap-rs/clap issue 6421). Once it is mended, this finds
        // nothing to replace.
        script = script.replace("nn__subcmd__cli", "nn__cli");
    }
    output.verbatim(script.trim_end())
}

const NAME: &str = "nn-cli";

pub(crate) fn man(args: &ManArgs, output: &mut Output) -> Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    if let Some(folder) = &args.output {
        return write_pages(&program, folder, output);
    }
    let command = match &args.command {
        None => &program,
        Some(name) => program.find_subcommand(name).ok_or_else(|| {
            let names: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
            let hint = suggest::nearest(name, names.iter().copied()).map_or_else(
                || format!("the commands are {}", names.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            Advised::new(format!("no page of `{name}`: expected a command of this program"), hint)
        })?,
    };
    output.verbatim(page(command)?.trim_end())
}

fn write_pages(program: &Command, folder: &Path, output: &mut Output) -> Result<()> {
    let pages: Vec<(String, String)> = [program]
        .into_iter()
        .chain(program.get_subcommands())
        .map(|command| Ok((Man::new(command.clone()).get_filename(), page(command)?)))
        .collect::<Result<_>>()?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    // All of them, before the first is written.
    for (name, _) in &pages {
        target::check(&folder.join(name), "a page of the manual", is_page)?;
    }
    for (name, page) in &pages {
        write_atomically(&folder.join(name), |writer| writer.write_all(page.as_bytes()))?;
    }
    output.line(format_args!("{} in {}", count(pages.len(), "page"), folder.display()))
}

fn is_page(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(OPENING.as_bytes()))
}

/// A page of the manual, with what is indented in the help, as examples are, line by line as it stands there.
fn page(command: &Command) -> Result<String> {
    let examples = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone().after_help(None::<&str>)).manual("nn-cli");
    let mut roff = Vec::new();
    man.render(&mut roff).context("cannot make a page of the manual")?;
    let mut page = String::from_utf8(roff).context("a page of the manual is text")?;
    if let Some(examples) = examples {
        page += ".SH NOTES\n.nf\n";
        for line in examples.lines() {
            let is_text = !line.is_empty() && !line.starts_with(' ');
            page += if is_text { ".fi\n" } else { "" };
            page += &escaped(line);
            page += if is_text { "\n.nf\n" } else { "\n" };
        }
        page += ".fi\n";
    }
    Ok(page)
}

/// As roff takes text that it is to leave alone.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-").replace('`', "\\(ga");
    // A dot or a quotation mark at the beginning would be a request.
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_roff_would_take_for_requests_are_text() {
        assert_eq!(escaped(".SH x"), "\\&.SH x");
        assert_eq!(escaped("'a' -b \\n `c`"), "\\&'a' \\-b \\en \\(gac\\(ga");
    }
}
