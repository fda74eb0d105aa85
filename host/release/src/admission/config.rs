//! `[admission]`: what releases of all plugins must pass, and whom and what this host trusts for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use minisign::PublicKey;
use ostler_core::admission::AdmissionSpec;
use ostler_core::plugin::is_name;
use ostler_core::settings::Section;

use super::hook::Secret;
use super::{date, sigstore};

/// Hooks that one host asks.
const HOOKS_MAX: usize = 16;

/// What `signers` calls the bundles that `[admission.sigstore]` trusts.
pub const SIGSTORE: &str = "sigstore";

/// What `signers` may hold.
pub const SIGNERS: &str = "names of [admission.keys.NAME], or \"sigstore\" beside [admission.sigstore]";

/// What is told of a URL that is none.
const URL: &str = "a URL of http or https, without user and fragment";

/// What a host asks of all releases. Files in it are read when a release comes, so that they may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// What a plugin does not say itself.
    pub base: AdmissionSpec,
    /// `[admission.keys.NAME]`: who may sign.
    pub keys: BTreeMap<String, Key>,
    /// `[admission.sigstore]`: whose bundles count as signatures. Default: nobody's.
    pub sigstore: Option<Sigstore>,
    /// Files, and folders of files, with advisories in OSV format.
    pub advisories: Vec<PathBuf>,
    /// Ids of advisories that do not refuse.
    pub ignored: Vec<String>,
    /// `[[admission.hooks]]`: who is asked at the end, in this order.
    pub hooks: Vec<Hook>,
}

/// A key that may sign releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The public key, in the one line that minisign prints.
    pub key: String,
    /// After this moment (seconds since 1970) nothing that it signed is taken any more. Default: none.
    pub expires: Option<i64>,
    /// Whether nothing that it ever signed is taken.
    pub revoked: bool,
}

/// Whose Sigstore bundles are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sigstore {
    /// File with the authorities and logs that are trusted: a `trusted_root.json`.
    pub trusted_root: PathBuf,
    /// Who must have signed, as the certificate says: an address, or the URI of a workflow.
    pub identity: String,
    /// Who must have proved that identity: `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

/// Somebody else who may say no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Where it is asked.
    pub url: Uri,
    /// Longest time for its answer. Default: 5 s.
    pub deadline: Duration,
    /// What its requests are signed with.
    pub secret: Option<Secret>,
}

impl Hook {
    /// Longest time for an answer, where nothing else is said.
    pub const DEADLINE: Duration = Duration::from_secs(5);
}

impl Config {
    /// Reads `[admission]`; paths are relative to `base`.
    pub fn read(mut section: Section<'_>, base: &Path) -> Self {
        let keys = section.named_sections("keys").into_iter();
        let keys: BTreeMap<_, _> =
            keys.filter_map(|(name, table)| Some((name.clone(), key(&name, table)?))).collect();
        let hooks: Vec<_> = section.sections("hooks").into_iter().filter_map(hook).collect();
        let paths = |texts: Vec<ostler_core::settings::Located<String>>| {
            texts.into_iter().map(|path| base.join(path.value)).collect()
        };
        let config = Config {
            base: AdmissionSpec::read(&mut section),
            keys,
            sigstore: section.section("sigstore").and_then(|table| trust(table, base)),
            advisories: paths(section.strings("advisories")),
            ignored: section.strings("ignored").into_iter().map(|id| id.value).collect(),
            hooks,
        };
        config.check(&section);
        section.finish();
        config
    }

    /// Names in `spec` that no key has.
    pub fn strangers<'a>(&self, spec: &'a AdmissionSpec) -> Vec<&'a str> {
        let named = spec.signers.iter().flatten();
        let known =
            |name: &String| self.keys.contains_key(name) || name == SIGSTORE && self.sigstore.is_some();
        named.filter(|name| !known(name)).map(String::as_str).collect()
    }

    /// Whether anybody's signature would be taken.
    pub fn trusts_somebody(&self) -> bool {
        self.sigstore.is_some() || self.keys.values().any(|key| !key.revoked)
    }

    fn check(&self, section: &Section<'_>) {
        for name in self.strangers(&self.base) {
            let repair = format!("add [admission.keys.{name}]");
            section.problem("signers", format!("{name:?}"), SIGNERS, repair);
        }
        // One of two names could be revoked while the other goes on.
        let mut numbers: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
        for (name, key) in &self.keys {
            let Ok(public) = PublicKey::from_base64(&key.key) else { continue };
            if let Some(other) = numbers.insert(public.keynum().to_vec(), name) {
                let found = format!("one key as {other:?} and as {name:?}");
                section.problem("keys", found, "each key once", "remove one of the two");
            }
        }
        if self.base.signature == Some(true) && !self.trusts_somebody() {
            let repair = "add [admission.keys.NAME], or [admission.sigstore]";
            section.problem("signature", "true, and nobody who could sign", "true beside a key", repair);
        }
        for path in self.advisories.iter().filter(|path| !path.exists()) {
            let repair = "name a file or a folder beside this one";
            section.problem(
                "advisories",
                format!("{}, which is not there", path.display()),
                "files in OSV format, or folders of them",
                repair,
            );
        }
        if self.hooks.len() > HOOKS_MAX {
            let found = format!("{} of them", self.hooks.len());
            section.problem("hooks", found, format!("at most {HOOKS_MAX}"), "let one of them ask the others");
        }
    }
}

