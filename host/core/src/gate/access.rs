//! `auth`, `require`, `tenant`, `mfa`: who may ask.

use std::time::Duration;

use crate::settings::{Located, Section};

/// Who may ask, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessSpec {
    /// `auth`: names of `[auth.NAME]`, of which one must know the client; an empty list lets everybody in.
    pub auth: Option<Vec<Located<String>>>,
    /// `require`: permissions that the client needs, all of them, as `orders:write` or `orders:write on orders/{id}`.
    pub require: Option<Vec<Located<String>>>,
    /// `tenant`: where the request names its tenant, which must be the client's.
    pub tenant: Option<Located<TenantSpec>>,
    /// `mfa`: that a second factor is needed.
    pub mfa: Option<MfaSpec>,
}

/// Where a request names the tenant it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantSpec {
    /// `tenant = "path:NAME"`: the path segment that the route's pattern calls `{NAME}`.
    Path(String),
    /// `tenant = "host"`: the first label of the host name.
    Host,
    /// `tenant = "none"`: it does not, although `[defaults]` says so.
    None,
}

/// How fresh a second factor must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaSpec {
    /// `max_age`: time since it was proved.
    pub max_age: Duration,
    /// `acr`: context classes of tokens that count as one, beside the methods (`amr`) that do.
    pub acr: Vec<String>,
    /// Line in the configuration file; 0 if it came over the API.
    pub line: usize,
}

impl AccessSpec {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        // Asked for in any case, so that it is among the keys that are known.
        let list = |section: &mut Section<'_>, key| {
            let texts = section.strings(key);
            section.has(key).then_some(texts)
        };
        AccessSpec {
            auth: list(section, "auth"),
            require: list(section, "require"),
            tenant: section.string("tenant").and_then(|text| tenant(section, text)),
            mfa: section.section("mfa").map(MfaSpec::read),
        }
    }

    pub(super) fn or(&self, further: &Self) -> Self {
        AccessSpec {
            auth: self.auth.clone().or_else(|| further.auth.clone()),
            require: self.require.clone().or_else(|| further.require.clone()),
            tenant: self.tenant.clone().or_else(|| further.tenant.clone()),
            mfa: self.mfa.clone().or_else(|| further.mfa.clone()),
        }
    }
}

fn tenant(section: &Section<'_>, text: Located<String>) -> Option<Located<TenantSpec>> {
    let value = match text.value.as_str() {
        "host" => TenantSpec::Host,
        "none" => TenantSpec::None,
        other => match other.strip_prefix("path:").filter(|name| !name.is_empty()) {
            Some(name) => TenantSpec::Path(name.to_owned()),
            None => {
                section.problem("tenant", format!("{other:?}"), "\"path:NAME\", \"host\" or \"none\"", "");
                return None;
            }
        },
    };
    Some(Located { value, line: text.line })
}

impl MfaSpec {
    /// `max_age` where it is not told.
    pub const MAX_AGE: Duration = Duration::from_secs(300);

    fn read(mut section: Section<'_>) -> Self {
        let range = Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 3600);
        let max_age = section.duration("max_age", range).unwrap_or(MfaSpec::MAX_AGE);
        let acr: Vec<_> = section.strings("acr").into_iter().map(|text| text.value).collect();
        let sane =
            |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        if !acr.iter().all(|text| !text.is_empty() && sane(text)) {
            section.problem("acr", format!("{acr:?}"), "texts without blanks and quotes, as \"urn:mfa\"", "");
        }
        let line = section.line;
        section.finish();
        MfaSpec { max_age, acr, line }
    }
}
