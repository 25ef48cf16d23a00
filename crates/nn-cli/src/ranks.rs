//! The other processes of a training: owns how this one joins them and what it says when that cannot be, and refuses to
//! know what they train.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
mod none;

use std::time::Duration;

use anyhow::Result;
use nn_train::Ranks as _;

use crate::interrupt::Interrupt;

#[cfg(feature = "mpi")]
pub(crate) use self::mpi::{World, abort};
#[cfg(not(feature = "mpi"))]
pub(crate) use self::none::{World, abort};

/// Joins the processes that were started together.
///
/// # Errors
/// When the program was built without MPI.
#[cfg(feature = "mpi")]
pub(crate) fn join(limit: Duration) -> Result<World> {
    use anyhow::Context as _;
    World::join(limit, give_up).context("MPI cannot be initialised twice")
}

#[cfg(not(feature = "mpi"))]
pub(crate) fn join(_limit: Duration) -> Result<World> {
    anyhow::bail!(crate::failure::Advised::new(
        "this program was built without MPI, which --distributed needs",
        "with Open MPI and libclang (on Debian: libopenmpi-dev, openmpi-bin and libclang-dev), \
         `cargo build --release -p nn-cli --features mpi` builds it with MPI",
    ))
}

/// Says that the others have not come, and ends this process and them.
#[cfg(feature = "mpi")]
fn give_up(error: &nn_train::RanksError) -> ! {
    let error = anyhow::Error::from(error.clone());
    let hint = crate::failure::hint(&error);
    crate::output::error(&error, hint);
    abort(i32::from(crate::Outcome::FAILED));
    std::process::exit(crate::Outcome::FAILED.into())
}

/// Lets rank 0 say why it does not end at once when it is asked to: `mpirun` asks all ranks when one has died, and soon
/// after ends those that still wait for it.
pub(crate) fn explain_waiting(world: &mut World, interrupt: &Interrupt) {
    const SILENCE: Duration = Duration::from_millis(400);
    let interrupt = interrupt.clone();
    let mut is_said = false;
    world.set_waiting(move |waited| {
        if !is_said && waited >= SILENCE && interrupt.exit_status().is_some() {
            is_said = true;
            crate::output::note(
                "asked to end, but another rank does not come: if it is gone, this is the end, and of a run the last \
                 checkpoint is sound: --resume goes on from it, on any number of ranks",
            );
        }
    });
}

/// Tells all ranks of the signals that came to any of them.
///
/// # Errors
/// When the ranks cannot go on together.
pub(crate) fn share_signals(world: &mut World, interrupt: &Interrupt) -> Result<()> {
    let mut signals = vec![0.0; world.size()];
    let rank = world.rank();
    signals[rank] = f64::from(interrupt.signal());
    world.sum(&mut [], &mut signals)?;
    interrupt.hear(signals.into_iter().fold(0.0, f64::max) as u32);
    Ok(())
}