fn key(name: &str, mut table: Section<'_>) -> Option<Key> {
    table.missing("key", "the line that minisign prints: \"RW...\"");
    if !is_name(name) || name == SIGSTORE {
        let allowed = "names of a-z, 0-9, - and _, but not \"sigstore\"";
        table.problem("key", format!("the name {name:?}"), allowed, "rename the key");
    }
    let text = table.string("key").map(|key| key.value);
    let valid = text.as_deref().map(|text| PublicKey::from_base64(text).is_ok());
    if valid == Some(false) {
        let allowed = "the line that minisign prints: \"RW...\"";
        table.problem("key", "no public key", allowed, "copy the last line of the .pub file");
    }
    let expires = table.string("expires").and_then(|day| {
        let parsed = date::parse(&day.value);
        if parsed.is_none() {
            table.problem("expires", format!("{:?}", day.value), "a day, as \"2027-01-31\"", "");
        }
        parsed
    });
    let revoked = table.boolean("revoked").unwrap_or(false);
    table.finish();
    Some(Key { key: text.filter(|_| valid == Some(true))?, expires, revoked })
}

fn trust(mut table: Section<'_>, base: &Path) -> Option<Sigstore> {
    table.missing("trusted_root", "a trusted_root.json");
    table.missing("identity", "who must have signed: an address, or the URI of a workflow");
    table.missing(
        "issuer",
        "who must have proved that identity, as \"https://token.actions.githubusercontent.com\"",
    );
    let root = table.string("trusted_root").map(|file| base.join(file.value));
    if let Some(Err(error)) = root.as_deref().map(sigstore::check_root) {
        let repair = "name the file that `cosign trusted-root create` or your Sigstore's operators give";
        table.problem("trusted_root", error, "a trusted_root.json", repair);
    }
    let (identity, issuer) = (table.string("identity"), table.string("issuer"));
    table.finish();
    Some(Sigstore { trusted_root: root?, identity: identity?.value, issuer: issuer?.value })
}

fn hook(mut table: Section<'_>) -> Option<Hook> {
    table.missing("url", URL);
    let url = table.string("url").and_then(|text| {
        let url = text.value.parse::<Uri>().ok().filter(fits);
        if url.is_none() {
            // What is no URL may be a secret in the wrong place.
            table.problem("url", "no such URL", URL, "write \"https://HOST/PATH\"");
        }
        url
    });
    let deadline = table.duration("deadline", Duration::from_millis(100)..=Duration::from_secs(120));
    let secret = table.string("secret").and_then(|text| {
        let secret = Secret::parse(&text.value);
        if secret.is_none() {
            // It may be all but a letter of one.
            let allowed = "\"whsec_\" and base64, or any other text";
            table.problem("secret", "no secret", allowed, "is the variable it comes from set?");
        }
        secret
    });
    table.finish();
    Some(Hook { url: url?, deadline: deadline.unwrap_or(Hook::DEADLINE), secret })
}

fn fits(url: &Uri) -> bool {
    let scheme = matches!(url.scheme_str(), Some("http" | "https"));
    scheme && url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_core::settings::{Node, Problems};

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn read(text: &str) -> (Config, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let config = Config::read(node.section("admission", &problems), Path::new("/nowhere"));
        (config, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_full_table_is_read_and_hides_its_secrets() {
        let (config, problems) = read(&format!(
            "signature = true\nsigners = ['ci']\nignored = ['A']\n[keys.ci]\nkey = '{KEY}'\nexpires = '2027-01-31'\n\
             [[hooks]]\nurl = 'https://a.test/x'\nsecret = 'hunter2'"
        ));
        assert_eq!(problems, [""; 0]);
        assert_eq!(config.keys["ci"].expires, Some(1_801_353_600));
        assert_eq!(config.hooks[0].deadline, Duration::from_secs(5));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_key_has_one_name_a_hook_a_secret_and_sigstore_is_no_keys_name() {
        let (_, problems) = read(&format!(
            "signers = ['a', 'sigstore']\n[keys.a]\nkey = '{KEY}'\n[keys.b]\nkey = '{KEY}'\nrevoked = true\n\
             [keys.sigstore]\nkey = 'RWQ'\n[[hooks]]\nurl = 'http://a'\nsecret = ''\n\
             [[hooks]]\nurl = 'http://a'\nsecret = 'whsec_hunter2'"
        ));
        let text = problems.join("\n");
        for told in [
            "admission.keys: found one key as \"a\" and as \"b\"",
            "admission.signers: found \"sigstore\"",
            "admission.keys.sigstore.key: found the name \"sigstore\"",
            "admission.hooks[0].secret: found no secret",
            "admission.hooks[1].secret: found no secret",
        ] {
            assert!(text.contains(told), "{told} in {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn what_cannot_be_is_told_without_secrets() {
        let (_, problems) = read(
            "signature = true\nsigners = ['no']\nadvisories = ['none']\n[keys.a]\nkey = 'RWQ'\nexpires = 'soon'\n[sigstore]\n\
             identity = 'x'\n[[hooks]]\nurl = 'https://hunter2@a'\n[[hooks]]\ndeadline = '1h'",
        );
        let text = problems.join("\n");
        for told in [
            "admission.keys.a.key: found no public key",
            "admission.keys.a.expires: found \"soon\"",
            "admission.sigstore.trusted_root: found nothing",
            "admission.sigstore.issuer: found nothing",
            "admission.hooks[0].url: found no such URL",
            "admission.hooks[1].url: found nothing",
            "admission.hooks[1].deadline",
            "admission.signers: found \"no\"",
            "admission.signature: found true, and nobody",
            "admission.advisories: found /nowhere/none, which is not there",
        ] {
            assert!(text.contains(told), "{told} in {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
}
