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
/// the blocks of the next window, spread evenly over the present one, and that a window is over. All of it are hints, and
/// what comes of them must not change a byte. What is needed is asked for on a thread of its own, and may be late. Samples
/// are numbered as in the training set.
pub trait Pages: fmt::Debug + Sync {
    /// From now on samples are read in an order of blocks.
    fn begin(&self);

    /// These samples will soon be read. Does not wait for them.
    fn will_need(&self, samples: Range<usize>);

    /// What was read up to now will not be read again for long.
    fn release(&self);
}

impl Pages for DataFiles {
    fn begin(&self) {
        self.images().expect_no_order();
    }

    fn will_need(&self, samples: Range<usize>) {
        self.images().will_need(self.bytes_of(samples));
    }

    fn release(&self) {
        self.images().release(self.bytes_of(0..self.len()));
    }
}

impl Pages for JoinedFiles {
    fn begin(&self) {
        self.files().iter().for_each(DataFiles::begin);
    }

    fn will_need(&self, samples: Range<usize>) {
        self.for_each(samples, DataFiles::will_need);
    }

    fn release(&self) {
        self.files().iter().for_each(DataFiles::release);
    }
}

/// Asks for samples by a thread of its own: systems take their time to begin with loading, a seventh of that of the
/// training of a small network.
#[derive(Debug)]
pub(crate) struct Aside<'a> {
    pages: &'a dyn Pages,
    needed: Sender<Range<usize>>,
}

impl<'a> Aside<'a> {
    /// The thread ends with the value. Where the system has none to give, nobody asks.
    pub(crate) fn start<'scope>(scope: &'scope Scope<'scope, '_>, pages: &'a dyn Pages) -> Aside<'a>
    where
        'a: 'scope,
    {
        let (needed, to_ask_for) = mpsc::channel();
        let ask = move || to_ask_for.into_iter().for_each(|samples| pages.will_need(samples));
        let _ = thread::Builder::new().name("nn-train pages".to_owned()).spawn_scoped(scope, ask);
        Aside { pages, needed }
    }
}

impl Pages for Aside<'_> {
    fn begin(&self) {
        self.pages.begin();
    }

    fn will_need(&self, samples: Range<usize>) {
        // Nobody is there to take it where no thread could be started.
        let _ = self.needed.send(samples);
    }

    fn release(&self) {
        self.pages.release();
    }
}

/// How far the reading of an epoch is.
#[derive(Debug)]
pub(crate) struct Ahead<'a> {
    pages: &'a dyn Pages,
    /// The window that is read.
    window: usize,
    /// How many of the blocks were asked for, in their order, those of earlier windows included.
    asked: usize,
}

impl<'a> Ahead<'a> {
    pub(crate) fn new(pages: &'a dyn Pages) -> Ahead<'a> {
        pages.begin();
        Ahead { pages, window: 0, asked: 0 }
    }

    /// Goes to the beginning of an epoch.
    pub(crate) fn begin(&mut self) {
        self.go_to(0);
        self.asked = 0;
    }

    /// These positions of the epoch are about to be read: asks for all of the windows that they are in and for as large
    /// a share of the next one as is over of the last of them, and gives up what was read before a window began.
    pub(crate) fn follow(&mut self, sequence: &Sequence, positions: &Range<usize>) {
        let Some(last) = positions.clone().next_back() else { return };
        let first = sequence.window_of(positions.start);
        if first != self.window {
            let blocks = sequence.window_blocks(first).start;
            // Back, as to an epoch that is begun again, or past windows that were not read.
            if first < self.window || self.asked < blocks {
                self.asked = blocks;
            }
            self.go_to(first);
        }
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
    }

    /// At once and not block by block: systems map neighbours along with what is read, which would stay.
    fn go_to(&mut self, window: usize) {
        self.pages.release();
        self.window = window;
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

    /// What is asked for and not given up, sample by sample, and how often all that was read is given up.
    #[derive(Debug)]
    struct Seen {
        asked: Mutex<Vec<bool>>,
        released: AtomicUsize,
    }

    impl Seen {
        fn new(samples: usize) -> Seen {
            Seen { asked: Mutex::new(vec![false; samples]), released: AtomicUsize::new(0) }
        }

        fn asked(&self) -> usize {
            self.asked.lock().unwrap().iter().filter(|&&asked| asked).count()
        }

        fn released(&self) -> usize {
            self.released.swap(0, SeqCst)
        }
    }

    impl Pages for Seen {
        fn begin(&self) {}

        fn will_need(&self, samples: Range<usize>) {
            for asked in &mut self.asked.lock().unwrap()[samples] {
                assert!(!*asked, "asked for twice");
                *asked = true;
            }
        }

        fn release(&self) {
            self.released.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn every_sample_is_asked_for_once_and_before_it_is_read() {
        let order: Order = "blocks:4,3".parse().unwrap();
        for (samples, batch, begun) in
            [(100, 5, 0), (96, 12, 0), (101, 1, 0), (101, 7, 49), (101, 40, 0), (9, 4, 0)]
        {
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
                    let asked = seen.asked.lock().unwrap();
                    assert!(sequence.indices(positions).iter().all(|&index| asked[index]));
                }
                assert!(seen.asked() >= samples - begun, "{samples} {batch} {epoch}");
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
        seen.released();
        for (window, begun) in [(3, 3_000), (4, 4_000)] {
            for start in (begun..begun + 1_000).step_by(50) {
                ahead.follow(&sequence, &(start..start + 50));
                assert_eq!(seen.asked(), 1_000 + start + 50 - 3_000, "window {window}");
            }
            assert_eq!(seen.released(), 1);
        }
        // The last window has no next one.
        let seen = Seen::new(10_000);
        let mut ahead = Ahead::new(&seen);
        ahead.follow(&sequence, &(9_950..10_000));
        assert_eq!(seen.asked(), 1_000);
    }

    #[test]
    fn what_is_asked_for_aside_has_been_asked_for_when_the_thread_ends() {
        let seen = Seen::new(9);
        thread::scope(|scope| {
            let aside = Aside::start(scope, &seen);
            aside.will_need(3..5);
            aside.release();
            assert_eq!(seen.released(), 1);
            aside.will_need(7..9);
        });
        assert_eq!(seen.asked(), 4);
    }

    #[test]
    fn going_back_asks_again() {
        let seen = Seen::new(10_000);
        let mut sequence = Sequence::new("blocks:10,100".parse().unwrap(), 7, 10_000);
        sequence.begin(1);
        let mut ahead = Ahead::new(&seen);
        ahead.follow(&sequence, &(5_000..5_050));
        assert_eq!(seen.asked(), 1_050);
        seen.asked.lock().unwrap().fill(false);
        ahead.follow(&sequence, &(0..50));
        assert_eq!(seen.asked(), 1_050);
    }
}
