//! From a configuration to running plugins: at start, at a reload, and when a plugin's file changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::Digest;
use ostler_core::gate::Flaw;
use ostler_core::plugin::{Definition, PluginSpec, RouteSpec};
use ostler_policy::Gate;
use ostler_runtime::{Component, Plugin};

use super::entry::{Entry, Live, Origin};
use super::{Control, Refusal, Setup, State, read_definition};

impl Control {
    /// Takes over what the configuration file says; plugins defined over the API stay.
    ///
    /// # Errors
    /// If a plugin's file cannot be loaded or the routes do not fit together; then everything stays as it was.
    pub async fn apply(&self, setup: Setup) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        let mut wanted: BTreeMap<String, (Definition, Vec<RouteSpec>, Origin)> = BTreeMap::new();
        for definition in self.0.registry.definitions()? {
            match parse(&definition.name, &definition.text) {
                Ok((read, routes)) => {
                    wanted.insert(definition.name, (read, routes, Origin::Api));
                }
                Err(error) => {
                    tracing::error!(plugin = definition.name, %error, "this definition is no longer understood")
                }
            }
        }
        for (name, definition) in setup.plugins {
            if let Some((.., Origin::Api)) =
                wanted.insert(name.clone(), (definition, Vec::new(), Origin::File))
            {
                tracing::warn!(plugin = name, "the configuration file's definition hides the one of the API");
            }
        }
        let State { plugins: before, gate, .. } = self.0.state.lock().await.clone();
        let gate = Gate::new(setup.gate, self.0.services.clone(), gate.as_deref());
        let gate = gate.map_err(|flaws| Refusal::Invalid(flaws.iter().map(Flaw::to_string).collect()))?;
        let mut next = State {
            plugins: BTreeMap::new(),
            routes: setup.routes,
            gate: Some(Arc::new(gate)),
            compiled: Arc::default(),
            admission: Arc::new(setup.admission),
        };
        let mut reasons = Vec::new();
        for (name, (definition, routes, origin)) in wanted {
            match self.live(&name, &definition.spec, before.get(&name)).await {
                Ok(live) => {
                    let entry = Entry::new(definition, routes, origin, live);
                    let entry = self.carry(&name, entry, before.get(&name));
                    next.plugins.insert(name, entry);
                }
                Err(Refusal::Invalid(more)) => {
                    reasons.extend(more.into_iter().map(|reason| format!("plugins.{name}: {reason}")));
                }
                Err(refusal) => return Err(refusal),
            }
        }
        for name in next.plugins.keys() {
            let repair =
                format!("plugin {name} was defined over the API: remove it there, or mend the file's route");
            reasons.extend(next.clashes(name).into_iter().map(|clash| format!("{clash}; {repair}")));
        }
        if !reasons.is_empty() {
            return Err(Refusal::Invalid(reasons));
        }
        let mut state = self.0.state.lock().await;
        self.publish(&mut next)?;
        *state = next;
        before.keys().filter(|name| !state.plugins.contains_key(*name)).for_each(|name| self.forget(name));
        Ok(())
    }

    /// Loads a plugin's file again. Files that are half written or broken leave the live release as it is.
    ///
    /// # Errors
    /// If the file cannot be loaded.
    pub async fn file_changed(&self, name: &str) -> Result<Option<Digest>, Refusal> {
        let Some(entry) = self.0.state.lock().await.plugins.get(name).cloned() else { return Ok(None) };
        let Some(path) = &entry.definition.spec.path else { return Ok(None) };
        let component = self.in_file(name, path, entry.live.as_ref()).await?;
        let digest = component.digest;
        let _change = self.0.change.lock().await;
        let mut state = self.0.state.lock().await;
        let digest_of = |entry: &Entry| entry.live.as_ref().map(|live| live.component.digest);
        let seen = digest_of(&entry);
        // Another change may have come in between, with newer bytes than those just compiled.
        let unchanged =
            |now: &&mut Entry| now.definition.spec == entry.definition.spec && digest_of(now) == seen;
        let Some(entry) = state.plugins.get_mut(name).filter(unchanged) else { return Ok(None) };
        if seen == Some(digest) {
            return Ok(None);
        }
        entry.live = Some(self.link(name, &entry.definition.spec, component, entry.live.as_ref())?);
        self.publish(&mut state)?;
        Ok(Some(digest))
    }

    /// Names and files of plugins whose file is the release.
    pub async fn files(&self) -> Vec<(String, std::path::PathBuf)> {
        let state = self.0.state.lock().await;
        let file =
            |(name, entry): (&String, &Entry)| Some((name.clone(), entry.definition.spec.path.clone()?));
        state.plugins.iter().filter_map(file).collect()
    }

    /// The live release of a plugin, taken over from `before` where it is the same.
    async fn live(
        &self,
        name: &str,
        spec: &PluginSpec,
        before: Option<&Entry>,
    ) -> Result<Option<Live>, Refusal> {
        let running = before.and_then(|before| before.live.as_ref());
        let component = match &spec.path {
            Some(path) => self.in_file(name, path, running).await?,
            None => match self.recorded(name, running).await {
                Some(component) => component,
                None => return Ok(None),
            },
        };
        match (running, before) {
            (Some(live), Some(before))
                if live.component.digest == component.digest && before.definition.spec == *spec =>
            {
                Ok(Some(live.clone()))
            }
            _ => match self.link(name, spec, component, running) {
                Ok(live) => Ok(Some(live)),
                Err(error) if spec.path.is_none() => {
                    tracing::error!(plugin = name, %error, "the live release cannot be loaded");
                    Ok(running.cloned())
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Makes `component` a running release that inherits from the one before.
    pub(super) fn link(
        &self,
        name: &str,
        spec: &PluginSpec,
        component: Component,
        before: Option<&Live>,
    ) -> Result<Live, Refusal> {
        let before: Option<&Plugin> = before.map(|live| &*live.plugin);
        let plugin = Arc::new(self.0.runtime.plugin(name, spec, &component, before)?);
        Ok(Live { component, plugin })
    }
}

fn parse(name: &str, text: &str) -> Result<(Definition, Vec<RouteSpec>), Refusal> {
    let json = serde_json::from_str(text).map_err(|error| Refusal::Invalid(vec![error.to_string()]))?;
    read_definition(name, &json)
}
