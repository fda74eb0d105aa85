//! How far the deployments under way are, for who waits for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::view::millis;

/// What is being done with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// It is read, and its imports are compared with what is provided.
    Validate,
    /// It becomes machine code, or waits for another one that does.
    Compile,
    /// It is tried with its own requests, and others are asked.
    Check,
    /// It is recorded and put in force.
    Activate,
}

/// A deployment under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Deploying {
    step: Step,
    /// How long it has been at this step.
    for_ms: u64,
}

/// The step of each plugin that is being deployed. Of two deployments of one plugin, the later one is told.
#[derive(Default)]
pub(super) struct Progress(Mutex<BTreeMap<String, (Step, Instant)>>);

/// A deployment that is told of until this is dropped, however it ends.
pub(super) struct Told<'a> {
    progress: &'a Progress,
    plugin: &'a str,
}

impl Progress {
    /// Tells of a deployment of `plugin` from now on.
    pub(super) fn of<'a>(&'a self, plugin: &'a str) -> Told<'a> {
        Told { progress: self, plugin }
    }

    pub(super) fn at(&self, plugin: &str) -> Option<Deploying> {
        let (step, since) = *self.lock().get(plugin)?;
        Some(Deploying { step, for_ms: millis(since.elapsed()) })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Step, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told<'_> {
    pub(super) fn begins(&self, step: Step) {
        self.progress.lock().insert(self.plugin.to_owned(), (step, Instant::now()));
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.progress.lock().remove(self.plugin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_told_until_it_ends() {
        let progress = Progress::default();
        assert_eq!(progress.at("p"), None);
        let told = progress.of("p");
        for step in [Step::Validate, Step::Compile, Step::Activate] {
            told.begins(step);
            assert_eq!(progress.at("p").map(|deploying| deploying.step), Some(step));
        }
        assert_eq!(progress.at("q"), None);
        drop(told);
        assert_eq!(progress.at("p"), None);
    }
}
