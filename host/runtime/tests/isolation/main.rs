//! That nothing leaves a release in isolation: real guests, most of which do all that their import can do, beside real stores
//! that must not change and a real server that must not be called. And how releases are kept ready, and end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say so"
)]

mod counted;
mod ready;
mod shadow;
mod smoke;
mod support;
