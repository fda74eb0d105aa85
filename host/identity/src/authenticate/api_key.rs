//! API keys that this host has made (`host/identity/src/keys`).

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ostler_core::Principal;
use ostler_core::settings::Section;

use super::{Needs, Reason, Verdict};
use crate::keys::{Keys, PREFIX, Refused};

/// Settings of `kind = "api-key"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Field that carries the key. Default: `x-api-key`.
    pub(super) header: HeaderName,
    /// Whether `Authorization: Bearer ok_...` is taken too. Default: no.
    bearer: bool,
}

pub(crate) struct ApiKeys {
    name: String,
    config: Config,
    keys: Keys,
    challenge: HeaderValue,
}

impl Default for Config {
    fn default() -> Self {
        Config { header: HeaderName::from_static("x-api-key"), bearer: false }
    }
}

impl Config {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Config::default();
        let header = section.string("header").and_then(|text| {
            // `Authorization` and `Cookie` have owners, and a form of their own.
            let taken = [header::AUTHORIZATION, header::COOKIE, header::HOST];
            let name = text.value.parse::<HeaderName>().ok().filter(|name| !taken.contains(name));
            if name.is_none() {
                let allowed = "the name of a header field of its own, as \"x-api-key\"";
                let repair = "for Authorization write bearer = true";
                section.problem("header", format!("{:?}", text.value), allowed, repair);
            }
            name
        });
        Config {
            header: header.unwrap_or(default.header),
            bearer: section.boolean("bearer").unwrap_or(default.bearer),
        }
    }
}

impl ApiKeys {
    pub(super) fn new(name: &str, config: &Config, needs: &Needs) -> Self {
        // There is no registered scheme for keys in fields of their own; one that names the field tells clients most.
        let challenge = match config.bearer {
            true => "Bearer realm=\"ostler\"".to_owned(),
            false => format!("ApiKey realm=\"ostler\", header=\"{}\"", config.header),
        };
        let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("ApiKey"));
        ApiKeys { name: name.to_owned(), config: config.clone(), keys: needs.keys.clone(), challenge }
    }

    /// Whom the key stands for, if there is one and it is good.
    pub(super) fn remembered(&self, head: &Parts) -> Option<Arc<Principal>> {
        let text = self.credential(&head.headers).ok().flatten()?;
        self.keys.check(text, &self.name).ok()
    }

    /// Whether there is something that looks like a key.
    pub(super) fn present(&self, head: &Parts) -> bool {
        !matches!(self.credential(&head.headers), Ok(None))
    }

    pub(super) fn authenticate(&self, head: &Parts) -> Verdict {
        let text = match self.credential(&head.headers) {
            Ok(Some(text)) => text,
            Ok(None) => return Verdict::Absent,
            Err(()) => return Verdict::Refused(Reason::Several.refuse()),
        };
        let refused = match self.keys.check(text, &self.name) {
            Ok(principal) => return Verdict::Known(principal),
            Err(refused) => refused,
        };
        Verdict::Refused(reason(refused).refuse())
    }

    pub(super) fn challenge(&self) -> HeaderValue {
        self.challenge.clone()
    }

    /// Takes the key out of what the plugin sees.
    pub(super) fn forget(&self, headers: &mut HeaderMap) {
        headers.remove(&self.config.header);
        if self.config.bearer && bearer(headers).is_some() {
            headers.remove(header::AUTHORIZATION);
        }
    }

    /// The key in a request, if there is one; an error if there are several.
    fn credential<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, ()> {
        let mut values = headers.get_all(&self.config.header).iter();
        let own = values.next().map(|value| value.to_str().unwrap_or_default());
        let bearer = self.config.bearer.then(|| bearer(headers)).flatten();
        match (own, values.next(), bearer) {
            (_, Some(_), _) | (Some(_), _, Some(_)) => Err(()),
            (own, None, bearer) => Ok(own.or(bearer)),
        }
    }
}

/// A client learns no more of a key that is not accepted than that nobody here knows it, or that its time is over.
fn reason(refused: Refused) -> Reason {
    match refused {
        Refused::Malformed => Reason::Malformed,
        Refused::Unknown | Refused::Wrong | Refused::Elsewhere => Reason::Unknown,
        Refused::Revoked => Reason::Revoked,
        Refused::Expired => Reason::Expired,
    }
}

/// A key in `Authorization`; tokens of other kinds are not ours to judge.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(PREFIX)).then_some(token)
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    fn read(text: &str) -> (Config, usize) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("auth.keys", &problems);
        let config = Config::read(&mut section);
        section.finish();
        (config, problems.into_vec().len())
    }

    #[test]
    fn settings_are_read_and_impossible_ones_told() {
        assert_eq!(read(""), (Config::default(), 0));
        let (config, problems) = read("header = 'X-Token'\nbearer = true");
        assert_eq!((config.header.as_str(), config.bearer, problems), ("x-token", true, 0));
        assert_eq!(read("header = 'authorization'\nbearer = 1").1, 2);
        assert_eq!(read("header = 'a b'").1, 1);
    }

    #[test]
    fn only_what_looks_like_a_key_is_taken_from_authorization() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        for (value, found) in
            [("Bearer ok_a_b", Some("ok_a_b")), ("bearer ey.a.b", None), ("Basic ok_a_b", None)]
        {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), found, "{value}");
        }
    }
}
