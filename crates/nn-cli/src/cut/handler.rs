//! The handler of SIGBUS: owns the program's only unsafe code, and refuses to know what it says.
//!
//! Safe facilities do not suffice. signal-hook calls the handler that was there before its own, which is that of Rust's
//! runtime; finding no overflown stack, that one gives the signal back to the system, and the next thread to touch the
//! file is the end of the program, before anybody could say why.

use std::{
    fs::File,
    io::{self, Write},
    mem::MaybeUninit,
    ops::Range,
    os::fd::AsFd,
    ptr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use libc::{SA_ONSTACK, SA_SIGINFO, SIGBUS, c_int, c_void, sigaction, siginfo_t};
use signal_hook::low_level;

use crate::Outcome;

/// Bytes that are watched over.
struct Watched {
    addresses: Range<usize>,
    /// Said when they cannot be read; made beforehand, for a handler must not allocate.
    message: String,
    /// Standard error without the lock of `io::stderr`, which the thread that is interrupted may hold.
    stderr: File,
}

/// The most files that a command maps.
pub(super) const MOST: usize = 64;

/// Each filled once.
static WATCHED: [OnceLock<Watched>; MOST] = [const { OnceLock::new() }; MOST];

/// Whether a message is on its way: once is enough.
static IS_SAID: AtomicBool = AtomicBool::new(false);

/// What was to be done before, and still is for any other address.
static EARLIER: OnceLock<sigaction> = OnceLock::new();

/// Says `message` and ends the program with the status of a failure when one of these bytes cannot be read.
///
/// # Errors
/// When the system refuses, or, as `QuotaExceeded`, [`MOST`] slices are watched over already.
pub(super) fn watch(bytes: &[u8], message: String) -> io::Result<()> {
    // One after the other: two threads must not take one place.
    static ADDING: Mutex<()> = Mutex::new(());
    let _adding = ADDING.lock().unwrap_or_else(PoisonError::into_inner);

    let addresses = bytes.as_ptr_range();
    let stderr = io::stderr().as_fd().try_clone_to_owned()?.into();
    let watched = Watched { addresses: addresses.start.addr()..addresses.end.addr(), message, stderr };
    let free = WATCHED.iter().find(|place| place.get().is_none());
    let free = free.ok_or(io::ErrorKind::QuotaExceeded)?;
    free.get_or_init(|| watched);
    if EARLIER.get().is_none() {
        let earlier = install()?;
        EARLIER.get_or_init(|| earlier);
    }
    Ok(())
}

/// Makes [`on_bus_error`] the handler, and gives the one before it.
#[allow(unsafe_code, reason = "the standard library has no way to handle a signal; see the proofs")]
fn install() -> io::Result<sigaction> {
    // SAFETY: `sigaction` is a struct of C whose fields are numbers, a set of signals that is an array of numbers, and
    // an optional function: all of them may be 0, which is no flags, the empty set, and no function.
    let mut action: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_bus_error as *const () as usize;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    let mut earlier = MaybeUninit::uninit();
    // SAFETY: `action` is whole and lives through the call, its function has the signature that SA_SIGINFO asks for,
    // and `earlier` has room for what is written. The handler may run in any thread at any time from now on; that it
    // does nothing but what a handler may do is said at its own steps.
    if unsafe { libc::sigaction(SIGBUS, &raw const action, earlier.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has written the earlier action, all of it.
    Ok(unsafe { earlier.assume_init() })
}

/// Runs in the thread that could not read, between two of its instructions: no locks, no allocation, no formatting.
#[allow(unsafe_code, reason = "what the system hands to a handler is behind a pointer; see the proofs")]
extern "C" fn on_bus_error(_signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: the system calls a handler that was installed with SA_SIGINFO with a pointer to a whole `siginfo_t`, which
    // lives until the handler returns and which nobody changes meanwhile.
    let info = unsafe { &*info };
    // SAFETY: this field is that of a memory fault, and SIGBUS, the only signal that this function was installed for, is
    // one. Where `kill` sent it, the same bytes are other numbers, which make some address; it is only compared.
    let address = unsafe { info.si_addr() }.addr();
    // `OnceLock::get` is one atomic load, and what it gives is never changed again.
    let found = WATCHED.iter().filter_map(OnceLock::get).find(|watched| watched.addresses.contains(&address));
    if let Some(watched) = found {
        // Another thread that could not read is saying so: this one tries again until that one has ended the program.
        if IS_SAID.swap(true, Ordering::Relaxed) {
            return;
        }
        // `File` has no buffer and no lock: this is one call of write(2), which a handler may make, and so is the next
        // one, of _exit(2). There is nobody to tell when the first fails.
        let _ = (&watched.stderr).write(watched.message.as_bytes());
        low_level::exit(Outcome::FAILED.into());
    }
    if let Some(earlier) = EARLIER.get() {
        // SAFETY: a handler may call sigaction(2); `earlier` is whole, for the system wrote it, and is only read. The
        // instruction is tried again after the return, and the earlier handler judges it, as if this had not been here.
        unsafe { libc::sigaction(SIGBUS, earlier, ptr::null_mut()) };
    }
}
