//! wasi:http as components rely on it that nobody here wrote: one table of behaviours, asked of guests of both versions
//! and of several languages. `conform.rs` of the guests `p2` and `p3` says what each path does.

mod bodies;
mod errors;
mod outbound;
mod requests;
mod wire;

/// By wasi:http 0.2 and 0.3 in Rust.
const GUESTS: [&str; 2] = ["p2", "p3"];
