//! Under which key a request's answer lies.
//!
//! Every part has its length before it, so no value can pass for another part. **Invariant:** two requests share a key only if
//! all that the route tells answers apart by is the same: plugin, who may ask, host, path, query, and each `vary_on`.

use bytes::BufMut;
use http::request::Parts;
use http::{HeaderName, header};
use ostler_core::gate::{AccessSpec, CacheRules, Flaw};
use ostler_core::{Exchange, Principal, exchange};
use percent_encoding::percent_decode_str;

/// What a key is made of, beside the request.
pub(super) struct KeySpec {
    /// What all keys of the route begin with.
    prefix: Vec<u8>,
    dimensions: Vec<Dimension>,
    ignore_query: Vec<String>,
}

enum Dimension {
    Principal,
    Tenant,
    Header(HeaderName),
    Query(String),
    Cookie(String),
}

impl KeySpec {
    pub(super) fn new(rules: &CacheRules, access: &AccessSpec, plugin: &str, release: &str) -> Self {
        let mut prefix = vec![b'a'];
        put(&mut prefix, plugin.as_bytes());
        put(&mut prefix, if rules.per_release { release.as_bytes() } else { b"" });
        // Hosts that share a store may let different people in.
        put(&mut prefix, who(access).as_bytes());
        for text in &rules.vary_on {
            put(&mut prefix, text.value.as_bytes());
        }
        let dimensions = rules.vary_on.iter().filter_map(|text| dimension(&text.value).ok()).collect();
        let ignore_query = rules.ignore_query.iter().map(|name| name.value.clone()).collect();
        KeySpec { prefix, dimensions, ignore_query }
    }

    /// Key of the answer to `head`.
    pub(super) fn key(&self, exchange: &Exchange, head: &Parts) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.prefix.len() + 96);
        key.put_slice(&self.prefix);
        put_host(&mut key, head);
        put(&mut key, head.uri.path().as_bytes());
        self.put_query(&mut key, head.uri.query());
        for dimension in &self.dimensions {
            dimension.put(&mut key, exchange, head);
        }
        key
    }

    /// Whether keys tell apart who asks with `exchange`.
    pub(super) fn knows_who(&self, exchange: &Exchange) -> bool {
        let Some(principal) = &exchange.principal else { return false };
        self.dimensions.iter().any(|dimension| match dimension {
            Dimension::Principal => true,
            Dimension::Tenant => principal.tenant.is_some(),
            _ => false,
        })
    }

    /// Whether keys hold the request field `name`.
    pub(super) fn holds(&self, name: &HeaderName) -> bool {
        self.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Header(own) if own == name))
    }

    /// Whether keys hold those cookies that make a difference.
    pub(super) fn holds_cookies(&self) -> bool {
        self.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Cookie(_)))
    }

    fn put_query(&self, key: &mut Vec<u8>, query: Option<&str>) {
        match query {
            None => key.put_u8(0),
            Some(query) if self.ignore_query.is_empty() => {
                key.put_u8(1);
                put(key, query.as_bytes());
            }
            Some(query) => {
                let kept = |part: &&str| !self.ignore_query.iter().any(|name| *name == parameter(part).0);
                let parts: Vec<&str> = query.split('&').filter(kept).collect();
                key.put_u8((!parts.is_empty()).into());
                if !parts.is_empty() {
                    put(key, parts.join("&").as_bytes());
                }
            }
        }
    }
}

impl Dimension {
    fn put(&self, key: &mut Vec<u8>, exchange: &Exchange, head: &Parts) {
        let principal = exchange.principal.as_deref();
        match self {
            Dimension::Principal => match principal {
                Some(principal) => put_principal(key, principal),
                None => key.put_u8(0),
            },
            Dimension::Tenant => {
                let tenant = principal.and_then(|principal| principal.tenant.as_deref());
                put_values(key, tenant.into_iter().map(str::as_bytes));
            }
            Dimension::Header(name) => {
                put_values(key, head.headers.get_all(name).iter().map(|value| value.as_bytes()));
            }
            Dimension::Query(name) => {
                let parts = head.uri.query().unwrap_or_default().split('&').map(parameter);
                put_values(key, parts.filter(|(own, _)| own == name).map(|(_, value)| value.as_bytes()));
            }
            Dimension::Cookie(name) => {
                put_values(key, exchange::cookies(&head.headers, name));
            }
        }
    }
}

/// The key of a variant: what the answers at `primary` differ by, as `head` has it.
pub(super) fn variant(primary: &[u8], names: &[HeaderName], number: u64, head: &Parts) -> Vec<u8> {
    let mut key = Vec::with_capacity(primary.len() + 64);
    key.put_u8(b'b');
    put(&mut key, primary);
    key.put_u64(number);
    for name in names {
        put(&mut key, name.as_str().as_bytes());
        put_values(&mut key, head.headers.get_all(name).iter().map(|value| value.as_bytes()));
    }
    key
}

