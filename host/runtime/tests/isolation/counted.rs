//! What a release in isolation is shown counts nowhere, and nobody is asked for it.

use std::sync::Arc;
use std::time::Duration;

use ostler_release::flags::provider::{Other, Provider};
use ostler_release::flags::{Config, Flags, Note, Store};
use ostler_runtime::Plugin;
use ostler_services::{Clock, Database};

use crate::support::{Rig, ask};

/// A flag under experiment that is on for everybody.
async fn flags(home: &tempfile::TempDir) -> Flags {
    let database = Database::open(home.path()).unwrap();
    let store = Store::open(database, Clock::default(), &Config::default(), None).unwrap();
    let flag = br#"{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"experiment":true}}"#;
    store.set("new", flag, Note::default()).await.unwrap();
    store.flags().clone()
}

/// Live, on trial, in the shadow.
async fn releases(rig: &Rig) -> [Arc<Plugin>; 3] {
    let component = rig.guest("rollout").await;
    let (runtime, spec) = (&rig.runtime, rig.spec());
    [
        Arc::new(runtime.plugin("rollout", &spec, &component, None).unwrap()),
        runtime.smoke("rollout", &spec, &component, Vec::new()).await.unwrap().0,
        runtime.shadow("rollout", &spec, &component).unwrap().0,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_in_isolation_takes_part_in_no_experiment() {
    let home = tempfile::tempdir().unwrap();
    let rig = Rig::with(flags(&home).await).await;
    let [live, trial, shadow] = releases(&rig).await;
    for apart in [trial, shadow] {
        let got = ask(&apart, "GET", "/track?metric=m&new=1", "").await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_eq!(ask(&apart, "GET", "/boolean/new", "").await.body, "true");
    }
    assert!(rig.services.experiments.list().is_empty());
    assert!(!rig.services.observe.metrics.render().contains("flag=\"new\""));
    ask(&live, "GET", "/track?metric=m&new=1", "").await;
    assert_eq!(rig.services.experiments.list().len(), 1, "else the test could not fail");
    assert!(rig.services.observe.metrics.render().contains("flag=\"new\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_in_isolation_asks_no_other_provider_of_flags() {
    let home = tempfile::tempdir().unwrap();
    let near = Flags::default();
    near.use_other(Other::new(Arc::new(Provider::new(flags(&home).await)), Duration::from_secs(5)));
    let rig = Rig::with(near).await;
    let [live, trial, shadow] = releases(&rig).await;
    for apart in [&trial, &shadow] {
        for _ in 0..3 {
            let got = ask(apart, "GET", "/flag?key=new", "").await;
            assert!(got.body.contains("has not answered yet"), "{got:?}");
        }
    }
    assert_eq!(ask(&live, "GET", "/boolean/new", "").await.body, "true");
}
