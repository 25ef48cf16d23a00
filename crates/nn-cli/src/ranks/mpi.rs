//! Ranks over MPI: owns how sums and bytes get from process to process, and how long one waits for the others, and
//! refuses to know what they are of.
//!
//! A sum is not left to `MPI_Allreduce`, whose order of additions is the library's own and may be another for another
//! length, number of ranks or release. Each rank gets its part of the numbers from all others, adds them up in the
//! order of the ranks, and hands the sums out: the same bits on all ranks, and as few bytes as an allreduce can do
//! with, twice `(size - 1) / size` of the numbers.

use std::{
    mem::ManuallyDrop,
    num::NonZeroUsize,
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use mpi::{
    collective::{CommunicatorCollectives, Root},
    datatype::{Partition, PartitionMut},
    environment::{self, Universe},
    request::{self, Request, Scope},
    topology::{Communicator, SimpleCommunicator},
};
use nn_train::{Ranks, RanksError};

/// How long ranks wait at least for the first that they do together: until then they read data, and some disks are slow.
const FIRST_LIMIT: Duration = Duration::from_secs(600);

/// Between two looks at the clock while waiting.
const POLLS: u64 = 64;

/// Numbers that are added up at a time, so that a sum stays in the first cache until it is whole.
const PIECE: usize = 1024;

/// Bytes in a message; a count of them is 31 bits.
const MESSAGE: usize = 1 << 28;

/// This process among those that `mpirun` started, or alone.
pub(crate) struct World {
    communicator: SimpleCommunicator,
    /// Not to be dropped when something has failed: that would wait for all others.
    universe: ManuallyDrop<Universe>,
    limit: Duration,
    /// Whether all have met once.
    has_met: bool,
    give_up: fn(&RanksError) -> !,
    /// What to do while waiting, told for how long, several times a second.
    waiting: Box<dyn FnMut(Duration)>,
    /// Of the numbers, what each rank adds up.
    parts: Parts,
    /// The same, but for what would be sent to oneself.
    sent: Parts,
    /// Where what each of the others has of this rank's part comes to.
    come: Parts,
    received: Vec<f32>,
    sums: Vec<f32>,
    few_of_all: Vec<f64>,
}

impl World {
    /// Joins the others. `None` where this process has done so before.
    ///
    /// After so long without them, `give_up` is called: what MPI has begun with memory of this process it does not give
    /// back, so that there is no way on.
    pub(crate) fn join(limit: Duration, give_up: fn(&RanksError) -> !) -> Option<World> {
        let (universe, _) = environment::initialize_with_threading(mpi::Threading::Funneled)?;
        Some(World {
            communicator: universe.world(),
            universe: ManuallyDrop::new(universe),
            limit,
            has_met: false,
            give_up,
            waiting: Box::new(|_| {}),
            parts: Parts::default(),
            sent: Parts::default(),
            come: Parts::default(),
            received: Vec::new(),
            sums: Vec::new(),
            few_of_all: Vec::new(),
        })
    }

    /// The name of the machine.
    pub(crate) fn host() -> String {
        environment::processor_name().unwrap_or_else(|_| "an unnamed machine".to_owned())
    }

    /// This rank's share of the processors of its machine.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        let here = self.communicator.split_shared(self.communicator.rank()).size();
        let here = usize::try_from(here).unwrap_or(1).max(1);
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        NonZeroUsize::new(processors / here).unwrap_or(NonZeroUsize::MIN)
    }

    /// Says what to do while waiting.
    pub(crate) fn set_waiting(&mut self, waiting: impl FnMut(Duration) + 'static) {
        self.waiting = Box::new(waiting);
    }

    /// Sends bytes from rank 0 to all others.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let mut len = bytes.len() as u64;
        self.broadcast(std::slice::from_mut(&mut len));
        let mut bytes = bytes.to_vec();
        bytes.chunks_mut(MESSAGE).for_each(|message| self.broadcast(message));
    }

    /// The bytes that rank 0 sends.
    pub(crate) fn receive(&mut self) -> Vec<u8> {
        let mut len = 0_u64;
        self.broadcast(std::slice::from_mut(&mut len));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        bytes.chunks_mut(MESSAGE).for_each(|message| self.broadcast(message));
        bytes
    }

    /// Leaves, once all others do, too.
    pub(crate) fn finish(self) {
        drop(ManuallyDrop::into_inner(self.universe));
    }

    fn broadcast<T>(&mut self, message: &mut [T])
    where
        [T]: mpi::datatype::BufferMut,
    {
        let communicator = &self.communicator;
        let mut patience = Patience::new(self.limit.max(FIRST_LIMIT), self.give_up, &mut self.waiting);
        request::scope(|scope| {
            patience.wait(communicator.process_at_rank(0).immediate_broadcast_into(scope, message));
        });
    }

    fn limit(&self) -> Duration {
        if self.has_met { self.limit } else { self.limit.max(FIRST_LIMIT) }
    }
}

/// Ends all ranks, if this process is one, without waiting for any of them.
pub(crate) fn abort(status: i32) {
    if environment::is_initialized() && !environment::is_finalized() {
        SimpleCommunicator::world().abort(status);
    }
}

impl Ranks for World {
    fn rank(&self) -> usize {
        usize::try_from(self.communicator.rank()).unwrap_or(0)
    }

    fn size(&self) -> usize {
        usize::try_from(self.communicator.size()).unwrap_or(1).max(1)
    }

