//! Owns the threads that work on a step together. Knows nothing of what they do.
//!
//! A step takes some 50 microseconds and meets three times, so the threads live as long as their team, wait
//! for each other by spinning a little while, and only then sleep.
#![allow(
    unsafe_code,
    reason = "borrowed work is lent to threads that outlive the borrow; `run` waits for them"
)]

use std::cell::UnsafeCell;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a thread looks for work before it sleeps: some 20 microseconds. A multiple of [`YIELDS`]: who must not sleep
/// and has come this far lets others go first with each look.
const SPINS: u32 = 16 * YIELDS;

/// So many looks are between two at which other threads of the machine may go first.
const YIELDS: u32 = 256;

/// Work for every thread of a team, called with the thread's number.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// Threads that run the same work at the same time.
pub(crate) struct Team {
    meeting: Arc<Meeting>,
    helpers: Vec<JoinHandle<()>>,
    /// A queue for each thread, and one for what is nobody's.
    queues: Vec<Queue>,
}

/// Neighbouring items waiting to be taken, on a cache line of its own so that two threads taking from two
/// queues do not slow each other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Queue {
    next: AtomicUsize,
    end: usize,
}

impl Queue {
    fn take(&self) -> Option<usize> {
        // Looking before adding keeps the counter within reach of `usize`.
        (self.next.load(Ordering::Relaxed) < self.end)
            .then(|| self.next.fetch_add(1, Ordering::Relaxed))
            .filter(|&index| index < self.end)
    }
}

/// Where the threads meet.
#[derive(Default)]
struct Meeting {
    /// Counts the pieces of work handed out; a helper whose own count is behind has work to do.
    round: AtomicUsize,
    /// Helpers that have not finished the present round.
    busy: AtomicUsize,
    asleep: AtomicUsize,
    closing: AtomicBool,
    panicked: AtomicBool,
    work: UnsafeCell<Option<Work<'static>>>,
    door: Mutex<()>,
    bell: Condvar,
}

// SAFETY: `work` is written only by the team's owner, who has `&mut Team`, while `busy` is 0, that is
// while no helper reads it: a helper reads it only between seeing a new `round`, which is published
// (Release) after the write, and lowering `busy` (Release), which the owner waits for (Acquire).
unsafe impl Sync for Meeting {}
// SAFETY: the lent work is `Sync`, so calling it from any thread is sound; the rest is `Send`.
unsafe impl Send for Meeting {}

impl Team {
    /// A team of `threads`, the caller's own included.
    pub(crate) fn new(threads: NonZeroUsize) -> Self {
        let meeting = Arc::new(Meeting::default());
        let helpers = (1..threads.get()).map_while(|number| {
            let meeting = Arc::clone(&meeting);
            // Where the system has no more threads to give, the team is as large as it got: the
            // results are the same for any number.
            std::thread::Builder::new()
                .name(format!("nn-core {number}"))
                .spawn(move || meeting.help(number))
                .ok()
        });
        let helpers: Vec<_> = helpers.collect();
        let queues = (0..helpers.len() + 2).map(|_| Queue::default()).collect();
        Self { meeting, helpers, queues }
    }

    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Calls `work` once on every thread, and returns when all have finished. To be called only by
    /// who has the team to itself.
    ///
    /// # Panics
    /// If `work` does, on any thread.
    fn run(meeting: &Meeting, helpers: &mut [JoinHandle<()>], work: Work<'_>) {
        if helpers.is_empty() {
            return work(0);
        }
        // SAFETY: only the lifetime changes. No helper holds the work once the loop below has seen `busy` at 0, and this
        // function does not return or unwind before that.
        let lent = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        // SAFETY: the helpers are borrowed mutably, so no other `run` of this team is under way: `busy` is 0, and nobody
        // else looks at the cell.
        unsafe { *meeting.work.get() = Some(lent) };
        meeting.busy.store(helpers.len(), Ordering::Relaxed);
        meeting.round.fetch_add(1, Ordering::SeqCst);
        if meeting.asleep.load(Ordering::SeqCst) > 0 {
            drop(meeting.door.lock().unwrap_or_else(PoisonError::into_inner));
            meeting.bell.notify_all();
        }
        let mine = catch_unwind(AssertUnwindSafe(|| work(0)));
        let mut spins = 0;
        while meeting.busy.load(Ordering::Acquire) > 0 {
            pause(&mut spins);
        }
        let theirs = meeting.panicked.swap(false, Ordering::Relaxed);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        assert!(!theirs, "a thread of the team has panicked");
    }

    /// Calls `work` with every item and its index, each once, on one thread or another.
    pub(crate) fn for_each<T: Send>(&mut self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let base = Base(items.as_mut_ptr());
        self.for_each_index(items.len(), self.even_cut(items.len()), |index| {
            // SAFETY: `items` is borrowed mutably for the whole call, `index` is within it and given out
            // once.
            work(index, unsafe { base.item(index) });
        });
    }

