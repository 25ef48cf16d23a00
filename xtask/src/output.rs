//! Owns what the chores say: standard output that may fail, and complaints; knows nothing of what is said.

use anyhow::{Context as _, Result};
use std::fmt;
use std::io::{self, Write};

/// Standard output, which may end before the chore does.
///
/// A reader that goes away, as that of `| head -1` does, has what it wanted: the chore goes on in silence. Any
/// other failure is kept for [`finish`](Output::finish), so that no work is left half done for it.
pub(crate) struct Output {
    writer: Box<dyn Write>,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
}

impl Output {
    pub(crate) fn new(writer: impl Write + 'static) -> Self {
        Self { writer: Box::new(writer), failure: None }
    }

    /// Writes a line, or several.
    pub(crate) fn line(&mut self, text: impl fmt::Display) {
        self.write(format_args!("{text}\n"));
    }

    /// Writes text that brings the ends of its lines with it.
    pub(crate) fn text(&mut self, text: impl fmt::Display) {
        self.write(format_args!("{text}"));
    }

    /// Whether nobody sees what is written any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    /// Tells whether all that was said was heard, or its reader went away.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.failure.is_none() {
            self.failure = self.writer.flush().err();
        }
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output")
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        if self.failure.is_none() {
            self.failure = self.writer.write_fmt(text).err();
        }
    }
}

/// Says on standard error why a chore failed.
pub(crate) fn complain(text: impl fmt::Display) {
    // Where standard error fails there is nobody left to tell; `eprintln!` would panic.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// A writer whose every write fails, and is counted.
    struct Failing {
        kind: io::ErrorKind,
        writes: Rc<Cell<u32>>,
    }

    impl Write for Failing {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            self.writes.set(self.writes.get() + 1);
            Err(self.kind.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that has failed already, and how often it was written to.
    fn failed(kind: io::ErrorKind) -> (Output, Rc<Cell<u32>>) {
        let writes = Rc::new(Cell::new(0));
        let mut output = Output::new(Failing { kind, writes: Rc::clone(&writes) });
        output.line("one");
        output.text("two\n");
        (output, writes)
    }

    #[test]
    fn a_reader_that_goes_away_is_no_failure_and_is_told_nothing_more() {
        let (output, writes) = failed(io::ErrorKind::BrokenPipe);
        assert!(output.is_closed());
        assert_eq!(writes.get(), 1);
        output.finish().unwrap();
    }

    #[test]
    fn any_other_failure_is_told_at_the_end() {
        let (output, writes) = failed(io::ErrorKind::StorageFull);
        assert_eq!(writes.get(), 1);
        let message = format!("{:#}", output.finish().unwrap_err());
        assert!(message.starts_with("cannot write to standard output: "), "{message}");
    }
}
