//! The response, sent once the handler returns it; also what outbound HTTP brings back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// A response with its whole body. The host sets `content-length`.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    /// An empty response. `status` is 200 to 599.
    pub fn new(status: u16) -> Self {
        Response { status, headers: Vec::new(), body: Vec::new() }
    }

    /// 200 with plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Response::typed("text/plain; charset=utf-8", text.into())
    }

    /// 200 with a page. Escape what came from outside.
    pub fn html(page: impl Into<String>) -> Self {
        Response::typed("text/html; charset=utf-8", page.into())
    }

    /// 200 with `value` as JSON; an error (500) if it has no JSON form.
    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Response::typed("application/json", serde_json::to_vec(value)?))
    }

    /// 204.
    pub fn no_content() -> Self {
        Response::new(204)
    }

    /// Sends the client to `location`. `status` is 301, 302, 303, 307 or 308.
    pub fn redirect(status: u16, location: &str) -> Self {
        Response::new(status).with_header("location", location)
    }

    /// 200 with a body of a media type.
    pub fn typed(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Response::new(200).with_header("content-type", kind).with_body(body)
    }

    /// Replaces the status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header; names are compared without regard to case, so any spelling will do.
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Replaces the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header, if it is UTF-8. `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value).ok()
    }

    /// All headers in their order, names in lower case.
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

    /// The body as text; bytes that are no UTF-8 become U+FFFD.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of this response read as JSON.
    pub fn read_json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

impl From<Response> for crate::export::Response {
    fn from(response: Response) -> Self {
        crate::export::Response { status: response.status, headers: response.headers, body: response.body }
    }
}

impl From<crate::export::Response> for Response {
    fn from(raw: crate::export::Response) -> Self {
        Response { status: raw.status, headers: raw.headers, body: raw.body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_name_their_types() {
        assert_eq!(Response::text("a").header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(Response::html("a").header("content-type"), Some("text/html; charset=utf-8"));
        let json = Response::json(&[1, 2]).unwrap();
        assert_eq!(json.header("content-type"), Some("application/json"));
        assert_eq!(json.read_json::<Vec<u8>>().unwrap(), [1, 2]);
    }

    #[test]
    fn a_redirect_names_its_place() {
        let response = Response::redirect(302, "https://example.com/");
        assert_eq!((response.status(), response.header("location")), (302, Some("https://example.com/")));
        assert!(response.body().is_empty());
    }
}
