//! What a flag is told of the request that it is asked for.
//!
//! **Invariant:** nothing is looked at before a flag's targeting wants it, and no credential is handed to it.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method, Request, Uri, header};
use ostler_core::{Body, Exchange, Principal, exchange};
use ostler_release::flags::{Attribute, Context};
use serde_json::{Map, Value};

use super::Targeting;

/// Longest targeting key that is taken from a cookie or a field, in bytes; for a longer one the address stands in.
const KEY_MAX: usize = 256;

/// Fields that carry credentials.
const SECRET: [HeaderName; 3] = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];

/// A request as flags see it.
pub(crate) struct Asker<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    client: IpAddr,
    route: Option<&'a str>,
    plugin: Option<&'a str>,
    principal: Option<&'a Principal>,
    pub(super) targeting: Option<&'a Targeting>,
}

impl<'a> Asker<'a> {
    /// A request whose route is not known yet.
    pub(crate) fn unrouted(request: &'a Request<Body>, client: IpAddr) -> Self {
        Asker {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            client,
            route: None,
            plugin: None,
            principal: None,
            targeting: None,
        }
    }

    /// A request of `exchange` with these fields.
    pub(crate) fn routed(exchange: &'a Exchange, headers: &'a HeaderMap, plugin: &'a str) -> Self {
        Asker {
            method: &exchange.head.method,
            uri: &exchange.head.uri,
            headers,
            client: exchange.client,
            route: Some(&exchange.route),
            plugin: Some(plugin),
            principal: exchange.principal.as_deref(),
            targeting: None,
        }
    }

    /// What the cookie or field says that stands for the client.
    fn named(&self) -> Option<&'a str> {
        let value = match self.targeting? {
            Targeting::Header(name) => self.headers.get(name)?.to_str().ok()?,
            Targeting::Cookie(name) => cookie(self.headers, name)?,
        };
        (1..=KEY_MAX).contains(&value.len()).then_some(value)
    }

    /// The fields that are no credentials, by name; several of one name as the list that they are.
    fn fields(&self) -> Value {
        let mut fields = Map::new();
        for name in self.headers.keys().filter(|name| !SECRET.contains(name)) {
            let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            fields.insert(name.as_str().to_owned(), values.collect::<Vec<_>>().join(", ").into());
        }
        Value::Object(fields)
    }
}

impl Context for Asker<'_> {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        let known = self.principal.map(|principal| &*principal.subject).or_else(|| self.named());
        Some(known.map_or_else(|| self.client.to_string().into(), Cow::Borrowed))
    }

    fn visit(&self, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
        attribute("address", Attribute::Text(&self.client.to_string()));
        attribute("method", Attribute::Text(self.method.as_str()));
        attribute("path", Attribute::Text(self.uri.path()));
        let texts = [
            ("host", exchange::host(self.uri, self.headers)),
            ("route", self.route),
            ("plugin", self.plugin),
            ("subject", self.principal.map(|principal| &*principal.subject)),
            ("tenant", self.principal.and_then(|principal| principal.tenant.as_deref())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                attribute(name, Attribute::Text(text));
            }
        }
        if let Some(principal) = self.principal {
            attribute("roles", Attribute::Texts(&principal.roles));
        }
        attribute("header", Attribute::Json(&self.fields()));
    }
}

/// The first cookie of this name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = std::str::from_utf8(exchange::cookies(headers, name).next()?).ok()?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::builder().method("PUT").uri("http://Shop.test:81/a?b=c");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(Body::Empty).unwrap()
    }

    fn told(asker: &Asker<'_>) -> Value {
        let mut all = Map::new();
        asker.visit(&mut |name, value| {
            let value = match value {
                Attribute::Text(text) => text.into(),
                Attribute::Json(value) => value.clone(),
                other => format!("{other:?}").into(),
            };
            assert!(all.insert(name.to_owned(), value).is_none(), "{name} is told twice");
        });
        all.into()
    }

    #[test]
    fn a_request_is_told_without_its_credentials() {
        let secret =
            [("authorization", "Bearer s3cret"), ("cookie", "a=s3cret"), ("proxy-authorization", "s3cret")];
        let request = request(&[&secret[..], &[("x-beta", "1"), ("x-beta", "2")]].concat());
        let told = told(&Asker::unrouted(&request, "192.0.2.1".parse().unwrap()));
        let wanted = serde_json::json!({ "address": "192.0.2.1", "method": "PUT", "path": "/a", "host": "Shop.test",
            "header": { "x-beta": "1, 2" } });
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_cookie_or_a_field_stands_for_the_client_and_its_address_where_there_is_none() {
        let long = "x".repeat(KEY_MAX + 1);
        let cookie = |name: &str| Targeting::Cookie(name.to_owned());
        let header = Targeting::Header(HeaderName::from_static("x-visitor"));
        for (fields, targeting, key) in [
            (&[("cookie", "a=1; visitor=\"v 7\"; b=2")][..], &cookie("visitor"), "v 7"),
            (&[("cookie", "a=1"), ("cookie", "visitor=v9")], &cookie("visitor"), "v9"),
            (&[("cookie", "Visitor=v7; xvisitor=8; visitor")], &cookie("visitor"), "192.0.2.1"),
            (&[("cookie", "visitor=")], &cookie("visitor"), "192.0.2.1"),
            (&[("x-visitor", "v8")], &header, "v8"),
            (&[("x-visitor", &long)], &header, "192.0.2.1"),
        ] {
            let request = request(fields);
            let mut asker = Asker::unrouted(&request, "192.0.2.1".parse().unwrap());
            asker.targeting = Some(targeting);
            assert_eq!(asker.targeting_key().as_deref(), Some(key), "{fields:?}");
        }
    }
}
