//! Settings of `kind = "oidc"`.

use std::time::Duration;

use http::Uri;
use ostler_core::settings::{Located, Section};

use super::return_to;
use crate::authenticate::{Mapping, Secret, Target};
use crate::sessions;

/// Settings of `kind = "oidc"`: a login with an OpenID Connect provider, and the sessions that it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `issuer`: the provider; its description is at `/.well-known/openid-configuration` below it.
    pub(crate) issuer: String,
    /// `client_id`: as whom this host is registered there.
    pub(crate) client_id: String,
    /// `client_secret`; a public client has none and relies on PKCE.
    pub(crate) client_secret: Option<Secret>,
    /// `origin`: scheme, host and port under which browsers see this host.
    pub(crate) origin: String,
    /// `path`: where login, callback, logout and second factor are. Default: `/auth`.
    pub(crate) path: String,
    /// `request_scopes`: what the provider is asked for. Default: openid, profile, email.
    pub(crate) request_scopes: Vec<String>,
    /// `acr_values`: what the provider is asked for.
    pub(crate) acr_values: Vec<String>,
    /// `max_age`: how old the provider's own login may be.
    pub(crate) max_age: Option<Duration>,
    /// `prompt`, as `login` or `select_account`.
    pub(crate) prompt: Option<String>,
    /// `subject`, `tenant`, `roles`, `scopes`: which claims of the ID token become which parts of a principal.
    pub(crate) mapping: Mapping,
    /// `idle`: a session ends when it is not used for so long. Default: 30 min.
    pub(crate) idle: Duration,
    /// `life`: a session ends after so long, whatever happens. Default: 12 h.
    pub(crate) life: Duration,
    /// `after_logout`: path of this host. Default: `/`.
    pub(crate) after_logout: String,
    /// `insecure_cookies`: for development at an `http` origin of this machine.
    pub(crate) insecure: bool,
}

impl Config {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let insecure = section.boolean("insecure_cookies").unwrap_or(false);
        section.missing("issuer", "the URL of an OpenID Connect provider");
        section.missing("client_id", "the id that the provider gave this host");
        section.missing("origin", "the address that browsers see, as \"https://app.example.com\"");
        let issuer = section.string("issuer").map(|text| issuer(section, text)).unwrap_or_default();
        let origin = section.string("origin").map(|text| origin(section, text, insecure)).unwrap_or_default();
        let day = Duration::from_secs(24 * 3600);
        let second = Duration::from_secs(1);
        let life = section.duration("life", second..=day * 365).unwrap_or(sessions::LIFE);
        let idle = section.duration("idle", second..=day * 30).unwrap_or(sessions::IDLE);
        let request_scopes = texts(section, "request_scopes")
            .unwrap_or_else(|| ["openid", "profile", "email"].map(String::from).into());
        if !request_scopes.iter().any(|scope| scope == "openid") {
            section.problem(
                "request_scopes",
                format!("{request_scopes:?}"),
                "a list with \"openid\" in it",
                "add \"openid\"",
            );
        }
        Config {
            issuer,
            client_id: word(section, "client_id").unwrap_or_default(),
            client_secret: section.string("client_secret").map(|text| Secret(text.value)),
            origin,
            path: path(section, "path", "/auth"),
            request_scopes,
            acr_values: texts(section, "acr_values").unwrap_or_default(),
            max_age: section.duration("max_age", Duration::ZERO..=day * 365),
            prompt: word(section, "prompt"),
            mapping: Mapping::read(section),
            idle: idle.min(life),
            life,
            after_logout: path(section, "after_logout", "/"),
            insecure,
        }
    }

    /// Address of an endpoint of the login, as browsers see it.
    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("{}{}{endpoint}", self.origin, self.path)
    }
}

/// Whether a host of a URL is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn issuer(section: &Section<'_>, text: Located<String>) -> String {
    if Target::parse(&text.value, false).is_err() || text.value.contains(['?', '#']) {
        let allowed = "a URL of https (or of http on this machine), without query";
        section.problem("issuer", format!("{:?}", text.value), allowed, "write it as the provider does");
    }
    text.value
}

