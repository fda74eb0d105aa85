//! What a decision costs and a key weighs: `cargo run --release -p ostler-services --example rate_limits`.
//!
//! Times are those of the thread on its processor, so that a busy machine disturbs them little.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use ostler_core::settings::{Node, Problems};
use ostler_services::RateLimits;
use ostler_services::limits::{Ask, Config, Limit, Standing};

const KEYS: u64 = 1_000_000;
const DECISIONS: u64 = 4_000_000;
const THREADS: u64 = 2;

fn main() {
    println!(
        "{:<16}{:>10}{:>12}{:>12}{:>14}{:>16}",
        "algorithm", "a key", "hot key", "1M keys", "two limits", "hot, 2 threads"
    );
    for algorithm in ["token-bucket", "gcra", "fixed-window", "sliding-window"] {
        let burst = if algorithm == "gcra" { "\nburst = 8000000" } else { "" };
        let text = format!("rate = '8000000/31d'\nalgorithm = '{algorithm}'{burst}");
        let limits = RateLimits::default();
        limits.apply(&BTreeMap::from(["a", "b"].map(|name| (name.to_owned(), config(name, &text)))));
        let (Some(a), Some(b)) = (limits.get("a"), limits.get("b")) else { return };
        let hot = time(DECISIONS, |_| ask(&limits, &[&a], 0));
        (0..KEYS).for_each(|key| ask(&limits, &[&a], key));
        let figures = a.figures();
        let many = time(DECISIONS, |round| ask(&limits, &[&a], round.wrapping_mul(7_919) % KEYS));
        let two = time(DECISIONS, |_| ask(&limits, &[&a, &b], 1));
        let together = std::thread::scope(|scope| {
            let spawn = |_| scope.spawn(|| time(DECISIONS, |_| ask(&limits, &[&a], 2)));
            let threads: Vec<_> = (0..THREADS).map(spawn).collect();
            let slowest = threads.into_iter().filter_map(|thread| thread.join().ok()).max();
            slowest.unwrap_or_default()
        });
        println!(
            "{algorithm:<16}{:>8} B{:>9} ns{:>9} ns{:>11} ns{:>13} ns",
            figures.bytes as u64 / KEYS,
            hot.as_nanos(),
            many.as_nanos(),
            two.as_nanos(),
            together.as_nanos()
        );
    }
}

fn config(name: &str, text: &str) -> Config {
    let problems = Problems::new("example");
    let node = Node::from_toml(text, &problems);
    Config::read(name, node.section("limits", &problems), false)
}

/// One decision, with all that the gate does for it: the key of an IPv6 address, hashed.
fn ask(limits: &RateLimits, asked: &[&Limit], key: u64) {
    let ask = |limit: &&'_ Limit| {
        let mut writer = limit.key();
        writer.part(2, &(u128::from(key) << 64).to_be_bytes());
        (writer.finish(), limit.config().capacity())
    };
    let mut told: [Option<Standing>; 2] = [None; 2];
    match asked {
        [limit] => {
            let asks = [Ask { limit, key: ask(limit).0, cost: 1 }];
            black_box(limits.take_local(&asks, &mut told));
        }
        [first, second, ..] => {
            let asks = [first, second].map(|limit| Ask { limit, key: ask(limit).0, cost: 1 });
            black_box(limits.take_local(&asks, &mut told));
        }
        [] => {}
    }
}

fn time(rounds: u64, mut once: impl FnMut(u64)) -> Duration {
    let start = processor_time();
    (0..rounds).for_each(&mut once);
    (processor_time() - start) / u32::try_from(rounds).unwrap_or(u32::MAX)
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
