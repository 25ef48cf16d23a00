//! Images that many threads make and one takes: owns who makes what, and the memory for what waits, and refuses to know
//! what is in it.
//!
//! Pieces are handed out in their order, and only together with a buffer. So of all pieces that are not yet taken, the
//! first has a buffer, and the wait for it ends, whatever the number of buffers and the speed of the threads.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use super::Generation;

/// What a piece has at most, unless one image has more: enough for the threads to meet rarely, and little enough to be
/// still in a cache when it is hashed.
const PIECE_BYTES: usize = 1 << 20;

/// Buffers for each thread: one that it fills, and some for the times when it is ahead of another.
const BUFFERS_EACH: usize = 4;

pub(super) fn images_in_a_piece(features: usize) -> u64 {
    (PIECE_BYTES / features).max(1) as u64
}

/// What is left to be made.
struct Work {
    next: u64,
    end: u64,
    buffers: Receiver<Vec<u8>>,
}

impl Work {
    /// The next images and a buffer for them; none when all are handed out, or nobody takes any.
    fn hand_out(&mut self, piece: u64) -> Option<(u64, u64, Vec<u8>)> {
        if self.next == self.end {
            return None;
        }
        let buffer = self.buffers.recv().ok()?;
        let (first, end) = (self.next, self.end.min(self.next.saturating_add(piece)));
        self.next = end;
        Some((first, end - first, buffer))
    }
}

/// Images that were made, from this number on; none of them when a thread failed.
type Made = Option<(u64, Vec<u8>)>;

/// Tells the one who takes that there is nothing more to wait for, when the thread that has it panics.
struct Alarm<'a>(&'a Sender<Made>);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Whoever has gone needs no warning.
            let _ = self.0.send(None);
        }
    }
}

/// The same on this thread, where there is no other.
fn alone<B>(
    generation: &Generation<'_>,
    first: u64,
    piece: u64,
    mut take: impl FnMut(u64, &[u8]) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let (features, end) = (generation.samples.features(), generation.plan.images);
    let (mut augmenter, mut buffer) = (generation.augmenter.clone(), Vec::new());
    let mut next = first;
    while next < end {
        let images = piece.min(end - next);
        buffer.resize(images as usize * features, 0);
        generation.make(&mut augmenter, next, &mut buffer);
        take(next, &buffer)?;
        next += images;
    }
    ControlFlow::Continue(())
}

/// As [`Generation::for_each_piece`], `piece` images at a time.
pub(super) fn for_each<B>(
    generation: &Generation<'_>,
    first: u64,
    piece: u64,
    threads: NonZeroUsize,
    mut take: impl FnMut(u64, &[u8]) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let (features, end) = (generation.samples.features(), generation.plan.images);
    let pieces = end.saturating_sub(first).div_ceil(piece);
    let threads = pieces.min(threads.get() as u64) as usize;
    let (give, buffers) = mpsc::channel();
    for _ in 0..pieces.min((threads * BUFFERS_EACH) as u64) {
        // There is somebody to take it, two lines above.
        let _ = give.send(Vec::new());
    }
    let work = Mutex::new(Work { next: first, end: end.max(first), buffers });
    let (made, ready) = mpsc::channel::<Made>();
    thread::scope(|scope| {
        let mut workers = 0;
        for _ in 0..threads {
            let (work, made, mut augmenter) = (&work, made.clone(), generation.augmenter.clone());
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                let _alarm = Alarm(&made);
                // Those who wait for a buffer wait for the lock meanwhile.
                let next = || work.lock().unwrap_or_else(PoisonError::into_inner).hand_out(piece);
                while let Some((first, images, mut buffer)) = next() {
                    buffer.resize(images as usize * features, 0);
                    generation.make(&mut augmenter, first, &mut buffer);
                    let _ = made.send(Some((first, buffer)));
                }
            });
            // Where the system has no more threads to give, those that there are make all.
            workers += usize::from(worker.is_ok());
        }
        if workers == 0 {
            return alone(generation, first, piece, take);
        }
        // It goes with this closure, whichever way that ends, and then no thread waits for a buffer.
        let give = give;
        let mut early = BTreeMap::new();
        let mut next = first;
        while next < end {
            // Without more to come a thread has panicked, which the scope passes on.
            let Ok(Some((first, buffer))) = ready.recv() else { break };
            early.insert(first, buffer);
            while let Some(buffer) = early.remove(&next) {
                take(next, &buffer)?;
                next += (buffer.len() / features) as u64;
                let _ = give.send(buffer);
            }
        }
        ControlFlow::Continue(())
    })
}

#[cfg(test)]
mod tests {
    use nn_core::Dataset;

    use super::*;
    use crate::{Augmentation, GenerationPlan};

    #[test]
    fn without_another_thread_the_pieces_are_the_same() {
        let pixels: Vec<u8> = (0..7 * 6).map(|i: usize| (i * i * 31 % 251) as u8).collect();
        let samples = Dataset::new(&pixels, 6, &[0, 1, 2, 0, 1, 2, 0], 3).unwrap();
        let plan = GenerationPlan { images: 23, augmentation: Augmentation::MEDIUM, seed: 7 };
        let generation = Generation::new(samples, &[2, 3], plan).unwrap();
        let mut made = [Vec::new(), Vec::new()];
        let [others, own] = &mut made;
        for (pieces, first) in [(5, 0), (5, 4), (100, 22)] {
            let four = NonZeroUsize::new(4).unwrap();
            let _ = for_each::<()>(&generation, first, pieces, four, |first, images| {
                others.push((first, images.to_vec()));
                ControlFlow::Continue(())
            });
            let _ = alone::<()>(&generation, first, pieces, |first, images| {
                own.push((first, images.to_vec()));
                ControlFlow::Continue(())
            });
        }
        assert_eq!(made[0], made[1]);
        assert_eq!(made[0].len(), 5 + 4 + 1);
        assert_eq!(alone(&generation, 0, 5, |first, _| ControlFlow::Break(first)), ControlFlow::Break(0));
    }
}
