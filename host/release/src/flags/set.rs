//! The flags in force: one immutable set behind a pointer, and the questions.
//!
//! **Invariant:** a question sees one set; a change never waits for questions, nor they for it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use serde_json::Value;

use super::context::Context;
use super::definition::Flag;
use super::provider::{Kind, Other};
use super::resolution::{ErrorCode, Resolution};

type ByKey = std::collections::HashMap<Arc<str>, Arc<Flag>, RandomState>;

/// All flags of this host. Cheap to clone; clones share what is in force.
#[derive(Clone, Default)]
pub struct Flags {
    set: Arc<ArcSwap<FlagSet>>,
    other: Arc<OnceLock<Other>>,
}

/// Where a flag was defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In this file.
    File(Arc<Path>),
    /// Over the API; `version` counts its changes.
    Api {
        /// Which change it is from, from 1.
        version: u64,
    },
}

impl Source {
    /// Which change over the API it is from, as a change made for it says; 0 where the API does not define the flag.
    pub fn version(&self) -> u64 {
        match self {
            Source::Api { version } => *version,
            Source::File(_) => 0,
        }
    }
}

/// The flags that were in force at one moment.
#[derive(Default)]
pub struct FlagSet {
    flags: ByKey,
    digest: u128,
}

impl FlagSet {
    /// A set of these flags; of two with one key the later stands.
    pub fn new(flags: impl IntoIterator<Item = Arc<Flag>>) -> Self {
        let mut by_key = ByKey::default();
        for flag in flags {
            by_key.insert(flag.key().clone(), flag);
        }
        let digest = by_key.values().fold(0u128, |digest, flag| digest.wrapping_add(flag.digest()));
        FlagSet { flags: by_key, digest }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    /// The flag of this key.
    pub fn get(&self, key: &str) -> Option<&Arc<Flag>> {
        self.flags.get(key)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flag>> {
        self.flags.values()
    }

    /// All of them by key.
    pub fn sorted(&self) -> Vec<&Arc<Flag>> {
        let mut flags: Vec<_> = self.flags.values().collect();
        flags.sort_by(|a, b| a.key().cmp(b.key()));
        flags
    }

    /// What tells this set from any other: 32 hexadecimal digits, the same on every host that has the same definitions.
    pub fn version(&self) -> String {
        format!("{:032x}", self.digest)
    }

    /// What the flag `key` says of `context`, whatever its type; a value of `None` is the default of whoever asks.
    pub fn resolve(&self, key: &str, context: &dyn Context) -> Resolution<Option<Arc<Value>>> {
        match self.flags.get(key) {
            Some(flag) => flag.ask(context).map(Option::<&Arc<Value>>::cloned),
            None => Resolution::failed(None, ErrorCode::FlagNotFound, not_found(key)),
        }
    }

    /// The same as a `T`; `read` tells whether a value is one.
    fn typed<T>(
        &self,
        key: &str,
        default: T,
        context: &dyn Context,
        wanted: Kind,
        read: impl FnOnce(&Arc<Value>) -> Option<T>,
    ) -> Resolution<T> {
        let Some(flag) = self.flags.get(key) else {
            return Resolution::failed(default, ErrorCode::FlagNotFound, not_found(key));
        };
        typed(key, default, flag.ask(context), wanted, read)
    }
}

/// What was said, as a `T`.
fn typed<T>(
    key: &str,
    default: T,
    said: Resolution<Option<&Arc<Value>>>,
    wanted: Kind,
    read: impl FnOnce(&Arc<Value>) -> Option<T>,
) -> Resolution<T> {
    let value = match said.value {
        None => default,
        Some(value) => match read(value) {
            Some(value) => value,
            None => {
                let message = format!("flag {key:?} is of another type than {wanted:?}");
                let failed = Resolution::failed(default, ErrorCode::TypeMismatch, message);
                return Resolution { metadata: said.metadata, ..failed };
            }
        },
    };
    said.map(|_| value)
}

impl Flags {
    /// What is in force now, for several questions of one set.
    pub fn all(&self) -> Arc<FlagSet> {
        self.set.load_full()
    }

    /// Puts another set in force, for whoever asks next.
    pub(super) fn put(&self, set: FlagSet) {
        self.set.store(Arc::new(set));
    }

    /// Asks `other` from now on, in place of the flags of this host; once only.
    pub fn use_other(&self, other: Other) {
        let _ = self.other.set(other);
    }

    /// Makes sure that the next question is answered by what another provider says now, if one is configured: for whoever can wait.
    /// Without one it is nothing.
    pub fn prepare(
        &self,
        key: &str,
        kind: Kind,
        context: &dyn Context,
    ) -> impl Future<Output = ()> + Send + use<> {
        let asked = self.other.get().map(|other| other.prepare(key, kind, context));
        async move {
            if let Some(asked) = asked {
                asked.await;
            }
        }
    }

    /// Whether another provider answers in place of the flags of this host.
    pub fn is_other(&self) -> bool {
        self.other.get().is_some()
    }

    fn ask<T>(
        &self,
        key: &str,
        default: T,
        context: &dyn Context,
        kind: Kind,
        read: impl FnOnce(&Arc<Value>) -> Option<T>,
    ) -> Resolution<T> {
        match self.other.get() {
            None => self.set.load().typed(key, default, context, kind, read),
            Some(other) => {
                let said = other.answer(key, kind, context);
                let value = said.value.clone();
                typed(key, default, said.map(|_| value.as_ref()), kind, read)
            }
        }
    }

    /// Asks a flag whose values are booleans.
    pub fn boolean(&self, key: &str, default: bool, context: &dyn Context) -> Resolution<bool> {
        self.ask(key, default, context, Kind::Boolean, |value| value.as_bool())
    }

    /// Asks a flag whose values are texts.
    pub fn string(&self, key: &str, default: String, context: &dyn Context) -> Resolution<String> {
        self.ask(key, default, context, Kind::String, |value| value.as_str().map(str::to_owned))
    }

    /// Asks a flag whose values are numbers.
    pub fn number(&self, key: &str, default: f64, context: &dyn Context) -> Resolution<f64> {
        self.ask(key, default, context, Kind::Number, |value| value.as_f64())
    }

    /// Asks a flag whose values are objects.
    pub fn object(&self, key: &str, default: Arc<Value>, context: &dyn Context) -> Resolution<Arc<Value>> {
        self.ask(key, default, context, Kind::Object, |value| value.is_object().then(|| value.clone()))
    }

    /// Asks a flag of this host, of any type; a value of `None` is the default of whoever asks. Another provider is not asked.
    pub fn resolve(&self, key: &str, context: &dyn Context) -> Resolution<Option<Arc<Value>>> {
        self.set.load().resolve(key, context)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.set.load().fmt(f)
    }
}

impl fmt::Debug for FlagSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagSet").field("flags", &self.len()).field("version", &self.version()).finish()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => path.display().fmt(f),
            Source::Api { .. } => f.write_str("api"),
        }
    }
}

fn not_found(key: &str) -> String {
    format!("there is no flag {}", super::problem::quote(key))
}
