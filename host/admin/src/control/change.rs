//! Changes over the API: releases and definitions.

use std::time::Instant;

use ostler_core::Digest;
use ostler_core::plugin::is_name;
use ostler_core::rollout::RolloutSpec;
use ostler_core::settings::{Node, Problems};
use ostler_release::NewRelease;
use ostler_release::rollout::{HOST, Rollout};
use ostler_services::Clock;
use serde::Serialize;

use super::entry::{Entry, Origin};
use super::progress::Step;
use super::rollouts::Incoming;
use super::view::{millis, unknown};
use super::{Control, Refusal, State, Upload, Wish, problem_line, read_definition};

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
    /// How it takes over.
    pub(super) rollout: Option<Begun>,
    /// Whether this host had not seen the bytes as a release of this plugin before.
    #[serde(skip)]
    pub new: bool,
}

/// How an uploaded release takes over.
#[derive(Debug, Serialize)]
pub(super) struct Begun {
    /// Number of the rollout.
    id: i64,
    strategy: &'static str,
    /// `promoted` if the release is live.
    state: &'static str,
    /// Of the new release, as `5%`.
    share: String,
}

impl Begun {
    fn of(rollout: &Rollout) -> Self {
        Begun {
            id: rollout.id,
            strategy: rollout.spec.strategy.as_str(),
            state: rollout.state.as_str(),
            share: rollout.share().to_string(),
        }
    }
}

impl Control {
    /// Validates, compiles, records and activates `component` as a release of `name`.
    pub(crate) async fn deploy(&self, name: &str, upload: Upload) -> Result<Deployed, Refusal> {
        let entry = self.takes_uploads(name).await?;
        let spec = rollout_spec(&upload.rollout, &entry.definition.rollout)?;
        self.may_begin(name)?;
        let told = self.0.progress.of(name);
        let trusted = self.admit(name, &entry, &upload, &told).await?;
        told.begins(Step::Activate);
        let start = Instant::now();
        let _change = self.0.change.lock().await;
        let entry = self.takes_uploads(name).await?;
        self.still_holds(&trusted, &entry).await?;
        let (who, why, now) = (upload.who.as_str(), upload.why.as_str(), Clock::default().now_ms());
        let running = entry.live.as_ref().map(|live| live.component.digest);
        let (rollout, event) =
            Rollout::begin(name, (running, trusted.compiled.digest), spec, now, (who, why));
        let before = entry.live.as_ref().filter(|_| rollout.ended_at_ms.is_some());
        let live = self.link(name, &entry.definition.spec, trusted.compiled, before)?;
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
            rollout: None,
        };
        let incoming = Incoming { live, release, component: upload.component, rollout, event };
        let (new, rollout) = self.roll_out(name, entry, incoming).await?;
        let rollout = Some(Begun::of(&rollout));
        Ok(Deployed { activate_ms: millis(start.elapsed()), new, rollout, ..deployed })
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
        self.knows_signers(&definition).await?;
        let _change = self.0.change.lock().await;
        let before = self.0.state.lock().await.plugins.get(name).cloned();
        if before.as_ref().is_some_and(|before| before.origin == Origin::File) {
            return Err(read_only(name));
        }
        let running = before.as_ref().and_then(|before| before.live.clone());
        let live = match running {
            Some(live) => Some(self.link(name, &definition.spec, live.component.clone(), Some(&live))?),
            None => None,
        };
        let entry = Entry::new(definition, routes, Origin::Api, live);
        let entry = self.carry(name, entry, before.as_ref());
        let put = |state: &mut State| {
            state.plugins.insert(name.to_owned(), entry);
            match state.clashes(name) {
                clashes if clashes.is_empty() => Ok(()),
                clashes => Err(Refusal::Invalid(clashes)),
            }
        };
        let prepared = self.prepare(put).await?;
        let new = self.0.registry.define(name, &json.to_string()).await?;
        self.put(prepared).await;
        self.end_fallen().await;
        Ok(new)
    }

    /// Removes a plugin that the API defined, with its releases. The rollout under way, if there is one, ends first, so that
    /// log and metrics tell of it: its record goes with the plugin.
    pub(crate) async fn undefine(&self, name: &str) -> Result<(), Refusal> {
        let _change = self.0.change.lock().await;
        if self.entry(name).await?.origin == Origin::File {
            return Err(read_only(name));
        }
        if let Some(rollout) = self.0.registry.rollout_under_way(name)? {
            self.grant(rollout, Wish::Abort, (HOST, "the plugin is removed")).await?;
        }
        let without = |state: &mut State| {
            state.plugins.remove(name);
            Ok(())
        };
        let prepared = self.prepare(without).await?;
        self.0.registry.undefine(name).await?;
        self.0.rollouts.remove(name);
        self.put(prepared).await;
        self.forget(name);
        Ok(())
    }

    pub(super) async fn entry(&self, name: &str) -> Result<Entry, Refusal> {
        self.0.state.lock().await.plugins.get(name).cloned().ok_or_else(|| unknown(name))
    }

    pub(super) async fn takes_uploads(&self, name: &str) -> Result<Entry, Refusal> {
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
}

/// What a deployment says of its rollout, over what its plugin says.
fn rollout_spec(options: &serde_json::Value, base: &RolloutSpec) -> Result<RolloutSpec, Refusal> {
    let problems = Problems::new("options");
    let node = Node::from_json(options);
    let mut section = node.section("", &problems);
    let spec = RolloutSpec::read(&mut section, base);
    section.finish();
    match problems.into_vec() {
        told if told.is_empty() => Ok(spec),
        told => Err(Refusal::Invalid(told.iter().map(problem_line).collect())),
    }
}

fn read_only(name: &str) -> Refusal {
    Refusal::Conflict(format!(
        "plugin {name} is defined in the configuration file; change it there and reload"
    ))
}
