//! Work that is cut into parts: owns who does them, and refuses to know what they are.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

/// Does each of the parts, on as many threads as there are parts, this one included. Where the system has fewer to give,
/// those that there are do more.
///
/// # Panics
/// If `work` does.
pub(crate) fn for_each<T: Send>(parts: impl ExactSizeIterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    let helpers = parts.len().saturating_sub(1);
    let parts = Mutex::new(parts);
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        while let Some(part) = next() {
            work(part);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            if thread::Builder::new().spawn_scoped(scope, work_on).is_err() {
                break;
            }
        }
        work_on();
    });
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Barrier};

    use super::*;

    #[test]
    fn each_part_is_done_once_and_all_at_the_same_time() {
        let mut done = [0; 4];
        let together = Barrier::new(done.len());
        let threads = Mutex::new(BTreeSet::new());
        for_each(done.iter_mut(), |part| {
            together.wait();
            *part += 1;
            threads.lock().unwrap().insert(format!("{:?}", thread::current().id()));
        });
        assert_eq!(done, [1; 4]);
        assert_eq!(threads.into_inner().unwrap().len(), 4);
    }

    #[test]
    fn without_parts_there_is_nothing_to_do() {
        for_each([(); 0].into_iter(), |()| panic!("there is no part"));
    }
}
