//! The gates that an uploaded release must pass, in their order: cheap ones first, then what needs it compiled, strangers last.
//!
//! Decisions are `ostler_release::admission`'s; here they get what they need of the running host.
//! **Invariant:** nothing is recorded as a release, and nothing serves, of which a gate said no or could not be asked.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_core::admission::Rules;
use ostler_core::plugin::{Definition, Grant};
use ostler_release as release;
use ostler_release::admission::artifact::{self, Before, Facts};
use ostler_release::admission::{Admitted, Attachment, Config, Gate, SIGNERS, Trial, Verdict};
use ostler_runtime::Component;
use ostler_runtime::inspect::{Handler, Inspection, Need};

use super::component::blocking;
use super::entry::{Entry, Origin};
use super::progress::{Step, Told};
use super::view::millis;
use super::{Control, Refusal};

mod contents;
mod hooks;
mod smoke;
mod vouched;

/// A release as it was uploaded.
pub(crate) struct Upload {
    /// The component.
    pub(crate) component: Bytes,
    /// What came with it.
    pub(crate) files: Vec<(Attachment, Bytes)>,
    /// Grants that whoever deploys approved for it, by their keys.
    pub(crate) approve: Vec<String>,
    /// Who deploys.
    pub(crate) who: String,
    /// Why.
    pub(crate) why: String,
    /// How it is to take over, where that is not as its plugin says: the keys of `[plugins.NAME.rollout]`.
    pub(crate) rollout: serde_json::Value,
}

/// A release that passed all gates, and under which rules.
pub(super) struct Trusted {
    pub(super) inspection: Inspection,
    pub(super) compiled: Component,
    /// Time of the gates before compiling.
    pub(super) validate_ms: u64,
    pub(super) admitted: Admitted,
    basis: Basis,
}

/// What the gates went by.
#[derive(PartialEq)]
struct Basis {
    plugin: String,
    config: Arc<Config>,
    rules: Rules,
    grant: Grant,
    /// What the release was compared with.
    live: Option<Digest>,
}

/// What every gate is told.
struct Case<'a> {
    name: &'a str,
    entry: &'a Entry,
    upload: &'a Upload,
    digest: Digest,
    config: &'a Arc<Config>,
    rules: &'a Rules,
}

impl Control {
    /// Puts an upload to all gates; what was refused is noted with its findings.
    pub(super) async fn admit(
        &self,
        name: &str,
        entry: &Entry,
        upload: &Upload,
        told: &Told<'_>,
    ) -> Result<Trusted, Refusal> {
        check_approvals(&upload.approve)?;
        let bytes = upload.component.clone();
        let digest = blocking(move || Ok(Digest::of(&bytes))).await?;
        let basis = self.basis(name, entry).await?;
        let case = Case { name, entry, upload, digest, config: &basis.config, rules: &basis.rules };
        let mut trial = Trial::default();
        let passed = self.gates(&case, &mut trial, told).await?;
        let (findings, reasons) = trial.end();
        let Some((inspection, compiled, validate_ms, files)) = passed else {
            self.0.registry.note_refusal(name, digest, &findings).await?;
            tracing::warn!(plugin = name, %digest, ?reasons, "a release was refused");
            return Err(Refusal::NotAdmitted(reasons, findings));
        };
        Ok(Trusted { inspection, compiled, validate_ms, admitted: Admitted { findings, files }, basis })
    }

    /// Refuses what was admitted by rules that have changed meanwhile.
    pub(super) async fn still_holds(&self, trusted: &Trusted, entry: &Entry) -> Result<(), Refusal> {
        match self.basis(&trusted.basis.plugin, entry).await? == trusted.basis {
            true => Ok(()),
            false => {
                let told = "what releases must pass, or the live release, was changed while this one was looked at; deploy it again";
                Err(Refusal::Conflict(told.into()))
            }
        }
    }

    async fn basis(&self, name: &str, entry: &Entry) -> Result<Basis, Refusal> {
        let config = self.0.state.lock().await.admission.clone();
        let own = &entry.definition.admission;
        let rules = match entry.origin {
            Origin::File => own.rules(&config.base),
            Origin::Api => own.stricter(&config.base),
        };
        let live = self.0.registry.live(name)?.map(|live| live.digest);
        Ok(Basis { plugin: name.to_owned(), config, rules, grant: entry.definition.spec.grant.clone(), live })
    }

    /// Refuses a definition whose releases nobody could sign, since it names keys that this host has not.
    pub(super) async fn knows_signers(&self, definition: &Definition) -> Result<(), Refusal> {
        let config = self.0.state.lock().await.admission.clone();
        let reason = |name: &str| format!("admission.signers: found {name:?}; allowed: {SIGNERS}");
        let reasons: Vec<_> = config.strangers(&definition.admission).into_iter().map(reason).collect();
        if reasons.is_empty() { Ok(()) } else { Err(Refusal::Invalid(reasons)) }
    }

