//! What becomes of rollouts when something else fails: the database, a record, a release to go back to.

use std::collections::BTreeMap;

use ostler_core::Digest;
use ostler_core::rollout::{RolloutSpec, Share};
use ostler_identity::authenticate::{Failures, Needs};
use ostler_observe::Observe;
use ostler_policy::GateServices;
use ostler_policy::overload::Overload;
use ostler_release::{Error, Registry};
use ostler_runtime::{NoCache, Runtime, Services};
use ostler_services::{Blobs, Cache, Database, Kv, RateLimits, Sql};
use ostler_upstream::Upstream;
use tempfile::TempDir;

use super::*;
use crate::control::Setup;

const BY: (&str, &str) = ("anna", "it is slow");

/// A database with a plugin `p` that has two releases and a canary of the second one under way.
struct Home {
    database: Database,
    registry: Registry,
    rollout: Rollout,
    folder: TempDir,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path()).unwrap();
        let registry = Registry::open(database.clone()).unwrap();
        let stable = registry.record("p", NewRelease::default(), "old".into()).await.unwrap();
        let first = (None, stable.release.digest);
        let (rollout, event) = Rollout::begin("p", first, RolloutSpec::default(), 1_000, ("anna", ""));
        registry.begin_rollout(rollout, event).await.unwrap();
        let candidate = registry.record("p", NewRelease::default(), "new".into()).await.unwrap();
        let releases = (Some(stable.release.digest), candidate.release.digest);
        let spec = RolloutSpec { strategy: Strategy::Canary, ..RolloutSpec::default() };
        let (rollout, event) = Rollout::begin("p", releases, spec, 1_000, ("anna", ""));
        let rollout = registry.begin_rollout(rollout, event).await.unwrap();
        Home { database, registry, rollout, folder }
    }

    /// A host with the plugin, none of whose releases is a component.
    async fn start(&self) -> Control {
        let observe = Observe::to(&Default::default(), std::io::sink()).unwrap();
        let upstream = Upstream::new(Default::default()).unwrap();
        let failures = Failures::new(&observe.metrics);
        let (database, folder) = (self.database.clone(), self.folder.path());
        let services = GateServices {
            limits: RateLimits::default(),
            cache: Cache::default(),
            flags: Default::default(),
            identity: Needs::open(database.clone(), upstream.clone(), observe.clone(), failures).unwrap(),
            overload: Overload::measured(&observe.metrics),
        };
        let of_plugins = Services {
            experiments: Default::default(),
            kv: Kv::new(database),
            sql: Sql::new(folder),
            blobs: Blobs::new(folder),
            rate_limits: RateLimits::default(),
            cache: Cache::default(),
            flags: Default::default(),
            upstream,
            observe: observe.clone(),
        };
        let config = ostler_runtime::Config { instances: 16 };
        let runtime = Runtime::new(&config, of_plugins, std::sync::Arc::new(NoCache)).unwrap();
        let plugins = BTreeMap::from([("p".to_owned(), Default::default())]);
        let setup = Setup { plugins, ..Setup::default() };
        Control::start(runtime, self.registry.clone(), observe, services, setup).await.unwrap()
    }

    async fn sql(&self, sql: &'static str) {
        self.database.write(move |tx| Ok::<_, Error>(tx.execute_batch(sql)?)).await.unwrap();
    }

    /// A host that drives the canary. Its start would give it up, as none of the releases is a component.
    async fn driving(&self) -> Control {
        self.sql("UPDATE rollout SET ended_at = 1 WHERE ended_at IS NULL").await;
        let control = self.start().await;
        self.sql("UPDATE rollout SET ended_at = NULL WHERE ended_at = 1").await;
        control.0.rollouts.insert(Driven::of(self.rollout.clone(), Default::default(), 0));
        control
    }

    fn under_way(&self) -> Option<Rollout> {
        self.registry.rollout_under_way("p").unwrap()
    }

    fn events(&self) -> Vec<String> {
        let events = self.registry.rollout_events(self.rollout.id).unwrap();
        events.into_iter().map(|event| event.what).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_is_taken_back_though_it_cannot_be_recorded() {
    let home = Home::new().await;
    let control = home.driving().await;
    home.sql(
        "CREATE TRIGGER full BEFORE UPDATE ON rollout BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
    )
    .await;
    let Err(told) = control.steer("p", None, Wish::Abort, BY).await else { panic!("it was recorded") };
    assert!(matches!(&told, Refusal::Unavailable(text) if text.starts_with("aborted, but")), "{told}");
    let driven = control.0.rollouts.get("p").unwrap();
    assert_eq!((driven.rollout.state, driven.rollout.share()), (State::Aborted, Share::NONE));
    assert_eq!(home.under_way().map(|rollout| rollout.state), Some(State::Running));
    assert!(control.tick("p").await.is_err(), "it is tried again");
    home.sql("DROP TRIGGER full").await;
    let mut due = control.0.rollouts.get("p").unwrap();
    due.checked_ms = 0;
    control.0.rollouts.insert(due);
    control.tick("p").await.unwrap();
    assert_eq!((home.under_way(), home.events()), (None, vec!["begun".into(), "aborted".into()]));
    assert!(control.0.rollouts.get("p").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_to_what_cannot_run_ends_nothing() {
    let home = Home::new().await;
    let control = home.driving().await;
    let third =
        home.registry.record("p", NewRelease::default(), "third".into()).await.unwrap().release.digest;
    let stranger = Digest::of(b"stranger");
    for (to, not_found) in [(stranger, true), (third, false)] {
        let Err(told) = control.rollback("p", Some(to), BY).await else { panic!("{to} is no component") };
        assert_eq!(matches!(told, Refusal::NotFound(_)), not_found, "{told}");
    }
    let to_candidate = control.rollback("p", Some(home.rollout.candidate), BY).await;
    assert!(matches!(to_candidate, Err(Refusal::Conflict(_))), "it does not run");
    assert_eq!((home.under_way(), home.events()), (Some(home.rollout.clone()), vec!["begun".into()]));
    control.rollback("p", None, BY).await.unwrap();
    assert_eq!((home.under_way(), home.events()), (None, vec!["begun".into(), "aborted".into()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_that_nobody_drives_can_be_given_up_and_no_other() {
    let home = Home::new().await;
    let control = home.driving().await;
    control.0.rollouts.remove("p");
    let told = control.steer("p", Some(home.rollout.id + 1), Wish::Abort, BY).await;
    assert!(matches!(told, Err(Refusal::Conflict(_))), "another one was meant");
    let told = control.steer("p", None, Wish::Promote, BY).await;
    assert!(matches!(told, Err(Refusal::Conflict(_))), "nothing is on trial");
    assert!(matches!(control.may_begin("p"), Err(Refusal::Conflict(_))));
    control.steer("p", Some(home.rollout.id), Wish::Abort, BY).await.unwrap();
    assert_eq!((home.under_way(), control.may_begin("p").is_ok()), (None, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_gives_up_what_it_does_not_understand_and_starts() {
    let home = Home::new().await;
    home.sql("UPDATE rollout SET spec = '{\"strategy\": \"soaking\"}'").await;
    let _control = home.start().await;
    assert_eq!(home.under_way(), None);
    let events = home.registry.rollout_events(home.rollout.id).unwrap();
    let last = events.last().unwrap();
    assert!(last.what == "aborted" && last.why.contains("soaking"), "{last:?}");
}
