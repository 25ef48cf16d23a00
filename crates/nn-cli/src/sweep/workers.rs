//! Work on several threads: owns who takes which job and that each result arrives where it is kept, and refuses to know
//! what the work is.

use std::{
    num::NonZeroUsize,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use anyhow::Result;

/// A request to end that every thread sees.
#[derive(Default)]
pub(super) struct Stop(AtomicBool);

impl Stop {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does the jobs in their order, as many at a time as there are threads. `may_begin` is asked before each; `done` hears
/// of every result, in the order in which they come, on the thread of the caller.
///
/// # Errors
/// The first error of `done`, which asks all to stop.
pub(super) fn run<J: Sync, R: Send>(
    jobs: &[J],
    threads: NonZeroUsize,
    stop: &Stop,
    may_begin: impl Fn() -> bool + Sync,
    work: impl Fn(&J) -> R + Sync,
    mut done: impl FnMut(&J, R) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let (next, may_begin, work) = (&next, &may_begin, &work);
    thread::scope(|scope| {
        let mut workers = 0;
        for _ in 0..threads.get().min(jobs.len()) {
            let sender = sender.clone();
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                while !stop.is_asked() && may_begin() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    if sender.send((index, work(job))).is_err() {
                        break;
                    }
                }
            });
            // Where the system has no more threads to give, those that there are do all.
            workers += usize::from(worker.is_ok());
        }
        drop(sender);
        if workers == 0 {
            let mut rest = jobs.iter().take_while(|_| !stop.is_asked() && may_begin());
            return rest.try_for_each(|job| done(job, work(job)));
        }
        let mut outcome = Ok(());
        for (index, result) in receiver {
            if outcome.is_ok() {
                outcome = done(&jobs[index], result);
            }
            if outcome.is_err() {
                stop.ask();
            }
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, Mutex};

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn every_job_is_done_once_by_any_number_of_threads() {
        let jobs: Vec<u32> = (0..37).collect();
        for count in [1, 2, 3, 64] {
            let mut results = Vec::new();
            let done = |job: &u32, result: u32| {
                results.push((*job, result));
                Ok(())
            };
            run(&jobs, threads(count), &Stop::default(), || true, |job| job * job, done).unwrap();
            results.sort_unstable();
            assert_eq!(results, jobs.iter().map(|job| (*job, job * job)).collect::<Vec<_>>());
        }
        run(&[] as &[u32], threads(2), &Stop::default(), || true, |_| (), |_, ()| Ok(())).unwrap();
    }

    #[test]
    fn jobs_are_done_at_the_same_time() {
        // Each waits for the other one.
        let barrier = Barrier::new(2);
        let work = |_: &u8| {
            barrier.wait();
        };
        let mut count = 0;
        let done = |_: &u8, ()| {
            count += 1;
            Ok(())
        };
        run(&[1, 2, 3, 4], threads(2), &Stop::default(), || true, work, done).unwrap();
        assert_eq!(count, 4);
    }

    #[test]
    fn nothing_begins_when_it_may_not_or_a_result_could_not_be_kept() {
        let begun = Mutex::new(Vec::new());
        let work = |job: &u8| begun.lock().unwrap().push(*job);
        let may_begin = || begun.lock().unwrap().len() < 2;
        run(&[1, 2, 3, 4], threads(1), &Stop::default(), may_begin, work, |_, ()| Ok(())).unwrap();
        assert_eq!(*begun.lock().unwrap(), [1, 2]);

        let stop = Stop::default();
        let jobs = vec![0_u8; 1000];
        let mut heard = 0;
        let done = |_: &u8, ()| {
            heard += 1;
            anyhow::bail!("no room")
        };
        let sleep = |_: &u8| thread::sleep(std::time::Duration::from_millis(1));
        let error = run(&jobs, threads(2), &stop, || true, sleep, done).unwrap_err();
        assert_eq!((error.to_string().as_str(), heard, stop.is_asked()), ("no room", 1, true));
    }
}