    /// Nothing if a gate refused.
    #[allow(clippy::type_complexity)]
    async fn gates(
        &self,
        case: &Case<'_>,
        trial: &mut Trial,
        told: &Told<'_>,
    ) -> Result<Option<(Inspection, Component, u64, Vec<(Attachment, Bytes)>)>, Refusal> {
        told.begins(Step::Validate);
        let start = Instant::now();
        let Some(inspection) = self.artifact(case, trial).await? else { return Ok(None) };
        self.signature(case, trial).await?;
        let document = self.contents(case, trial).await?;
        let validate_ms = millis(start.elapsed());
        let (true, Some(document)) = (trial.passes(), document) else { return Ok(None) };
        told.begins(Step::Compile);
        let compiled = match self.inspected(case.name, case.upload.component.clone()).await {
            Err(Refusal::Invalid(reasons)) => {
                trial.note(Gate::Artifact, start.elapsed(), Err(reasons));
                return Ok(None);
            }
            compiled => compiled?,
        };
        told.begins(Step::Check);
        self.smoke(case, &compiled, trial).await?;
        if trial.passes() {
            self.hooks(case, &inspection, trial).await?;
        }
        Ok(trial.passes().then(|| (inspection, compiled, validate_ms, case.files(document))))
    }

    /// The component itself.
    async fn artifact(&self, case: &Case<'_>, trial: &mut Trial) -> Result<Option<Inspection>, Refusal> {
        let start = Instant::now();
        let inspection = match self.inspect(case.upload.component.clone()).await {
            Err(Refusal::Invalid(reasons)) => {
                trial.note(Gate::Artifact, start.elapsed(), Err(reasons));
                return Ok(None);
            }
            inspection => inspection?,
        };
        let live = self.facts_of_live(case).await?;
        let granted = granted(&case.entry.definition.spec.grant);
        let before = Before { live: live.as_ref(), granted: &granted, approved: &case.upload.approve };
        let verdict: Verdict = artifact::judge(case.rules, &facts(&inspection), &before);
        trial.note(Gate::Artifact, start.elapsed(), verdict);
        Ok(Some(inspection))
    }

    /// What the live release is. Of one whose file is gone only what was recorded is known: it counts as one that asked for
    /// nothing.
    async fn facts_of_live(&self, case: &Case<'_>) -> Result<Option<Facts>, Refusal> {
        let Some(live) = self.0.registry.live(case.name)? else { return Ok(None) };
        let found = match self.0.registry.component(live.digest).await {
            Err(release::Error::ArtifactLost { .. }) => None,
            bytes => match self.inspect(bytes?).await {
                // A newer host may refuse what an older one took.
                Err(Refusal::Invalid(_)) => None,
                found => Some(facts(&found?)),
            },
        };
        Ok(Some(found.unwrap_or_else(|| recorded(&live))))
    }
}

impl Case<'_> {
    /// What is kept with the release: all that came with it, and the list of its contents in one form.
    fn files(&self, document: Bytes) -> Vec<(Attachment, Bytes)> {
        let given = self.upload.files.iter().filter(|(kind, _)| *kind != Attachment::Sbom);
        given.cloned().chain([(Attachment::Sbom, document)]).collect()
    }
}

/// Refuses approvals of what no release could ask for.
fn check_approvals(approve: &[String]) -> Result<(), Refusal> {
    let known = Need::ALL.map(Need::as_str);
    let unknown = approve.iter().filter(|name| !known.contains(&name.as_str()));
    let reason = |name: &String| format!("approve: {name:?} is no grant; there are {}", known.join(", "));
    let reasons: Vec<_> = unknown.map(reason).collect();
    if reasons.is_empty() { Ok(()) } else { Err(Refusal::Invalid(reasons)) }
}

fn granted(grant: &Grant) -> Vec<&'static str> {
    Need::ALL.into_iter().filter(|need| need.granted(grant)).map(Need::as_str).collect()
}

fn recorded(live: &release::Release) -> Facts {
    let handler =
        Handler::of_short(&live.handler).map_or_else(String::new, |known| known.as_str().to_owned());
    Facts { size: live.size, handler, needs: Vec::new() }
}

fn facts(inspection: &Inspection) -> Facts {
    Facts {
        size: inspection.bytes,
        handler: inspection.handler.map(|handler| handler.as_str().to_owned()).unwrap_or_default(),
        needs: inspection.needs.iter().map(|need| need.as_str().to_owned()).collect(),
    }
}

impl Upload {
    /// A component alone.
    pub(crate) fn of(component: Bytes) -> Self {
        let (who, why, rollout) = ("admin".into(), String::new(), serde_json::json!({}));
        Upload { component, files: Vec::new(), approve: Vec::new(), who, why, rollout }
    }

    /// What came with it as `kind`.
    fn file(&self, kind: Attachment) -> Option<&Bytes> {
        self.files.iter().find(|(known, _)| *known == kind).map(|(_, body)| body)
    }
}
