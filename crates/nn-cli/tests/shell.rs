//! What shells and manuals are told of the program, and colors as they are asked for.
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

mod common;

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use common::{command, names, nn_cli, scratch, tiny_data};

const COMMANDS: [&str; 15] = [
    "train",
    "distill",
    "sweep",
    "eval",
    "predict",
    "report",
    "show",
    "export",
    "import",
    "inspect",
    "convert",
    "generate",
    "serve",
    "completions",
    "man",
];

#[test]
fn every_shell_gets_a_script_that_knows_all_commands() {
    let folder = scratch();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = nn_cli(folder.path(), &format!("completions {shell}")).succeeds().stdout;
        for word in COMMANDS.into_iter().chain(["print-config"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // The generators for the other two know no values.
        let has_values = script.contains("mean-squared-error");
        assert_eq!(has_values, !matches!(shell, "elvish" | "powershell"), "{shell}");
    }
    let run = nn_cli(folder.path(), "completions bsh");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("a similar value exists: 'bash'"), "{run:?}");
}

#[test]
#[cfg(unix)]
fn bash_reads_its_script_and_completes_with_it() {
    let folder = scratch();
    let script = nn_cli(folder.path(), "completions bash").succeeds().stdout;
    let bash = |text: &str| {
        let output =
            Command::new("bash").args(["-c", text]).current_dir(folder.path()).output().expect("bash");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(folder.path().join("script"), script).unwrap();
    bash("bash -n script");
    // As bash calls it: what was typed, the word under the cursor and the one before.
    let complete = |words: &str, last: &str, before: &str| {
        bash(&format!(
            "source ./script && COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _nn__cli nn-cli '{last}' {before}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        ))
    };
    assert_eq!(complete("nn-cli tra", "tra", "nn-cli"), "train\n");
    assert_eq!(complete("nn-cli train --print", "--print", "train"), "--print-config\n");
    assert!(complete("nn-cli train --optimizer ''", "", "--optimizer").contains("adam"));
}

#[test]
fn the_manual_has_a_page_for_each_command_and_replaces_only_pages() {
    let folder = scratch();
    let run = nn_cli(folder.path(), "man --output share/man1").succeeds();
    assert_eq!(run.stdout, "16 pages in share/man1\n");
    let pages = folder.path().join("share/man1");
    let mut expected: Vec<String> = COMMANDS.iter().map(|command| format!("nn-cli-{command}.1")).collect();
    expected.push("nn-cli.1".to_owned());
    expected.sort();
    assert_eq!(names(&pages), expected);
    let page = fs::read_to_string(pages.join("nn-cli-train.1")).unwrap();
    for part in [
        ".TH",
        "nn\\-cli\\-train",
        "\\-\\-epochs",
        "\nExamples:\n",
        "\n  nn\\-cli train \\-\\-resume first\n",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(nn_cli(folder.path(), "man train").succeeds().stdout, page);
    assert_eq!(
        nn_cli(folder.path(), "man").succeeds().stdout,
        fs::read_to_string(pages.join("nn-cli.1")).unwrap()
    );

    nn_cli(folder.path(), "man --output share/man1").succeeds();
    fs::write(pages.join("nn-cli-eval.1"), "mine").unwrap();
    nn_cli(folder.path(), "man --output share/man1")
        .fails_with(&["nn-cli-eval.1: expected a page of the manual", "hint: "]);
    assert_eq!(fs::read_to_string(pages.join("nn-cli-eval.1")).unwrap(), "mine");
    nn_cli(folder.path(), "man --output share/man1/nn-cli.1")
        .fails_with(&["cannot make the folder share/man1/nn-cli.1"]);
    nn_cli(folder.path(), "man trian").fails_with(&["no page of `trian`", "hint: did you mean train?"]);
}

/// Wherever one of the programs that set pages is installed.
#[test]
#[cfg(unix)]
fn pages_are_sound_roff() {
    let folder = scratch();
    for command in std::iter::once("").chain(COMMANDS) {
        let page = nn_cli(folder.path(), &format!("man {command}")).succeeds().stdout;
        for (program, flags) in
            [("mandoc", &["-Tlint", "-Werror"][..]), ("groff", &["-man", "-Tutf8", "-ww", "-z"])]
        {
            let child = Command::new(program)
                .args(flags)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            let Ok(mut child) = child else {
                println!("skipped: {program} is not installed");
                continue;
            };
            child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
        }
    }
}

#[test]
fn colors_are_as_flags_and_variables_have_it() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let is_colored = |line: &str, variables: &[(&str, &str)]| {
        let mut command = command(folder.path());
        command.env("LC_ALL", "C.UTF-8").env_remove("CLICOLOR_FORCE").env("TERM", "xterm");
        let output = command.args(line.split(' ')).envs(variables.iter().copied()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        text.contains(&0x1b)
    };
    // A picture, an error of the program's own, one of its usage, and help. None goes to a terminal.
    for line in ["show --data tiny --index 0", "eval missing.model", "train --epoch 3", "train --help"] {
        for (flag, variables, expected) in [
            ("", &[][..], false),
            ("", &[("CLICOLOR_FORCE", "1")], true),
            ("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            ("--color never ", &[("CLICOLOR_FORCE", "1")], false),
            ("--color always ", &[("NO_COLOR", "1")], true),
            ("--color=always ", &[], true),
        ] {
            let line = format!("{flag}{line}");
            assert_eq!(is_colored(&line, variables), expected, "{line} {variables:?}");
        }
    }
}