    /// Calls `work` with every item, its index and its part of a slice, each once, on one thread or another.
    ///
    /// # Panics
    /// If the slice is not cut into as many parts as there are items.
    pub(crate) fn for_each_with<T: Send, U: Send>(
        &mut self,
        items: &mut [T],
        parts: Parts<'_, U>,
        work: impl Fn(usize, &mut T, &mut [U]) + Sync,
    ) {
        assert_eq!(items.len(), parts.ranges.len(), "items and parts");
        let (base, of_parts) = (Base(items.as_mut_ptr()), Base(parts.slice.as_mut_ptr()));
        self.for_each_index(items.len(), self.even_cut(items.len()), |index| {
            // SAFETY: `items` is borrowed mutably for the whole call, `index` is within it and given out
            // once.
            let item = unsafe { base.item(index) };
            // SAFETY: the slice is borrowed mutably for the whole call, `Parts::new` has checked that the
            // range lies within it and overlaps no other, and `index` is given out once.
            let part = unsafe { of_parts.part(&parts.ranges[index]) };
            work(index, item, part);
        });
    }

    /// Calls `work` with every part of K slices, each once, on one thread or another. Thread t begins with
    /// the parts `cut[t]..cut[t + 1]`; those past the last cut are anybody's.
    ///
    /// # Panics
    /// If the slices are not cut into equally many parts, or `cut` reaches past them.
    pub(crate) fn for_each_part<T: Send, const K: usize>(
        &mut self,
        slices: [Parts<'_, T>; K],
        cut: impl Fn(usize) -> usize,
        work: impl Fn(usize, [&mut [T]; K]) + Sync,
    ) {
        let count = slices.first().map_or(0, |parts| parts.ranges.len());
        assert!(slices.iter().all(|parts| parts.ranges.len() == count), "slices with unequal parts");
        let slices = slices.map(|parts| (Base(parts.slice.as_mut_ptr()), parts.ranges));
        self.for_each_index(count, cut, |index| {
            let parts = std::array::from_fn(|k| {
                let (base, ranges) = &slices[k];
                // SAFETY: the slice is borrowed mutably for the whole call, `Parts::new` has checked that
                // the range lies within it and overlaps no other, and `index` is given out once.
                unsafe { base.part(&ranges[index]) }
            });
            work(index, parts);
        });
    }

    /// Cuts `count` items into as many shares as there are threads: the t-th ends where the next begins.
    pub(crate) fn even_cut(&self, count: usize) -> impl Fn(usize) -> usize + use<> {
        let threads = self.threads();
        move |thread| thread * count / threads
    }

    /// Calls `work` with every index below `count`, each once. Thread t begins with its own share,
    /// `cut(t)..cut(t + 1)`, the same one every time so that what it needs is near; it goes on with what
    /// is nobody's, and then helps the others.
    ///
    /// # Panics
    /// If the cuts are not in ascending order from 0 to at most `count`.
    fn for_each_index(&mut self, count: usize, cut: impl Fn(usize) -> usize, work: impl Fn(usize) + Sync) {
        let threads = self.threads();
        let mut start = 0;
        for (share, queue) in self.queues.iter_mut().enumerate() {
            let end = if share < threads { cut(share + 1) } else { count };
            assert!(start <= end && end <= count, "share {share} is {start}..{end} of {count}");
            *queue = Queue { next: start.into(), end };
            start = end;
        }
        // The queues hold every index below `count` in exactly one place.
        let queues = &self.queues;
        Self::run(&self.meeting, &mut self.helpers, &|me| {
            let others = (1..threads).map(|step| (me + step) % threads);
            for queue in [me, threads].into_iter().chain(others) {
                while let Some(index) = queues[queue].take() {
                    work(index);
                }
            }
        });
    }
}

impl Meeting {
    /// The life of a helper.
    fn help(&self, number: usize) {
        let mut round = 0;
        loop {
            let mut spins = 0;
            while self.round.load(Ordering::Acquire) == round {
                if spins == SPINS {
                    self.sleep(round);
                } else {
                    pause(&mut spins);
                }
            }
            round = round.wrapping_add(1);
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            // SAFETY: a new round is published after its work is written, and the owner leaves the
            // cell alone until this helper has lowered `busy` below.
            let work = unsafe { *self.work.get() };
            if let Some(work) = work
                && catch_unwind(AssertUnwindSafe(|| work(number))).is_err()
            {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    /// Sleeps until a round after `round` begins.
    fn sleep(&self, round: usize) {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        // The owner raises `round` before it looks at `asleep`, and both are in one total order: either
        // it sees this sleeper and rings, or this sleeper sees the new round.
        while self.round.load(Ordering::SeqCst) == round {
            door = self.bell.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits a moment; after many, lets other threads of the machine go first.
fn pause(spins: &mut u32) {
    *spins = (*spins + 1).min(SPINS);
    if spins.is_multiple_of(YIELDS) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.meeting.closing.store(true, Ordering::Relaxed);
        self.meeting.round.fetch_add(1, Ordering::SeqCst);
        drop(self.meeting.door.lock().unwrap_or_else(PoisonError::into_inner));
        self.meeting.bell.notify_all();
        for helper in self.helpers.drain(..) {
            // A helper catches every panic of its work, so there is none to pass on.
            let _ = helper.join();
        }
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

/// A slice cut into parts that do not overlap.
#[derive(Debug)]
pub(crate) struct Parts<'a, T> {
    slice: &'a mut [T],
    ranges: &'a [Range<usize>],
}

impl<'a, T> Parts<'a, T> {
    /// # Panics
    /// If a range begins before the one before it ends, or reaches past the slice.
    pub(crate) fn new(slice: &'a mut [T], ranges: &'a [Range<usize>]) -> Self {
        let mut end = 0;
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            assert!(end <= range.start && range.end <= slice.len(), "part {range:?} of {}", slice.len());
            end = range.end;
        }
        Self { slice, ranges }
    }
}

/// The first element of a slice, to be shared between threads.
struct Base<T>(*mut T);

// SAFETY: what is reached through the pointer is handed out to one thread at a time, see the uses.
unsafe impl<T: Send> Sync for Base<T> {}

impl<T> Base<T> {
    /// # Safety
    /// `index` must lie within the slice that this is the base of, and for as long as the result lives
    /// there must be no other reference to that item.
    #[allow(clippy::mut_from_ref, reason = "the caller promises that the references differ")]
    unsafe fn item(&self, index: usize) -> &mut T {
        // SAFETY: promised by the caller.
        let place = unsafe { self.0.add(index) };
        // SAFETY: promised by the caller.
        unsafe { &mut *place }
    }

    /// # Safety
    /// `range` must be empty or lie within the slice that this is the base of, and for as long as the
    /// result lives there must be no other reference to those items.
    #[allow(clippy::mut_from_ref, reason = "the caller promises that the references differ")]
    unsafe fn part(&self, range: &Range<usize>) -> &mut [T] {
        if range.is_empty() {
            return &mut [];
        }
        // SAFETY: promised by the caller.
        let start = unsafe { self.0.add(range.start) };
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts_mut(start, range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams() -> impl Iterator<Item = Team> {
        (1..=4).map(|threads| Team::new(NonZeroUsize::new(threads).unwrap()))
    }

    #[test]
    fn every_item_is_visited_once_by_teams_of_any_size() {
        for mut team in teams() {
            for count in [0, 1, 2, 3, 7, 64, 1000] {
                let mut visits = vec![0; count];
                for round in 1..=50 {
                    team.for_each(&mut visits, |_, visits| *visits += 1);
                    assert!(visits.iter().all(|&v| v == round));
                }
            }
        }
    }

    #[test]
    fn parts_of_several_slices_come_together() {
        for mut team in teams() {
            let (mut a, mut b) = ([0; 6], [0; 2]);
            let (of_a, of_b) = ([0..1, 1..1, 2..6], [0..1, 1..2, 2..2]);
            let cut = |thread: usize| thread.min(1);
            team.for_each_part([Parts::new(&mut a, &of_a), Parts::new(&mut b, &of_b)], cut, |i, [a, b]| {
                a.fill(i + 1);
                b.fill(10 * (i + 1));
            });
            assert_eq!((a, b), ([1, 0, 3, 3, 3, 3], [10, 20]));
        }
    }

    #[test]
    fn overlapping_parts_are_refused() {
        let (ranges, mut slice) = ([0..3, 2..4], [0; 4]);
        let cut = AssertUnwindSafe(|| Parts::new(&mut slice, &ranges).ranges.len());
        assert!(catch_unwind(cut).is_err());
    }

    #[test]
    fn a_panic_on_any_thread_reaches_the_caller_and_the_team_lives_on() {
        for mut team in teams() {
            let mut items = [0; 8];
            for bad in 0..8 {
                let work = |i: usize, _: &mut i32| assert!(i != bad && i != 7 - bad);
                assert!(catch_unwind(AssertUnwindSafe(|| team.for_each(&mut items, work))).is_err());
                team.for_each(&mut items, |_, item| *item += 1);
            }
            assert_eq!(items, [8; 8]);
        }
    }

    #[test]
    fn sleeping_helpers_wake_up() {
        for mut team in teams() {
            let mut items = [0; 8];
            for _ in 0..3 {
                std::thread::sleep(std::time::Duration::from_millis(20));
                team.for_each(&mut items, |_, item| *item += 1);
            }
            assert_eq!(items, [3; 8]);
        }
    }
}
