//! wasi:http as components rely on it that nobody here wrote: one table of behaviours, asked of guests of both versions
//! and of several languages. The README of the guests says what each path does.

mod bodies;
mod errors;
mod outbound;
mod requests;
mod wire;

/// By wasi:http 0.2 and 0.3 in Rust, and by 0.2 in C and Go.
const GUESTS: [&str; 4] = ["p2", "p3", "c-p2", "go-p2"];
