//! What a flag is told of the request that it is asked for.
//!
//! **Invariant:** nothing is looked at before a flag's targeting wants it, and no field that carries a credential is handed to it:
//! neither the usual ones nor those that an `[auth.NAME]` of this host names.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method, Request, Uri, header};
use ostler_core::{Body, Exchange, Principal, exchange};
use ostler_release::flags::{Attribute, Context};
use serde_json::{Map, Value};

use super::Targeting;

/// Longest targeting key that is taken from a cookie or a field, in bytes; for a longer one the address stands in.
const KEY_MAX: usize = 256;

/// Fields that carry credentials, besides those that authenticators are told to look at.
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
    visitor: Option<&'a str>,
    /// Fields that carry credentials, besides the usual ones.
    pub(super) secret: &'a [HeaderName],
}

impl<'a> Asker<'a> {
    /// A request whose route is not known yet, of a client for which `visitor` stands.
    pub(crate) fn unrouted(request: &'a Request<Body>, client: IpAddr, visitor: Option<&'a str>) -> Self {
        Asker {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            client,
            route: None,
            plugin: None,
            principal: None,
            visitor,
            secret: &[],
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
            visitor: exchange.visitor.as_ref().map(|visitor| visitor.as_str()),
            secret: &[],
        }
    }

    /// The fields that are no credentials, by name; several of one name as the list that they are.
    fn fields(&self) -> Value {
        let mut fields = Map::new();
        let told = |name: &&HeaderName| !SECRET.contains(name) && !self.secret.contains(name);
        for name in self.headers.keys().filter(told) {
            let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            fields.insert(name.as_str().to_owned(), values.collect::<Vec<_>>().join(", ").into());
        }
        Value::Object(fields)
    }
}

impl Context for Asker<'_> {
    fn targeting_key(&self) -> Option<Cow<'_, str>> {
        let known = self.principal.map(|principal| &*principal.subject).or(self.visitor);
        Some(known.map_or_else(|| self.client.to_string().into(), Cow::Borrowed))
    }

    fn visit(&self, wants: &dyn Fn(&str) -> bool, attribute: &mut dyn FnMut(&str, Attribute<'_>)) {
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
        if wants("header") {
            attribute("header", Attribute::Json(&self.fields()));
        }
    }
}

impl Targeting {
    /// What the cookie or field says that stands for the client.
    pub(super) fn visitor<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let value = match self {
            Targeting::Header(name) => headers.get(name)?.to_str().ok()?,
            Targeting::Cookie(name) => cookie(headers, name)?,
        };
        (1..=KEY_MAX).contains(&value.len()).then_some(value)
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
        asker.visit(&|_| true, &mut |name, value| {
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
        let own = [("x-shop-key", "s3cret"), ("x-beta", "1"), ("x-beta", "2")];
        let request = request(&[&secret[..], &own].concat());
        let mut asker = Asker::unrouted(&request, "192.0.2.1".parse().unwrap(), None);
        let names = [HeaderName::from_static("x-shop-key")];
        asker.secret = &names;
        let told = told(&asker);
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
            let visitor = targeting.visitor(request.headers());
            let asker = Asker::unrouted(&request, "192.0.2.1".parse().unwrap(), visitor);
            assert_eq!(asker.targeting_key().as_deref(), Some(key), "{fields:?}");
        }
    }
}
