//! What requests of one route are compared with, in two steps: by their head, and once their body is there.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Uri};
use ostler_core::gate::{Flaw, ResponseCheck, ValidationSpec};
use ostler_core::{Error, Kind, Parameters};
use serde_json::Value;

use crate::documents::{Documents, Format, Rules};
use crate::operation::{Expected, Operation, kept};
use crate::response;
use crate::violation::Violation;

/// What requests of one route are compared with.
pub struct Validator {
    rules: Arc<Rules>,
    responses: ResponseCheck,
}

/// A request whose head is as it should be; its body may be received.
pub struct Admitted<'a> {
    operation: &'a Operation,
    rules: &'a Rules,
    expected: Expected<'a>,
}

/// What the answer to one request is compared with.
pub struct Answers {
    rules: Arc<Rules>,
    method: Method,
    uri: Uri,
    refuse: bool,
}

impl Validator {
    /// Compiles what `spec` names, relative to `base`; none if it names nothing.
    ///
    /// # Errors
    /// What is wrong with the document, with its own line in `found`.
    pub fn compile(
        spec: &ValidationSpec,
        base: &Path,
        documents: &Documents,
    ) -> Result<Option<Self>, Vec<Flaw>> {
        let (path, format, key) = match (&spec.openapi, &spec.schema) {
            (Some(openapi), Some(_)) => {
                let (found, allowed) = ("openapi and schema", "one of them");
                return Err(vec![Flaw::new(openapi.line, "openapi", found, allowed, "leave out schema")]);
            }
            (Some(path), None) => (path, Format::OpenApi, "openapi"),
            (None, Some(path)) => (path, Format::JsonSchema, "schema"),
            (None, None) => return Ok(None),
        };
        let rules = documents.rules(base, path, format, key)?;
        Ok(Some(Validator { rules, responses: spec.check_responses.unwrap_or(ResponseCheck::Off) }))
    }

    /// Looks at the head of a request; `empty` says that no body comes with it.
    ///
    /// # Errors
    /// `RouteNotFound`, `MethodNotAllowed`, `UnsupportedMediaType` or `Malformed`.
    pub fn admit(&self, head: &Parts, empty: bool) -> Result<Admitted<'_>, Error> {
        let rules = &*self.rules;
        let (operation, _) = rules.find(&head.method, head.uri.path())?;
        Ok(Admitted { operation, rules, expected: operation.expect(head, empty)? })
    }

    /// What the answer to this request has to be compared with, if answers are.
    pub fn answers(&self, head: &Parts) -> Option<Arc<Answers>> {
        let refuse = match self.responses {
            ResponseCheck::Off => return None,
            ResponseCheck::Log => false,
            ResponseCheck::Refuse => true,
        };
        let (method, uri) = (head.method.clone(), head.uri.clone());
        Some(Arc::new(Answers { rules: self.rules.clone(), method, uri, refuse }))
    }
}

impl Admitted<'_> {
    /// Most bytes of body, if the document bounds them.
    pub fn body_max(&self) -> Option<u64> {
        match &self.expected {
            Expected::Content(_, content) => content.bytes_max,
            Expected::Nothing => Some(0),
            Expected::Unnamed => None,
        }
    }

    /// Compares the request with its document; gives its parameters as the document types them.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` with every violation, or `UnsupportedMediaType`.
    pub async fn check(&self, head: &Parts, body: &Bytes) -> Result<Option<Arc<Parameters>>, Error> {
        let (_, variables) = self.rules.find(&head.method, head.uri.path())?;
        let path: Vec<_> = variables.iter().collect();
        self.operation.check(head, &path, &self.expected, body).await.map(kept)
    }
}

impl Answers {
    /// Compares a response with what its operation describes; `body` is there if it is whole.
    ///
    /// # Errors
    /// `ResponseInvalid` if that is to be refused; otherwise it is logged.
    pub fn check(&self, head: &http::response::Parts, body: Option<&[u8]>) -> Result<(), Error> {
        let Ok((operation, _)) = self.rules.find(&self.method, self.uri.path()) else { return Ok(()) };
        let body = body.filter(|_| self.method != Method::HEAD);
        let violations = response::check(&operation.responses, head, body);
        if violations.is_empty() {
            return Ok(());
        }
        let told = told(&violations);
        if self.refuse {
            return Err(Error::new(
                Kind::ResponseInvalid,
                "the response is not what the document of this route says",
            )
            .because(told));
        }
        tracing::warn!(method = %self.method, path = self.uri.path(), violations = told, "a response is not what its document says");
        Ok(())
    }
}

/// The first few, in one line.
fn told(violations: &[Violation]) -> String {
    let one = |violation: &Violation| {
        let allowed = violation.allowed.as_ref().map(Value::to_string).unwrap_or_default();
        format!("{} {} {} {}", violation.place.as_str(), violation.at, violation.problem, allowed)
            .trim_end()
            .to_owned()
    };
    violations.iter().take(5).map(one).collect::<Vec<_>>().join("; ")
}
