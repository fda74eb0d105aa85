//! Which language a folder holds, told by its files.
//!
//! To add one: a variant and a row here, a file beside `rust.rs` with a `compile` and a `KIT`, a line in `build.rs` and one
//! in `template.rs`.

use std::path::Path;

/// A language that guests are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `Cargo.toml`.
    Rust,
    /// `package.json` with `tsconfig.json`.
    TypeScript,
    /// `package.json`.
    JavaScript,
    /// `pyproject.toml`.
    Python,
    /// `go.mod`.
    Go,
    /// `handler.c`.
    C,
}

impl Language {
    /// Every language, its name for `--lang`, and the file that tells it; of several that fit, the first counts.
    const ALL: [(Language, &'static str, &'static str); 6] = [
        (Language::Rust, "rust", "Cargo.toml"),
        (Language::TypeScript, "ts", "tsconfig.json"),
        (Language::JavaScript, "js", "package.json"),
        (Language::Python, "python", "pyproject.toml"),
        (Language::Go, "go", "go.mod"),
        (Language::C, "c", "handler.c"),
    ];

    /// The language of `dir`, if one of its files tells.
    pub fn detect(dir: &Path) -> Option<Language> {
        Language::ALL.into_iter().find(|(.., mark)| dir.join(mark).is_file()).map(|(language, ..)| language)
    }

    /// The language of that name, as `ostler new --lang` takes it.
    pub fn named(name: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|(_, its, _)| *its == name).map(|(language, ..)| language)
    }

    /// Names for `--lang`.
    pub const NAMES: [&'static str; 6] = ["rust", "js", "ts", "python", "go", "c"];

    /// The files that tell languages, for messages.
    pub(crate) fn marks() -> String {
        Language::ALL.map(|(language, _, mark)| format!("{mark} ({language:?})")).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_by_its_manifest() {
        for (language, _, mark) in Language::ALL {
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(Language::detect(dir.path()), None);
            std::fs::write(dir.path().join(mark), "").unwrap();
            assert_eq!(Language::detect(dir.path()), Some(language));
        }
    }

    #[test]
    fn typescript_is_known_although_it_has_a_package_as_javascript_has() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["package.json", "tsconfig.json"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        assert_eq!(Language::detect(dir.path()), Some(Language::TypeScript));
    }

    #[test]
    fn every_name_names_a_language() {
        assert!(Language::NAMES.iter().all(|name| Language::named(name).is_some()));
        assert_eq!(Language::NAMES.len(), Language::ALL.len());
        assert_eq!(Language::named("cobol"), None);
    }
}
