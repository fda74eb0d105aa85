//! Who vouches for a release: a signature in minisign's format, a Sigstore bundle, or nobody.
//!
//! What came with a release is verified also where none is asked for, as soon as this host trusts anybody: a signature that does not
//! fit is never a good sign.

use std::time::Instant;

use bytes::Bytes;
use ostler_core::admission::Rules;
use ostler_release::admission::{Attachment, Config, Gate, SIGSTORE, Trial, Verdict, signature, sigstore};
use ostler_services::Clock;

use super::Case;
use crate::control::component::blocking;
use crate::control::{Control, Refusal};

/// What vouches for one component.
struct Vouchers {
    plugin: String,
    component: Bytes,
    signature: Option<Bytes>,
    bundle: Option<Bytes>,
}

impl Control {
    pub(super) async fn signature(&self, case: &Case<'_>, trial: &mut Trial) -> Result<(), Refusal> {
        let start = Instant::now();
        let vouchers = Vouchers {
            plugin: case.name.to_owned(),
            component: case.upload.component.clone(),
            signature: case.upload.file(Attachment::Signature).cloned(),
            bundle: case.upload.file(Attachment::Sigstore).cloned(),
        };
        let (config, rules) = (case.config.clone(), case.rules.clone());
        let verdict = blocking(move || Ok(vouchers.judge(&config, &rules))).await?;
        if let Some(verdict) = verdict {
            trial.note(Gate::Signature, start.elapsed(), verdict);
        }
        Ok(())
    }
}

impl Vouchers {
    /// Nothing if nobody vouches and nobody has to.
    fn judge(&self, config: &Config, rules: &Rules) -> Option<Verdict> {
        let verdicts: Vec<_> =
            self.minisign(config, rules).into_iter().chain(self.sigstore(config, rules)).collect();
        if !verdicts.is_empty() {
            return Some(all(verdicts));
        }
        let unsigned = "it is not signed; sign it with `ostler keys sign`, and deploy it with --signature";
        rules.signature.then(|| Err(vec![unsigned.to_owned()]))
    }

    fn minisign(&self, config: &Config, rules: &Rules) -> Option<Verdict> {
        let signature = self.signature.as_ref()?;
        if config.keys.is_empty() && !rules.signature {
            return Some(Ok("its signature was not looked at: [admission.keys] trusts nobody".into()));
        }
        let question = signature::Question {
            plugin: &self.plugin,
            component: &self.component,
            signers: rules.signers.as_deref(),
            now: Clock::default().now_ms() / 1_000,
        };
        Some(signature::judge(config, signature, question))
    }

    fn sigstore(&self, config: &Config, rules: &Rules) -> Option<Verdict> {
        let bundle = self.bundle.as_ref()?;
        let named = rules.signers.as_ref().is_none_or(|signers| signers.iter().any(|name| name == SIGSTORE));
        if config.sigstore.is_some() && self.signature.is_none() && !named {
            let told = "a Sigstore bundle signed it, which is none of this plugin's signers; add \"sigstore\" to them";
            return Some(Err(vec![told.into()]));
        }
        Some(match &config.sigstore {
            Some(trust) => sigstore::judge(trust, bundle, &self.component),
            None if rules.signature => {
                Err(vec!["a Sigstore bundle came with it; add [admission.sigstore] to trust any".into()])
            }
            None => Ok("its Sigstore bundle was not looked at: there is no [admission.sigstore]".into()),
        })
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
