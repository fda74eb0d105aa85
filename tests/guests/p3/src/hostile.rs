//! What a plugin may do to harm its host. Those named `_inside` answer first and misbehave while the body is open.

use std::hint::black_box;

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Response};
use wasip3::{spawn_local, wit_stream};

use crate::answer::{Answer, text};

/// About eleven days, in nanoseconds.
const FOR_EVER: u64 = 1_000_000_000_000_000;

/// A body that never ends, for as long as anybody takes it.
pub fn endless() -> Response {
    let (response, mut answer) = Answer::start(200, &[]);
    spawn_local(async move { while answer.write(&[b'x'; 65536]).await {} });
    response
}

/// Waits before it answers.
pub async fn wait() -> Result<Response, ErrorCode> {
    monotonic_clock::wait_for(FOR_EVER).await;
    Ok(text(200, "late"))
}

/// Waits in the middle of the body.
pub fn wait_inside() -> Response {
    inside(async { monotonic_clock::wait_for(FOR_EVER).await })
}

/// Never ends and calls nobody.
pub fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Never ends once the body has begun.
pub fn spin_inside() -> Response {
    inside(async { spin() })
}

/// Executes `unreachable`.
pub fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

/// Traps once the body has begun.
pub fn trap_inside() -> Response {
    inside(async { trap() })
}

/// Begins a body, then does something before ending it.
fn inside(what: impl Future<Output = ()> + 'static) -> Response {
    let (response, mut answer) = Answer::start(200, &[]);
    spawn_local(async move {
        answer.write(b"begun").await;
        what.await;
        answer.finish(None).await;
    });
    response
}

/// Makes resources without end and keeps them all.
pub fn handles() -> ! {
    loop {
        std::mem::forget(Fields::new());
    }
}

/// Makes streams without end and keeps them all.
pub fn streams() -> ! {
    loop {
        std::mem::forget(wit_stream::new::<u8>());
    }
}

/// Allocates until it is refused.
pub fn memory() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Answers with `count` headers of `bytes` bytes each.
pub fn headers(count: u64, bytes: u64) -> Response {
    let value = vec![b'x'; bytes as usize];
    let names: Vec<_> = (0..count).map(|number| format!("x-{number}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_slice())).collect();
    let (response, answer) = Answer::start(200, &headers);
    spawn_local(answer.finish(None));
    response
}
