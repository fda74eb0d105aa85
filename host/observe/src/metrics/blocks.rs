//! Blocks of atomics by their labels, in bounded number.
//!
//! A block that somebody holds stays. Of those that nobody holds (of releases and routes gone), each group keeps its newest
//! [`KEPT`] and all groups together their newest [`KEPT_IN_ALL`]; the series of the others end, which Prometheus takes as such.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Unheld blocks kept per group: labels that differ in the last one only.
pub(crate) const KEPT: usize = 3;
/// Unheld blocks kept in all.
pub(crate) const KEPT_IN_ALL: usize = 1_000;

/// Blocks of `V` by `N` label values.
pub(crate) struct Blocks<const N: usize, V>(Mutex<Vec<Block<N, V>>>);

type Block<const N: usize, V> = ([Box<str>; N], Arc<V>);

impl<const N: usize, V> Default for Blocks<N, V> {
    fn default() -> Self {
        Blocks(Mutex::default())
    }
}

impl<const N: usize, V: Default> Blocks<N, V> {
    /// The block with these labels; a new one pushes out old ones that nobody holds.
    pub(crate) fn get(&self, labels: [&str; N]) -> Arc<V> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) =
            blocks.iter().find(|(own, _)| own.each_ref().map(|label| &**label) == labels)
        {
            return block.clone();
        }
        let block = Arc::new(V::default());
        blocks.push((labels.map(Box::from), block.clone()));
        prune(&mut blocks);
        block
    }

    /// Visits every block, oldest first.
    pub(crate) fn each(&self, mut visit: impl FnMut([&str; N], &V)) {
        // Copied, so that a slow reader of metrics cannot hold up a reload.
        let blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (labels, block) in &blocks {
            visit(labels.each_ref().map(|label| &**label), block);
        }
    }
}

fn prune<const N: usize, V>(blocks: &mut Vec<Block<N, V>>) {
    let mut groups: HashMap<&[Box<str>], usize> = HashMap::new();
    let mut unheld = 0;
    let mut keep = vec![true; blocks.len()];
    for (index, (labels, block)) in blocks.iter().enumerate().rev() {
        if Arc::strong_count(block) > 1 {
            continue;
        }
        let group = if N > 1 { &labels[..N - 1] } else { &labels[..] };
        let in_group = groups.entry(group).or_default();
        *in_group += 1;
        unheld += 1;
        keep[index] = *in_group <= KEPT && unheld <= KEPT_IN_ALL;
    }
    let mut keep = keep.into_iter();
    blocks.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn labels(blocks: &Blocks<2, AtomicU64>) -> Vec<String> {
        let mut seen = Vec::new();
        blocks.each(|[a, b], _| seen.push(format!("{a}{b}")));
        seen
    }

    #[test]
    fn old_releases_go_but_what_is_held_stays() {
        let blocks = Blocks::default();
        let held = blocks.get(["a", "0"]);
        for release in 1..=9 {
            blocks.get(["a", &release.to_string()]);
        }
        blocks.get(["b", "1"]);
        assert_eq!(labels(&blocks), ["a0", "a7", "a8", "a9", "b1"]);
        drop(held);
        blocks.get(["c", "1"]);
        assert_eq!(labels(&blocks), ["a7", "a8", "a9", "b1", "c1"]);
    }

    #[test]
    fn names_that_come_and_go_leave_a_bounded_number() {
        let blocks: Blocks<2, AtomicU64> = Blocks::default();
        for name in 0..KEPT_IN_ALL + 100 {
            blocks.get([&name.to_string(), ""]);
        }
        assert!(labels(&blocks).len() <= KEPT_IN_ALL + 1);
    }
}
