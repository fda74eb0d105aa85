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
        let ahead = self.compile_ahead(&setup).await?;
        let _change = self.0.change.lock().await;
        let wanted = self.wanted(setup.plugins)?;
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
            match self.live(&name, &definition.spec, before.get(&name), ahead.get(&name)).await {
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
        let gone: Vec<_> = before.keys().filter(|name| !next.plugins.contains_key(*name)).collect();
        self.put(self.prepared(next)?).await;
        gone.into_iter().for_each(|name| self.forget(name));
        self.end_fallen().await;
        Ok(())
    }

    /// Plugins that are to be, by name: those of the API, and over them those of the configuration file.
    fn wanted(&self, of_file: BTreeMap<String, Definition>) -> Result<Wanted, Refusal> {
        let mut wanted = Wanted::new();
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
        for (name, definition) in of_file {
            if let Some((.., Origin::Api)) =
                wanted.insert(name.clone(), (definition, Vec::new(), Origin::File))
            {
                tracing::warn!(plugin = name, "the configuration file's definition hides the one of the API");
            }
        }
        Ok(wanted)
    }

    /// Components that `setup` needs and that do not run yet. They are compiled while others may change things, the checks of
    /// rollouts above all; what cannot be had is told later, by whoever asks for it then.
    async fn compile_ahead(&self, setup: &Setup) -> Result<BTreeMap<String, Component>, Refusal> {
        let before = self.0.state.lock().await.plugins.clone();
        let mut ahead = BTreeMap::new();
        let of_file =
            setup.plugins.iter().map(|(name, definition)| (name.clone(), definition.spec.path.clone()));
        let of_api = self.0.registry.definitions()?.into_iter().map(|definition| (definition.name, None));
        // Of two definitions of one name the file's counts.
        let paths: BTreeMap<_, _> = of_api.chain(of_file).collect();
        for (name, path) in paths {
            let running = before.get(&name).and_then(|before| before.live.as_ref());
            let running = running.map(|live| &live.component);
            let component = match &path {
                Some(path) => self.in_file(&name, path, &[running]).await.ok(),
                None => self.recorded(&name, &[running]).await.ok().flatten(),
            };
            ahead.extend(component.map(|component| (name, component)));
        }
        Ok(ahead)
    }

    /// Loads a plugin's file again. Files that are half written or broken leave the live release as it is.
    ///
    /// # Errors
    /// If the file cannot be loaded.
    pub async fn file_changed(&self, name: &str) -> Result<Option<Digest>, Refusal> {
        let Some(entry) = self.0.state.lock().await.plugins.get(name).cloned() else { return Ok(None) };
        let Some(path) = &entry.definition.spec.path else { return Ok(None) };
        let running = entry.live.as_ref().map(|live| &live.component);
        let component = self.in_file(name, path, &[running]).await?;
        let digest = component.digest;
        let _change = self.0.change.lock().await;
        let now = self.0.state.lock().await.plugins.get(name).cloned();
        let digest_of = |entry: &Entry| entry.live.as_ref().map(|live| live.component.digest);
        let seen = digest_of(&entry);
        // Another change may have come in between, with newer bytes than those just compiled.
        let unchanged = |now: &Entry| now.definition.spec == entry.definition.spec && digest_of(now) == seen;
        let Some(entry) = now.filter(unchanged).filter(|_| seen != Some(digest)) else { return Ok(None) };
        let live = self.link(name, &entry.definition.spec, component, entry.live.as_ref())?;
        let prepared = self.prepare_entry(name, Entry { live: Some(live), ..entry }).await?;
        self.put(prepared).await;
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
        ahead: Option<&Component>,
    ) -> Result<Option<Live>, Refusal> {
        let running = before.and_then(|before| before.live.as_ref());
        let known = [running.map(|live| &live.component), ahead];
        let component = match &spec.path {
            Some(path) => Some(self.in_file(name, path, &known).await?),
            // What is wrong with it is told, and keeps no other plugin from starting.
            None => self.recorded(name, &known).await.unwrap_or_else(|error| {
                tracing::error!(plugin = name, %error, "the live release cannot be loaded");
                running
                    .filter(|_| matches!(error, Refusal::Unavailable(_)))
                    .map(|live| live.component.clone())
            }),
        };
        let Some(component) = component else { return Ok(None) };
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

/// Definitions with their routes and who made them, by name of the plugin.
type Wanted = BTreeMap<String, (Definition, Vec<RouteSpec>, Origin)>;

fn parse(name: &str, text: &str) -> Result<(Definition, Vec<RouteSpec>), Refusal> {
    let json = serde_json::from_str(text).map_err(|error| Refusal::Invalid(vec![error.to_string()]))?;
    read_definition(name, &json)
}
