//! The terminal while a dashboard is on it: owns how it is taken and given back, whatever ends the program, and
//! refuses to know what is drawn.

use std::{
    io::{self, IsTerminal, stdout},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use ratatui::{
    Frame, Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use crate::output;

/// Whether the terminal is ours. There is one terminal, and a panic, which may come in any thread, must give it back.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is taken, until the value is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
}

/// Whether there is a terminal to draw on and to read keys from.
pub(super) fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && !dumb
}

impl Screen {
    /// Takes the terminal: another screen, and keys as they are pressed.
    pub(super) fn take() -> io::Result<Screen> {
        give_back_after_panics();
        output::hold_notes();
        IS_TAKEN.store(true, Ordering::SeqCst);
        let take = || {
            enable_raw_mode()?;
            execute!(stdout(), EnterAlternateScreen)?;
            Terminal::new(CrosstermBackend::new(stdout()))
        };
        take().map(|terminal| Screen { terminal }).inspect_err(|_| give_back())
    }

    /// Draws, unless the terminal was given back meanwhile.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if IS_TAKEN.load(Ordering::SeqCst) {
            self.terminal.draw(draw)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// As it was. What fails here has nobody who could be told.
pub(super) fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        output::release_notes();
    }
}

/// The message of a panic is to be read on the screen that stays.
fn give_back_after_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            hook(info);
        }));
    });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{env, fs, process::Command};

    use super::*;

    /// This test runs itself again under a terminal, and there it panics with the terminal taken.
    #[test]
    fn a_panic_gives_the_terminal_back() {
        const CHILD: &str = "NN_CLI_TEST_PANIC";
        if env::var_os(CHILD).is_some() {
            let _screen = Screen::take().unwrap();
            panic!("the message of the panic");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let script = format!(
            "stty -g >{}; {} --exact dashboard::screen::tests::a_panic_gives_the_terminal_back --nocapture; stty -g >{}",
            path("before"),
            env::current_exe().unwrap().display(),
            path("after")
        );
        let output = Command::new("script")
            .args(["-qec", &script, "/dev/null"])
            .env(CHILD, "1")
            .env("TERM", "xterm-256color")
            .output()
            .expect("script, of util-linux");
        let text = String::from_utf8_lossy(&output.stdout);
        let (taken, given_back) = (text.find("\x1b[?1049h").unwrap(), text.find("\x1b[?1049l").unwrap());
        let message = text.find("the message of the panic").unwrap();
        assert!(taken < given_back && given_back < message, "{text}");
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        assert!(!read("before").is_empty());
        assert_eq!(read("before"), read("after"));
    }
}
