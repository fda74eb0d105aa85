//! Settings of `kind = "jwt"`.

use std::path::Path;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use ostler_core::settings::Section;

use super::key::{ASYMMETRIC, KeySet, algorithm, is_symmetric};
use super::token::Rules;
use crate::authenticate::claims::Mapping;
use crate::authenticate::credential::Place;
use crate::authenticate::fetch::Target;
use crate::authenticate::file;

/// Default of `leeway`.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// Settings of `kind = "jwt"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `issuer`, `audience`, `algorithms`, `leeway`, `type`.
    pub(super) rules: Rules,
    /// One of `jwks`, `jwks_file`, `public_key`, `secret`; without them the issuer is asked where its keys are.
    pub(super) source: Source,
    /// `subject`, `tenant`, `roles`, `scopes`.
    pub(super) mapping: Mapping,
    /// `header` or `cookie`.
    pub(in crate::authenticate) place: Place,
    /// `pass_credential`: whether the plugin sees the token. Default: no.
    pub(super) pass_credential: bool,
    /// `insecure_http`: whether keys may come from another machine in the clear. Default: no.
    pub(super) insecure: bool,
}

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Fixed(Fixed),
    Url(String),
    Discovery,
}

/// Keys that were read with the configuration.
#[derive(Clone)]
pub(super) struct Fixed {
    pub(super) set: KeySet,
    /// What they were read from, to tell others from these.
    text: Vec<u8>,
}

impl std::fmt::Debug for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(keys)")
    }
}

impl PartialEq for Fixed {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Fixed {}

const SYMMETRIC: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

impl Config {
    pub(in crate::authenticate) fn read(section: &mut Section<'_>, base: &Path) -> Self {
        section.missing("issuer", "what the tokens' iss says, exactly");
        let issuer = section.string("issuer").map(|issuer| issuer.value).unwrap_or_default();
        let insecure = section.boolean("insecure_http").unwrap_or(false);
        let source = Source::read(section, base, &issuer, insecure);
        let symmetric = section.has("secret");
        let leeway = section.duration("leeway", Duration::ZERO..=Duration::from_secs(300));
        let leeway = leeway.unwrap_or(LEEWAY);
        Config {
            rules: Rules {
                issuer,
                audience: audience(section),
                algorithms: algorithms(section, symmetric, &source),
                leeway_ms: i64::try_from(leeway.as_millis()).unwrap_or(0),
                kind: section.string("type").map(|kind| kind.value),
            },
            source,
            mapping: Mapping::read(section),
            place: Place::read(section),
            pass_credential: section.boolean("pass_credential").unwrap_or(false),
            insecure,
        }
    }
}

/// `audience`: a list; `["any"]` for whoever it is meant for, which has to be said.
fn audience(section: &mut Section<'_>) -> Option<Vec<String>> {
    section.missing("audience", "a list of what aud may say, or [\"any\"]");
    let all: Vec<_> = section.strings("audience").into_iter().map(|one| one.value).collect();
    let any = all.iter().any(|one| one == "any");
    if section.has("audience") && (all.is_empty() || any && all.len() > 1) {
        let found = if any { "\"any\" beside others" } else { "nobody" };
        section.problem("audience", found, "names, or \"any\" alone", "write the API's own identifier");
    }
    (!any).then_some(all)
}

fn algorithms(section: &mut Section<'_>, symmetric: bool, source: &Source) -> Vec<Algorithm> {
    let possible: &[Algorithm] = if symmetric { &SYMMETRIC } else { &ASYMMETRIC };
    let possible: Vec<_> = match source {
        Source::Fixed(fixed) => possible.iter().copied().filter(|one| fixed.set.knows(*one)).collect(),
        Source::Url(_) | Source::Discovery => possible.to_vec(),
    };
    let named = section.strings("algorithms");
    if !section.has("algorithms") {
        return possible;
    }
    let names = possible.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
    let mut chosen = Vec::new();
    for name in named {
        match algorithm(&name.value) {
            Some(one) if possible.contains(&one) => chosen.push(one),
            Some(one) if is_symmetric(one) && !symmetric => {
                let found = format!("{:?} without a secret", name.value);
                section.problem("algorithms", found, &names, "add secret = \"${NAME}\", or remove it");
            }
            _ => section.problem("algorithms", format!("{:?}", name.value), &names, "remove it"),
        }
    }
    chosen
}

impl Source {
    fn read(section: &mut Section<'_>, base: &Path, issuer: &str, insecure: bool) -> Source {
        let keys = ["jwks", "jwks_file", "public_key", "secret"];
        let said: Vec<_> = keys.into_iter().filter(|key| section.has(key)).collect();
        if let [_, second, ..] = said.as_slice() {
            section.problem(
                second,
                format!("{} together", said.join(", ")),
                "one of them",
                "remove the others",
            );
        }
        let url = Target::read(section, "jwks", insecure);
        let set =
            fixed(section, "jwks_file", |section| file::read(section, base, "jwks_file"), KeySet::from_jwks);
        let pem =
            fixed(section, "public_key", |section| file::read(section, base, "public_key"), KeySet::from_pem);
        let secret = |section: &mut Section<'_>| Some(section.string("secret")?.value.into_bytes());
        let secret = fixed(section, "secret", secret, KeySet::from_secret);
        if let Some(fixed) = set.or(pem).or(secret) {
            return Source::Fixed(fixed);
        }
        if let Some(url) = url {
            return Source::Url(url.uri.to_string());
        }
        if said.is_empty()
            && !issuer.is_empty()
            && let Err(found) = Target::parse(issuer, insecure)
        {
            let repair = "add jwks = \"https://...\", jwks_file, public_key or secret";
            let found = format!("{issuer:?}, {found}");
            section.problem("issuer", found, "a URL where its keys can be found, or keys beside it", repair);
        }
        Source::Discovery
    }
}

fn fixed(
    section: &mut Section<'_>,
    key: &'static str,
    read: impl Fn(&mut Section<'_>) -> Option<Vec<u8>>,
    parse: fn(&[u8]) -> Result<KeySet, &'static str>,
) -> Option<Fixed> {
    let text = read(section)?;
    match parse(&text) {
        Ok(set) => Some(Fixed { set, text }),
        Err(found) => {
            let (allowed, repair) = match key {
                "secret" => ("at least 32 random bytes", "make one: openssl rand -base64 48"),
                "public_key" => {
                    ("a PEM file with a PUBLIC KEY or CERTIFICATE", "export the issuer's public key")
                }
                _ => (
                    "a JWK set of RSA (2048 bits or more), P-256, P-384 or Ed25519 keys",
                    "ask the issuer for its jwks_uri",
                ),
            };
            section.problem(key, found, allowed, repair);
            None
        }
    }
}
