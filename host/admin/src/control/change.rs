//! Changes over the API: releases and definitions.

use std::time::Instant;

use ostler_core::Digest;
use ostler_core::plugin::is_name;
use ostler_release::NewRelease;
use serde::Serialize;

use super::entry::{Entry, Origin};
use super::progress::Step;
use super::view::{millis, unknown};
use super::{Control, Refusal, ReleaseView, Upload, read_definition};

/// What came of an upload.
#[derive(Debug, Serialize)]
pub struct Deployed {
    /// Name of the plugin.
    pub plugin: String,
    /// Digest of the component, as `sha256:...`.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// How it will be called.
    pub handler: &'static str,
    /// Time to read it and compare its imports with what is provided, in milliseconds.
    pub validate_ms: u64,
    /// Time to compile it, in milliseconds; next to nothing if its machine code was kept.
    pub compile_ms: u64,
    /// Time to record it and put it in force, in milliseconds.
    pub activate_ms: u64,
    /// What the operator should know, such as imports that were not granted.
    pub warnings: Vec<String>,
    /// Whether this host had not seen the bytes as a release of this plugin before.
    #[serde(skip)]
    pub new: bool,
}

impl Control {
    /// Validates, compiles, records and activates `component` as a release of `name`.
    pub(crate) async fn deploy(&self, name: &str, upload: Upload) -> Result<Deployed, Refusal> {
        let entry = self.takes_uploads(name).await?;
        let told = self.0.progress.of(name);
        let trusted = self.admit(name, &entry, &upload, &told).await?;
        told.begins(Step::Activate);
        let start = Instant::now();
        let _change = self.0.change.lock().await;
        let entry = self.takes_uploads(name).await?;
        self.still_holds(&trusted, &entry).await?;
        let live = self.link(name, &entry.definition.spec, trusted.compiled, entry.live.as_ref())?;
        let release = NewRelease {
            handler: live.plugin.handler().to_owned(),
            compile_ms: millis(live.component.compile_time),
            warnings: trusted.inspection.warnings(&entry.definition.spec.grant),
            admitted: trusted.admitted,
        };
        let deployed = Deployed {
            plugin: name.to_owned(),
            digest: live.component.digest.to_string(),
            size: live.component.size,
            handler: live.plugin.handler(),
            validate_ms: trusted.validate_ms,
            compile_ms: release.compile_ms,
            activate_ms: 0,
            warnings: release.warnings.clone(),
            new: true,
        };
        let recorded = self.0.registry.record_and_activate(name, release, upload.component).await?;
        self.go_live(name, Entry { live: Some(live), ..entry }).await?;
        Ok(Deployed { activate_ms: millis(start.elapsed()), new: recorded.new, ..deployed })
    }

    /// Goes back to the previous release, or to the named one.
    pub(crate) async fn rollback(&self, name: &str, to: Option<Digest>) -> Result<ReleaseView, Refusal> {
        let _change = self.0.change.lock().await;
        let entry = self.takes_uploads(name).await?;
        let target = self.0.registry.rollback_target(name, to.as_ref())?;
        let bytes = self.0.registry.component(target).await?;
        let (component, _) = self.compile(name, bytes).await?;
        let live = self.link(name, &entry.definition.spec, component, entry.live.as_ref())?;
        let release = self.0.registry.rollback(name, to.as_ref()).await?;
        self.go_live(name, Entry { live: Some(live), ..entry }).await?;
        self.shown(name, release)
    }

    /// Deletes a release that is not live.
    pub(crate) async fn delete_release(&self, name: &str, digest: Digest) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        self.takes_uploads(name).await?;
        Ok(self.0.registry.delete(name, &digest).await?)
    }

    /// Defines a plugin, anew or over what the API defined before; whether it is new.
    pub(crate) async fn define(&self, name: &str, json: &serde_json::Value) -> Result<bool, Refusal> {
        if !is_name(name) {
            let reason = "a plugin's name is 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit";
            return Err(Refusal::Invalid(vec![reason.into()]));
        }
        let (definition, routes) = read_definition(name, json)?;
        let _change = self.0.change.lock().await;
        let before = self.0.state.lock().await.plugins.get(name).cloned();
        if before.as_ref().is_some_and(|before| before.origin == Origin::File) {
            return Err(read_only(name));
        }
        let running = before.and_then(|before| before.live);
        let live = match running {
            Some(live) => Some(self.link(name, &definition.spec, live.component.clone(), Some(&live))?),
            None => None,
        };
        let entry = Entry { definition, routes, origin: Origin::Api, live };
        self.fits(name, &entry).await?;
        let new = self.0.registry.define(name, &json.to_string()).await?;
        self.go_live(name, entry).await?;
        Ok(new)
    }

    /// Removes a plugin that the API defined, with its releases.
    pub(crate) async fn undefine(&self, name: &str) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        if self.entry(name).await?.origin == Origin::File {
            return Err(read_only(name));
        }
        self.0.registry.undefine(name).await?;
        let mut state = self.0.state.lock().await;
        state.plugins.remove(name);
        self.forget(name);
        self.publish(&state)
    }

    async fn entry(&self, name: &str) -> Result<Entry, Refusal> {
        self.0.state.lock().await.plugins.get(name).cloned().ok_or_else(|| unknown(name))
    }

    async fn takes_uploads(&self, name: &str) -> Result<Entry, Refusal> {
        let entry = self.entry(name).await?;
        match &entry.definition.spec.path {
            None => Ok(entry),
            Some(path) => Err(Refusal::Conflict(format!(
                "the file {} is the release of plugin {name}; replace that file, or leave `path` out of its definition \
                 to upload",
                path.display()
            ))),
        }
    }

    /// Whether a definition's routes fit beside all others.
    async fn fits(&self, name: &str, entry: &Entry) -> Result<(), Refusal> {
        let mut next = self.0.state.lock().await.clone();
        next.plugins.insert(name.to_owned(), entry.clone());
        let clashes = next.clashes(name);
        if !clashes.is_empty() {
            return Err(Refusal::Invalid(clashes));
        }
        self.snapshot(&next).map(|_| ())
    }

    async fn go_live(&self, name: &str, entry: Entry) -> Result<(), Refusal> {
        let mut state = self.0.state.lock().await;
        state.plugins.insert(name.to_owned(), entry);
        self.publish(&state)
    }
}

fn read_only(name: &str) -> Refusal {
    Refusal::Conflict(format!(
        "plugin {name} is defined in the configuration file; change it there and reload"
    ))
}
