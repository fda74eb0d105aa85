//! What `package.json` says to Ostler: the plugin's name, the module to begin with, and `"ostler": { ... }`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::build::BuildError;

/// Where a project begins unless `main` says so.
const ENTRIES: [&str; 8] = [
    "src/index.ts",
    "src/index.js",
    "index.ts",
    "index.js",
    "src/index.tsx",
    "src/index.jsx",
    "src/index.mts",
    "src/index.mjs",
];

/// How requests reach the handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Handler {
    /// Whole, by `ostler:plugin/http-handler`.
    #[default]
    Typed,
    /// Streamed, by `wasi:http/incoming-handler`.
    Streaming,
}

impl Handler {
    pub(super) fn word(self) -> &'static str {
        match self {
            Handler::Typed => "typed",
            Handler::Streaming => "streaming",
        }
    }
}

/// The part of a package's description that decides how it is built.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the project.
    pub(super) entry: PathBuf,
    pub(super) handler: Handler,
    /// Whether there is anything to install.
    pub(super) depends: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    name: Option<String>,
    main: Option<String>,
    #[serde(default)]
    dependencies: Map<String, Value>,
    #[serde(default)]
    dev_dependencies: Map<String, Value>,
    #[serde(default)]
    ostler: Wishes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Wishes {
    #[serde(default)]
    handler: Handler,
}

impl Package {
    /// Reads `package.json` of `dir`, which must be absolute.
    pub(super) fn read(dir: &Path) -> Result<Package, BuildError> {
        let path = dir.join("package.json");
        let text =
            std::fs::read_to_string(&path).map_err(BuildError::io(format!("reading {}", path.display())))?;
        Package::parse(dir, &text).map_err(|problem| BuildError::Manifest { path, problem })
    }

    fn parse(dir: &Path, text: &str) -> Result<Package, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let folder = || dir.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Package {
            name: plain(&file.name.or_else(folder).unwrap_or_default()),
            entry: entry(dir, file.main.as_deref())?,
            handler: file.ostler.handler,
            depends: !(file.dependencies.is_empty() && file.dev_dependencies.is_empty()),
        })
    }
}

/// A package's name without its scope, fit for a file.
fn plain(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or_default();
    let sane = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    match name.trim_start_matches('.') {
        "" => "plugin".into(),
        name => name.chars().map(sane).collect(),
    }
}

/// The module whose default export is the handler.
fn entry(dir: &Path, main: Option<&str>) -> Result<PathBuf, String> {
    let found = match main {
        Some(main) => Some(main).filter(|main| dir.join(main).is_file()),
        None => ENTRIES.into_iter().find(|entry| dir.join(entry).is_file()),
    };
    found.map(PathBuf::from).ok_or_else(|| match main {
        Some(main) => format!("\"main\" is {main}, which is no file: name the module that exports the handler"),
        None => format!(
            "no handler is found: write src/index.js or src/index.ts, or name the module that exports the handler as \"main\" (looked for: {})",
            ENTRIES.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        dir
    }

    #[test]
    fn a_package_is_named_and_begins_where_it_says_or_where_one_does() {
        let dir = folder(&["src/index.js", "app/main.ts"]);
        let package = Package::parse(dir.path(), r#"{"name":"@team/my.app"}"#).unwrap();
        assert_eq!(package.name, "my-app");
        assert_eq!(package.entry, Path::new("src/index.js"));
        assert_eq!((package.handler, package.depends), (Handler::Typed, false));
        let text = r#"{"name":"a","main":"app/main.ts","devDependencies":{"x":"1"},"ostler":{"handler":"streaming"}}"#;
        let package = Package::parse(dir.path(), text).unwrap();
        assert_eq!(package.entry, Path::new("app/main.ts"));
        assert_eq!((package.handler, package.depends), (Handler::Streaming, true));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_repair() {
        let dir = folder(&[]);
        for (text, words) in [
            ("{", "EOF"),
            ("{}", "src/index.js or src/index.ts"),
            (r#"{"main":"dist/x.js"}"#, "dist/x.js, which is no file"),
            (r#"{"ostler":{"handlr":"typed"}}"#, "handlr"),
            (r#"{"ostler":{"handler":"fast"}}"#, "`typed` or `streaming`"),
        ] {
            let error = Package::parse(dir.path(), text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
