//! The client against real servers on the loopback address.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod deadlines;
mod encryption;
mod exchange;
mod grants;
mod hostile;
mod support;
