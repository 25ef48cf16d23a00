//! Signals that ask a training to end: owns which they are and what has come, and refuses to know what is saved then.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Ctrl-C, what `kill` and a machine that shuts down send, and where it can be told whether it is to be ignored, what
/// a closed terminal sends.
const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(target_os = "linux")]
    signal_hook::consts::SIGHUP,
];

/// Whether the program was asked to end, and by which signal. Clones hear of the same signals.
#[derive(Clone)]
pub(crate) struct Interrupt {
    /// The number of the last signal, or 0.
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Watches from now on. After any signal, Ctrl-C exits at once, and so does SIGTERM after Ctrl-C or another
    /// SIGTERM. That of a closed terminal may come twice unasked, or before a SIGTERM, and is never in a hurry.
    ///
    /// # Errors
    /// When the operating system does not let signals be watched.
    pub(crate) fn watch() -> Result<Interrupt> {
        let signal = Arc::new(AtomicUsize::new(0));
        let came = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicBool::new(false));
        let register = || {
            flag::register_conditional_shutdown(SIGINT, exit_status(SIGINT).into(), Arc::clone(&came))?;
            if !is_left_ignored(SIGTERM) {
                flag::register_conditional_shutdown(
                    SIGTERM,
                    exit_status(SIGTERM).into(),
                    Arc::clone(&asked),
                )?;
            }
            for &number in SIGNALS.iter().filter(|&&number| !is_left_ignored(number)) {
                flag::register(number, Arc::clone(&came))?;
                if matches!(number, SIGINT | SIGTERM) {
                    flag::register(number, Arc::clone(&asked))?;
                }
                flag::register_usize(number, Arc::clone(&signal), number.unsigned_abs() as usize)?;
            }
            Ok::<(), std::io::Error>(())
        };
        register().context("cannot watch for Ctrl-C")?;
        Ok(Interrupt { signal })
    }

    /// The number of the signal that came last, or 0.
    pub(crate) fn signal(&self) -> u32 {
        u32::try_from(self.signal.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// A signal of this number, if it is above 0, came to somebody else, and stands for one that came here where none
    /// did.
    pub(crate) fn hear(&self, signal: u32) {
        // What came here meanwhile stays.
        let _ = self.signal.compare_exchange(0, signal as usize, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The exit status to end with, if a signal came: 128 and its number, as shells have it.
    pub(crate) fn exit_status(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok().map(exit_status),
        }
    }
}

fn exit_status(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// Whether whoever started this program wants it to survive the signal, as `nohup` does. Ctrl-C is watched anyway: a
/// shell ignores it for all that runs in the background.
fn is_left_ignored(signal: i32) -> bool {
    let ignored = || {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    signal != SIGINT && ignored().is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
