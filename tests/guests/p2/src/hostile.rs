//! What a plugin may do to harm its host. Those named `_inside` answer first and misbehave while the body is open.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{ErrorCode, Fields, ResponseOutparam};

use crate::answer::Answer;

/// About eleven days, in nanoseconds.
const FOR_EVER: u64 = 1_000_000_000_000_000;

/// A body that never ends, for as long as anybody takes it.
pub fn endless(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    while answer.write(&[b'x'; 4096]).is_ok() {}
}

/// Waits before it answers.
pub fn wait(out: ResponseOutparam) {
    monotonic_clock::subscribe_duration(FOR_EVER).block();
    Answer::start(out, 200, &[]).text("late");
}

/// Waits in the middle of the body.
pub fn wait_inside(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    let _ = answer.write(b"begun");
    monotonic_clock::subscribe_duration(FOR_EVER).block();
}

/// Returns without an answer.
pub fn silent(out: ResponseOutparam) {
    drop(out);
}

/// Answers with an error in place of a response.
pub fn refuse(out: ResponseOutparam) {
    ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("refused on purpose".into()))));
}

/// Never ends and calls nobody.
pub fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Never ends once the body has begun.
pub fn spin_inside(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    let _ = answer.write(b"begun");
    spin();
}

/// Executes `unreachable`.
pub fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

/// Traps once the body has begun.
pub fn trap_inside(out: ResponseOutparam) {
    let answer = Answer::start(out, 200, &[]);
    let _ = answer.write(b"begun");
    trap();
}

/// Makes resources without end and keeps them all.
pub fn handles() -> ! {
    loop {
        std::mem::forget(Fields::new());
    }
}

/// Makes timers without end and keeps them all.
pub fn pollables() -> ! {
    loop {
        std::mem::forget(monotonic_clock::subscribe_duration(FOR_EVER));
    }
}

/// Allocates until it is refused.
pub fn memory() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Prints without end.
pub fn flood_stdout() -> ! {
    loop {
        println!("a line of a flood {}", "x".repeat(200));
    }
}

/// Answers with `count` headers of `bytes` bytes each.
pub fn headers(out: ResponseOutparam, count: u64, bytes: u64) {
    let value = vec![b'x'; bytes as usize];
    let names: Vec<_> = (0..count).map(|number| format!("x-{number}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_slice())).collect();
    Answer::start(out, 200, &headers).text("many headers");
}
