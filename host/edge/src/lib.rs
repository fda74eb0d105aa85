//! From the socket to the request, and back.
//!
//! [`Server`] binds and accepts, a connection (`connection.rs`) speaks TLS and HTTP in a task of its own, an exchange
//! (`exchange.rs`) hands one request to the [`Handle`](ostler_core::Handle) and sends its response. A byte's way in: `wire.rs`
//! (with `guard.rs` reading along), hyper, `request.rs` (head) and `inbound.rs` (body). Its way out: `response.rs`,
//! `outbound.rs`, hyper. `pulse.rs` knows what each connection waits for, `driver.rs` keeps the deadlines.
//!
//! Invariant: no client can stall, end or starve the accept loop or another client's connection from here.

mod config;
mod connection;
mod counters;
mod drain;
mod driver;
mod exchange;
mod guard;
mod hop;
mod inbound;
mod outbound;
mod pulse;
mod request;
mod response;
mod server;
mod tls;
mod wire;

pub use config::{ClientAuth, Clients, Config, Limits, Listen, Tls};
pub use counters::Counters;
pub use server::{Drained, Server, ServerError};
pub use tls::{Certificate, TlsError};
