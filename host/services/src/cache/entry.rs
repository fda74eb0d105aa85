//! What is kept under one key, with what decides whether it still counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::Clock;

/// Bytes that an entry takes beside what it holds.
const OVERHEAD: usize = 200;

/// Something kept.
pub struct Entry {
    /// What purges by key and prefix compare; see [`super::answer_name`].
    pub(super) name: Box<str>,
    /// What purges by tag compare.
    pub(super) tags: Box<[Box<str>]>,
    /// Unix milliseconds from which on it is gone.
    pub(super) expires_ms: i64,
    /// The last purge that it has survived.
    position: AtomicU64,
    /// The rest.
    pub held: Held,
}

/// What an entry is.
pub enum Held {
    /// A plugin's value.
    Bytes(Bytes),
    /// A plugin's answer.
    Answer(Answer),
    /// Answers differ by these request fields, and lie under keys that hold them and the number, without which none of them is
    /// found any more.
    Vary(Box<[HeaderName]>, u64),
    /// Answers were not to be kept, so that nobody needs to wait for one. Stays on this host.
    Pass,
}

/// A kept answer.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without those that are made anew for each reply.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
    /// Unix milliseconds at which it came or was last validated.
    pub stored_ms: i64,
    /// Its age then, in milliseconds.
    pub age_ms: i64,
    /// Unix milliseconds until which it need not be asked for again.
    pub fresh_until_ms: i64,
    /// Milliseconds after that in which it may be given while it is asked for again.
    pub while_revalidate_ms: i64,
    /// Milliseconds after that in which it may be given if there is no other.
    pub if_error_ms: i64,
    /// Whether it says itself that it may be kept, so that those who come with credentials may have it too.
    pub explicit: bool,
}

impl Entry {
    /// An entry that has survived all purges up to `position`.
    pub(super) fn new(
        name: Box<str>,
        tags: Box<[Box<str>]>,
        expires_ms: i64,
        position: u64,
        held: Held,
    ) -> Self {
        Entry { name, tags, expires_ms, position: AtomicU64::new(position), held }
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Relaxed)
    }

    pub(super) fn survived(&self, position: u64) {
        self.position.fetch_max(position, Relaxed);
    }

    /// Bytes of memory it takes, roughly.
    pub(super) fn weight(&self) -> usize {
        let held = match &self.held {
            Held::Bytes(bytes) => bytes.len(),
            Held::Answer(answer) => answer.weight(),
            Held::Vary(names, _) => names.len() * 32,
            Held::Pass => 0,
        };
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 16).sum();
        OVERHEAD + self.name.len() + tags + held
    }

    /// What purges by tag compare.
    pub fn tags(&self) -> &[Box<str>] {
        &self.tags
    }

    /// Whether it is kept for at least `time` from now on.
    pub fn lasts(&self, clock: &Clock, time: Duration) -> bool {
        self.expires_ms >= clock.deadline_ms(time)
    }

    /// The answer, if it is one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.held {
            Held::Answer(answer) => Some(answer),
            _ => None,
        }
    }
}

impl Answer {
    fn weight(&self) -> usize {
        let fields: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 48).sum();
        fields + self.body.len()
    }
}
