//! The stack that a request walks, from the edge to the plugin and back.
//!
//! [`Order`] is what the edge hands each request to. `order.rs` is the list, outermost first.

mod cache;
mod calling;
pub mod client;
pub mod flags;
mod gate;
mod limit;
mod observe;
mod order;
mod overheard;
pub mod overload;
mod route;
pub mod shadow;
mod snapshot;
mod trial;
mod validate;

pub use gate::{Gate, GateConfig, GateServices, Own, RouteGate, check};
pub use order::Order;
pub use route::{Found, Router};
pub use shadow::{Shadow, ShadowReport};
pub use snapshot::{Route, Snapshot, Target};
pub use trial::Trial;
