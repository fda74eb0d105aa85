//! The request, received whole.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::uri::{self, Pairs, PathMatch};

/// A request whose body has been received whole.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// A request as a test would send it. `target` is path and query: `/api/items?limit=3`.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Request { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `GET`, for tests.
    pub fn get(target: impl Into<String>) -> Self {
        Request::new("GET", target)
    }

    /// A `POST`, for tests.
    pub fn post(target: impl Into<String>) -> Self {
        Request::new("POST", target)
    }

    /// A `DELETE`, for tests.
    pub fn delete(target: impl Into<String>) -> Self {
        Request::new("DELETE", target)
    }

    /// Adds a header; the name is put in lower case, as the host does.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Replaces the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Replaces the body by `value` as JSON and names its type.
    ///
    /// # Panics
    /// If `value` has no JSON form, such as a map whose keys are no strings: a mistake in the test that calls this.
    pub fn with_json(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("a value with a JSON form");
        self.with_header("content-type", "application/json").with_body(body)
    }

    /// `GET`, `POST`, ... in capitals.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Path and query as sent.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path as sent, without the query; escapes are not decoded (see [`match_path`](Self::match_path)).
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// The first value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries().get(name).map(str::to_owned)
    }

    /// All query parameters, decoded.
    pub fn queries(&self) -> Pairs {
        Pairs::parse(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    /// Holds the path against a pattern such as `/users/{id}` or `/files/{*rest}`.
    pub fn match_path(&self, pattern: &str) -> Option<PathMatch> {
        uri::match_path(pattern, self.path())
    }

    /// The first value of a header, if it is UTF-8. `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok()
    }

    /// All headers in the order they came, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body as text; 400 if it is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.body).map_err(|_| Error::bad_request("the body is not UTF-8"))
    }

    /// The body read as JSON. 415 if a type is named that is not JSON, 400 if it is malformed, 422 if its values do not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if let Some(kind) = self.header("content-type").filter(|kind| !is_json(kind)) {
            return Err(Error::unsupported_media_type(format!("expected application/json, found {kind}")));
        }
        serde_json::from_slice(&self.body).map_err(|error| match error.is_data() {
            true => Error::unprocessable(error.to_string()),
            false => Error::bad_request(format!("the body is not JSON: {error}")),
        })
    }

    /// The fields of an HTML form (`application/x-www-form-urlencoded`). 415 if the body is something else.
    pub fn form(&self) -> Result<Pairs, Error> {
        if !self.is_form() {
            return Err(Error::unsupported_media_type("expected application/x-www-form-urlencoded"));
        }
        Ok(Pairs::parse(self.text()?))
    }

    /// Whether the body calls itself an HTML form.
    pub fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|kind| essence(kind) == "application/x-www-form-urlencoded")
    }
}

impl From<crate::export::Request> for Request {
    fn from(raw: crate::export::Request) -> Self {
        Request { method: raw.method, target: raw.target, headers: raw.headers, body: raw.body }
    }
}

/// A media type without its parameters, in lower case.
fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn is_json(kind: &str) -> bool {
    let kind = essence(kind);
    kind == "application/json" || kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_falls_into_path_and_query() {
        let request = Request::get("/a%20b?x=1&y=%C3%A9");
        assert_eq!(request.path(), "/a%20b");
        assert_eq!(request.query("x").as_deref(), Some("1"));
        assert_eq!(request.query("y").as_deref(), Some("é"));
        assert_eq!(Request::get("/").query("x"), None);
    }

    #[test]
    fn headers_are_found_by_their_lower_case_name() {
        let request = Request::get("/").with_header("X-One", "1").with_header("x-bytes", vec![0xff]);
        assert_eq!(request.header("x-one"), Some("1"));
        assert_eq!(request.header("x-bytes"), None);
        assert_eq!(request.headers().count(), 2);
    }

    #[test]
    fn json_that_does_not_fit_is_told_apart() {
        let status = |request: Request| request.json::<Vec<u8>>().unwrap_err().status();
        assert_eq!(status(Request::post("/").with_body("[1")), 400);
        assert_eq!(status(Request::post("/").with_body("{}")), 422);
        assert_eq!(
            status(Request::post("/").with_header("content-type", "text/plain").with_body("[1]")),
            415
        );
        let typed = Request::post("/")
            .with_header("content-type", "application/JSON; charset=utf-8")
            .with_body("[1]");
        assert_eq!(typed.json::<Vec<u8>>().unwrap(), [1]);
    }

    #[test]
    fn a_form_is_read_only_if_it_calls_itself_one() {
        let form = Request::post("/")
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_body("a=b+c");
        assert_eq!(form.form().unwrap().get("a"), Some("b c"));
        assert_eq!(Request::post("/").with_body("a=b").form().unwrap_err().status(), 415);
    }
}
