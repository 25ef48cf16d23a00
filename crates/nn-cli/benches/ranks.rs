//! How long ranks take to sum numbers: owns the measurement, and refuses to know what is made of it. On rank 0 it prints
//! a line of JSON for each length: the numbers summed, and the median times of [`Ranks::sum`] and of `MPI_Allreduce`, which
//! adds in an order of its own, in seconds.
//!
//! Beneath `mpirun`; `cargo xtask ranks` does that.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]
#![allow(dead_code, reason = "the program uses all of that module")]

#[path = "../src/ranks/mpi.rs"]
mod mpi;

use std::time::{Duration, Instant};

use ::mpi::{collective::CommunicatorCollectives, collective::SystemOperation, topology::SimpleCommunicator};
use mpi::World;
use nn_train::{Ranks, RanksError};

/// From what a message costs that is nearly empty, to the gradient of 784-800-10 and beyond.
const LENGTHS: [usize; 8] = [16, 1_024, 16_384, 65_536, 88_192, 262_144, 640_816, 1_048_576];

/// Time for each length and kind.
const BUDGET: f64 = 0.5;

fn main() {
    let give_up = |error: &RanksError| -> ! {
        eprintln!("error: {error}");
        mpi::abort(1);
        std::process::exit(1)
    };
    let mut world = World::join(Duration::from_secs(60), give_up).expect("nobody has joined before");
    let communicator = SimpleCommunicator::world();
    for length in LENGTHS {
        let mut numbers = vec![1e-6_f32; length];
        let mut sums = vec![0.0_f32; length];
        // As many on all ranks.
        let mut estimate = [time(&mut || world.sum(&mut numbers, &mut [0.0; 3]).unwrap())];
        world.sum(&mut [], &mut estimate).unwrap();
        let count = (BUDGET * world.size() as f64 / estimate[0]).clamp(11.0, 2001.0) as usize;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..count {
            // In turn, so that whatever slows the machine slows both.
            communicator.barrier();
            times[0].push(time(&mut || world.sum(&mut numbers, &mut [0.0; 3]).unwrap()));
            numbers.fill(1e-6);
            communicator.barrier();
            let sum = SystemOperation::sum();
            times[1].push(time(&mut || communicator.all_reduce_into(&numbers[..], &mut sums[..], sum)));
        }
        let [sum, allreduce] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        if world.rank() == 0 {
            let size = world.size();
            println!(
                r#"{{"ranks":{size},"numbers":{length},"times":{count},"sum":{sum:e},"allreduce":{allreduce:e}}}"#
            );
        }
    }
    world.finish();
}

/// In seconds.
fn time(work: &mut dyn FnMut()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}
