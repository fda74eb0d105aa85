//! `admission`: what a release of a plugin must pass before it may take traffic. The same keys in `[admission]`, for all plugins,
//! and in `[plugins.NAME.admission]`, where they stand before those.

use crate::settings::Section;

/// Largest component that any host takes, in bytes: 128 MiB.
pub const COMPONENT_MAX: u64 = 128 << 20;

/// The keys of `[plugins.NAME.admission]`; what is absent, `[admission]` says, and after it [`Rules::default`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdmissionSpec {
    /// Whether a release must be signed.
    pub signature: Option<bool>,
    /// Names of the keys (`[admission.keys.NAME]`) that may sign it; absent means all of them.
    pub signers: Option<Vec<String>>,
    /// Whether all that it imports must have been granted, and what it asks for anew approved.
    pub strict_grants: Option<bool>,
    /// Whether it must tell what it is made of.
    pub contents: Option<bool>,
    /// Whether it must bring requests to try it with.
    pub smoke: Option<bool>,
    /// Whether it may be another kind of handler than the one before.
    pub handler_change: Option<bool>,
    /// Largest component, in bytes.
    pub size: Option<u64>,
}

/// What a release must pass, with every question answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// As in [`AdmissionSpec`]. Default: no.
    pub signature: bool,
    /// Default: all keys.
    pub signers: Option<Vec<String>>,
    /// Default: no.
    pub strict_grants: bool,
    /// Default: no.
    pub contents: bool,
    /// Default: no.
    pub smoke: bool,
    /// Default: no.
    pub handler_change: bool,
    /// Default: [`COMPONENT_MAX`].
    pub size: u64,
}

impl AdmissionSpec {
    /// Reads the keys of a section; the caller finishes it.
    pub fn read(section: &mut Section<'_>) -> Self {
        let signers = section.has("signers");
        let named = section.strings("signers").into_iter().map(|name| name.value).collect();
        AdmissionSpec {
            signature: section.boolean("signature"),
            signers: signers.then_some(named),
            strict_grants: section.boolean("strict_grants"),
            contents: section.boolean("contents"),
            smoke: section.boolean("smoke"),
            handler_change: section.boolean("handler_change"),
            size: section.size("size", 1..=COMPONENT_MAX),
        }
    }

    /// What holds for a plugin that says this where only the host's operator may take back what the host asks for: whoever may
    /// define plugins can make it stricter.
    pub fn stricter(&self, host: &AdmissionSpec) -> Rules {
        let either = |own: Option<bool>, host: Option<bool>| own == Some(true) || host == Some(true);
        let both = |own: &[String], host: &[String]| -> Vec<String> {
            own.iter().filter(|name| host.contains(name)).cloned().collect()
        };
        let rules = self.rules(host);
        Rules {
            signature: either(self.signature, host.signature),
            signers: match (&self.signers, &host.signers) {
                (Some(own), Some(host)) => Some(both(own, host)),
                _ => rules.signers,
            },
            strict_grants: either(self.strict_grants, host.strict_grants),
            contents: either(self.contents, host.contents),
            smoke: either(self.smoke, host.smoke),
            // The one key that allows something.
            handler_change: rules.handler_change && host.handler_change != Some(false),
            size: rules.size.min(host.size.unwrap_or(COMPONENT_MAX)),
        }
    }

    /// What holds for a plugin that says this, on a host that says `host`.
    pub fn rules(&self, host: &AdmissionSpec) -> Rules {
        let either = |own: Option<bool>, host: Option<bool>| own.or(host).unwrap_or(false);
        Rules {
            signature: either(self.signature, host.signature),
            signers: self.signers.clone().or_else(|| host.signers.clone()),
            strict_grants: either(self.strict_grants, host.strict_grants),
            contents: either(self.contents, host.contents),
            smoke: either(self.smoke, host.smoke),
            handler_change: either(self.handler_change, host.handler_change),
            size: self.size.or(host.size).unwrap_or(COMPONENT_MAX),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        AdmissionSpec::default().rules(&AdmissionSpec::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Node, Problems};

    fn read(text: &str) -> (AdmissionSpec, Vec<String>) {
        let problems = Problems::new("t");
        let node = Node::from_toml(text, &problems);
        let mut section = node.section("admission", &problems);
        let spec = AdmissionSpec::read(&mut section);
        section.finish();
        (spec, problems.into_vec().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_plugins_own_word_stands_before_the_hosts() {
        let (host, problems) = read("signature = true\nsmoke = true\nsigners = ['a']\nsize = '1MiB'");
        assert_eq!(problems, [""; 0]);
        let (own, _) = read("signature = false\nhandler_change = true\nsigners = []");
        let expected = Rules {
            signature: false,
            signers: Some(Vec::new()),
            smoke: true,
            handler_change: true,
            size: 1 << 20,
            ..Rules::default()
        };
        assert_eq!(own.rules(&host), expected);
    }

    #[test]
    fn a_definition_that_is_not_the_operators_makes_it_stricter_and_takes_nothing_back() {
        let (host, _) = read("signature = true\nsigners = ['a', 'b']\nhandler_change = false\nsize = '1MiB'");
        let (own, _) = read(
            "signature = false\nsigners = ['b', 'c']\nhandler_change = true\nsize = '2MiB'\nsmoke = true\nstrict_grants = true",
        );
        let expected = Rules {
            signature: true,
            signers: Some(vec!["b".into()]),
            strict_grants: true,
            contents: false,
            smoke: true,
            handler_change: false,
            size: 1 << 20,
        };
        assert_eq!(own.stricter(&host), expected);
        let quiet = AdmissionSpec::default();
        assert_eq!(quiet.stricter(&host), quiet.rules(&host));
        assert_eq!(
            own.stricter(&quiet),
            own.rules(&quiet),
            "where the host says nothing, the plugin may say all"
        );
        let (small, _) = read("size = '1KiB'");
        assert_eq!(small.stricter(&host).size, 1 << 10);
    }

    #[test]
    fn nothing_but_the_artifact_is_asked_for_unless_said() {
        let rules = Rules::default();
        let asked = [rules.signature, rules.strict_grants, rules.contents, rules.smoke, rules.handler_change];
        assert_eq!((asked, rules.signers, rules.size), ([false; 5], None, 128 << 20));
    }

    #[test]
    fn impossible_values_are_told() {
        let (_, problems) = read("signature = 'yes'\nsize = '129MiB'\nsigner = ['a']\nsigners = 'a'");
        assert_eq!(problems.len(), 4, "{problems:#?}");
    }
}
