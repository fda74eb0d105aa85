//! Which purges there were, so that an entry can be asked whether it has survived them, wherever it lies.
//!
//! A purge costs its mark and nothing per entry. **Invariant:** marks are bounded, and what a forgotten mark would have dropped is
//! dropped: entries that are older than the oldest mark kept are gone.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::entry::Entry;

/// Marks kept for names and tags.
const MARKS_MAX: usize = 50_000;

/// Marks kept for prefixes, each of which is compared one by one.
const PREFIXES_MAX: usize = 500;

/// What to drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// What has this name or tag.
    Exact(Box<str>),
    /// What has a name that begins so.
    Prefix(Box<str>),
    /// Everything.
    All,
}

/// See the module.
#[derive(Default)]
pub(super) struct Marks {
    latest: AtomicU64,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Entries from before this are gone.
    floor: u64,
    exact: std::collections::HashMap<Box<str>, u64, foldhash::fast::RandomState>,
    order: VecDeque<(u64, Box<str>)>,
    prefixes: VecDeque<(u64, Box<str>)>,
}

impl Marks {
    /// Position of the last purge: what is made from here on has survived it.
    pub(super) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    /// A position after all that were, near `now_ms`.
    pub(super) fn next(&self, now_ms: i64) -> u64 {
        self.latest().saturating_add(1).max(position(u64::try_from(now_ms).unwrap_or(0), 0))
    }

    /// Drops what `mark` names and was made before `at`.
    ///
    /// A mark that comes after later ones counts as the latest: entries may have survived those already.
    pub(super) fn apply(&self, mark: Mark, at: u64) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let at = at.max(self.latest().saturating_add(1));
        match mark {
            Mark::All => inner.floor = inner.floor.max(at),
            Mark::Exact(text) => {
                let known = inner.exact.entry(text.clone()).or_default();
                *known = at.max(*known);
                inner.order.push_back((at, text));
            }
            Mark::Prefix(text) => inner.prefixes.push_back((at, text)),
        }
        inner.trim();
        self.latest.fetch_max(at, Ordering::AcqRel);
    }

    /// Whether `entry` has survived all purges.
    pub(super) fn spare(&self, entry: &Entry) -> bool {
        let (latest, seen) = (self.latest(), entry.position());
        if seen >= latest {
            return true;
        }
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let marked = |text: &str| inner.exact.get(text).is_some_and(|at| *at > seen);
        let begins = |(at, prefix): &(u64, Box<str>)| *at > seen && entry.name.starts_with(&**prefix);
        let gone = seen < inner.floor
            || marked(&entry.name)
            || entry.tags.iter().any(|tag| marked(tag))
            || inner.prefixes.iter().any(begins);
        if !gone {
            entry.survived(latest);
        }
        !gone
    }
}

impl Inner {
    fn trim(&mut self) {
        while self.order.len() > MARKS_MAX {
            let Some((at, text)) = self.order.pop_front() else { break };
            self.floor = self.floor.max(at);
            if self.exact.get(&text) == Some(&at) {
                self.exact.remove(&text);
            }
        }
        while self.prefixes.len() > PREFIXES_MAX {
            let Some((at, _)) = self.prefixes.pop_front() else { break };
            self.floor = self.floor.max(at);
        }
    }
}

/// The position of the purge number `count` within the millisecond `ms`; later ones are larger.
pub(super) fn position(ms: u64, count: u64) -> u64 {
    (ms << 20) | count.min((1 << 20) - 1)
}

#[cfg(test)]
mod tests {
    use super::super::entry::Held;
    use super::*;

    fn entry(name: &str, tag: &str, position: u64) -> Entry {
        Entry::new(name.into(), Box::new([tag.into()]), 0, position, Held::Pass)
    }

    #[test]
    fn a_purge_drops_what_it_names_and_was_made_before_it() {
        let marks = Marks::default();
        marks.apply(Mark::Exact("tag".into()), 5);
        assert!(!marks.spare(&entry("a", "tag", 4)));
        assert!(marks.spare(&entry("a", "tag", 5)));
        assert!(marks.spare(&entry("a", "other", 4)));
        marks.apply(Mark::Prefix("a/".into()), 6);
        assert!(!marks.spare(&entry("a/b", "", 5)));
        assert!(marks.spare(&entry("b/a/", "", 5)));
        marks.apply(Mark::All, 7);
        assert!(!marks.spare(&entry("b", "", 6)));
        assert!(marks.spare(&entry("b", "", 7)));
    }

    #[test]
    fn a_mark_that_comes_late_still_drops() {
        let marks = Marks::default();
        marks.apply(Mark::Exact("later".into()), 9);
        let kept = entry("a", "tag", 4);
        assert!(marks.spare(&kept));
        marks.apply(Mark::Exact("tag".into()), 8);
        assert!(!marks.spare(&kept));
    }

    #[test]
    fn marks_are_bounded_and_what_is_forgotten_is_dropped() {
        let marks = Marks::default();
        let (old, used) = (entry("old", "", 0), entry("used", "", 0));
        for at in 1..=MARKS_MAX as u64 + 10 {
            marks.apply(Mark::Exact(format!("n{at}").into()), at);
            assert!(marks.spare(&used), "an entry that is asked for stays");
        }
        let kept = marks.inner.read().unwrap().exact.len();
        assert!(kept <= MARKS_MAX, "{kept}");
        assert!(!marks.spare(&old));
        assert!(marks.spare(&entry("old", "", 10)));
    }
}
