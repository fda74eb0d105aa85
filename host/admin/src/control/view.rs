//! What the API shows of plugins and releases.

use std::time::Duration;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_core::unit::{format_duration, format_size};
use ostler_release::admission::{Attachment, Finding};
use ostler_release::{Refused, Release};
use serde::Serialize;

use super::entry::Entry;
use super::progress::Deploying;
use super::{Control, Refusal};

/// A plugin.
#[derive(Debug, Serialize)]
pub(crate) struct PluginView {
    name: String,
    /// `file` or `api`.
    defined_in: &'static str,
    /// Whether releases are uploaded, or the file at `path` is the release.
    path: Option<String>,
    live: Option<LiveView>,
    /// The deployment under way.
    deploying: Option<Deploying>,
    instances: &'static str,
    memory: String,
    deadline: String,
    concurrency: usize,
    routes: Vec<RouteView>,
}

#[derive(Debug, Serialize)]
struct LiveView {
    digest: String,
    size: u64,
    handler: &'static str,
    compile_ms: u64,
    idle_instances: usize,
    busy: usize,
    waiting: usize,
}

#[derive(Debug, Serialize)]
struct RouteView {
    path: String,
    methods: Vec<String>,
    host: Option<String>,
}

/// A release.
#[derive(Debug, Serialize)]
pub(crate) struct ReleaseView {
    digest: String,
    size: u64,
    handler: String,
    compile_ms: u64,
    warnings: Vec<String>,
    created_at_ms: i64,
    activated_at_ms: i64,
    live: bool,
    /// Whether a rollout of it is under way.
    candidate: bool,
    /// What each gate said.
    admission: Vec<Finding>,
}

/// Releases of a plugin, and what was refused to be one.
#[derive(Debug, Serialize)]
pub(crate) struct ReleasesView {
    releases: Vec<ReleaseView>,
    refused: Vec<RefusedView>,
}

#[derive(Debug, Serialize)]
struct RefusedView {
    digest: String,
    at_ms: i64,
    admission: Vec<Finding>,
}

impl Control {
    pub(crate) async fn plugins(&self) -> Vec<PluginView> {
        let state = self.0.state.lock().await;
        state.plugins.iter().map(|(name, entry)| self.view(name, entry, &state.routes)).collect()
    }

    pub(crate) async fn plugin(&self, name: &str) -> Result<PluginView, Refusal> {
        let state = self.0.state.lock().await;
        let entry = state.plugins.get(name).ok_or_else(|| unknown(name))?;
        Ok(self.view(name, entry, &state.routes))
    }

    fn view(&self, name: &str, entry: &Entry, file_routes: &[ostler_core::plugin::RouteSpec]) -> PluginView {
        let spec = &entry.definition.spec;
        let live = entry.live.as_ref().map(|live| {
            let gauges = live.plugin.gauges();
            LiveView {
                digest: live.component.digest.to_string(),
                size: live.component.size,
                handler: live.plugin.handler(),
                compile_ms: millis(live.component.compile_time),
                idle_instances: gauges.idle,
                busy: gauges.busy,
                waiting: gauges.waiting,
            }
        });
        let routes = file_routes.iter().filter(|route| route.plugin == name).chain(&entry.routes);
        PluginView {
            name: name.to_owned(),
            defined_in: entry.origin.as_str(),
            path: spec.path.as_ref().map(|path| path.display().to_string()),
            live,
            deploying: self.0.progress.at(name),
            instances: match spec.instances {
                ostler_core::plugin::Instances::Warm => "warm",
                ostler_core::plugin::Instances::Fresh => "fresh",
            },
            memory: format_size(spec.memory),
            deadline: format_duration(spec.deadline),
            concurrency: spec.concurrency,
            routes: routes
                .map(|route| RouteView {
                    path: route.path.clone(),
                    methods: route.methods.iter().map(ToString::to_string).collect(),
                    host: route.host.clone(),
                })
                .collect(),
        }
    }

    pub(crate) async fn releases(&self, name: &str) -> Result<ReleasesView, Refusal> {
        if !self.0.state.lock().await.plugins.contains_key(name) {
            return Err(unknown(name));
        }
        let registry = &self.0.registry;
        let mut findings = registry.findings(name)?;
        let candidate = self.0.rollouts.get(name).map(|driven| driven.rollout.candidate);
        let releases = registry.list(name)?.into_iter().map(|release| {
            let admission = findings.remove(&release.digest).unwrap_or_default();
            let candidate = candidate == Some(release.digest);
            ReleaseView { admission, candidate, ..release.into() }
        });
        let releases = releases.collect();
        let refused = registry.refusals(name)?.into_iter().map(RefusedView::from).collect();
        Ok(ReleasesView { releases, refused })
    }

    /// One release, with what the gates said of it.
    pub(super) fn shown(&self, name: &str, release: Release) -> Result<ReleaseView, Refusal> {
        let admission = self.0.registry.findings(name)?.remove(&release.digest).unwrap_or_default();
        Ok(ReleaseView { admission, ..release.into() })
    }

    /// What a release is made of: CycloneDX 1.6, in JSON.
    pub(crate) async fn sbom(&self, name: &str, digest: Digest) -> Result<Bytes, Refusal> {
        let missing = || {
            Refusal::NotFound(format!(
                "nothing is kept of what {digest} is made of: it came before this host kept such lists; deploy it again"
            ))
        };
        self.0.registry.file(name, &digest, Attachment::Sbom)?.ok_or_else(missing)
    }
}

pub(super) fn unknown(name: &str) -> Refusal {
    let name: String = name.chars().take(80).collect();
    Refusal::NotFound(format!(
        "there is no plugin {name:?}; define it in the configuration or with PUT /v1/plugins/NAME"
    ))
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Release> for ReleaseView {
    fn from(release: Release) -> Self {
        ReleaseView {
            digest: release.digest.to_string(),
            size: release.size,
            handler: release.handler,
            compile_ms: release.compile_ms,
            warnings: release.warnings,
            created_at_ms: release.created_at_ms,
            activated_at_ms: release.activated_at_ms,
            live: release.live,
            candidate: false,
            admission: Vec::new(),
        }
    }
}

impl From<Refused> for RefusedView {
    fn from(refused: Refused) -> Self {
        RefusedView { digest: refused.digest.to_string(), at_ms: refused.at_ms, admission: refused.findings }
    }
}