    fn sum(&mut self, numbers: &mut [f32], few: &mut [f64]) -> Result<(), RanksError> {
        let (rank, size) = (self.rank(), self.size());
        if size == 1 {
            return Ok(());
        }
        let (limit, count) = (self.limit(), numbers.len());
        let Self { communicator, give_up, waiting, parts, sent, come, received, sums, few_of_all, .. } = self;
        let own = part(rank, size, count);
        let unless_own = |other: usize, part: Range<usize>| if other == rank { 0..0 } else { part };
        parts.set((0..size).map(|other| part(other, size, count)));
        sent.set((0..size).map(|other| unless_own(other, part(other, size, count))));
        come.set((0..size).map(|other| unless_own(other, other * own.len()..(other + 1) * own.len())));
        received.resize(size * own.len(), 0.0);
        few_of_all.resize(size * few.len(), 0.0);
        let mut patience = Patience::new(limit, *give_up, waiting);
        // All ranks' few numbers, and of the others' many those that this one adds up.
        {
            let sent = Partition::new(&*numbers, &sent.counts[..], &sent.starts[..]);
            let mut received = PartitionMut::new(&mut received[..], &come.counts[..], &come.starts[..]);
            let few = &*few;
            request::scope(|scope| {
                let few_come = communicator.immediate_all_gather_into(scope, few, &mut few_of_all[..]);
                if count > 0 {
                    let come = communicator.immediate_all_to_all_varcount_into(scope, &sent, &mut received);
                    patience.wait(come);
                }
                patience.wait(few_come);
            });
        }
        few.fill(0.0);
        for of_rank in few_of_all.chunks_exact(few.len().max(1)) {
            few.iter_mut().zip(of_rank).for_each(|(sum, number)| *sum += number);
        }
        if count == 0 {
            return Ok(());
        }
        sums.resize(own.len(), 0.0);
        for (piece, sums) in sums.chunks_mut(PIECE).enumerate() {
            let from = piece * PIECE;
            sums.fill(0.0);
            for other in 0..size {
                let of_rank =
                    if other == rank { &numbers[own.clone()] } else { &received[other * own.len()..] };
                sums.iter_mut().zip(&of_rank[from..]).for_each(|(sum, number)| *sum += number);
            }
        }
        let mut all = PartitionMut::new(numbers, &parts.counts[..], &parts.starts[..]);
        request::scope(|scope| {
            patience.wait(communicator.immediate_all_gather_varcount_into(scope, &sums[..], &mut all));
        });
        Ok(())
    }

    fn gather(&mut self, own: &[u8]) -> Result<Vec<u8>, RanksError> {
        let mut all = vec![0; self.size() * own.len()];
        let limit = self.limit();
        let Self { communicator, give_up, waiting, .. } = self;
        let mut patience = Patience::new(limit, *give_up, waiting);
        request::scope(|scope| {
            patience.wait(communicator.immediate_all_gather_into(scope, own, &mut all[..]));
        });
        self.has_met = true;
        Ok(all)
    }
}

/// The part of so many numbers that one of so many ranks adds up.
fn part(rank: usize, size: usize, count: usize) -> Range<usize> {
    // Numbers in memory are fewer than 2^62, and ranks than 2^31.
    let end = |rank: usize| (rank as u128 * count as u128 / size as u128) as usize;
    end(rank)..end(rank + 1)
}

/// A range for each rank, as MPI wants them.
#[derive(Default)]
struct Parts {
    counts: Vec<i32>,
    starts: Vec<i32>,
}

impl Parts {
    fn set(&mut self, parts: impl Iterator<Item = Range<usize>>) {
        self.counts.clear();
        self.starts.clear();
        for part in parts {
            self.counts.push(to_count(part.len()));
            self.starts.push(to_count(part.start));
        }
    }
}

/// As MPI counts.
///
/// # Panics
/// Beyond 2^31: a network of so many parameters has a gradient of 8 GB.
fn to_count(number: usize) -> i32 {
    i32::try_from(number).expect("a gradient has fewer than 2^31 numbers")
}

/// What is left of a time to wait.
struct Patience<'a> {
    limit: Duration,
    give_up: fn(&RanksError) -> !,
    waiting: &'a mut dyn FnMut(Duration),
}

impl<'a> Patience<'a> {
    fn new(limit: Duration, give_up: fn(&RanksError) -> !, waiting: &'a mut dyn FnMut(Duration)) -> Self {
        Self { limit, give_up, waiting }
    }

    /// Waits for what has begun, within the limit.
    fn wait<'b, D: ?Sized, S: Scope<'b>>(&mut self, request: Request<'b, D, S>) {
        const TELL: Duration = Duration::from_millis(100);
        let Err(mut pending) = request.test() else { return };
        let began = Instant::now();
        let mut tell = TELL;
        for poll in 1_u64.. {
            pending = match pending.test() {
                Ok(_) => return,
                Err(pending) => pending,
            };
            if !poll.is_multiple_of(POLLS) {
                continue;
            }
            let waited = began.elapsed();
            if waited >= self.limit {
                (self.give_up)(&RanksError::Late { seconds: self.limit.as_secs() });
            }
            if waited >= tell {
                (self.waiting)(waited);
                tell = waited + TELL;
            }
            // Others may be on the same core.
            thread::yield_now();
        }
    }
}
