//! Starts real hosts with real guests, asks them over real sockets, and ends them by pid.
//!
//! `cargo xtask test` builds the host and the guests first and says where they are in `OSTLER_BIN` (the binary) and
//! `OSTLER_GUESTS` (a folder of components). Without them the usual places of a build are tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say so and end"
)]

mod browser;
mod client;
mod component;
mod host;
mod pipe;
mod place;
mod server;
mod wait;

pub use browser::Page;
pub use client::{Client, Reply, Version};
pub use component::{behaving, component, saying, tagged};
pub use host::{Host, Setup};
pub use pipe::{Body, Pipe, chunked};
pub use place::{guest, ostler, servers};
pub use server::{Server, free_port};
pub use wait::{BOUNDED, Nobody, PATIENCE, until};
