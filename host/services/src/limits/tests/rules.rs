//! Each algorithm against a model that remembers everything it admitted.

use super::*;

/// What was admitted, and when.
#[derive(Default)]
struct Log(Vec<(u64, u32)>);

impl Log {
    /// Whether no time from one admission to another saw more than the rule says.
    fn keeps(&self, config: &Config) -> Result<(), String> {
        let period = config.rate.period.as_nanos() as u64;
        for (index, (from, _)) in self.0.iter().enumerate() {
            let mut sum = 0_u64;
            for (to, cost) in &self.0[index..] {
                sum += u64::from(*cost);
                let most = match config.algorithm {
                    Algorithm::TokenBucket | Algorithm::Gcra => {
                        let back = u128::from(to - from) * u128::from(config.rate.count) / u128::from(period);
                        u64::from(config.burst) + back as u64
                    }
                    Algorithm::FixedWindow if from / period == to / period => u64::from(config.rate.count),
                    Algorithm::SlidingWindow if to - from < period => u64::from(config.rate.count),
                    _ => u64::MAX,
                };
                if sum > most {
                    return Err(format!("{sum} from {from} to {to}, where {most} may be"));
                }
            }
        }
        Ok(())
    }
}

#[test]
fn no_algorithm_admits_more_than_its_rule_at_random_times_and_costs() {
    let mut random = fastrand::Rng::with_seed(4);
    for round in 0..400 {
        let algorithm = ALGORITHMS[round % 4];
        let (count, seconds) = (random.u32(1..50), random.u64(1..20));
        let mut text = format!("rate = '{count}/{seconds}s'\nalgorithm = '{algorithm}'");
        if round % 4 < 2 && random.bool() {
            text += &format!("\nburst = {}", random.u32(1..80));
        }
        let (limits, ticks) = limits(&[("a", &text)]);
        let limit = limits.get("a").unwrap();
        let (mut now, mut log) = (NOON + random.u64(..SECOND * 40), Log::default());
        for _ in 0..300 {
            now += random.u64(..2 * SECOND * seconds / u64::from(count) + 1);
            ticks.set(now);
            let cost = if random.u8(..4) == 0 { random.u32(1..5) } else { 1 };
            let told = ask(&limits, &limit, "k", cost);
            if told.admitted {
                log.0.push((now, cost));
            } else {
                // Who waits as long as it is told is admitted, unless it never is.
                let never = cost > limit.config().capacity();
                assert_eq!(told.retry == u64::MAX, never, "{text}: {told:?}");
                if !never && random.u8(..3) == 0 {
                    now += told.retry;
                    ticks.set(now);
                    assert!(ask(&limits, &limit, "k", cost).admitted, "{text}: {told:?} was waited for");
                    log.0.push((now, cost));
                }
            }
        }
        log.keeps(limit.config()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn all_that_the_rule_says_is_admitted() {
    // A steady stream faster than the rule: in 100 periods each admits its rate, the sliding one 7/8 of it at least.
    for (algorithm, least) in
        [("token-bucket", 1000), ("gcra", 1000), ("fixed-window", 1000), ("sliding-window", 875)]
    {
        let (limits, ticks) = limits(&[("a", &format!("rate = '10/s'\nalgorithm = '{algorithm}'"))]);
        let limit = limits.get("a").unwrap();
        let mut admitted = 0;
        for step in 0..10_000 {
            ticks.set(NOON + step * SECOND / 100);
            admitted += u32::from(ask(&limits, &limit, "k", 1).admitted);
        }
        assert!((least..=1010).contains(&admitted), "{algorithm}: {admitted}");
    }
}

#[test]
fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
    let (limits, ticks) =
        limits(&[("a", "rate = '60/min'\nburst = 5"), ("even", "rate = '60/min'\nalgorithm = 'gcra'")]);
    let (bucket, even) = (limits.get("a").unwrap(), limits.get("even").unwrap());
    let left: Vec<_> = (0..5).map(|_| ask(&limits, &bucket, "k", 1).remaining).collect();
    assert_eq!(left, [4, 3, 2, 1, 0]);
    let refused = ask(&limits, &bucket, "k", 1);
    assert_eq!((refused.admitted, refused.retry, refused.reset), (false, SECOND, 5 * SECOND));
    assert!(ask(&limits, &even, "k", 1).admitted);
    assert!(!ask(&limits, &even, "k", 1).admitted);
    ticks.set(NOON + SECOND);
    for limit in [&bucket, &even] {
        assert!(ask(&limits, limit, "k", 1).admitted);
        assert!(!ask(&limits, limit, "k", 1).admitted);
    }
}

#[test]
fn windows_end_when_they_say() {
    let (limits, ticks) = limits(&[
        ("fixed", "rate = '3/min'\nalgorithm = 'fixed-window'"),
        ("sliding", "rate = '3/min'\nalgorithm = 'sliding-window'"),
    ]);
    ticks.set(NOON + 59 * SECOND);
    for (name, retry) in [("fixed", SECOND), ("sliding", 60 * SECOND)] {
        let limit = limits.get(name).unwrap();
        assert!(ask(&limits, &limit, "k", 3).admitted);
        let refused = ask(&limits, &limit, "k", 1);
        assert!(refused.retry >= retry && refused.retry < retry + 9 * SECOND, "{name}: {refused:?}");
        ticks.set(NOON + 59 * SECOND + refused.retry - 1);
        assert!(!ask(&limits, &limit, "k", 1).admitted, "{name}");
        ticks.set(NOON + 59 * SECOND + refused.retry);
        assert_eq!(ask(&limits, &limit, "k", 1).remaining, 2, "{name}");
        ticks.set(NOON + 59 * SECOND);
    }
}

#[test]
fn a_clock_that_goes_back_admits_nothing_more() {
    for algorithm in ALGORITHMS {
        let (limits, ticks) = limits(&[("a", &format!("rate = '5/s'\nalgorithm = '{algorithm}'"))]);
        let limit = limits.get("a").unwrap();
        let mut random = fastrand::Rng::with_seed(9);
        let mut admitted = 0;
        for _ in 0..1000 {
            ticks.set(NOON - random.u64(..100 * SECOND));
            admitted += u32::from(ask(&limits, &limit, "k", 1).admitted);
            ticks.set(NOON);
            admitted += u32::from(ask(&limits, &limit, "k", 1).admitted);
        }
        // A hundred seconds from the earliest time to the latest admit what they admit, however often they are walked.
        assert!(admitted <= 5 * 101, "{algorithm}: {admitted}");
        ticks.set(NOON + 10 * SECOND);
        assert!(ask(&limits, &limit, "k", 1).admitted, "{algorithm} goes on once the clock does");
    }
}

#[test]
fn costs_and_rates_at_their_ends_neither_overflow_nor_admit() {
    for text in [
        "rate = '1/31d'",
        "rate = '10000000/s'",
        "rate = '1000000000/d'",
        "rate = '1000000000/2m'\nburst = 1",
        "rate = '1/s'\nburst = 31000000",
        "rate = '1000000000/d'\nalgorithm = 'fixed-window'",
        "rate = '1000000000/d'\nalgorithm = 'sliding-window'",
    ] {
        let (limits, ticks) = limits(&[("a", text)]);
        let limit = limits.get("a").unwrap();
        let capacity = limit.config().capacity();
        for now in [0, 1, NOON, u64::MAX - 1, u64::MAX] {
            ticks.set(now);
            let name = now.to_string();
            for cost in [u32::MAX, capacity + 1] {
                let told = ask(&limits, &limit, &name, cost);
                assert!(!told.admitted && told.retry == u64::MAX, "{text}: {cost} at {now}: {told:?}");
            }
        }
        ticks.set(NOON);
        assert!(ask(&limits, &limit, "k", capacity).admitted, "{text}");
        assert!(!ask(&limits, &limit, "k", 1).admitted, "{text}");
        assert!(ask(&limits, &limit, "other", 0).admitted, "{text}");
    }
}

#[test]
fn threads_that_ask_at_once_get_no_more_than_one_would() {
    for algorithm in ALGORITHMS {
        let burst = if algorithm.contains("window") { "" } else { "\nburst = 500" };
        let text = format!("rate = '1000/min'\nalgorithm = '{algorithm}'{burst}");
        let (limits, ticks) = limits(&[("a", &text)]);
        let limit = limits.get("a").unwrap();
        let most = limit.config().capacity();
        let admitted: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..1000).filter(|_| ask(&limits, &limit, "k", 1).admitted).count() as u32)
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, most, "{algorithm} while the clock stands");
        // While it moves, too: 60 ms of a rate of 1000 a minute are one more.
        let done = std::sync::atomic::AtomicBool::new(false);
        let admitted: u32 = std::thread::scope(|scope| {
            let (limits, limit, done) = (&limits, &limit, &done);
            let ask_all = move || {
                let mut admitted = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    admitted += u32::from(ask(limits, limit, "moving", 1).admitted);
                }
                admitted
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask_all)).collect();
            for step in 0..2000 {
                ticks.set(NOON + step * 6_000_000);
                std::thread::yield_now();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // 12 seconds, all within one minute.
        let back = if limit.config().algorithm.is_bucket() { 200 } else { 0 };
        assert!(admitted <= most + back, "{algorithm}: {admitted} of {most}");
    }
}
