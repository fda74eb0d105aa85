//! Another provider in place of our evaluator: asked over the network, its answers kept.
//!
//! Whoever can wait asks [`Other::prepare`] first; then, and for whoever cannot wait, the last answer counts: a fresh one as it is,
//! an older one as `STALE` while it is asked for again, none as the default with `PROVIDER_NOT_READY`. **Invariant:** a provider that
//! is slow or gone costs a caller at most the deadline, and what is kept and asked for at once is bounded.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::sync::Cache;
use open_feature::EvaluationContext;
use open_feature::provider::FeatureProvider;
use ostler_core::settings::Section;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::convert;
use crate::flags::context::{Attribute, Context};
use crate::flags::resolution::{ErrorCode, Reason, Resolution};

/// How long an answer counts as it is.
const FRESH: Duration = Duration::from_secs(1);

/// How long an answer counts while no newer one can be had.
const KEPT: Duration = Duration::from_secs(300);

/// Most answers kept.
const ANSWERS_MAX: u64 = 100_000;

/// Most questions asked of the provider at once.
const ASKED_MAX: usize = 64;

/// `[flags] provider`.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `kind`: what it is. Needed.
    pub kind: ProviderKind,
    /// `url`: where it answers OFREP, `http://` or `https://`. Needed.
    pub url: String,
    /// `token`: sent as bearer token, for `ofrep`. Default: none.
    pub token: Option<String>,
    /// `deadline`: time for one answer. Default: 250 ms.
    pub deadline: Duration,
}

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// flagd, over its OFREP interface.
    Flagd,
    /// Any server that speaks the OpenFeature Remote Evaluation Protocol.
    Ofrep,
}

/// The type that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A text.
    String,
    /// A number.
    Number,
    /// An object.
    Object,
}

/// Another provider. Cheap to clone.
#[derive(Clone)]
pub struct Other(Arc<Inner>);

struct Inner {
    provider: Arc<dyn FeatureProvider>,
    deadline: Duration,
    answers: Cache<(u64, u64), Arc<Answer>>,
    /// What is being asked for in the background, or was a moment ago.
    asking: Cache<(u64, u64), ()>,
    hashers: [RandomState; 2],
    places: Arc<Semaphore>,
}

struct Answer {
    said: Resolution<Option<Arc<Value>>>,
    at: Instant,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("kind", &self.kind)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Default of `deadline`.
    pub const DEADLINE: Duration = Duration::from_millis(250);

    /// Reads `[flags] provider`.
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        section.missing("kind", "\"flagd\" or \"ofrep\"");
        section.missing("url", "a URL such as \"http://127.0.0.1:8016\"");
        let kind = section.choice("kind", &[("flagd", ProviderKind::Flagd), ("ofrep", ProviderKind::Ofrep)]);
        let url = section.string("url").map(|url| url.value.trim_end_matches('/').to_owned());
        if let Some(text) = url.as_ref().filter(|text| !is_url(text)) {
            // It may hold a password.
            let found = format!("something else, of {} bytes", text.len());
            section.problem(
                "url",
                found,
                "http://HOST:PORT or https://HOST:PORT",
                "write \"http://127.0.0.1:8016\"",
            );
        }
        let token = section.string("token").map(|token| token.value);
        if token.is_some() && kind == Some(ProviderKind::Flagd) {
            section.problem(
                "token",
                "a token for flagd",
                "token beside kind = \"ofrep\"",
                "write kind = \"ofrep\"",
            );
        }
        let range = Duration::from_millis(1)..=Duration::from_secs(10);
        let deadline = section.duration("deadline", range).unwrap_or(Config::DEADLINE);
        section.finish();
        Some(Config { kind: kind?, url: url?, token, deadline })
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']) && text.parse::<http::Uri>().is_ok()
    })
}

impl Other {
    /// Answers of `provider`, each within `deadline`.
    pub fn new(provider: Arc<dyn FeatureProvider>, deadline: Duration) -> Self {
        let answers = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(KEPT).build();
        let asking = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(deadline).build();
        let (hashers, places) = (Default::default(), Arc::new(Semaphore::new(ASKED_MAX)));
        Other(Arc::new(Inner { provider, deadline, answers, asking, hashers, places }))
    }

    /// Asks the provider unless its last answer is fresh; afterwards [`Other::answer`] has what it said. Waits at most the deadline.
    pub fn prepare(
        &self,
        key: &str,
        kind: Kind,
        context: &dyn Context,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let place = self.place(key, kind, context);
        let asked = (!self.is_fresh(place)).then(|| self.ask(place, key, kind, convert::context(context)));
        async move {
            if let Some(asked) = asked {
                asked.await;
            }
        }
    }

