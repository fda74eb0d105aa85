//! Another provider in place of our evaluator: asked over the network, its answers kept.
//!
//! Whoever can wait asks [`Other::prepare`] first; then, and for whoever cannot wait, the last answer counts: a fresh one as it is,
//! an older one as `STALE` while it is asked for again, none as the default with `PROVIDER_NOT_READY`. **Invariant:** a provider that
//! is slow or gone costs a caller at most the deadline, and all callers of one second together not much more; each question is under
//! way once; what is kept and asked for at once is bounded.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::sync::Cache;
use open_feature::provider::FeatureProvider;
use open_feature::{EvaluationContext, EvaluationContextFieldValue as Field};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::convert;
use crate::flags::context::Context;
use crate::flags::resolution::{ErrorCode, Reason, Resolution};

/// How long an answer counts as it is, and how long nobody waits for a provider that has not answered.
const FRESH: Duration = Duration::from_secs(1);

/// How long an answer counts while no newer one can be had.
const KEPT: Duration = Duration::from_secs(300);

/// Most answers kept.
const ANSWERS_MAX: u64 = 100_000;

/// Most questions asked of the provider at once.
const ASKED_MAX: usize = 64;

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
    answers: Cache<Place, Arc<Answer>>,
    /// What is being asked for, or had no answer a moment ago.
    flights: Cache<Place, Flight>,
    /// When the provider has last let a deadline pass, if it has said nothing since.
    silent: Mutex<Option<Instant>>,
    hashers: [RandomState; 2],
    places: Arc<Semaphore>,
}

/// Where the answer to a question is kept: 128 bits of keyed hashes, which nobody outside can aim at.
type Place = (u64, u64);

struct Answer {
    said: Resolution<Option<Arc<Value>>>,
    at: Instant,
}

/// A question under way.
#[derive(Clone)]
struct Flight {
    since: Instant,
    /// Closed once it has ended.
    ended: watch::Receiver<()>,
}

impl Answer {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }
}

impl Other {
    /// Answers of `provider`, each within `deadline`.
    pub fn new(provider: Arc<dyn FeatureProvider>, deadline: Duration) -> Self {
        let answers = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(KEPT).build();
        let flights = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(deadline + FRESH).build();
        let (hashers, places) = (Default::default(), Arc::new(Semaphore::new(ASKED_MAX)));
        Other(Arc::new(Inner {
            provider,
            deadline,
            answers,
            flights,
            silent: Mutex::default(),
            hashers,
            places,
        }))
    }

