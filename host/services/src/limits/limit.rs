//! One limit in force: its rule, its counters on this host, and how it is shared.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Config;
use super::key::{Key, KeyWriter};
use super::rule::{Bucket, Fixed, Question, Rule, Sliding, Standing, State};
use super::shared::Shared;
use super::table::Table;

/// One limit in force.
pub struct Limit {
    name: Arc<str>,
    config: Config,
    rule: Rule,
    store: Store,
    seed: RandomState,
    pub(super) shared: Option<Shared>,
    pub(super) counts: Arc<Counts>,
}

/// What became of questions, under one name; outlives changes of the limit.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) admitted: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Decided without Redis although the limit is shared.
    pub(super) alone: AtomicU64,
}

/// What is told of a limit to operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Its name.
    pub name: Arc<str>,
    /// Questions admitted.
    pub admitted: u64,
    /// Questions refused because of it.
    pub refused: u64,
    /// Questions decided without Redis although the limit is shared.
    pub alone: u64,
    /// Counters on this host.
    pub keys: usize,
    /// Counters forgotten before their time, for want of room.
    pub displaced: u64,
    /// Bytes of all counters.
    pub bytes: usize,
}

enum Store {
    Bucket(Table<Bucket>),
    Fixed(Table<Fixed>),
    Sliding(Table<Sliding>),
}

impl Limit {
    pub(super) fn new(name: Arc<str>, config: Config, counts: Arc<Counts>) -> Self {
        let rule = Rule::new(&config);
        let store = match rule {
            Rule::Bucket { .. } => Store::Bucket(Table::new(config.max_keys)),
            Rule::Fixed { .. } => Store::Fixed(Table::new(config.max_keys)),
            Rule::Sliding { .. } => Store::Sliding(Table::new(config.max_keys)),
        };
        let shared = config.shared.then(|| Shared::new(&name, &config));
        Limit { name, config, rule, store, seed: RandomState::new(), shared, counts }
    }

    /// `NAME` of `[limits.NAME]`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it is configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether asking it may take a trip.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes the parts of a key of this limit.
    pub fn key(&self) -> KeyWriter {
        if self.is_shared() { KeyWriter::shared() } else { KeyWriter::local(&self.seed) }
    }

    /// Figures for operators.
    pub fn figures(&self) -> Figures {
        let (keys, displaced, bytes) = match &self.store {
            Store::Bucket(table) => (table.len(), table.displaced(), table.bytes()),
            Store::Fixed(table) => (table.len(), table.displaced(), table.bytes()),
            Store::Sliding(table) => (table.len(), table.displaced(), table.bytes()),
        };
        let Counts { admitted, refused, alone } = &*self.counts;
        let (admitted, refused, alone) = (admitted.load(Relaxed), refused.load(Relaxed), alone.load(Relaxed));
        Figures { name: self.name.clone(), admitted, refused, alone, keys, displaced, bytes }
    }

    /// Asks the counter of this host.
    pub(super) fn ask(&self, key: Key, question: Question) -> Standing {
        match &self.store {
            Store::Bucket(table) => ask(table, &self.rule, key, question),
            Store::Fixed(table) => ask(table, &self.rule, key, question),
            Store::Sliding(table) => ask(table, &self.rule, key, question),
        }
    }

    /// Undoes a question to this host's counter that took `cost` at `at`.
    pub(super) fn give_back(&self, key: Key, at: u64, cost: u32) {
        match &self.store {
            Store::Bucket(table) => table.change_kept(key, |state| state.give_back(&self.rule, at, cost)),
            Store::Fixed(table) => table.change_kept(key, |state| state.give_back(&self.rule, at, cost)),
            Store::Sliding(table) => table.change_kept(key, |state| state.give_back(&self.rule, at, cost)),
        };
    }
}

fn ask<S: State>(table: &Table<S>, rule: &Rule, key: Key, question: Question) -> Standing {
    table.change(key, |state| state.debt(rule, question.now), |state| state.ask(rule, question))
}
