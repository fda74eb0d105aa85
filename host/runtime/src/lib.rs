//! Wasm: engines, artifacts, instances, limits, the three calls, and what a guest may reach.
//!
//! The only crate that names wasmtime. A [`Runtime`] compiles bytes into a [`Component`]; a [`Plugin`] is a component with
//! its definition, ready to be called; [`call`] answers one exchange with it.
//!
//! **Invariant:** whatever a guest does, [`call`] returns by the exchange's deadline, and what the guest held comes back.

mod background;
mod bindings;
mod call;
mod capabilities;
mod compile;
mod engine;
mod fault;
mod guest;
mod isolation;
mod lane;
mod limits;
mod linker;
mod plugin;
mod pool;
mod runtime;

pub mod inspect;

pub use call::{call, warm};
pub use compile::{CodeCache, Component, NoCache};
pub use guest::Services;
pub use isolation::Isolation;
pub use plugin::{Gauges, Plugin};
pub use runtime::{Config, LoadError, Runtime};