fn origin(section: &Section<'_>, text: Located<String>, insecure: bool) -> String {
    let uri = text.value.parse::<Uri>().ok();
    let bare = uri.as_ref().is_some_and(|uri| {
        let whole = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map_or("", |a| a.as_str())
        );
        whole == text.value && !text.value.contains('@')
    });
    let local = uri.as_ref().and_then(Uri::host).is_some_and(is_loopback);
    let (allowed, repair) = match uri.as_ref().and_then(Uri::scheme_str) {
        Some("https") if bare => return text.value,
        Some("http") if bare && local && insecure => return text.value,
        Some("http") if bare && local => (
            "https, since the session's cookie must not travel in the clear",
            "for development add insecure_cookies = true",
        ),
        Some("http") if bare => {
            ("https, since the session's cookie must not travel in the clear", "serve it with TLS")
        }
        _ => ("scheme, host and port, as \"https://app.example.com\"", "leave out path and query"),
    };
    section.problem("origin", format!("{:?}", text.value), allowed, repair);
    text.value
}

fn path(section: &mut Section<'_>, key: &'static str, or: &str) -> String {
    let Some(text) = section.string(key) else { return or.to_owned() };
    let sane =
        |text: &str| return_to::check(text).is_some() && !text.contains(['?', '#', '{', '}', '%', ' ']);
    let ends = key == "path" && text.value.ends_with('/');
    if !sane(&text.value) || ends {
        let repair = format!("write {key} = {or:?}");
        section.problem(key, format!("{:?}", text.value), "a path that begins with / and is plain", repair);
    }
    text.value
}

/// A text without blanks and controls.
fn word(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let text = section.string(key)?.value;
    if !is_word(&text) {
        section.problem(key, format!("{text:?}"), "a text without blanks", "");
    }
    Some(text)
}

fn texts(section: &mut Section<'_>, key: &'static str) -> Option<Vec<String>> {
    if !section.has(key) {
        // Asked for all the same, so that the reader knows the key.
        section.strings(key);
        return None;
    }
    let texts: Vec<_> = section.strings(key).into_iter().map(|text| text.value).collect();
    if !texts.iter().all(|text| is_word(text)) {
        section.problem(key, format!("{texts:?}"), "texts without blanks", "");
    }
    Some(texts)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use ostler_core::settings::{Node, Problems};

    use super::*;

    const LEAST: &str = "issuer = 'https://id.test'\nclient_id = 'app'\norigin = 'https://app.test'\n";

    fn read(text: &str) -> (Config, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("auth.site", &problems);
        let config = Config::read(&mut section);
        section.finish();
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_least_that_is_needed_has_sensible_company() {
        let (config, problems) = read(LEAST);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(config.url("/callback"), "https://app.test/auth/callback");
        assert_eq!((config.idle.as_secs(), config.life.as_secs()), (1_800, 43_200));
        let (config, _) = read(&format!("{LEAST}client_secret = 'hush'"));
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn what_would_be_unsafe_or_cannot_work_is_told_with_its_repair() {
        for (line, told) in [
            ("origin = 'http://app.test'", "serve it with TLS"),
            ("origin = 'http://127.0.0.1:8080'", "insecure_cookies = true"),
            ("origin = 'https://app.test/'", "leave out path"),
            ("issuer = 'http://id.test'", "a URL of https"),
            ("issuer = 'https://id.test?x'", "without query"),
            ("request_scopes = ['profile']", "add \"openid\""),
            ("path = 'auth'", "path = \"/auth\""),
            ("path = '//evil.test'", "path = \"/auth\""),
            ("after_logout = 'https://evil.test'", "begins with /"),
            ("client_id = 'a b'", "without blanks"),
            ("idle = '1ms'", "a duration"),
        ] {
            let key = line.split(' ').next().unwrap();
            let rest: String =
                LEAST.lines().filter(|other| !other.starts_with(key)).map(|l| format!("{l}\n")).collect();
            let (_, problems) = read(&format!("{rest}{line}"));
            assert!(problems.len() == 1 && problems[0].contains(told), "{line}: {problems:?}");
        }
        assert_eq!(read("").1.len(), 3);
        assert!(
            read(
                &LEAST
                    .replace("https://app.test", "http://[::1]:80")
                    .replace("client", "insecure_cookies = true\nclient")
            )
            .1
            .is_empty()
        );
    }
}
