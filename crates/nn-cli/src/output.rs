//! What the program says and in which form: owns standard output, numbers and tables as text, and the look of notes
//! and errors, and refuses to know what they are about.

use std::{
    env, fmt,
    io::{self, BufWriter, IsTerminal, Stdout, Write},
    path::{MAIN_SEPARATOR, Path},
    sync::{Mutex, OnceLock, PoisonError},
};

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;

/// Standard output. When its reader goes away, as `| head` does, what follows is dropped without an error: whoever
/// stops reading has what they wanted, and a training is not lost for it.
pub(crate) struct Output {
    writer: BufWriter<Stdout>,
    reader_is_gone: bool,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output { writer: BufWriter::new(io::stdout()), reader_is_gone: false }
    }

    /// Writes a line, or several. What a terminal would obey is spelled out, for the names of files may hold it.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> anyhow::Result<()> {
        self.verbatim(printable(&text.to_string()))
    }

    /// Writes a line, or several, as they are: pictures in colors, and what is for another program.
    pub(crate) fn verbatim(&mut self, text: impl fmt::Display) -> anyhow::Result<()> {
        self.write(|writer| writeln!(writer, "{text}"))
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(value).context("cannot write JSON")?;
        self.verbatim(text)
    }

    /// Shows what was written so far.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.write(Write::flush)
    }

    fn write(&mut self, write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>) -> anyhow::Result<()> {
        if self.reader_is_gone {
            return Ok(());
        }
        match write(&mut self.writer) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_is_gone = true;
                Ok(())
            }
            result => result.context("cannot write to standard output"),
        }
    }
}

/// Something to know that is no result: to standard error.
pub(crate) fn note(text: impl fmt::Display) {
    match HELD_NOTES.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(held) => held.push(text.to_string()),
        None => print_note(&text),
    }
}

fn print_note(text: &dyn fmt::Display) {
    print_labelled("note", "36", text);
}

/// The notes that wait until the screen is free for them, while it is not.
static HELD_NOTES: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Keeps all notes from now on.
pub(crate) fn hold_notes() {
    HELD_NOTES.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Prints the notes that were kept, and the following ones at once.
pub(crate) fn release_notes() {
    let held = HELD_NOTES.lock().unwrap_or_else(PoisonError::into_inner).take();
    held.iter().flatten().for_each(|text| print_note(text));
}

/// Something that may do harm: to standard error.
pub(crate) fn warning(text: impl fmt::Display) {
    print_labelled("warning", "33", &text);
}

/// Why the program failed: the causes in one line, and what to do about it in another.
pub(crate) fn error(error: &anyhow::Error, hint: Option<String>) {
    // `{:#}` joins the causes with colons.
    print_labelled("error", "1;31", &format_args!("{error:#}"));
    if let Some(hint) = hint {
        print_labelled("hint", "36", &hint);
    }
}

fn print_labelled(label: &str, color: &str, text: &dyn fmt::Display) {
    let text = printable(&text.to_string());
    let mut stderr = io::stderr().lock();
    // There is nobody to tell when standard error fails; `eprintln!` would panic.
    let _ = if wants_color(stderr.is_terminal()) {
        writeln!(stderr, "\x1b[{color}m{label}:\x1b[0m {text}")
    } else {
        writeln!(stderr, "{label}: {text}")
    };
}

/// Text for a terminal: what it would obey, which the files and names of strangers may hold, is spelled out. Ends of
/// lines stay.
fn printable(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// A name or a text of strangers, for a line of a terminal: what that would obey is spelled out.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().flat_map(spelled).collect()
}

/// A character, or what stands for one that a terminal would obey.
pub(crate) fn spelled(character: char) -> impl Iterator<Item = char> {
    let is_sign = character.is_control();
    let escaped = is_sign.then(|| character.escape_default()).into_iter().flatten();
    escaped.chain((!is_sign).then_some(character))
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal that has them, unless NO_COLOR is set, and elsewhere if CLICOLOR_FORCE is
    #[default]
    Auto,
    Always,
    Never,
}

static COLOR_CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// Decides it for the whole of the program. Until then, and without it, it is automatic.
pub(crate) fn choose_color(choice: ColorChoice) {
    // Nobody decides twice.
    let _ = COLOR_CHOICE.set(choice);
}

/// Whether to use colors where there is a terminal, or is none: <https://no-color.org>, <https://bixense.com/clicolors>.
pub(crate) fn wants_color(is_terminal: bool) -> bool {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let choice = COLOR_CHOICE.get().copied().unwrap_or_default();
    let refused = variable("NO_COLOR").is_some();
    let forced = variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let dumb = variable("TERM").is_some_and(|value| value == "dumb");
    decide_color(choice, refused, forced, is_terminal && !dumb)
}

fn decide_color(choice: ColorChoice, refused: bool, forced: bool, is_able: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => !refused && (forced || is_able),
    }
}

