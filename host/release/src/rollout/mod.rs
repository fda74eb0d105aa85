//! How a new release takes over: which one answers a request, and when its share grows or is taken back.

mod choice;
mod hash;
mod looks;
mod state;

pub use choice::{Arm, Asker, CHOOSES, Choice, network};
pub use looks::Looks;
pub use state::{Event, HOST, NotNow, Rollout, State};
