//! Who was shown which variant of which flag: counted always, told in the log for a sample.
//!
//! **Invariant:** no subject is written anywhere, only a keyed hash of it; the number of series is bounded, whatever is asked.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::fast::RandomState;

use crate::metrics::Text;

/// Series that are counted; what comes after them is counted together.
pub const SERIES_MAX: usize = 2_000;

/// One answer of a flag.
#[derive(Debug, Clone, Copy)]
pub struct Exposure<'a> {
    /// The flag's key; empty where there is no such flag, since the key is then whatever somebody asked for.
    pub flag: &'a str,
    /// The variant; empty for the default of whoever asked.
    pub variant: &'a str,
    /// Why, in OpenFeature's words.
    pub reason: &'static str,
    /// What asked: `when`, `plugin` or `ofrep`.
    pub asked_by: &'static str,
}

/// Makes the hash of a subject.
pub type Hash = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Counts and tells exposures. Cheap to clone.
#[derive(Clone, Default)]
pub struct Exposures(Arc<Inner>);

#[derive(Default)]
struct Inner {
    series: ArcSwap<Series>,
    /// Those that came when there were [`SERIES_MAX`] already.
    others: AtomicU64,
    /// Of how many one is told, as a share of `u32::MAX`.
    told: AtomicU32,
    hash: ArcSwapOption<Hash>,
}

type Series = HashMap<Labels, Arc<AtomicU64>, RandomState>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Labels {
    flag: Box<str>,
    variant: Box<str>,
    reason: &'static str,
}

/// What [`Labels`] are looked up by, without making any.
#[derive(PartialEq, Eq, Hash)]
struct Asked<'a>(&'a str, &'a str, &'static str);

impl Exposures {
    /// Tells a `share` (0 to 1) of exposures in the log.
    pub fn tell(&self, share: f64) {
        let share = (share.clamp(0.0, 1.0) * f64::from(u32::MAX)) as u32;
        self.0.told.store(share, Ordering::Relaxed);
    }

    /// Hashes subjects with `hash`; without it no subject is told.
    pub fn hash_with(&self, hash: Hash) {
        self.0.hash.store(Some(Arc::new(hash)));
    }

    /// Counts one, and tells it if its turn has come. `subject` is the targeting key, of which only the hash is told.
    pub fn note(&self, exposure: &Exposure<'_>, subject: impl FnOnce() -> Option<String>) {
        self.count(exposure);
        let told = self.0.told.load(Ordering::Relaxed);
        if told > 0 && fastrand::u32(..) <= told {
            self.write(exposure, subject().as_deref());
        }
    }

    fn count(&self, exposure: &Exposure<'_>) {
        let Exposure { flag, variant, reason, .. } = *exposure;
        let asked = Asked(flag, variant, reason);
        if let Some(counter) = self.0.series.load().get(&asked as &dyn Key) {
            counter.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let counter = self.add(Labels { flag: flag.into(), variant: variant.into(), reason });
        counter.as_deref().unwrap_or(&self.0.others).fetch_add(1, Ordering::Relaxed);
    }

    /// A new series, if there is room. Copies them all, which happens once for each.
    fn add(&self, labels: Labels) -> Option<Arc<AtomicU64>> {
        if self.0.series.load().len() >= SERIES_MAX {
            return None;
        }
        self.0.series.rcu(|series| {
            let mut series = Series::clone(series);
            series.entry(labels.clone()).or_default();
            series
        });
        self.0.series.load().get(&labels).cloned()
    }

    fn write(&self, exposure: &Exposure<'_>, subject: Option<&str>) {
        let Exposure { flag, variant, reason, asked_by } = *exposure;
        let hash = self.0.hash.load();
        let subject = subject.zip(hash.as_deref()).map(|(subject, hash)| hash(subject));
        tracing::info!(target: "exposure", flag, variant, reason, asked_by, subject, "flag shown");
    }

    pub(crate) fn collect(&self, text: &mut Text) {
        let help =
            "Answers of feature flags, by flag, variant and reason; without a flag: what is no flag's key.";
        let series = self.0.series.load();
        let mut series: Vec<_> = series.iter().collect();
        series
            .sort_by(|(a, _), (b, _)| (&a.flag, &a.variant, a.reason).cmp(&(&b.flag, &b.variant, b.reason)));
        for (Labels { flag, variant, reason }, count) in series {
            let labels = [("flag", &**flag), ("variant", &**variant), ("reason", *reason)];
            text.counter("ostler_flag_exposures_total", help, &labels, count.load(Ordering::Relaxed));
        }
        let help = "Answers of feature flags beyond the series that are kept apart.";
        text.counter("ostler_flag_exposures_other_total", help, &[], self.0.others.load(Ordering::Relaxed));
    }
}

/// So that a map of owned labels is asked with borrowed ones.
trait Key {
    fn parts(&self) -> (&str, &str, &'static str);
}

impl Key for Labels {
    fn parts(&self) -> (&str, &str, &'static str) {
        (&self.flag, &self.variant, self.reason)
    }
}

impl Key for Asked<'_> {
    fn parts(&self) -> (&str, &str, &'static str) {
        (self.0, self.1, self.2)
    }
}

impl<'a> std::borrow::Borrow<dyn Key + 'a> for Labels {
    fn borrow(&self) -> &(dyn Key + 'a) {
        self
    }
}

impl PartialEq for dyn Key + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Key + '_ {}

impl std::hash::Hash for dyn Key + '_ {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl fmt::Debug for Exposures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure<'a>(flag: &'a str, variant: &'a str) -> Exposure<'a> {
        Exposure { flag, variant, reason: "STATIC", asked_by: "plugin" }
    }

    fn note(exposures: &Exposures, flag: &str, variant: &str) {
        exposures.note(&exposure(flag, variant), || Some("ada".to_owned()));
    }

    fn collected(exposures: &Exposures) -> String {
        let mut text = Text::default();
        exposures.collect(&mut text);
        text.finish()
    }

    #[test]
    fn answers_are_counted_by_flag_variant_and_reason() {
        let exposures = Exposures::default();
        note(&exposures, "a", "on");
        note(&exposures, "a", "on");
        note(&exposures, "a", "off");
        exposures.note(&Exposure { reason: "SPLIT", ..exposure("a", "on") }, || None);
        let text = collected(&exposures);
        for line in [
            "ostler_flag_exposures_total{flag=\"a\",variant=\"on\",reason=\"STATIC\"} 2\n",
            "ostler_flag_exposures_total{flag=\"a\",variant=\"off\",reason=\"STATIC\"} 1\n",
            "ostler_flag_exposures_total{flag=\"a\",variant=\"on\",reason=\"SPLIT\"} 1\n",
            "ostler_flag_exposures_other_total 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("ada"));
    }

    #[test]
    fn ever_new_variants_end_in_one_series() {
        let exposures = Exposures::default();
        for number in 0..SERIES_MAX + 7 {
            note(&exposures, "a", &number.to_string());
        }
        let text = collected(&exposures);
        assert!(text.contains("ostler_flag_exposures_other_total 7\n"));
        assert_eq!(
            text.lines().filter(|line| line.starts_with("ostler_flag_exposures_total{")).count(),
            SERIES_MAX
        );
    }
}
