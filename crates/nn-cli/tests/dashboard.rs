//! What a dashboard promises, under a terminal: it draws, keys and signals end it as Ctrl-C ends a training, the
//! terminal is given back, and the result is the same.
#![cfg(target_os = "linux")]

mod common;

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use common::{nn_cli, sample, scratch, tiny_data};

/// The program under a terminal of its own, which `script` of util-linux makes.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<String>>,
    folder: std::path::PathBuf,
}

impl Terminal {
    /// Runs the program with these arguments in 80 columns and 24 rows.
    fn run(folder: &Path, line: &str) -> Terminal {
        let script = format!(
            "stty rows 24 cols 80; stty -g >before; sh -c 'echo $$ >pid; exec {} {line}'; echo $? >status; stty -g >after",
            env!("CARGO_BIN_EXE_nn-cli")
        );
        // A signal that is ignored where the tests run, as under `nohup`, would be ignored here too.
        let mut child = Command::new("env")
            .args(["--default-signal=HUP", "script", "-qec", &script, "/dev/null"])
            .current_dir(folder)
            .env_remove("CARGO")
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("env, of coreutils, and script, of util-linux");
        let mut stdout = child.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let of_thread = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                of_thread.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Terminal { child, shown, folder: folder.to_owned() }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Waits until this is shown.
    #[track_caller]
    fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.shown().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(120), "{text:?} in {}", self.shown());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap().trim().to_owned()
    }

    /// Waits for the end: the exit status, and what was printed after the dashboard was gone.
    #[track_caller]
    fn end(mut self) -> (String, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120), "it does not end: {}", self.shown());
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(100));
        assert!(!self.read("before").is_empty());
        assert_eq!(self.read("before"), self.read("after"), "the terminal is as it was");
        let shown = self.shown();
        let (_, after) = shown.rsplit_once("\x1b[?1049l").unwrap_or_else(|| panic!("no way back: {shown}"));
        assert!(shown.ends_with(after) && after.contains("\x1b[?25h"), "the cursor is shown: {after:?}");
        (self.read("status"), after.to_owned())
    }
}

/// Longer than any test waits.
const ENDLESS: &str = "--epochs 100000000";

#[test]
fn a_dashboard_draws_and_q_stops_the_run_where_it_can_be_gone_on_with() {
    let folder = scratch();
    for (key, name) in [("q", "first"), ("\x03", "second")] {
        let line = format!("train --tui --run {name} --data {} {ENDLESS}", sample());
        let mut terminal = Terminal::run(folder.path(), &line);
        // Curves, and images that were misread, in colors.
        for text in ["\x1b[?1049h", "accuracy", "samples/s", "misread", "\x1b[38;5;", "▀"] {
            terminal.wait_for(text);
        }
        let is_braille = |sign: char| ('\u{2801}'..='\u{28ff}').contains(&sign);
        assert!(terminal.shown().contains(is_braille), "{}", terminal.shown());
        terminal.press(key);
        let (status, after) = terminal.end();
        assert_eq!(status, "130", "{after}");
        for text in
            ["epoch  train loss", "left     runs/", "note:", "interrupted: the last checkpoint is runs/"]
        {
            assert!(after.contains(text), "{text}: {after}");
        }
        assert!(after.contains(&format!("train --resume runs/{name}")), "{after}");
        let checkpoint = &nn_cli(folder.path(), &format!("inspect runs/{name} --json")).succeeds().json()[0];
        assert!(checkpoint["finished_epochs"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn a_signal_ends_a_dashboard_as_it_ends_a_training() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let terminal = Terminal::run(folder.path(), &format!("train --tui --data tiny {ENDLESS}"));
    terminal.wait_for("best");
    let pid = terminal.read("pid");
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let (status, after) = terminal.end();
    assert_eq!(status, "143", "{after}");
    assert!(after.contains("interrupted: saved the network as it was after"), "{after}");
    nn_cli(folder.path(), "inspect mnist.model").succeeds();
}

#[test]
fn the_beginning_of_a_key_without_an_end_holds_nothing_up() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let mut terminal = Terminal::run(folder.path(), &format!("train --tui --data tiny {ENDLESS}"));
    terminal.wait_for("best");
    // What a terminal sends before a text that is pasted.
    terminal.press("\x1b[200~q");
    thread::sleep(Duration::from_millis(500));
    let pid = terminal.read("pid");
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let (status, after) = terminal.end();
    assert_eq!(status, "143", "{after}");
    assert!(after.contains("interrupted: saved the network as it was after"), "{after}");
}

#[test]
fn a_terminal_that_is_closed_ends_the_program_after_the_network_is_saved() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let mut terminal = Terminal::run(folder.path(), &format!("train --tui --data tiny {ENDLESS}"));
    terminal.wait_for("best");
    let pid = terminal.read("pid");
    terminal.child.kill().unwrap();
    terminal.child.wait().unwrap();
    let begun = Instant::now();
    let program = Path::new("/proc").join(&pid).join("exe");
    while program.read_link().is_ok_and(|program| program == Path::new(env!("CARGO_BIN_EXE_nn-cli"))) {
        if begun.elapsed() > Duration::from_secs(120) {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(20));
    }
    nn_cli(folder.path(), "inspect mnist.model").succeeds();
}

#[test]
fn a_training_that_is_over_is_saved_and_waits_to_be_looked_at() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let recipe = "--data tiny --epochs 40 --hidden 4 --seed 3";
    let mut terminal = Terminal::run(folder.path(), &format!("train --tui {recipe} -o seen.model"));
    terminal.wait_for("saved");
    terminal.wait_for("leave");
    nn_cli(folder.path(), "inspect seen.model").succeeds();
    terminal.press("q");
    let (status, after) = terminal.end();
    assert_eq!(status, "0", "{after}");
    for text in ["40/40", "test     accuracy", "saved    seen.model ("] {
        assert!(after.contains(text), "{text}: {after}");
    }
    // Who looks changes nothing.
    nn_cli(folder.path(), &format!("train {recipe} -o unseen.model")).succeeds();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("seen.model") == read("unseen.model"));
}

#[test]
fn a_training_that_fails_gives_the_terminal_back_before_it_says_so() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    let line = "train --tui --data tiny --rate 1e30 --schedule constant --loss mean-squared-error \
                --output-activation identity --batch 1";
    let (status, after) = Terminal::run(folder.path(), line).end();
    assert_eq!(status, "1", "{after}");
    assert!(after.contains("cannot train on tiny: ") && after.contains("hint:"), "{after}");
}

#[test]
fn without_a_terminal_a_dashboard_is_refused_before_anything_is_done() {
    let folder = scratch();
    tiny_data(folder.path(), "tiny");
    nn_cli(folder.path(), "train --tui --data tiny").fails_with(&[
        "cannot draw a dashboard: expected standard input and output to be a terminal",
        "hint: leave out",
    ]);
    assert_eq!(common::names(folder.path()), ["tiny"]);
    let run = nn_cli(folder.path(), "train --tui --json --data tiny");
    assert_eq!(run.code, Some(2), "{run:?}");
}
