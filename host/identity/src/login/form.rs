//! What people and programs send to the endpoints of a login: a query, a form, or a JSON object of texts.

use http::HeaderMap;
use http::header;
use ostler_core::{Body, Error, Kind};

/// Largest form, in bytes.
const MAX: u64 = 16 << 10;

/// Names and values.
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Of a query.
    pub(super) fn query(text: Option<&str>) -> Self {
        Form(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Of a body.
    pub(super) async fn receive(headers: &HeaderMap, body: Body) -> Result<Self, Error> {
        let bytes = body.whole(MAX).await.map_err(|error| {
            Error::new(Kind::BodyTooLarge, "the form is larger than 16 KiB or broke off").because(error)
        })?;
        if !is_json(headers) {
            return Ok(Form(form_urlencoded::parse(&bytes).into_owned().collect()));
        }
        let texts = serde_json::from_slice::<std::collections::BTreeMap<String, String>>(&bytes);
        let texts = texts.map_err(|_| Error::new(Kind::Malformed, "the body is no JSON object of texts"))?;
        Ok(Form(texts.into_iter().collect()))
    }

    /// The value of `name`; none if there is none, or if there are several, of which no two readers would take the same.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() { None } else { first }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn forms_and_json_are_read_alike_and_doubled_names_are_none() {
        let form =
            Form::receive(&HeaderMap::new(), Body::full("code=1+2&return_to=%2Fa&x=1&x=2")).await.unwrap();
        assert_eq!((form.get("code"), form.get("return_to"), form.get("x")), (Some("1 2"), Some("/a"), None));
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json; a=b".parse().unwrap())]);
        let form = Form::receive(&headers, Body::full(r#"{"code":"12"}"#)).await.unwrap();
        assert_eq!(form.get("code"), Some("12"));
        assert!(Form::receive(&headers, Body::full(r#"{"code":12}"#)).await.is_err());
        assert!(Form::receive(&headers, Body::full(vec![b' '; 17 << 10])).await.is_err());
    }
}