/// How the user started this program, to put before a command to type next.
pub(crate) fn invocation() -> &'static str {
    match (env::var_os("CARGO"), cfg!(debug_assertions)) {
        (None, _) => "nn-cli",
        (Some(_), true) => "cargo run -p nn-cli --",
        (Some(_), false) => "cargo run --release -p nn-cli --",
    }
}

/// A path to put into a command to type next: in quotes where a shell would take it for something else.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.,:@%+=/".contains(letter);
    if !text.is_empty() && text.chars().all(|letter| is_plain(letter) || letter == MAIN_SEPARATOR) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// 60,000
pub(crate) fn thousands(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 97.85 %
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// 0.1234 or 3.8e-5
pub(crate) fn short_rate(rate: f32) -> String {
    if rate < 0.001 { format!("{rate:.1e}") } else { format!("{rate:.4}") }
}

/// 28x28
pub(crate) fn shape(lengths: &[usize]) -> String {
    lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// 784-100-10
pub(crate) fn hyphenated(sizes: &[usize]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// `1 epoch`, `10 epochs`, `60,000 images`
pub(crate) fn count(number: impl TryInto<u64>, singular: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let takes_es = singular.ends_with("ss") || singular.ends_with("tch");
    let plural = match (number, takes_es) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {singular}{plural}", thousands(number))
}

/// Rows of cells as right-aligned columns, two blanks apart; no new line at the end.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_command_is_one_word_for_a_shell() {
        for (path, word) in [
            ("runs/first-2.b", "runs/first-2.b"),
            ("", "''"),
            ("a;b", "'a;b'"),
            ("дом", "дом"),
            ("my run", "'my run'"),
            ("~/it's; rm $HOME", r"'~/it'\''s; rm $HOME'"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out_and_lines_stay() {
        assert_eq!(printable("a\x1b[31m\r\nä\u{9b}b\n"), "a\\u{1b}[31m\\r\nä\\u{9b}b\n");
    }

    #[test]
    fn numbers_have_a_comma_before_every_three_digits() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (79_510, "79,510"), (1_234_567, "1,234,567")]
        {
            assert_eq!(thousands(number as u64), text);
        }
    }

    #[test]
    fn a_flag_stands_above_no_color_and_that_above_what_the_terminal_can() {
        use ColorChoice::{Always, Auto, Never};
        for (choice, refused, forced, is_able, expected) in [
            (Auto, false, false, true, true),
            (Auto, false, false, false, false),
            (Auto, true, true, true, false),
            (Auto, false, true, false, true),
            (Always, true, false, false, true),
            (Never, false, true, true, false),
        ] {
            let found = decide_color(choice, refused, forced, is_able);
            assert_eq!(found, expected, "{choice:?} {refused} {forced} {is_able}");
        }
    }

    #[test]
    fn counts_have_their_plural() {
        assert_eq!(count(1_u64, "class"), "1 class");
        assert_eq!(count(10_u64, "class"), "10 classes");
        assert_eq!(count(10_u64, "batch"), "10 batches");
        assert_eq!(count(2000_u64, "epoch"), "2,000 epochs");
    }

    #[test]
    fn the_columns_of_a_table_are_aligned_at_the_right() {
        let rows = [["class", "n"], ["0", "12,345"], ["ä", "6"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "class       n\n    0  12,345\n    ä       6");
    }
}