    /// Makes sure that [`Other::answer`] has an answer: waits for the first one, at most the deadline, and not at all for a
    /// provider that has just let one pass. One that is kept already is only asked for again.
    pub fn prepare(
        &self,
        key: &str,
        kind: Kind,
        context: &dyn Context,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let flight = self.asked(key, kind, context).and_then(|(last, flight)| {
            let waits = last.is_none_or(|last| !is_answer(&last.said)) && !self.0.is_silent();
            flight.filter(|_| waits)
        });
        async move {
            if let Some(mut flight) = flight {
                // Nothing is sent; the end closes it.
                let _ = flight.ended.changed().await;
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
        let Some((last, _)) = self.asked(key, kind, context) else {
            return Resolution::failed(None, ErrorCode::FlagNotFound, "no flag has such a key");
        };
        match last {
            Some(last) if last.is_fresh() || last.said.error.is_some() => last.said.clone(),
            Some(last) => Resolution { reason: Reason::Stale, ..last.said.clone() },
            None => Resolution::failed(
                None,
                ErrorCode::ProviderNotReady,
                "the provider of flags has not answered yet",
            ),
        }
    }

    /// The last answer, and the question that asks for a newer one unless that is fresh; none for what cannot be a flag's key.
    fn asked(
        &self,
        key: &str,
        kind: Kind,
        context: &dyn Context,
    ) -> Option<(Option<Arc<Answer>>, Option<Flight>)> {
        if !ostler_core::when::is_flag_key(key) || matches!(key, "." | "..") {
            return None;
        }
        let may_ask = context.may_ask();
        let context = convert::context(context);
        let place = self.place(key, kind, &context);
        let last = self.0.answers.get(&place);
        let fresh = last.as_ref().is_some_and(|last| last.is_fresh());
        let flight = if fresh || !may_ask { None } else { self.fly(place, key, kind, context) };
        Some((last, flight))
    }

    /// Asks, unless the same is under way or has just been asked in vain.
    fn fly(&self, place: Place, key: &str, kind: Kind, context: EvaluationContext) -> Option<Flight> {
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (end, ended) = watch::channel(());
        let over = self.0.deadline + FRESH;
        let flight = self.0.flights.entry(place).or_insert_with_if(
            || Flight { since: Instant::now(), ended },
            |flight| flight.since.elapsed() >= over,
        );
        if flight.is_fresh() {
            runtime.spawn(self.ask(place, path_segment(key), kind, context, end));
        }
        Some(flight.into_value())
    }

    fn ask(
        &self,
        place: Place,
        key: String,
        kind: Kind,
        context: EvaluationContext,
        end: watch::Sender<()>,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let inner = self.0.clone();
        async move {
            let asked = async {
                // Whoever finds no place in time has not been answered.
                let _place = inner.places.acquire().await;
                resolve(&*inner.provider, &key, kind, &context).await
            };
            let asked = tokio::time::timeout(inner.deadline, asked).await;
            inner.set_silent(asked.is_err());
            match asked {
                Ok(said) => inner.keep(place, said),
                Err(_) => tracing::debug!(flag = key, "the provider of flags did not answer in time"),
            }
            drop(end);
        }
    }

    fn place(&self, key: &str, kind: Kind, context: &EvaluationContext) -> Place {
        let mut fields: Vec<_> = context.custom_fields.iter().collect();
        fields.sort_unstable_by_key(|(name, _)| name.as_str());
        let mut hashers = self.0.hashers.each_ref().map(BuildHasher::build_hasher);
        for hasher in &mut hashers {
            (key, kind, &context.targeting_key).hash(hasher);
            for (name, value) in &fields {
                name.hash(hasher);
                hash(value, hasher);
            }
        }
        (hashers[0].finish(), hashers[1].finish())
    }
}

impl Inner {
    /// A server that is down, or whatever stands before it, leaves the last answer as it is.
    fn keep(&self, place: Place, said: Resolution<Option<Arc<Value>>>) {
        let answered = is_answer(&said);
        if answered || self.answers.get(&place).is_none_or(|last| !is_answer(&last.said)) {
            self.answers.insert(place, Arc::new(Answer { said, at: Instant::now() }));
        }
        if answered {
            self.flights.invalidate(&place);
        }
    }

    fn is_silent(&self) -> bool {
        let since = *self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < FRESH)
    }

    fn set_silent(&self, silent: bool) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = silent.then(Instant::now);
    }
}

/// Whether the provider has said something of the flag: a value, that there is none, or that there is no such flag.
pub(super) fn is_answer(said: &Resolution<Option<Arc<Value>>>) -> bool {
    match said.error {
        None | Some(ErrorCode::FlagNotFound) => true,
        // What `open-feature-ofrep` says of an answer without a value: the flag is disabled, and flagd leaves it to who asks.
        Some(ErrorCode::ParseError) => {
            said.message.as_ref().is_some_and(|message| message.starts_with("Invalid value"))
        }
        Some(_) => false,
    }
}

/// [`convert::context`] makes fields of these kinds only.
fn hash(value: &Field, hasher: &mut impl Hasher) {
    match value {
        Field::Bool(yes) => yes.hash(hasher),
        Field::Int(number) => number.hash(hasher),
        Field::Float(number) => number.to_bits().hash(hasher),
        Field::String(text) => text.hash(hasher),
        Field::DateTime(_) | Field::Struct(_) => {}
    }
}

/// The key as the providers put it into a path: `/` must not divide it.
pub(super) fn path_segment(key: &str) -> String {
    key.replace('/', "%2F")
}

async fn resolve(
    provider: &dyn FeatureProvider,
    key: &str,
    kind: Kind,
    context: &EvaluationContext,
) -> Resolution<Option<Arc<Value>>> {
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
