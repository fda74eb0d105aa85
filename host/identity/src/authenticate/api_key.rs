//! API keys that this host has made (`host/identity/src/keys`).

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ostler_core::settings::Section;
use ostler_core::{Error, Exchange, Kind};

use super::{Needs, Verdict};
use crate::keys::{Keys, PREFIX};

/// Settings of `kind = "api-key"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Field that carries the key. Default: `x-api-key`.
    header: HeaderName,
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

    pub(super) async fn authenticate(&self, _exchange: &Exchange, head: &Parts) -> Verdict {
        let text = match self.credential(&head.headers) {
            Ok(Some(text)) => text,
            Ok(None) => return Verdict::Absent,
            Err(()) => return self.refused("the key stands there more than once"),
        };
        match self.keys.check(text, &self.name) {
            Ok(principal) => Verdict::Known(principal),
            Err(reason) => self.refused(reason),
        }
    }

    pub(super) fn challenge(&self) -> HeaderValue {
        self.challenge.clone()
    }

    /// Takes the key out of what the plugin sees.
    pub(super) fn hide(&self, headers: &mut HeaderMap) {
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

    fn refused(&self, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Verdict {
        let error = Error::new(Kind::Unauthenticated, "this API key is not accepted");
        Verdict::Refused(error.because(reason).field(header::WWW_AUTHENTICATE, self.challenge()))
    }
}

/// A key in `Authorization`; tokens of other kinds are not ours to judge.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(PREFIX)).then_some(token)
}
