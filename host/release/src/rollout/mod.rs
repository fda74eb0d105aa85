//! How a new release takes over: which one answers a request, and when its share grows or is taken back.

mod choice;

pub use choice::{Arm, Asker, Choice};
