//! Which language a folder holds, told by its files.
//!
//! To add one: a variant here, a file beside `rust.rs` with the same `compile`, a line in `build.rs`.

use std::path::Path;

/// A language that guests are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `Cargo.toml`.
    Rust,
}

impl Language {
    /// Every language and the file that tells it.
    const MARKS: [(Language, &'static str); 1] = [(Language::Rust, "Cargo.toml")];

    /// The language of `dir`, if one of its files tells.
    pub fn detect(dir: &Path) -> Option<Language> {
        Language::MARKS.into_iter().find(|(_, mark)| dir.join(mark).is_file()).map(|(language, _)| language)
    }

    /// The language of that name, as `ostler new --lang` takes it.
    pub fn named(name: &str) -> Option<Language> {
        match name {
            "rust" => Some(Language::Rust),
            _ => None,
        }
    }

    /// Names for `--lang`.
    pub const NAMES: [&'static str; 1] = ["rust"];

    /// The files that tell languages, for messages.
    pub(crate) fn marks() -> String {
        Language::MARKS.map(|(language, mark)| format!("{mark} ({language:?})")).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_known_by_its_manifest() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Language::detect(dir.path()), None);
        std::fs::write(dir.path().join("Cargo.toml"), "").unwrap();
        assert_eq!(Language::detect(dir.path()), Some(Language::Rust));
    }

    #[test]
    fn every_name_names_a_language() {
        assert!(Language::NAMES.iter().all(|name| Language::named(name).is_some()));
        assert_eq!(Language::named("cobol"), None);
    }
}
