//! Experiments: what was counted for each variant of the flags that are under one.
//!
//! Counted in memory, without locks once a variant is known, and written down every [`SAVE`] and at a stop: a host that is
//! killed loses that much at most. **Invariant:** memory is bounded: [`EXPERIMENTS`] flags of [`VARIANTS`] variants, each with
//! as many metrics as a release.

mod kept;
#[cfg(test)]
mod tests;
mod variant;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use arc_swap::ArcSwap;
use ostler_services::{Clock, Database};
use serde::Serialize;
use tokio::sync::Mutex;

pub use variant::Variant;

use crate::Error;
use crate::analysis::{Report, compare};

/// Flags under experiment at once; others are not counted, but for how often they were not.
pub const EXPERIMENTS: usize = 32;

/// Variants of each.
pub const VARIANTS: usize = 8;

/// Interval in which counts are written down.
pub const SAVE: Duration = Duration::from_secs(10);

/// Bytes of a flag's key and of a variant's name; what is longer is not counted.
const NAME: usize = 128;

/// Names of variants that others are compared with if nothing is said, the first there is.
const BASELINES: [&str; 3] = ["control", "off", "false"];

/// The experiments of this host; clones share them.
#[derive(Clone)]
pub struct Experiments(Arc<Inner>);

struct Inner {
    /// None keeps nothing.
    database: Option<Database>,
    clock: Clock,
    all: ArcSwap<All>,
    /// Held by whoever writes down or takes away.
    change: Mutex<()>,
    refused: AtomicU64,
}

type All = BTreeMap<Box<str>, Arc<Experiment>>;

/// One flag under experiment.
#[derive(Debug, Clone)]
struct Experiment {
    /// Unix milliseconds of the first count.
    since_ms: i64,
    variants: Vec<Arc<Variant>>,
}

/// An experiment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Key of its flag.
    pub name: String,
    /// When its first exchange was counted, in Unix milliseconds.
    pub since_ms: i64,
    /// Exchanges that were given each variant.
    pub variants: BTreeMap<String, u64>,
    /// Metrics that were reported.
    pub metrics: Vec<String>,
}

/// What the counts of an experiment are to be compared by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Variant that the others are compared with; by default `control`, `off` or `false`, else the first by name.
    pub against: Option<String>,
    /// What part of the subjects each variant should have, as weights. Without it their division is not looked at.
    pub split: BTreeMap<String, f64>,
}

/// Why an experiment cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// Nothing was counted under this name.
    #[error(
        "no experiment {0:?}; it begins with the first exchange that asks for a flag of this key with metadata \"experiment\": true"
    )]
    NoSuch(String),
    /// A variant was named that it has not.
    #[error("experiment {name:?} has no variant {variant:?}; it has {known}")]
    NoSuchVariant {
        /// The experiment.
        name: String,
        /// What was named.
        variant: String,
        /// What it has.
        known: String,
    },
    /// The division was said, but not of each variant.
    #[error(
        "the division of experiment {name:?} leaves variant {variant:?} out; give each a weight, 0 if it should have none"
    )]
    NoWeight {
        /// The experiment.
        name: String,
        /// What was left out.
        variant: String,
    },
}

impl Default for Experiments {
    /// Experiments that nothing writes down.
    fn default() -> Self {
        Experiments::new(None, All::default())
    }
}

