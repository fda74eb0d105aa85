//! What a release is made of, and whether the operator's advisories are about any of it.

use std::time::Instant;

use bytes::Bytes;
use ostler_release::admission::contents::{self, Contents};
use ostler_release::admission::{Attachment, Gate, Trial};

use super::Case;
use crate::control::component::blocking;
use crate::control::{Control, Refusal};

impl Control {
    /// The document to keep with the release; none if what it is made of cannot be read.
    pub(super) async fn contents(
        &self,
        case: &Case<'_>,
        trial: &mut Trial,
    ) -> Result<Option<Bytes>, Refusal> {
        let start = Instant::now();
        let (config, rules, name, digest) =
            (case.config.clone(), case.rules.clone(), case.name.to_owned(), case.digest);
        let (component, sbom) = (case.upload.component.clone(), case.upload.file(Attachment::Sbom).cloned());
        let control = self.clone();
        let judged = blocking(move || {
            let read = || {
                let contents = Contents::read(&component, sbom.as_deref())?;
                let advisories = control.0.advisories.look(&config.advisories)?;
                let verdict = contents::judge(&rules, &contents, &advisories, &config.ignored);
                Ok::<_, String>((verdict, contents.document(&name, &digest)))
            };
            Ok(read())
        });
        let (verdict, document) = match judged.await? {
            Ok((verdict, document)) => (verdict, Some(document)),
            Err(reason) => (Err(vec![reason]), None),
        };
        trial.note(Gate::Contents, start.elapsed(), verdict);
        Ok(document)
    }
}
