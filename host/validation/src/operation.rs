//! One method of one path: its parameters, its bodies, its responses.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use ostler_core::{Error, Kind, Parameters};

use crate::body::{BodyRules, Content, declared, is_encoded};
use crate::compile::{At, Compile};
use crate::fields::Fields;
use crate::media::MediaType;
use crate::parameter::{Parameter, Texts, cookies};
use crate::response::ResponseRules;
use crate::source::Broken;
use crate::violation::{Place, Violation, Violations};

/// What requests of one operation must look like.
pub(crate) struct Operation {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: BodyRules,
    pub(crate) responses: Vec<ResponseRules>,
}

/// What is known of a request's body from its head.
pub(crate) enum Expected<'a> {
    /// Nothing is to come.
    Nothing,
    /// It does not say what it is, if it comes.
    Unnamed,
    /// This.
    Content(MediaType, &'a Content),
}

impl Operation {
    /// The operation at `at` of a path item whose own parameters are `shared`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn compile(compile: &Compile<'_>, at: &At<'_>, shared: &[At<'_>]) -> Result<Self, Broken> {
        let own = compile.member(at, "parameters")?.map(|list| compile.items(&list)).transpose()?.unwrap_or_default();
        let key = |at: &At<'_>| (at.text("name").map(str::to_owned), at.text("in").map(str::to_owned));
        let replaced = |one: &&At<'_>| own.iter().all(|own| key(own) != key(one));
        let mut parameters = Vec::new();
        for at in shared.iter().filter(replaced).chain(&own) {
            parameters.extend(Parameter::compile(compile, at)?);
        }
        let body = compile.member(at, "requestBody")?;
        let body = body.map(|at| BodyRules::compile(compile, &at)).transpose()?.unwrap_or_default();
        Ok(Operation { parameters, body, responses: Vec::new() })
    }

    /// What body to expect, as far as the head says; refuses what will not be taken before it is received.
    ///
    /// # Errors
    /// `UnsupportedMediaType`, or `Malformed` if its content type cannot be read.
    pub(crate) fn expect(&self, head: &Parts, empty: bool) -> Result<Expected<'_>, Error> {
        let media = declared(head)?;
        if empty && (media.is_none() || self.body.content.is_empty()) {
            return Ok(Expected::Nothing);
        }
        if self.body.content.is_empty() {
            return Err(self.body.unsupported("this operation takes no body"));
        }
        if is_encoded(head) {
            return Err(self.body.unsupported("this route takes no encoded bodies").field(
                http::header::ACCEPT_ENCODING,
                http::HeaderValue::from_static("identity"),
            ));
        }
        let Some(media) = media else { return Ok(Expected::Unnamed) };
        match self.body.content(&media) {
            Some(_) if media.is_json() && !media.is_utf8() => Err(self.body.unsupported("JSON is taken in UTF-8 only")),
            Some(content) => Ok(Expected::Content(media, content)),
            None if empty && !self.body.required => Ok(Expected::Nothing),
            None => Err(self.body.unsupported("this operation takes no body of this media type")),
        }
    }

    /// Compares a request with this; `path` are its variables, as they came.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` with all that is wrong, or `UnsupportedMediaType`.
    pub(crate) async fn check(
        &self,
        head: &Parts,
        path: &[(&str, &str)],
        expected: &Expected<'_>,
        body: &Bytes,
    ) -> Result<Parameters, Error> {
        let mut violations = Violations::default();
        let parameters = self.parameters(head, path, &mut violations);
        let missing = || Violation::new(Place::Body, "", "is missing");
        match expected {
            Expected::Nothing if self.body.required => violations.malformed(missing()),
            Expected::Nothing => {}
            Expected::Unnamed if !body.is_empty() => {
                return Err(self.body.unsupported("the request does not say of what media type its body is"));
            }
            Expected::Unnamed if self.body.required => violations.malformed(missing()),
            Expected::Unnamed => {}
            // An empty text or form is one; an empty JSON is none.
            Expected::Content(media, _) if body.is_empty() && media.is_json() => {
                if self.body.required {
                    violations.malformed(missing());
                }
            }
            Expected::Content(media, content) => content.check(media, body, &mut violations).await,
        }
        violations.into_result()?;
        Ok(parameters)
    }

    fn parameters(&self, head: &Parts, path: &[(&str, &str)], violations: &mut Violations) -> Parameters {
        let mut values = Vec::new();
        if self.parameters.is_empty() {
            return values;
        }
        let Some(query) = Fields::parse(head.uri.query().unwrap_or_default()) else {
            violations.malformed(Violation::new(Place::Query, "", "has more than 1000 fields"));
            return values;
        };
        let has_cookies = self.parameters.iter().any(|one| one.place == Place::Cookie);
        let cookies = if has_cookies { cookies(&head.headers) } else { Vec::new() };
        let texts = Texts { path, query, headers: &head.headers, cookies };
        values.reserve_exact(self.parameters.len());
        for parameter in &self.parameters {
            parameter.check(&texts, &mut values, violations);
        }
        values
    }
}

/// Parameters as an exchange keeps them.
pub(crate) fn kept(parameters: Parameters) -> Option<Arc<Parameters>> {
    (!parameters.is_empty()).then(|| Arc::new(parameters))
}

/// That a path is none of the document's.
pub(crate) fn unknown_path() -> Error {
    Error::new(Kind::RouteNotFound, "the document of this route has no such path")
}
