#![doc = include_str!("../README.md")]

mod order;
mod schedule;

pub use nn_core;
pub use order::{epoch_order, fill_epoch_order, initial_rng};
pub use schedule::{InvalidSchedule, Schedule};
