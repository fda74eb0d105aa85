//! `ostler new`: a project that builds and passes its own tests at once.

use std::path::{Path, PathBuf};

use crate::language::Language;
use crate::sdk;

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

/// Version of the SDK that [`Sdk::Published`] asks for.
const SDK_VERSION: &str = "0.1";

/// A template's files by their path in the project.
const RUST: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.template")),
    ("src/lib.rs", include_str!("../templates/rust/src/lib.rs")),
    ("ostler.toml", include_str!("../templates/rust/ostler.toml")),
    ("README.md", include_str!("../templates/rust/README.md")),
    (".gitignore", include_str!("../templates/rust/gitignore")),
];

/// Names that would not compile, or that the project's own dependencies bear.
const TAKEN: [&str; 48] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "ostler-sdk",
    "ostler_sdk",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "type",
    "use",
];

/// Starts the project `name` in the folder `dir`, which must be missing or empty.
pub fn new(dir: &Path, name: &str, language: Language, from: &Sdk) -> Result<(), NewError> {
    check(name)?;
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(NewError::Exists(dir.to_path_buf()));
    }
    let files = match language {
        Language::Rust => RUST,
    };
    for (path, text) in files {
        let text = fill(text, name, from);
        write(&dir.join(path), &text)?;
    }
    if *from == Sdk::Vendored {
        let path = dir.join(".ostler/sdk");
        sdk::write(&path).map_err(|cause| NewError::Io { path, cause })?;
    }
    Ok(())
}

fn check(name: &str) -> Result<(), NewError> {
    let plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    match plain && begins && name.len() <= 64 && !TAKEN.contains(&name) {
        true => Ok(()),
        false => Err(NewError::Name(name.to_owned())),
    }
}

fn fill(text: &str, name: &str, from: &Sdk) -> String {
    let (dependency, about) = match from {
        Sdk::Vendored => (
            r#"{ path = ".ostler/sdk" }"#.to_owned(),
            "\n`.ostler/sdk` is a copy of the SDK as it was when this project began: `ostler-sdk` is on no registry yet. Commit it\n\
             with the project; to use another, change the dependency in `Cargo.toml`.",
        ),
        Sdk::Path(path) => (format!("{{ path = {:?} }}", path.to_string_lossy()), ""),
        Sdk::Published => (format!("{SDK_VERSION:?}"), ""),
    };
    text.replace("{{name}}", name).replace("{{sdk}}", &dependency).replace("{{about_sdk}}", about)
}

fn write(path: &Path, text: &str) -> Result<(), NewError> {
    let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let text = text.trim_end().to_owned() + "\n";
    parent
        .and_then(|()| std::fs::write(path, text))
        .map_err(|cause| NewError::Io { path: path.to_path_buf(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_packages_are_refused() {
        for name in
            ["", "Hello", "1st", "a b", "../a", "a.b", "é", "fn", "test", "ostler-sdk", &"a".repeat(65)]
        {
            assert!(matches!(check(name), Err(NewError::Name(_))), "{name}");
        }
        assert!(["a", "my-plugin_2"].iter().all(|name| check(name).is_ok()));
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
        let path = PathBuf::from("/s d/k");
        for (from, dependency) in [
            (Sdk::Vendored, r#"ostler-sdk = { path = ".ostler/sdk" }"#),
            (Sdk::Path(path), r#"ostler-sdk = { path = "/s d/k" }"#),
            (Sdk::Published, r#"ostler-sdk = "0.1""#),
        ] {
            let texts: Vec<_> = RUST.iter().map(|(_, text)| fill(text, "mine", &from)).collect();
            assert!(texts.iter().all(|text| !text.contains("{{")), "{from:?}");
            assert!(texts[0].contains(dependency), "{}", texts[0]);
            let manifest: toml::Table = toml::from_str(&texts[0]).unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some("mine"));
        }
    }
}
