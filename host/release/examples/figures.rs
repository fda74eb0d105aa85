//! What counting costs on the way of a request: `cargo run --release -p ostler-release --example figures`.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use ostler_release::analysis::Figures;

/// Calls that are timed together, and how often. The median is told, which a busy machine does not reach.
const BATCH: u64 = 1_000;
const BATCHES: usize = 10_000;

fn main() {
    for threads in [1, 2] {
        measure("answered", threads, |figures, n| {
            figures.answered(
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                None,
                Duration::from_nanos(100_000 + (n & 0xffff)),
            );
        });
        measure("memory", threads, |figures, n| figures.memory(1 << 20 | (n & 0xffff), 0));
        measure("track", threads, |figures, n| {
            black_box(figures.track(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), "bought", 1.0));
        });
    }
}

/// Prints the nanoseconds that each call takes its thread.
fn measure(what: &str, threads: usize, count: impl Fn(&Figures, u64) + Sync) {
    let figures = Figures::default();
    let batch = || {
        let begun = Instant::now();
        (0..BATCH).for_each(|n| count(black_box(&figures), black_box(n)));
        begun.elapsed().as_nanos() as u64
    };
    let mut took: Vec<u64> = thread::scope(|scope| {
        let run = || (0..BATCHES).map(|_| batch()).collect::<Vec<_>>();
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    took.sort_unstable();
    let median = took[took.len() / 2] as f64 / BATCH as f64;
    println!("{what}: {median:.1} ns, {threads} thread(s) at once");
}