impl Experiments {
    /// Opens the experiments in `database`, with what was written down. Blocks on the disk: for start-up.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn open(database: Database) -> Result<Self, Error> {
        let all = database.read(kept::load)?;
        Ok(Experiments::new(Some(database), all))
    }

    fn new(database: Option<Database>, all: All) -> Self {
        let (clock, change, refused) = (Clock::default(), Mutex::default(), AtomicU64::new(0));
        Experiments(Arc::new(Inner { database, clock, all: ArcSwap::from_pointee(all), change, refused }))
    }

    /// Counts an exchange, for a subject of this hash, that was given `variant` of the flag `name`. What it tracks from here on
    /// counts for the variant that is returned. None if there are too many experiments or variants.
    pub fn exposed(&self, name: &str, variant: &str, subject: u64) -> Option<Arc<Variant>> {
        let found = find(&self.0.all.load(), name, variant).or_else(|| self.begin(name, variant));
        match &found {
            Some(variant) => variant.exposed(subject),
            None => _ = self.0.refused.fetch_add(1, Relaxed),
        }
        found
    }

    /// The first exchange of a variant, rare: the whole table is made anew.
    #[cold]
    fn begin(&self, name: &str, variant: &str) -> Option<Arc<Variant>> {
        let sane = |text: &str| (1..=NAME).contains(&text.len());
        if !sane(name) || !sane(variant) {
            return None;
        }
        let now = self.0.clock.now_ms();
        self.0.all.rcu(|all| with(all, name, variant, now));
        find(&self.0.all.load(), name, variant)
    }

    /// All experiments, by name.
    pub fn list(&self) -> Vec<Summary> {
        self.0.all.load().iter().map(|(name, experiment)| experiment.summary(name)).collect()
    }

    /// What an experiment has shown so far.
    ///
    /// # Errors
    /// If there is none, or it lacks a variant that `by` names.
    pub fn report(&self, name: &str, by: &Comparison) -> Result<(Summary, Report), NotShown> {
        let all = self.0.all.load();
        let experiment = all.get(name).ok_or_else(|| NotShown::NoSuch(name.into()))?;
        let variants = experiment.against(name, by)?;
        let arms: Vec<_> = variants.iter().map(|variant| variant.arm()).collect();
        // Were a weight that is not said taken for none, a list that leaves one out would be a false alarm.
        let weight = |variant: &Arc<Variant>| match by.split.get(variant.name()) {
            None if !by.split.is_empty() => {
                Err(NotShown::NoWeight { name: name.into(), variant: variant.name().to_owned() })
            }
            weight => Ok(weight.copied().unwrap_or_default()),
        };
        let split = variants.iter().map(weight).collect::<Result<Vec<f64>, _>>()?;
        let report = compare(&arms, (!by.split.is_empty()).then_some(&split[..]));
        Ok((experiment.summary(name), report))
    }

    /// Takes away all that was counted of an experiment; it starts over with the next exchange. Whether there was any.
    ///
    /// # Errors
    /// `Unavailable`; then nothing was taken away.
    pub async fn restart(&self, name: &str) -> Result<bool, Error> {
        let _change = self.0.change.lock().await;
        if let Some(database) = &self.0.database {
            let name = name.to_owned();
            database.write(move |tx| kept::remove(tx, &name)).await?;
        }
        let before = self.0.all.rcu(|all| {
            let mut all = All::clone(all);
            all.remove(name);
            all
        });
        Ok(before.contains_key(name))
    }

    /// Writes down, every [`SAVE`], what was counted.
    pub async fn save_forever(self) {
        loop {
            tokio::time::sleep(SAVE).await;
            if let Err(error) = self.save().await {
                tracing::warn!(%error, "counts of experiments were not written down; they are kept for the next time");
            }
        }
    }

    /// Writes down what was counted since the last time.
    ///
    /// # Errors
    /// `Unavailable`; it is kept for the next time.
    pub async fn save(&self) -> Result<(), Error> {
        let Some(database) = &self.0.database else { return Ok(()) };
        let _change = self.0.change.lock().await;
        let all = self.0.all.load_full();
        let mut due = Vec::new();
        for (name, experiment) in &*all {
            let changed = experiment.variants.iter().filter(|variant| variant.take_changed());
            due.extend(changed.map(|variant| (name.clone(), experiment.since_ms, variant.clone())));
        }
        if due.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = due.iter().flat_map(|(name, since, of)| kept::rows(name, *since, of)).collect();
        let written = database.write(move |tx| kept::save(tx, &rows)).await;
        if written.is_err() {
            due.iter().for_each(|(_, _, variant)| variant.mark_changed());
        }
        written
    }

    /// How often an exchange was not counted, since there are too many experiments or variants.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Relaxed)
    }

    /// Each variant of each experiment, with the experiment's name.
    pub fn each(&self, mut see: impl FnMut(&str, &Variant)) {
        for (name, experiment) in &**self.0.all.load() {
            experiment.variants.iter().for_each(|variant| see(name, variant));
        }
    }
}

impl Experiment {
    fn summary(&self, name: &str) -> Summary {
        let metrics = self.variants.iter().flat_map(|variant| variant.metrics().into_keys());
        Summary {
            name: name.into(),
            since_ms: self.since_ms,
            variants: self.variants.iter().map(|of| (of.name().to_owned(), of.exchanges())).collect(),
            metrics: metrics.collect::<std::collections::BTreeSet<_>>().into_iter().collect(),
        }
    }

    /// All variants, the one that others are compared with first, the rest by name. One that should have had a part and that
    /// nobody was given stands among them: no division is further off.
    fn against(&self, name: &str, by: &Comparison) -> Result<Vec<Arc<Variant>>, NotShown> {
        let mut variants = self.variants.clone();
        let counted = |named: &String| self.variants.iter().any(|variant| variant.name() == named);
        let missing = by.split.keys().filter(|named| !counted(named));
        variants.extend(missing.map(|named| Arc::new(Variant::new(name, named))));
        variants.sort_by(|a, b| a.name().cmp(b.name()));
        let position = |wanted: &str| variants.iter().position(|variant| variant.name() == wanted);
        if let Some(unknown) = by.against.as_ref().filter(|named| position(named).is_none()) {
            let known = variants.iter().map(|variant| variant.name()).collect::<Vec<_>>().join(", ");
            return Err(NotShown::NoSuchVariant { name: name.into(), variant: unknown.clone(), known });
        }
        let first = match &by.against {
            Some(wanted) => position(wanted),
            None => BASELINES.iter().find_map(|wanted| position(wanted)),
        };
        let first = variants.remove(first.unwrap_or(0));
        variants.insert(0, first);
        Ok(variants)
    }
}

impl fmt::Debug for Experiments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Experiments")
    }
}

fn find(all: &All, name: &str, variant: &str) -> Option<Arc<Variant>> {
    all.get(name)?.variants.iter().find(|known| known.name() == variant).cloned()
}

/// The table with one more variant, if there is room.
fn with(all: &Arc<All>, name: &str, variant: &str, now: i64) -> Arc<All> {
    let known = all.get(name);
    let room = known.map_or(all.len() < EXPERIMENTS, |known| known.variants.len() < VARIANTS);
    if !room || find(all, name, variant).is_some() {
        return all.clone();
    }
    let mut experiment =
        known.map_or(Experiment { since_ms: now, variants: Vec::new() }, |known| (**known).clone());
    experiment.variants.push(Arc::new(Variant::new(name, variant)));
    let mut all = All::clone(all);
    all.insert(name.into(), Arc::new(experiment));
    Arc::new(all)
}
