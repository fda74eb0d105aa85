//! A typed handler whose releases differ in version, failures, speed, memory and what they report, as a text in their bytes says:
//! `harness::behaving("rollout", "version=v2 fail=2")` makes one. README.md lists the words and the paths.

use std::hint::black_box;

use ostler_sdk::{Error, Request, Response, context, experiment};
use serde_json::json;

mod behaviour;
mod capabilities;

use behaviour::{Behaviour, behaviour};

#[ostler_sdk::handler]
fn handle(request: Request) -> Result<Response, Error> {
    let behaviour = behaviour();
    if let Some((metric, value)) = &behaviour.track {
        experiment::track(metric, *value);
    }
    if behaviour.leak > 0 {
        Vec::leak(black_box(vec![1_u8; behaviour.leak]));
    }
    work(behaviour.work);
    if fails(behaviour.fail) {
        return fail(&behaviour.how);
    }
    let response = answer(&request, behaviour)?;
    Ok(response.with_header("x-version", behaviour.version.as_str()))
}

fn answer(request: &Request, behaviour: &Behaviour) -> Result<Response, Error> {
    match request.path() {
        "/json" if behaviour.other_shape => {
            Response::json(&json!({ "release": { "name": behaviour.version } }))
        }
        "/json" => Response::json(&json!({ "version": behaviour.version, "items": [1, 2, 3] })),
        "/flag" => capabilities::flag(request),
        "/track" => capabilities::track(request),
        "/fetch" => capabilities::fetch(request),
        "/count" => capabilities::count(request),
        "/kept" => capabilities::kept(request),
        "/config" => capabilities::config(request),
        "/release" => Ok(capabilities::release()),
        path => {
            let short = path[1..].split_once('/').and_then(|(kind, key)| capabilities::short(kind, key));
            Ok(short.unwrap_or_else(|| Response::text(behaviour.version.as_str())))
        }
    }
}

/// Each round is a few instructions.
fn work(rounds: u64) {
    let mut state = 1_u64;
    for _ in 0..rounds {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Whether this request is of the share that fails: by its id, so that no instance needs to count, nor a random number.
fn fails(percent: f64) -> bool {
    if percent <= 0.0 {
        return false;
    }
    // FNV-1a, then the last steps of splitmix64, since FNV alone spreads similar ids badly over the high bits.
    let id = context::current().request_id;
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let part = (hash ^ (hash >> 31)) as f64 / u64::MAX as f64;
    part * 100.0 < percent
}

fn fail(how: &str) -> Result<Response, Error> {
    match how {
        "status" => Err(Error::new(500, "this release fails so many").with_code("quietly_broken")),
        "error" => Err(Error::internal("this release fails so many")),
        "spin" => loop {
            black_box(());
        },
        _ => panic!("this release fails so many"),
    }
}
