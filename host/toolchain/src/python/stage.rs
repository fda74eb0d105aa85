//! Copies of source folders, without what is no source.

use std::path::Path;

use crate::build::BuildError;

/// Copies the files below `from` to `to`. Hidden ones, environments, and what builds and interpreters write stay behind.
pub(super) fn copy_sources(from: &Path, to: &Path) -> Result<(), BuildError> {
    make(to)?;
    let entries = from.read_dir().map_err(BuildError::io(format!("reading {}", from.display())))?;
    for entry in entries.flatten().filter(|entry| is_source(&entry.path())) {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy_sources(&path, &copy)?,
            false => {
                std::fs::copy(&path, &copy).map_err(BuildError::io(format!("copying {}", path.display())))?;
            }
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let made = ["target", "__pycache__", "node_modules"].contains(&&*name) || name.ends_with(".wasm");
    !made && !name.starts_with('.') && !path.join("pyvenv.cfg").is_file()
}

/// Writes a file and the folders above it.
pub(super) fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    path.parent().map_or(Ok(()), make)?;
    std::fs::write(path, text).map_err(BuildError::io(format!("writing {}", path.display())))
}

/// Makes a folder and those above it.
pub(super) fn make(folder: &Path) -> Result<(), BuildError> {
    std::fs::create_dir_all(folder).map_err(BuildError::io(format!("making {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_data_are_copied_and_what_is_made_is_not() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = [
            "app.py",
            "pages/index.html",
            ".ostler/sdk/a.py",
            "target/a.wasm",
            "pages/__pycache__/a.pyc",
            "env/pyvenv.cfg",
        ];
        for file in files {
            write(&from.path().join(file), "").unwrap();
        }
        copy_sources(from.path(), to.path()).unwrap();
        assert!(to.path().join("app.py").is_file() && to.path().join("pages/index.html").is_file());
        for left in [".ostler", "target", "pages/__pycache__", "env"] {
            assert!(!to.path().join(left).exists(), "{left}");
        }
    }
}
