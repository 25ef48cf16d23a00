//! Reading ahead and letting go: owns when which block of the data is asked for and given up, and refuses to know how a
//! system does either.

use std::{
    fmt,
    ops::Range,
    sync::mpsc::{self, Sender},
    thread::{self, Scope},
};

use crate::{DataFiles, JoinedFiles, sequence::Sequence};

/// Where the bytes of samples come from, and who may be told which of them are soon needed and when others no longer are.
///
/// A [`fit`](crate::fit) in an [order of blocks](crate::Order::Blocks) tells the [`TrainingSet`](crate::TrainingSet)'s: of
/// the blocks of the next window, spread evenly over the present one, and of those of a window that is over. All of it are
/// hints, told on a thread of its own and maybe late, and what comes of them must not change a byte. Samples are numbered
/// as in the training set.
pub trait Pages: fmt::Debug + Sync {
    /// An epoch in an order of blocks begins: what was read before it will not be read again for long.
    fn begin(&self);

    /// These samples will be read before long. Does not wait for them.
    fn will_need(&self, samples: Range<usize>);

    /// These samples, of which [`will_need`](Self::will_need) was told, will be read next. Waits until they are there.
    fn load(&self, samples: Range<usize>);

    /// These samples were read, and will not be read again for long.
    fn release(&self, samples: Range<usize>);
}

/// So many bytes, from a multiple of their number on, a system may map together with a page that is read (2 MiB, a huge
/// page, where it has the file in memory in such pieces), and would keep if only that page were given back.
const MAPPED_TOGETHER: usize = 2 << 20;

impl Pages for DataFiles {
    fn begin(&self) {
        self.images().expect_no_order();
        self.images().release(self.bytes_of(0..self.len()));
    }

    fn will_need(&self, samples: Range<usize>) {
        self.images().will_need(self.bytes_of(samples));
    }

    fn load(&self, samples: Range<usize>) {
        self.images().load(self.bytes_of(samples));
    }

    fn release(&self, samples: Range<usize>) {
        let Range { start, end } = self.bytes_of(samples);
        let around = start / MAPPED_TOGETHER..end.div_ceil(MAPPED_TOGETHER);
        self.images().release(around.start * MAPPED_TOGETHER..around.end.saturating_mul(MAPPED_TOGETHER));
    }
}

impl Pages for JoinedFiles {
    fn begin(&self) {
        self.files().iter().for_each(DataFiles::begin);
    }

    fn will_need(&self, samples: Range<usize>) {
        self.for_each(samples, DataFiles::will_need);
    }

    fn load(&self, samples: Range<usize>) {
        self.for_each(samples, DataFiles::load);
    }

    fn release(&self, samples: Range<usize>) {
        self.for_each(samples, DataFiles::release);
    }
}

/// What is told of by [`Pages`].
#[derive(Debug)]
enum Hint {
    Begin,
    WillNeed(Range<usize>),
    Load(Range<usize>),
    Release(Range<usize>),
}

/// Passes hints on by a thread of its own: to load pages, to map them and to give them up takes a system a third of the
/// time of the training of a small network.
#[derive(Debug)]
pub(crate) struct Aside {
    hints: Sender<Hint>,
}

impl Aside {
    /// The thread ends with the value. Where the system has none to give, nobody is told.
    pub(crate) fn start<'scope, 'a: 'scope>(scope: &'scope Scope<'scope, '_>, pages: &'a dyn Pages) -> Aside {
        let (hints, told) = mpsc::channel();
        let pass_on = move || {
            told.into_iter().for_each(|hint| match hint {
                Hint::Begin => pages.begin(),
                Hint::WillNeed(samples) => pages.will_need(samples),
                Hint::Load(samples) => pages.load(samples),
                Hint::Release(samples) => pages.release(samples),
            });
        };
        let _ = thread::Builder::new().name("nn-train pages".to_owned()).spawn_scoped(scope, pass_on);
        Aside { hints }
    }

    fn tell(&self, hint: Hint) {
        // Nobody is there to take it where no thread could be started.
        let _ = self.hints.send(hint);
    }
}

