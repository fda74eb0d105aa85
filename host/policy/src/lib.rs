//! The stack that a request walks, from the edge to the plugin and back.
//!
//! [`Order`] is what the edge hands each request to. `order.rs` is the list, outermost first.

mod observe;
mod order;
mod route;
mod snapshot;

pub use order::Order;
pub use route::{Found, Router};
pub use snapshot::{Route, Snapshot};
