#![doc = include_str!("../README.md")]

mod container;
mod file;
mod order;
mod schedule;

pub use container::ContainerError;
pub use file::{WriteError, WriteStage, write_atomically};
pub use nn_core;
pub use order::{epoch_order, fill_epoch_order, initial_rng};
pub use schedule::{InvalidSchedule, Schedule};
