//! What a project's `Makefile` says to Ostler: three variables that the native tests use as well, so that nothing is said twice.

use std::path::{Path, PathBuf};

use crate::build::BuildError;

/// Where `ostler new` puts the SDK.
const SDK: &str = ".ostler/sdk";

/// What decides how a folder of C files is built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// `NAME`; otherwise the folder's.
    pub(crate) name: String,
    /// `SDK`: its folder, seen from the project.
    pub(crate) sdk: PathBuf,
    /// `CPPFLAGS`: words for every compilation.
    pub(crate) flags: Vec<String>,
}

impl Manifest {
    /// Reads `Makefile` of `dir`, which may be missing.
    pub(crate) fn read(dir: &Path) -> Result<Manifest, BuildError> {
        let path = dir.join("Makefile");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let folder = dir.canonicalize().map_err(BuildError::io(format!("finding {}", dir.display())))?;
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manifest = Manifest::parse(&text, folder);
        let problem = manifest.problem(dir);
        problem.map_or(Ok(manifest), |problem| Err(BuildError::Manifest { path, problem }))
    }

    fn parse(text: &str, folder: String) -> Manifest {
        let value = |wanted: &str| text.lines().find_map(|line| variable(line, wanted));
        Manifest {
            name: value("NAME").unwrap_or(folder),
            sdk: value("SDK").unwrap_or_else(|| SDK.into()).into(),
            flags: value("CPPFLAGS").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        }
    }

    fn problem(&self, dir: &Path) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if self.name.is_empty() || !self.name.bytes().all(plain) {
            let name = &self.name;
            return Some(format!("{name:?} is no name for a plugin: write a line such as `NAME = todo`"));
        }
        let header = dir.join(&self.sdk).join("include/ostler.h");
        let missing = format!(
            "there is no {}: write the folder of Ostler's SDK for C as `SDK = path`",
            header.display()
        );
        (!header.is_file()).then_some(missing)
    }
}

/// The value if `line` sets the variable `wanted`: `NAME = todo`, `NAME := todo`, `NAME ?= todo`.
fn variable(line: &str, wanted: &str) -> Option<String> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end_matches([':', '?', '+']).trim_end();
    let value = value.split('#').next().unwrap_or_default().trim();
    (name == wanted).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_makefile_names_the_plugin_and_its_sdk() {
        let text =
            "# NAME = no\nNAME = todo   # the plugin\nSDK ?= ../sdk\nCPPFLAGS := -DA -Iinc\ntest: NAME=x\n";
        let manifest = Manifest::parse(text, "folder".into());
        let flags = vec!["-DA".to_owned(), "-Iinc".to_owned()];
        assert_eq!(manifest, Manifest { name: "todo".into(), sdk: "../sdk".into(), flags });
    }

    #[test]
    fn without_a_makefile_the_folder_names_the_plugin() {
        let manifest = Manifest::parse("", "hello".into());
        assert_eq!((manifest.name.as_str(), manifest.sdk.as_path()), ("hello", Path::new(SDK)));
    }

    #[test]
    fn what_is_missing_is_named_with_its_repair() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Makefile"), "NAME = a b").unwrap();
        let error = Manifest::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("Makefile") && error.contains("`NAME = todo`"), "{error}");
        std::fs::write(dir.path().join("Makefile"), "NAME = a").unwrap();
        let error = Manifest::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains(".ostler/sdk/include/ostler.h") && error.contains("`SDK = path`"), "{error}");
    }
}
