//! What asking a flag costs, and what ten thousand flags weigh: `cargo run --release -p ostler-release --example flags`.
//!
//! Prints nanoseconds per question and the resident memory that loading added. Run it alone on the machine.

#![allow(clippy::expect_used, reason = "a program for the bench, which ends where something is wrong")]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ostler_release::flags::{Attribute, Config, Context, Store};
use ostler_services::{Clock, Database};
use serde_json::{Value, json};

/// As many attributes as an exchange has, of which rules look at a few.
struct Exchange {
    roles: Vec<Arc<str>>,
}

impl Context for Exchange {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("user-4711"))
    }

    fn visit(&self, _: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
        for (name, text) in [
            ("subject", "user-4711"),
            ("tenant", "acme"),
            ("address", "192.0.2.7"),
            ("route", "/checkout/*"),
            ("method", "POST"),
            ("path", "/checkout/7"),
            ("host", "shop.example.com"),
            ("plugin", "checkout"),
            ("release", "3f2a9c"),
            ("email", "ada@example.com"),
        ] {
            attribute(name, Attribute::Text(text));
        }
        attribute("roles", Attribute::Texts(&self.roles));
        attribute("age", Attribute::Number(36.0));
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flags.json");
    std::fs::write(&file, definitions(10_000).to_string()).expect("the file is written");
    let database = Database::open(&folder.path().join("state")).expect("the database opens");
    let config = Config { files: vec![file], ..Config::default() };
    // What a first load takes once (the engine, the arena) is not the flags'.
    let before = resident();
    let started = Instant::now();
    let store = Store::open(database, Clock::default(), &config, None).expect("the flags load");
    let (loaded, after) = (started.elapsed(), resident());
    println!("10,000 flags: {:.1} MB, loaded in {loaded:?}", (after - before) as f64 / 1e6);
    let (flags, exchange) = (store.flags(), Exchange { roles: vec!["staff".into(), "beta".into()] });
    for key in ["static-7", "targeted-7", "fractional-7"] {
        let ask = || black_box(flags.boolean(black_box(key), false, &exchange)).value;
        println!(
            "{key}: {:.0} ns, variant {:?}",
            nanoseconds(ask),
            flags.boolean(key, false, &exchange).variant
        );
    }
}

/// A third of each kind.
fn definitions(many: usize) -> Value {
    let flag = |index: usize| {
        let mut flag =
            json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"});
        let (kind, targeting) = match index % 3 {
            0 => ("static", None),
            1 => ("targeted", Some(targeting())),
            _ => ("fractional", Some(json!({"fractional": [["on", 25], ["off", 75]]}))),
        };
        if let Some(targeting) = targeting {
            flag["targeting"] = targeting;
        }
        (format!("{kind}-{}", index / 3), flag)
    };
    json!({"flags": (0..many).map(flag).collect::<serde_json::Map<_, _>>()})
}

fn targeting() -> Value {
    json!({"if": [
        {"and": [
            {"ends_with": [{"var": "email"}, "@example.com"]},
            {"in": ["beta", {"var": "roles"}]},
            {">=": [{"var": "age"}, 18]},
            {"==": [{"var": "tenant"}, "acme"]}]},
        "on", "off"]})
}

/// The best of several rounds: what the machine does besides only adds.
fn nanoseconds(ask: impl Fn() -> bool) -> f64 {
    const QUESTIONS: u32 = 200_000;
    let round = || {
        let started = Instant::now();
        for _ in 0..QUESTIONS {
            ask();
        }
        started.elapsed().as_nanos() as f64 / f64::from(QUESTIONS)
    };
    (0..10).map(|_| round()).fold(f64::MAX, f64::min)
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells its memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line VmRSS");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
