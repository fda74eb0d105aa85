//! The Rust SDK's sources, carried along so that a new project builds without a registry that has it.

use std::path::Path;

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../../sdk/rust/", $path)))),*]
    };
}

/// Each file by its path in the SDK's folder.
pub(crate) const FILES: [(&str, &str); 22] = files! {
    "Cargo.toml"
    "macros/Cargo.toml"
    "macros/src/lib.rs"
    "src/arena.rs"
    "src/bindings.rs"
    "src/config.rs"
    "src/context.rs"
    "src/error.rs"
    "src/export.rs"
    "src/heap.rs"
    "src/http.rs"
    "src/kv.rs"
    "src/lib.rs"
    "src/log.rs"
    "src/request.rs"
    "src/response.rs"
    "src/testing.rs"
    "src/testing/capabilities.rs"
    "src/testing/store.rs"
    "src/uri.rs"
    "wit/plugin.wit"
    "README.md"
};

/// Writes them under `folder`.
pub(crate) fn write(folder: &Path) -> std::io::Result<()> {
    for (path, text) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in folder.read_dir().unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), found),
                false => found.push(entry.path()),
            }
        }
    }

    #[test]
    fn every_source_of_the_sdk_is_carried_along() {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/rust");
        let mut found = Vec::new();
        ["src", "macros/src", "wit"].iter().for_each(|folder| walk(&sdk.join(folder), &mut found));
        let there: BTreeSet<_> = found
            .iter()
            .map(|path| path.strip_prefix(&sdk).unwrap().to_string_lossy().into_owned())
            .collect();
        let carried: BTreeSet<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        let forgotten: Vec<_> = there.difference(&carried).collect();
        assert!(forgotten.is_empty(), "add to FILES: {forgotten:?}");
    }
}
