//! What a million keys cost, and what becomes of keys when there are too many.

use super::*;

const MILLION: u32 = 1_000_000;

#[test]
fn a_million_keys_take_less_than_a_hundred_megabytes() {
    for algorithm in ALGORITHMS {
        let burst = if algorithm == "gcra" { "\nburst = 2" } else { "" };
        let (limits, _) = limits(&[("a", &format!("rate = '2/h'\nalgorithm = '{algorithm}'{burst}"))]);
        let limit = limits.get("a").unwrap();
        for number in 0..MILLION {
            let told = ask(&limits, &limit, &number.to_string(), 1);
            assert_eq!((told.admitted, told.remaining), (true, 1), "{algorithm}: {number} shares a counter");
        }
        let figures = limit.figures();
        assert_eq!((figures.keys, figures.displaced), (MILLION as usize, 0), "{algorithm}");
        println!("{algorithm}: {} bytes, {} a key", figures.bytes, figures.bytes / MILLION as usize);
        assert!(figures.bytes < 100 << 20, "{algorithm}: {}", figures.bytes);
        // None was lost: each has one left, and no more.
        for number in (0..MILLION).step_by(997) {
            let left = [1, 1].map(|cost| ask(&limits, &limit, &number.to_string(), cost).admitted);
            assert_eq!(left, [true, false], "{algorithm}: {number}");
        }
    }
}

#[test]
fn keys_that_owe_nothing_any_more_make_room() {
    for algorithm in ALGORITHMS {
        let (limits, ticks) =
            limits(&[("a", &format!("rate = '1/s'\nmax_keys = 1000\nalgorithm = '{algorithm}'"))]);
        let limit = limits.get("a").unwrap();
        for second in 0..200 {
            ticks.set(NOON + second * 3 * SECOND);
            for number in 0..500 {
                assert!(ask(&limits, &limit, &format!("{second} {number}"), 1).admitted);
            }
        }
        let figures = limit.figures();
        assert_eq!(figures.displaced, 0, "{algorithm}: {figures:?}");
        assert!(figures.keys < 2000, "{algorithm}: {figures:?}");
    }
}

#[test]
fn a_flood_of_keys_displaces_those_that_owe_least() {
    for algorithm in ALGORITHMS {
        let burst = if algorithm == "gcra" { "\nburst = 50" } else { "" };
        let text = format!("rate = '50/h'\nmax_keys = 1000\nalgorithm = '{algorithm}'{burst}");
        let (limits, _) = limits(&[("a", &text)]);
        let limit = limits.get("a").unwrap();
        for victim in 0..20 {
            assert!(ask(&limits, &limit, &format!("victim {victim}"), 50).admitted);
        }
        for number in 0..100_000 {
            assert!(ask(&limits, &limit, &number.to_string(), 1).admitted);
        }
        let figures = limit.figures();
        assert!(figures.displaced > 90_000 && figures.keys < 2000, "{algorithm}: {figures:?}");
        assert!(figures.bytes < 200_000, "{algorithm}: {figures:?}");
        for victim in 0..20 {
            let told = ask(&limits, &limit, &format!("victim {victim}"), 1);
            assert!(!told.admitted, "{algorithm}: the flood freed victim {victim}");
        }
    }
}

/// The table against a map, with keys that crowd at the same places, so that searches wrap and gaps close.
#[test]
fn a_crowded_table_finds_what_a_map_finds() {
    use super::super::table::Table;
    use std::collections::HashMap;
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..50 {
        let table = Table::<u32>::new(1000);
        let mut map: HashMap<u64, u32> = HashMap::new();
        for round in 1..2000_u32 {
            // Prints close together, near the end of the table, all in one shard.
            let print = u64::MAX - random.u64(..60) * 3;
            let kept = random.u8(..3) > 0;
            let value = if kept { round } else { 0 };
            table.change(Key::of(print, 8), |state| u64::from(*state), |state| *state = value);
            map.insert(print, value);
            let probe = u64::MAX - random.u64(..60) * 3;
            let found = table.change_kept(Key::of(probe, 8), |state| *state).unwrap_or(0);
            assert_eq!(found, map.get(&probe).copied().unwrap_or(0));
        }
        assert!(table.len() <= 60);
    }
    // And past its room: what is there is right, whatever had to go.
    let table = Table::<u32>::new(1000);
    for round in 1..20_000_u32 {
        let print = random.u64(..).max(1) << 48 | u64::from(round);
        table.change(Key::of(print, 8), |state| u64::from(*state), |state| *state = round);
        assert_eq!(table.change_kept(Key::of(print, 8), |state| *state), Some(round));
    }
    assert!(table.displaced() > 10_000);
}