impl Pages for Aside {
    fn begin(&self) {
        self.tell(Hint::Begin);
    }

    fn will_need(&self, samples: Range<usize>) {
        self.tell(Hint::WillNeed(samples));
    }

    fn load(&self, samples: Range<usize>) {
        self.tell(Hint::Load(samples));
    }

    fn release(&self, samples: Range<usize>) {
        self.tell(Hint::Release(samples));
    }
}

/// So many blocks are on their way at a time: a block is waited for when so many after it have been asked for.
const ON_THEIR_WAY: usize = 16;

/// How far the reading of an epoch is.
#[derive(Debug)]
pub(crate) struct Ahead<'a> {
    pages: &'a dyn Pages,
    /// The window that is read.
    window: usize,
    /// How many of the blocks were asked for, in their order, those of earlier windows included, and how many loaded.
    asked: usize,
    loaded: usize,
}

impl<'a> Ahead<'a> {
    pub(crate) fn new(pages: &'a dyn Pages) -> Ahead<'a> {
        Ahead { pages, window: 0, asked: 0, loaded: 0 }
    }

    /// Goes to the beginning of an epoch.
    pub(crate) fn begin(&mut self) {
        self.begin_at(0, 0);
    }

    /// Goes to a window, and to the first of its blocks.
    fn begin_at(&mut self, window: usize, block: usize) {
        self.pages.begin();
        (self.window, self.asked, self.loaded) = (window, block, block);
    }

    /// These positions of the epoch are about to be read: asks for all of the windows that they are in and for as large
    /// a share of the next one as is over of the last of them, and gives up what was read before a window began.
    pub(crate) fn follow(&mut self, sequence: &Sequence, positions: &Range<usize>) {
        let Some(last) = positions.clone().next_back() else { return };
        let first = sequence.window_of(positions.start);
        let blocks = sequence.window_blocks(first).start;
        // Back, as to an epoch that is begun again, or past windows that were not read.
        if first < self.window || self.asked < blocks {
            self.begin_at(first, blocks);
        }
        for place in sequence.window_blocks(self.window).start..blocks {
            self.pages.release(sequence.block_samples(place));
        }
        self.window = first;
        let window = sequence.window_of(last);
        let (start, end) = (sequence.window_start(window), sequence.window_start(window + 1));
        let next = sequence.window_blocks(window + 1);
        // A window has fewer samples than the address space has bytes, and a next one fewer blocks than that.
        let share = next.len() as u128 * (positions.end - start) as u128 / (end - start) as u128;
        let asked = self.asked.max(next.start + share as usize);
        for place in self.asked..asked {
            self.pages.will_need(sequence.block_samples(place));
        }
        self.asked = asked;
        // What is read next must be there, be it on its way or not.
        let loaded = self.loaded.max(next.start).max(asked.saturating_sub(ON_THEIR_WAY));
        for place in self.loaded..loaded {
            self.pages.load(sequence.block_samples(place));
        }
        self.loaded = loaded;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;
    use crate::Order;

    /// What was told of each sample last, and how many epochs began.
    #[derive(Debug)]
    struct Seen {
        samples: Mutex<Vec<State>>,
        begun: AtomicUsize,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum State {
        Away,
        Asked,
        Loaded,
        Released,
    }

    impl Seen {
        fn new(samples: usize) -> Seen {
            Seen { samples: Mutex::new(vec![State::Away; samples]), begun: AtomicUsize::new(0) }
        }

        fn count(&self, state: State) -> usize {
            self.samples.lock().unwrap().iter().filter(|&&found| found == state).count()
        }

        fn go(&self, samples: Range<usize>, from: State, to: State) {
            for state in &mut self.samples.lock().unwrap()[samples] {
                assert_eq!(*state, from, "before {to:?}");
                *state = to;
            }
        }
    }

    impl Pages for Seen {
        fn begin(&self) {
            self.begun.fetch_add(1, SeqCst);
            self.samples.lock().unwrap().fill(State::Away);
        }

        fn will_need(&self, samples: Range<usize>) {
            self.go(samples, State::Away, State::Asked);
        }

        fn load(&self, samples: Range<usize>) {
            self.go(samples, State::Asked, State::Loaded);
        }

        fn release(&self, samples: Range<usize>) {
            self.go(samples, State::Loaded, State::Released);
        }
    }

    #[test]
    fn every_sample_is_asked_for_once_and_loaded_once_and_before_it_is_read() {
        for (order, samples, batch, begun) in [
            ("blocks:4,3", 100, 5, 0),
            ("blocks:4,3", 96, 12, 0),
            ("blocks:4,3", 101, 1, 0),
            ("blocks:4,3", 101, 7, 49),
            ("blocks:4,3", 101, 40, 0),
            ("blocks:4,3", 9, 4, 0),
            ("blocks:4,30", 901, 7, 0),
            ("blocks:4,30", 901, 200, 0),
        ] {
            let order: Order = order.parse().unwrap();
            for epoch in 1..=2 {
                let seen = Seen::new(samples);
                let mut sequence = Sequence::new(order, 7, samples);
                let mut ahead = Ahead::new(&seen);
                sequence.begin(epoch);
                ahead.begin();
                for start in (begun..samples).step_by(batch) {
                    let positions = start..samples.min(start + batch);
                    sequence.cover(&positions);
                    ahead.follow(&sequence, &positions);
                    let states = seen.samples.lock().unwrap();
                    let is_there = |&index: &usize| states[index] == State::Loaded;
                    assert!(sequence.indices(positions).iter().all(is_there), "{samples} {batch} {epoch}");
                }
                let there = seen.count(State::Loaded) + seen.count(State::Released);
                assert!(there >= samples - begun, "{samples} {batch} {epoch}: {there}");
                assert_eq!(seen.count(State::Asked), 0);
            }
        }
    }

    #[test]
    fn the_next_window_is_asked_for_in_the_time_of_the_present_one_which_is_given_up_when_it_is_over() {
        let seen = Seen::new(10_000);
        let mut sequence = Sequence::new("blocks:10,100".parse().unwrap(), 7, 10_000);
        let mut ahead = Ahead::new(&seen);
        sequence.begin(1);
        ahead.begin();
        for (window, begun) in [(3, 3_000), (4, 4_000)] {
            for start in (begun..begun + 1_000).step_by(50) {
                ahead.follow(&sequence, &(start..start + 50));
                let states = [State::Asked, State::Loaded, State::Released].map(|state| seen.count(state));
                // Of the next window, of which 16 blocks of 10 are on their way.
                let asked = start + 50 - begun;
                let on_their_way = asked.min(160);
                let loaded = 1_000 + asked - on_their_way;
                assert_eq!(states, [on_their_way, loaded, begun - 3_000], "window {window}, at {start}");
            }
        }
        assert_eq!(seen.begun.load(SeqCst), 2);
        // The last window has no next one.
        let seen = Seen::new(10_000);
        let mut ahead = Ahead::new(&seen);
        ahead.follow(&sequence, &(9_950..10_000));
        assert_eq!(seen.count(State::Loaded), 1_000);
    }

    #[test]
    fn what_is_told_aside_has_been_told_in_its_order_when_the_thread_ends() {
        let seen = Seen::new(9);
        thread::scope(|scope| {
            let aside = Aside::start(scope, &seen);
            aside.begin();
            aside.will_need(3..5);
            aside.will_need(7..9);
            aside.load(3..5);
            aside.release(3..4);
        });
        let states = [State::Released, State::Loaded, State::Asked].map(|state| seen.count(state));
        assert_eq!((states, seen.begun.load(SeqCst)), ([1, 1, 2], 1));
    }

    #[test]
    fn going_back_asks_again() {
        let seen = Seen::new(10_000);
        let mut sequence = Sequence::new("blocks:10,100".parse().unwrap(), 7, 10_000);
        sequence.begin(1);
        let mut ahead = Ahead::new(&seen);
        for (at, begun) in [(5_000, 1), (0, 2)] {
            ahead.follow(&sequence, &(at..at + 50));
            assert_eq!([State::Asked, State::Loaded].map(|state| seen.count(state)), [50, 1_000]);
            assert_eq!(seen.begun.load(SeqCst), begun);
        }
    }
}
