//! Who vouches for a release: a signature in minisign's format, a Sigstore bundle, or nobody.
//!
//! What came with a release is verified whether or not it was asked for: a signature that does not fit is never a good sign.

use std::time::Instant;

use ostler_release::admission::{Attachment, Gate, Trial, Verdict, signature, sigstore};
use ostler_services::Clock;

use super::Case;
use crate::control::component::blocking;
use crate::control::{Control, Refusal};

impl Control {
    pub(super) async fn signature(&self, case: &Case<'_>, trial: &mut Trial) -> Result<(), Refusal> {
        let start = Instant::now();
        let signature = case.upload.file(Attachment::Signature).cloned();
        let bundle = case.upload.file(Attachment::Sigstore).cloned();
        if signature.is_none() && bundle.is_none() {
            if case.rules.signature {
                let reason =
                    "it is not signed; sign it with `ostler keys sign`, and deploy it with --signature";
                trial.note(Gate::Signature, start.elapsed(), Err(vec![reason.into()]));
            }
            return Ok(());
        }
        let (config, rules, name) = (case.config.clone(), case.rules.clone(), case.name.to_owned());
        let component = case.upload.component.clone();
        let verdict = blocking(move || {
            let signers = rules.signers.as_deref();
            let now = Clock::default().now_ms() / 1_000;
            let question = signature::Question { plugin: &name, component: &component, signers, now };
            let signed = signature.map(|signature| signature::judge(&config, &signature, question));
            let bundled = bundle.map(|bundle| match &config.sigstore {
                Some(trust) => sigstore::judge(trust, &bundle, &component),
                None => {
                    Err(vec!["a Sigstore bundle came with it; add [admission.sigstore] to trust any".into()])
                }
            });
            Ok(signed.into_iter().chain(bundled).collect::<Vec<Verdict>>())
        });
        trial.note(Gate::Signature, start.elapsed(), all(verdict.await?));
        Ok(())
    }
}

/// One verdict of several, all of which must be good.
fn all(verdicts: Vec<Verdict>) -> Verdict {
    let (mut told, mut reasons) = (Vec::new(), Vec::new());
    for verdict in verdicts {
        match verdict {
            Ok(detail) => told.push(detail),
            Err(more) => reasons.extend(more),
        }
    }
    if reasons.is_empty() { Ok(told.join("; ")) } else { Err(reasons) }
}
