//! Another provider that answers, is wrong, is slow or says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationResult, StructValue};
use serde_json::json;
use tokio::time::Instant;

use super::{Kind, Other, Provider};
use crate::flags::{Attributes, ErrorCode, FlagSet, Flags, Nobody, Reason};

const DEADLINE: Duration = Duration::from_millis(100);

/// Longer than an answer counts as it is.
const LATER: Duration = Duration::from_secs(2);

fn flag(default: &str) -> Flags {
    let variants = json!({"on": true, "off": false});
    crate::flags::tests::flags(
        json!({"flags": {"f": {"state": "ENABLED", "variants": variants, "defaultVariant": default,
        "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on"]}}}}),
    )
}

/// Flags that ask `far` instead of their own.
fn near(far: impl FeatureProvider) -> Flags {
    let flags = Flags::default();
    flags.use_other(Other::new(Arc::new(far), DEADLINE));
    flags
}

fn attributes(values: serde_json::Value) -> Attributes {
    Attributes::from_json(values).unwrap()
}

/// What is under way in the background ends.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_answer_and_whoever_does_not_gets_the_last_one() {
    let far = flag("off");
    let flags = near(Provider::new(far.clone()));
    let gold = attributes(json!({"tier": "gold"}));
    let first = flags.boolean("f", false, &gold);
    assert_eq!((first.value, first.error), (false, Some(ErrorCode::ProviderNotReady)));
    flags.prepare("f", Kind::Boolean, &gold).await;
    assert_eq!(flags.boolean("f", false, &gold).reason, Reason::TargetingMatch);
    flags.prepare("f", Kind::Boolean, &Nobody).await;
    assert!(!flags.boolean("f", true, &Nobody).value, "another context is another question");

    far.put(FlagSet::default());
    assert!(flags.boolean("f", false, &gold).value, "the last answer is fresh");
    tokio::time::advance(LATER).await;
    let stale = flags.boolean("f", false, &gold);
    assert_eq!((stale.value, stale.reason), (true, Reason::Stale));
    settle().await;
    assert_eq!(flags.boolean("f", false, &gold).error, Some(ErrorCode::FlagNotFound));
}

#[tokio::test(start_paused = true)]
async fn keys_that_would_leave_their_place_in_a_path_are_no_flags() {
    let flags = near(Provider::new(flag("on")));
    for key in ["..", ".", "a?b", "a#b", "", "%2e%2e", "a b"] {
        flags.prepare(key, Kind::Boolean, &Nobody).await;
        assert_eq!(flags.boolean(key, false, &Nobody).error, Some(ErrorCode::FlagNotFound), "{key:?}");
    }
    assert_eq!(super::other::path_segment("../../x"), "..%2F..%2Fx");
}

#[tokio::test(start_paused = true)]
async fn one_client_has_one_answer_whatever_it_asks_for() {
    let flags = near(Provider::new(flag("on")));
    let request = |path: &str, agent: &str| {
        attributes(json!({"targetingKey": "192.0.2.1", "route": "/{*rest}", "method": "GET", "path": path,
            "header": {"user-agent": agent}}))
    };
    flags.prepare("f", Kind::Boolean, &request("/a", "one")).await;
    let other = flags.boolean("f", false, &request("/b?c=d", "two"));
    assert_eq!((other.value, other.error), (true, None));
    let gold = attributes(json!({"targetingKey": "192.0.2.1", "route": "/{*rest}", "tier": "gold"}));
    assert_eq!(flags.boolean("f", false, &gold).error, Some(ErrorCode::ProviderNotReady));
}

/// Answers `true` at first, then whatever it is told to.
struct Scripted {
    metadata: ProviderMetadata,
    asked: Arc<AtomicUsize>,
    then: fn() -> Option<EvaluationError>,
}

impl Scripted {
    fn new(then: fn() -> Option<EvaluationError>) -> (Self, Arc<AtomicUsize>) {
        let asked = Arc::<AtomicUsize>::default();
        (Scripted { metadata: ProviderMetadata::new("scripted"), asked: asked.clone(), then }, asked)
    }
}

#[open_feature::async_trait]
impl FeatureProvider for Scripted {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        key: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        match (key, self.asked.fetch_add(1, Relaxed)) {
            ("slow", _) => std::future::pending().await,
            (_, 0) => Ok(ResolutionDetails::new(true)),
            _ => Err((self.then)().unwrap()),
        }
    }

    async fn resolve_int_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        unreachable!()
    }

    async fn resolve_float_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        unreachable!()
    }

    async fn resolve_string_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        unreachable!()
    }

    async fn resolve_struct_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        unreachable!()
    }
}

fn error(code: EvaluationErrorCode, message: &str) -> Option<EvaluationError> {
    Some(EvaluationError { code, message: Some(message.into()) })
}

#[tokio::test(start_paused = true)]
async fn what_a_broken_server_says_does_not_replace_a_good_answer() {
    let broken: [fn() -> _; 4] = [
        || error(EvaluationErrorCode::General("x".into()), "connection refused"),
        || error(EvaluationErrorCode::ParseError, "error decoding response body"),
        || error(EvaluationErrorCode::InvalidContext, "Invalid context"),
        || error(EvaluationErrorCode::ProviderNotReady, ""),
    ];
    let said: [fn() -> _; 2] = [
        || error(EvaluationErrorCode::FlagNotFound, ""),
        || error(EvaluationErrorCode::ParseError, "Invalid value bool"),
    ];
    for (then, replaces) in broken.map(|then| (then, false)).into_iter().chain(said.map(|then| (then, true)))
    {
        let flags = near(Scripted::new(then).0);
        flags.prepare("f", Kind::Boolean, &Nobody).await;
        assert!(flags.boolean("f", false, &Nobody).value);
        tokio::time::advance(LATER).await;
        flags.prepare("f", Kind::Boolean, &Nobody).await;
        settle().await;
        let last = flags.boolean("f", false, &Nobody);
        assert_eq!((last.value, last.error.is_some()), (!replaces, replaces), "{:?}", then());
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_costs_all_callers_of_a_second_one_deadline() {
    let (far, asked) = Scripted::new(|| None);
    let flags = near(far);
    let began = Instant::now();
    let together = (0..10).map(|_| flags.prepare("slow", Kind::Boolean, &Nobody));
    futures::future::join_all(together).await;
    assert_eq!((asked.load(Relaxed), began.elapsed()), (1, DEADLINE), "each question is under way once");
    for client in 0..8 {
        let client = attributes(json!({"targetingKey": format!("u{client}")}));
        flags.prepare("slow", Kind::Boolean, &client).await;
    }
    flags.prepare("slow", Kind::Boolean, &Nobody).await;
    assert_eq!(began.elapsed(), DEADLINE, "nobody waits for what has just not answered");
    assert_eq!(flags.boolean("slow", false, &Nobody).error, Some(ErrorCode::ProviderNotReady));
    settle().await;
    assert_eq!(asked.load(Relaxed), 9, "but it is asked by others");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_an_answer_does_not_wait_for_a_newer_one() {
    let (far, asked) = Scripted::new(|| error(EvaluationErrorCode::General("x".into()), ""));
    let flags = near(far);
    flags.prepare("f", Kind::Boolean, &Nobody).await;
    tokio::time::advance(LATER).await;
    let mut prepared = Box::pin(flags.prepare("f", Kind::Boolean, &Nobody));
    assert!(futures::poll!(&mut prepared).is_ready());
    assert_eq!(flags.boolean("f", false, &Nobody).reason, Reason::Stale);
    settle().await;
    assert_eq!(asked.load(Relaxed), 2, "it is asked for in the background");
}
