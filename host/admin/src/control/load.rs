//! From a configuration to running plugins: at start, at a reload, and when a plugin's file changes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_core::plugin::{PluginSpec, RouteSpec};
use ostler_runtime::{Component, Plugin};

use super::entry::{Entry, Live, Origin};
use super::{COMPONENT_MAX, Control, Refusal, Setup, State, read_definition};

impl Control {
    /// Takes over what the configuration file says; plugins defined over the API stay.
    ///
    /// # Errors
    /// If a plugin's file cannot be loaded or the routes do not fit together; then everything stays as it was.
    pub async fn apply(&self, setup: Setup) -> Result<(), Refusal> {
        let mut wanted: BTreeMap<String, (PluginSpec, Vec<RouteSpec>, Origin)> = BTreeMap::new();
        for definition in self.0.registry.definitions()? {
            match parse(&definition.name, &definition.text) {
                Ok((spec, routes)) => {
                    wanted.insert(definition.name, (spec, routes, Origin::Api));
                }
                Err(error) => {
                    tracing::error!(plugin = definition.name, %error, "this definition is no longer understood")
                }
            }
        }
        for (name, spec) in setup.plugins {
            if let Some((.., Origin::Api)) = wanted.insert(name.clone(), (spec, Vec::new(), Origin::File)) {
                tracing::warn!(plugin = name, "the configuration file's definition hides the one of the API");
            }
        }
        let before = self.0.state.lock().await.plugins.clone();
        let mut next = State { plugins: BTreeMap::new(), routes: setup.routes };
        for (name, (spec, routes, origin)) in wanted {
            let live = self.live(&name, &spec, before.get(&name)).await?;
            next.plugins.insert(name, Entry { spec, routes, origin, live });
        }
        let mut state = self.0.state.lock().await;
        self.publish(&next)?;
        *state = next;
        Ok(())
    }

    /// Loads a plugin's file again. Files that are half written or broken leave the live release as it is.
    ///
    /// # Errors
    /// If the file cannot be loaded.
    pub async fn file_changed(&self, name: &str) -> Result<Option<Digest>, Refusal> {
        let Some(entry) = self.0.state.lock().await.plugins.get(name).cloned() else { return Ok(None) };
        let Some(path) = &entry.spec.path else { return Ok(None) };
        let component = self.compile_file(name, path).await?;
        if entry.live.as_ref().is_some_and(|live| live.component.digest == component.digest) {
            return Ok(None);
        }
        let digest = component.digest;
        let mut state = self.0.state.lock().await;
        let Some(entry) = state.plugins.get_mut(name).filter(|now| now.spec == entry.spec) else {
            return Ok(None);
        };
        entry.live = Some(self.link(name, &entry.spec, component, entry.live.as_ref())?);
        self.publish(&state)?;
        Ok(Some(digest))
    }

    /// Names and files of plugins whose file is the release.
    pub async fn files(&self) -> Vec<(String, std::path::PathBuf)> {
        let state = self.0.state.lock().await;
        let file = |(name, entry): (&String, &Entry)| Some((name.clone(), entry.spec.path.clone()?));
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
            Some(path) => self.compile_file(name, path).await?,
            None => match self.recorded(name, running).await {
                Some(component) => component,
                None => return Ok(None),
            },
        };
        match (running, before) {
            (Some(live), Some(before))
                if live.component.digest == component.digest && before.spec == *spec =>
            {
                Ok(Some(live.clone()))
            }
            _ => match self.link(name, spec, component, running) {
                Ok(live) => Ok(Some(live)),
                Err(error) if spec.path.is_none() => {
                    tracing::error!(plugin = name, %error, "the live release cannot be loaded");
                    Ok(None)
                }
                Err(error) => Err(error),
            },
        }
    }

    /// The recorded live release. What is wrong with it is told, and keeps no other plugin from starting.
    async fn recorded(&self, name: &str, running: Option<&Live>) -> Option<Component> {
        let told =
            |error: Refusal| tracing::error!(plugin = name, %error, "the live release cannot be loaded");
        let release = self.0.registry.live(name).map_err(|error| told(error.into())).ok()??;
        if let Some(live) = running.filter(|live| live.component.digest == release.digest) {
            return Some(live.component.clone());
        }
        let bytes =
            self.0.registry.component(release.digest).await.map_err(|error| told(error.into())).ok()?;
        self.compile(name, bytes).await.map_err(told).ok()
    }

    /// Compiles at low priority, or loads machine code that is kept.
    pub(super) async fn compile(&self, name: &str, bytes: Bytes) -> Result<Component, Refusal> {
        let component = self.0.runtime.compile(Arc::from(&bytes[..])).await?;
        if !component.cached {
            self.0.observe.metrics.plugin(name).compile.observe(component.compile_time);
        }
        Ok(component)
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

    async fn compile_file(&self, name: &str, path: &Path) -> Result<Component, Refusal> {
        let unreadable = |error| Refusal::Invalid(vec![format!("{}: {error}", path.display())]);
        let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if size > COMPONENT_MAX {
            return Err(Refusal::Invalid(vec![format!("{}: larger than 128 MiB", path.display())]));
        }
        let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
        let compiled = self.compile(name, bytes.into()).await;
        compiled.map_err(|error| Refusal::Invalid(vec![format!("{}: {error}", path.display())]))
    }
}

fn parse(name: &str, text: &str) -> Result<(PluginSpec, Vec<RouteSpec>), Refusal> {
    let json = serde_json::from_str(text).map_err(|error| Refusal::Invalid(vec![error.to_string()]))?;
    read_definition(name, &json)
}