    /// The last answer; asks for a newer one in the background if it is not fresh.
    pub(in crate::flags) fn answer(
        &self,
        key: &str,
        kind: Kind,
        context: &dyn Context,
    ) -> Resolution<Option<Arc<Value>>> {
        let place = self.place(key, kind, context);
        let last = self.0.answers.get(&place);
        if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < FRESH) {
            return last.said.clone();
        }
        if context.may_ask()
            && !self.0.asking.contains_key(&place)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            self.0.asking.insert(place, ());
            runtime.spawn(self.ask(place, key, kind, convert::context(context)));
        }
        match last {
            Some(last) if last.said.error.is_none() => {
                Resolution { reason: Reason::Stale, ..last.said.clone() }
            }
            _ => Resolution::failed(
                None,
                ErrorCode::ProviderNotReady,
                "the provider of flags has not answered yet",
            ),
        }
    }

    fn is_fresh(&self, place: (u64, u64)) -> bool {
        self.0.answers.get(&place).is_some_and(|last| last.at.elapsed() < FRESH)
    }

    fn ask(
        &self,
        place: (u64, u64),
        key: &str,
        kind: Kind,
        context: EvaluationContext,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (inner, key) = (self.0.clone(), path_segment(key));
        async move {
            let asked = async {
                // Whoever finds no place in time has not been answered.
                let _place = inner.places.acquire().await;
                resolve(&*inner.provider, &key, kind, &context).await
            };
            let Ok(said) = tokio::time::timeout(inner.deadline, asked).await else {
                return tracing::debug!(flag = key, "the provider of flags did not answer in time");
            };
            let kept = inner.answers.get(&place);
            // What cannot be reached leaves its last answer; an answer that there is no such flag replaces it.
            let lost = said.error == Some(ErrorCode::General);
            if !(lost && kept.is_some_and(|kept| kept.said.error.is_none())) {
                inner.answers.insert(place, Arc::new(Answer { said, at: Instant::now() }));
            }
        }
    }

    /// Where the answer to a question is kept: 128 bits of keyed hashes, which nobody outside can aim at.
    fn place(&self, key: &str, kind: Kind, context: &dyn Context) -> (u64, u64) {
        let mut hashers = self.0.hashers.each_ref().map(BuildHasher::build_hasher);
        for hasher in &mut hashers {
            (key, kind, context.targeting_key()).hash(hasher);
            context.visit(&mut |name, value| {
                name.hash(hasher);
                hash(value, hasher);
            });
        }
        (hashers[0].finish(), hashers[1].finish())
    }
}

fn hash(value: Attribute<'_>, hasher: &mut impl Hasher) {
    match value {
        Attribute::Text(text) => text.hash(hasher),
        Attribute::Number(number) => number.to_bits().hash(hasher),
        Attribute::Boolean(yes) => yes.hash(hasher),
        Attribute::Texts(texts) => texts.hash(hasher),
        Attribute::Json(json) => json.hash(hasher),
    }
}

/// The key as the providers put it into a path: `/` must not divide it.
fn path_segment(key: &str) -> String {
    key.replace('/', "%2F")
}

async fn resolve(
    provider: &dyn FeatureProvider,
    key: &str,
    kind: Kind,
    context: &EvaluationContext,
) -> Resolution<Option<Arc<Value>>> {
    if !ostler_core::when::is_flag_key(&key.replace("%2F", "/")) || matches!(key, "." | "..") {
        return Resolution::failed(None, ErrorCode::FlagNotFound, "no flag has such a key");
    }
    macro_rules! said {
        ($resolve:ident, $read:expr) => {
            provider.$resolve(key, context).await.map(|details| {
                let open_feature::provider::ResolutionDetails { value, variant, reason, flag_metadata } =
                    details;
                open_feature::provider::ResolutionDetails {
                    value: $read(value),
                    variant,
                    reason,
                    flag_metadata,
                }
            })
        };
    }
    convert::resolution(match kind {
        Kind::Boolean => said!(resolve_bool_value, Value::from),
        Kind::String => said!(resolve_string_value, Value::from),
        Kind::Number => said!(resolve_float_value, Value::from),
        Kind::Object => said!(resolve_struct_value, |fields| convert::object(&fields)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flags::provider::Provider;
    use crate::flags::{Attributes, FlagSet, Flags, Nobody};

    fn flag(default: &str) -> Flags {
        let variants = json!({"on": true, "off": false});
        crate::flags::tests::flags(
            json!({"flags": {"f": {"state": "ENABLED", "variants": variants, "defaultVariant": default,
            "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on"]}}}}),
        )
    }

    /// Flags that ask `far` instead of their own.
    fn near(far: &Flags) -> Flags {
        let flags = Flags::default();
        flags.use_other(Other::new(Arc::new(Provider::new(far.clone())), Duration::from_millis(100)));
        flags
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_the_answer_and_whoever_does_not_gets_the_last_one() {
        let far = flag("off");
        let flags = near(&far);
        let gold = Attributes::from_json(json!({"tier": "gold"})).unwrap();
        let first = flags.boolean("f", false, &gold);
        assert_eq!((first.value, first.error), (false, Some(ErrorCode::ProviderNotReady)));
        flags.prepare("f", Kind::Boolean, &gold).await;
        assert_eq!(flags.boolean("f", false, &gold).reason, Reason::TargetingMatch);
        // What was asked for in the background comes in.
        tokio::task::yield_now().await;
        flags.prepare("f", Kind::Boolean, &Nobody).await;
        assert!(!flags.boolean("f", true, &Nobody).value, "another context is another question");

        far.put(FlagSet::default());
        assert!(flags.boolean("f", false, &gold).value, "the last answer is fresh");
        tokio::time::advance(FRESH).await;
        let stale = flags.boolean("f", false, &gold);
        assert_eq!((stale.value, stale.reason), (true, Reason::Stale));
        flags.prepare("f", Kind::Boolean, &gold).await;
        assert_eq!(flags.boolean("f", false, &gold).error, Some(ErrorCode::FlagNotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_would_leave_their_place_in_a_path_are_no_flags() {
        let flags = near(&flag("on"));
        for key in ["..", ".", "a?b", "a#b", "", "%2e%2e", "a b"] {
            flags.prepare(key, Kind::Boolean, &Nobody).await;
            assert_eq!(flags.boolean(key, false, &Nobody).error, Some(ErrorCode::FlagNotFound), "{key:?}");
        }
        assert_eq!(path_segment("../../x"), "..%2F..%2Fx");
    }
}