/// What operators call the answer to `head`: `host/path?query`, host in small letters.
pub(super) fn name(head: &Parts) -> String {
    let mut name = String::with_capacity(64);
    name.push_str(&host(head));
    name.push_str(head.uri.path_and_query().map_or("/", |target| target.as_str()));
    name
}

/// Host with port, in small letters.
pub(super) fn host(head: &Parts) -> String {
    raw_host(head).to_ascii_lowercase()
}

/// What is wrong with `rules`.
pub(super) fn check(rules: &CacheRules) -> Vec<Flaw> {
    let allowed = "\"principal\", \"tenant\", \"header:NAME\", \"query:NAME\" or \"cookie:NAME\"";
    let flaw = |text: &ostler_core::settings::Located<String>| {
        let repair = dimension(&text.value).err()?;
        Some(Flaw::new(text.line, "cache.vary_on", format!("{:?}", text.value), allowed, repair))
    };
    rules.vary_on.iter().filter_map(flaw).collect()
}

fn dimension(text: &str) -> Result<Dimension, &'static str> {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    Ok(match (kind, name) {
        ("principal", "") => Dimension::Principal,
        ("tenant", "") => Dimension::Tenant,
        ("header" | "query" | "cookie", "") => return Err("add the name after the colon"),
        ("header", name) => {
            Dimension::Header(name.parse().map_err(|_| "write a field name such as accept-language")?)
        }
        ("query", name) => Dimension::Query(name.into()),
        ("cookie", name) => Dimension::Cookie(name.into()),
        _ => return Err(""),
    })
}

/// What decides who may ask, so that routes which let others in share nothing.
fn who(access: &AccessSpec) -> String {
    let texts = |list: &Option<Vec<ostler_core::settings::Located<String>>>| {
        list.as_ref().map(|list| list.iter().map(|item| item.value.clone()).collect::<Vec<_>>())
    };
    let tenant = access.tenant.as_ref().map(|tenant| &tenant.value);
    format!("{:?}", (texts(&access.auth), texts(&access.require), tenant, &access.mfa))
}

fn put_host(key: &mut Vec<u8>, head: &Parts) {
    let host = raw_host(head);
    key.put_u32(host.len() as u32);
    key.extend(host.bytes().map(|byte| byte.to_ascii_lowercase()));
}

fn raw_host(head: &Parts) -> &str {
    match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
    }
}

/// All that may make a difference to what one gets: a subject may come with fewer scopes the next time, or by another way.
fn put_principal(key: &mut Vec<u8>, principal: &Principal) {
    key.put_u8(1);
    for text in [&*principal.authenticator, principal.method.as_str(), &*principal.subject] {
        put(key, text.as_bytes());
    }
    put_values(key, principal.tenant.iter().map(|tenant| tenant.as_bytes()));
    for list in [&principal.roles, &principal.scopes, &principal.assurance.amr] {
        put_values(key, list.iter().map(|item| item.as_bytes()));
    }
    put_values(key, principal.assurance.acr.iter().map(|acr| acr.as_bytes()));
    key.put_u8(principal.assurance.second_factor_at.is_some().into());
}

fn put_values(key: &mut Vec<u8>, values: impl Iterator<Item = impl AsRef<[u8]>>) {
    let at = key.len();
    key.put_u32(0);
    let mut count = 0u32;
    for value in values {
        put(key, value.as_ref());
        count += 1;
    }
    key[at..at + 4].copy_from_slice(&count.to_be_bytes());
}

fn put(key: &mut Vec<u8>, part: &[u8]) {
    key.put_u32(part.len() as u32);
    key.put_slice(part);
}

/// Name (decoded, since `%61` is `a` to whoever reads it) and value of a parameter.
fn parameter(part: &str) -> (String, &str) {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let name = name.replace('+', " ");
    (percent_decode_str(&name).decode_utf8_lossy().into_owned(), value)
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::Located;

    use super::*;

    #[test]
    fn what_nothing_varies_on_is_told_with_its_line() {
        let names = ["principal", "header:x-a", "header:", "header:a b", "principle", "tenant:x", "cookie:c"];
        let vary_on = names.iter().map(|name| Located { value: (*name).to_owned(), line: 7 }).collect();
        let flaws = check(&CacheRules { vary_on, ..CacheRules::default() });
        let found: Vec<_> = flaws.iter().map(|flaw| (flaw.line, flaw.found.as_str())).collect();
        assert_eq!(
            found,
            [(7, "\"header:\""), (7, "\"header:a b\""), (7, "\"principle\""), (7, "\"tenant:x\"")]
        );
    }
}
