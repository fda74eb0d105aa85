//! What a plugin may do to harm its host: each without end, or as much as the query says.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ostler_sdk::{Response, context, kv, log};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Never ends and calls nobody.
pub fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Ends where the stack does.
#[allow(unconditional_recursion)]
pub fn recurse(depth: u64) -> u64 {
    black_box([depth; 16]);
    recurse(black_box(depth + 1)) + black_box(depth)
}

/// Takes memory page by page until it is refused, writes to each page if `touch`, then panics.
pub fn memory(touch: bool) -> ! {
    let mut pages = 0_usize;
    #[cfg(target_arch = "wasm32")]
    loop {
        let before = core::arch::wasm32::memory_grow(0, 16);
        if before == usize::MAX {
            break;
        }
        pages += 16;
        if touch {
            for page in before * 16..(before + 16) * 16 {
                // SAFETY: this 4 KiB step lies in the memory that was just granted.
                unsafe { core::ptr::write_volatile((page * 4096) as *mut u8, 1) };
            }
        }
    }
    black_box((touch, &mut pages));
    panic!("memory was refused after {pages} pages");
}

/// Allocates until the allocator is refused.
pub fn heap() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Executes `unreachable`.
pub fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

/// Writes 64 KiB values under ever new keys, without end, whatever the answers.
pub fn flood_kv(store: &str) -> ! {
    let (store, value) = (kv::open(store), vec![b'x'; 65536]);
    for number in 0_u64.. {
        let _ = store.set(&format!("flood-{number}"), &value);
    }
    unreachable!()
}

/// Logs without end.
pub fn flood_log() -> ! {
    loop {
        log::info!("a line of a flood", filler = "x".repeat(200));
    }
}

/// Asks who it is without end.
pub fn flood_context() -> ! {
    loop {
        black_box(context::current());
    }
}

/// Logs `lines` lines of `bytes` bytes each.
pub fn log(lines: usize, bytes: usize) -> Response {
    let message = "x".repeat(bytes);
    (0..lines).for_each(|number| log::info!(message, number = number));
    Response::text("logged")
}

/// Answers with `count` headers of `bytes` bytes each.
pub fn headers(count: usize, bytes: usize) -> Response {
    let value = "x".repeat(bytes);
    (0..count).fold(Response::new(200), |response, number| {
        response.with_header(&format!("x-{number}"), value.as_str())
    })
}

/// Computes for a while: each round is a few instructions.
pub fn burn(rounds: usize) -> Response {
    let mut state = 1_u64;
    for _ in 0..rounds {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    Response::text(state.to_string())
}

/// Keeps `bytes` for ever, each time.
pub fn leak(bytes: usize) -> Response {
    Vec::leak(black_box(vec![1_u8; bytes]));
    Response::text("leaked")
}

/// How many times this instance was asked: 1 each time if every call has an instance of its own.
pub fn counter() -> Response {
    Response::text((CALLS.fetch_add(1, Relaxed) + 1).to_string())
}
