//! Ranks that are threads of one process: owns their way to each other, and refuses to know what they train.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use nn_train::{Ranks, RanksError};

/// One of some threads.
pub(crate) struct Thread {
    rank: usize,
    meeting: Arc<Meeting>,
    /// Leaves at the sum of this number, from 0.
    pub(crate) leaves_at: Option<u32>,
    /// Hears wrong sums.
    pub(crate) mishears: bool,
    sums: u32,
}

/// Where all threads put something down and take what all have.
struct Meeting {
    size: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// How long they wait for each other.
    limit: Duration,
}

#[derive(Default)]
struct State {
    /// How often all have met.
    round: u64,
    here: Vec<Option<Vec<u8>>>,
    met: Arc<Vec<Vec<u8>>>,
    gone: Option<usize>,
}

impl Thread {
    /// As many ranks as this, who wait so long for each other.
    pub(crate) fn all(size: usize, limit: Duration) -> Vec<Thread> {
        let state = Mutex::new(State { here: vec![None; size], ..State::default() });
        let meeting = Arc::new(Meeting { size, state, changed: Condvar::new(), limit });
        let thread = |rank| {
            let meeting = Arc::clone(&meeting);
            Thread { rank, meeting, leaves_at: None, mishears: false, sums: 0 }
        };
        (0..size).map(thread).collect()
    }

    fn meet(&self, own: Vec<u8>) -> Result<Arc<Vec<Vec<u8>>>, RanksError> {
        let Meeting { state, changed, limit, .. } = &*self.meeting;
        let mut state = state.lock().unwrap();
        let round = state.round;
        state.here[self.rank] = Some(own);
        if state.here.iter().all(Option::is_some) {
            state.met = Arc::new(state.here.iter_mut().filter_map(Option::take).collect());
            state.round += 1;
            changed.notify_all();
        }
        let is_waiting = |state: &mut State| state.round == round && state.gone.is_none();
        let (state, _) = changed.wait_timeout_while(state, *limit, is_waiting).unwrap();
        match (state.round == round, state.gone) {
            (false, _) => Ok(Arc::clone(&state.met)),
            (true, Some(rank)) => Err(RanksError::Gone { rank }),
            (true, None) => Err(RanksError::Late { seconds: limit.as_secs() }),
        }
    }
}

impl Ranks for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.meeting.size
    }

    fn sum(&mut self, numbers: &mut [f32], few: &mut [f64]) -> Result<(), RanksError> {
        if self.leaves_at == Some(self.sums) {
            self.meeting.state.lock().unwrap().gone = Some(self.rank);
            self.meeting.changed.notify_all();
            return Err(RanksError::Gone { rank: self.rank });
        }
        self.sums += 1;
        let own = numbers.iter().flat_map(|number| number.to_le_bytes());
        let own = own.chain(few.iter().flat_map(|number| number.to_le_bytes())).collect();
        let all = self.meet(own)?;
        numbers.fill(0.0);
        few.fill(0.0);
        for bytes in all.iter() {
            let (of_numbers, of_few) = bytes.split_at(size_of_val(numbers));
            for (sum, &bytes) in numbers.iter_mut().zip(of_numbers.as_chunks().0) {
                *sum += f32::from_le_bytes(bytes);
            }
            for (sum, &bytes) in few.iter_mut().zip(of_few.as_chunks().0) {
                *sum += f64::from_le_bytes(bytes);
            }
        }
        if let (true, Some(number)) = (self.mishears, numbers.last_mut()) {
            *number += 0.5;
        }
        Ok(())
    }

    fn gather(&mut self, own: &[u8]) -> Result<Vec<u8>, RanksError> {
        Ok(self.meet(own.to_vec())?.concat())
    }
}
