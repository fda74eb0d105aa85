//! Releases that are kept ready, and those that have gone.

use std::sync::Arc;

use ostler_runtime::warm;

use crate::support::{Rig, ask};

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_made_ahead_and_stay_as_many_as_are_to_be_ready() {
    let rig = Rig::new().await;
    for guest in ["typed", "p2", "p3"] {
        let component = rig.guest(guest).await;
        let plugin = Arc::new(rig.runtime.plugin(guest, &rig.spec(), &component, None).unwrap());
        assert_eq!(warm(&plugin, 4).await.unwrap(), 4, "{guest}");
        assert_eq!((warm(&plugin, 3).await.unwrap(), plugin.gauges().idle), (0, 4), "{guest}");
        assert_eq!(ask(&plugin, "GET", "/", "").await.status, 200, "{guest}");
        plugin.keep_ready(2);
        for _ in 0..5 {
            plugin.sweep();
        }
        assert_eq!(plugin.gauges().idle, 2, "{guest}");
        assert_eq!(ask(&plugin, "GET", "/", "").await.status, 200, "{guest}");
        plugin.keep_ready(0);
        plugin.sweep();
        plugin.sweep();
        assert_eq!(plugin.gauges().idle, 0, "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_a_release_that_has_gone_are_ended() {
    let rig = Rig::new().await;
    let memory = || rig.services.observe.metrics.plugin("typed").memory_bytes.get();
    for guest in ["typed", "p2", "p3"] {
        let component = rig.guest(guest).await;
        let old = Arc::new(rig.runtime.plugin("typed", &rig.spec(), &component, None).unwrap());
        let new = Arc::new(rig.runtime.plugin("typed", &rig.spec(), &component, Some(&old)).unwrap());
        nothing_left(&memory, guest).await;
        ask(&old, "GET", "/", "").await;
        warm(&old, 3).await.unwrap();
        assert!(memory() > 0, "{guest}");
        drop(old);
        nothing_left(&memory, guest).await;
        assert_eq!(ask(&new, "GET", "/", "").await.status, 200);
    }
}

/// Until no instance has memory: a streamed exchange ends a moment after its answer has been read.
async fn nothing_left(memory: impl Fn() -> i64, guest: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while memory() != 0 {
        assert!(std::time::Instant::now() < until, "{guest}: {} bytes are left", memory());
        tokio::task::yield_now().await;
    }
}
