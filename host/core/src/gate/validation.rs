//! `openapi`, `schema`, `check_responses`: what a request must look like.

use std::path::PathBuf;

use crate::settings::{Located, Section};

/// What requests (and responses) are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValidationSpec {
    /// `openapi`: an OpenAPI document, relative to the configuration file.
    pub openapi: Option<Located<PathBuf>>,
    /// `schema`: a JSON Schema for the body, relative to the configuration file.
    pub schema: Option<Located<PathBuf>>,
    /// `check_responses`: whether responses are compared too. Default: off.
    pub check_responses: Option<ResponseCheck>,
}

/// What becomes of a response that its document does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCheck {
    /// Responses are not looked at.
    Off,
    /// It is sent and logged.
    Log,
    /// It is replaced by an error; for development.
    Refuse,
}

impl ValidationSpec {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let path = |text: Located<String>| Located { value: PathBuf::from(text.value), line: text.line };
        let checks =
            [("off", ResponseCheck::Off), ("log", ResponseCheck::Log), ("refuse", ResponseCheck::Refuse)];
        ValidationSpec {
            openapi: section.string("openapi").map(path),
            schema: section.string("schema").map(path),
            check_responses: section.choice("check_responses", &checks),
        }
    }

    pub(super) fn or(&self, further: &Self) -> Self {
        // A schema of its own replaces a document from further away, and the other way round.
        let own = self.openapi.is_some() || self.schema.is_some();
        let from = if own { self } else { further };
        ValidationSpec {
            openapi: from.openapi.clone(),
            schema: from.schema.clone(),
            check_responses: self.check_responses.or(further.check_responses),
        }
    }
}
