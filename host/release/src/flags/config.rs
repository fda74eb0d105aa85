//! `[flags]`: where flags are defined.

use std::path::PathBuf;

use ostler_core::settings::{Located, Section};

use super::provider;

/// Most files.
const FILES_MAX: usize = 64;

/// Settings of `[flags]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `files`: definitions in flagd's format; of two with one key the later stands. Default: none.
    pub files: Vec<PathBuf>,
    /// `shared`: whether hosts that share `[redis]` share what the API defines. Default: false.
    pub shared: bool,
    /// `namespace`: what the names of its keys in Redis begin with. Default: `ostler`.
    pub namespace: String,
    /// `provider`: another provider of OpenFeature, asked in place of this host's flags. Default: none.
    pub provider: Option<provider::Config>,
}

impl Default for Config {
    fn default() -> Self {
        Config { files: Vec::new(), shared: false, namespace: "ostler".into(), provider: None }
    }
}

impl Config {
    /// Reads its keys of `[flags]`, which the caller finishes; `redis` tells whether there is a `[redis]`, `check` looks at each file as written and says where it is.
    pub fn read(
        section: &mut Section<'_>,
        redis: bool,
        mut check: impl FnMut(&Section<'_>, &Located<String>) -> PathBuf,
    ) -> Self {
        let default = Config::default();
        let files = section.strings("files");
        if files.len() > FILES_MAX {
            section.problem(
                "files",
                files.len().to_string(),
                format!("at most {FILES_MAX} files"),
                "merge some",
            );
        }
        let shared = section.boolean("shared").unwrap_or(default.shared);
        if shared && !redis {
            section.problem(
                "shared",
                "no [redis] to share flags in",
                "shared beside [redis]",
                "add [redis] url",
            );
        }
        let namespace = section.string("namespace").map(|text| text.value);
        if let Some(text) = namespace.as_ref().filter(|text| !ostler_core::plugin::is_name(text)) {
            section.problem("namespace", format!("{text:?}"), "1 to 63 of a-z, 0-9, - and _", "");
        }
        let provider = section.section("provider").and_then(provider::Config::read);
        let files = files.iter().take(FILES_MAX).map(|file| check(section, file)).collect();
        Config { files, shared, namespace: namespace.unwrap_or(default.namespace), provider }
    }
}
