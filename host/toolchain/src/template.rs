//! `ostler new`: a project that builds and passes its own tests at once.

use std::path::{Path, PathBuf};

use crate::language::Language;
use crate::{c, go, js, python, rust};

/// Where a new project's SDK comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// A copy in the project, under `.ostler/sdk`.
    Vendored,
    /// A folder that is there already.
    Path(PathBuf),
    /// The registry.
    Published,
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The name will not do for a package.
    #[error(
        "{0:?} is no name for a plugin: use lower-case letters, digits, - and _, a letter first, 64 characters at most, and no word of the language"
    )]
    Name(String),
    /// There is something at that place.
    #[error("{} exists and is not empty: choose another name, or empty it", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("writing {}: {cause}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What came of it.
        cause: std::io::Error,
    },
}

/// What `ostler new` needs to know of a language.
pub(crate) struct Kit {
    /// The template's files by their path in the project. `{{name}}`, `{{sdk}}` and `{{about_sdk}}` are filled in.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// The SDK's folder in the repository.
    #[cfg_attr(not(test), allow(dead_code, reason = "a test compares it with what is carried"))]
    pub(crate) home: &'static str,
    /// The SDK's files by their path in its folder, carried along by the binary.
    pub(crate) sdk: &'static [(&'static str, &'static str)],
    /// Names that no project of this language can have.
    pub(crate) taken: &'static [&'static str],
    /// What stands for `{{sdk}}`, given the SDK's folder, or none for the published one.
    pub(crate) dependency: fn(Option<&str>) -> String,
    /// What stands for `{{about_sdk}}` if the SDK was copied.
    pub(crate) about: &'static str,
}

impl Kit {
    fn of(language: Language) -> &'static Kit {
        match language {
            Language::Rust => &rust::KIT,
            Language::JavaScript => &js::JAVASCRIPT,
            Language::TypeScript => &js::TYPESCRIPT,
            Language::Python => &python::KIT,
            Language::Go => &go::KIT,
            Language::C => &c::KIT,
        }
    }

    fn fill(&self, text: &str, name: &str, from: &Sdk) -> String {
        let (folder, about) = match from {
            Sdk::Vendored => (Some(VENDORED.to_owned()), self.about),
            Sdk::Path(path) => (Some(path.to_string_lossy().into_owned()), ""),
            Sdk::Published => (None, ""),
        };
        let dependency = (self.dependency)(folder.as_deref());
        text.replace("{{name}}", name).replace("{{sdk}}", &dependency).replace("{{about_sdk}}", about)
    }
}

/// Where a project keeps its copy of the SDK.
const VENDORED: &str = ".ostler/sdk";

/// Starts the project `name` in the folder `dir`, which must be missing or empty.
pub fn new(dir: &Path, name: &str, language: Language, from: &Sdk) -> Result<(), NewError> {
    let kit = Kit::of(language);
    check(name, kit)?;
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(NewError::Exists(dir.to_path_buf()));
    }
    for (path, text) in kit.files {
        write(&dir.join(path), &(kit.fill(text, name, from).trim_end().to_owned() + "\n"))?;
    }
    if *from == Sdk::Vendored {
        for (path, text) in kit.sdk {
            write(&dir.join(VENDORED).join(path), text)?;
        }
    }
    Ok(())
}

fn check(name: &str, kit: &Kit) -> Result<(), NewError> {
    let plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    match plain && begins && name.len() <= 64 && !kit.taken.contains(&name) {
        true => Ok(()),
        false => Err(NewError::Name(name.to_owned())),
    }
}

fn write(path: &Path, text: &str) -> Result<(), NewError> {
    let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    parent
        .and_then(|()| std::fs::write(path, text))
        .map_err(|cause| NewError::Io { path: path.to_path_buf(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every language.
    fn languages() -> impl Iterator<Item = Language> {
        Language::NAMES.into_iter().filter_map(Language::named)
    }

    #[test]
    fn names_that_cannot_be_packages_are_refused() {
        for language in languages() {
            let kit = Kit::of(language);
            for name in ["", "Hello", "1st", "a b", "../a", "a.b", "é", kit.taken[0], &"a".repeat(65)] {
                assert!(matches!(check(name, kit), Err(NewError::Name(_))), "{language:?} {name}");
            }
            assert!(["a", "my-plugin_2"].iter().all(|name| check(name, kit).is_ok()), "{language:?}");
        }
    }

    /// Files below `folder`, except tests, and what package managers and compilers leave.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        const LEFT: [&str; 8] = [
            "Cargo.lock",
            "node_modules",
            "package-lock.json",
            "target",
            "tests",
            "__pycache__",
            "build",
            ".venv",
        ];
        for entry in folder.read_dir().unwrap().flatten() {
            match entry.path() {
                path if LEFT.iter().any(|left| path.ends_with(left)) => {}
                path if path.is_dir() => sources(&path, found),
                path => found.push(path),
            }
        }
    }

    #[test]
    fn every_source_of_an_sdk_is_carried_along() {
        for kit in languages().map(Kit::of) {
            let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(kit.home);
            let mut found = Vec::new();
            sources(&home, &mut found);
            let forgotten: Vec<_> = found
                .iter()
                .map(|path| path.strip_prefix(&home).unwrap())
                .filter(|path| !kit.sdk.iter().any(|(carried, _)| path == &Path::new(carried)))
                .collect();
            assert!(forgotten.is_empty(), "add to the kit of {}: {forgotten:?}", kit.home);
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine"), "mine").unwrap();
        let refused = new(dir.path(), "a", Language::Rust, &Sdk::Published);
        assert!(matches!(refused, Err(NewError::Exists(_))));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_blank_is_filled_in() {
        for language in languages() {
            let kit = Kit::of(language);
            for from in [Sdk::Vendored, Sdk::Path("/s d/k".into()), Sdk::Published] {
                for (path, text) in kit.files {
                    let text = kit.fill(text, "mine", &from);
                    let blanks = ["{{name}}", "{{sdk}}", "{{about_sdk}}"];
                    assert!(!blanks.iter().any(|blank| text.contains(blank)), "{language:?} {path}");
                }
            }
        }
    }
}
