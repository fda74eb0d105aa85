//! One build: source folder in, validated component file out.

use std::path::{Path, PathBuf};

use ostler_core::Digest;

use crate::component::{self, ComponentError};
use crate::language::Language;
use crate::toolchain::Missing;
use crate::tools::Tools;
use crate::{c, go, js, python, rust};

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for compiled libraries, best shared by all guests: the standard library is then compiled once.
    /// None: `target/guests` in the source folder.
    pub target_dir: Option<PathBuf>,
    /// File to write. None: `NAME.wasm` in `target` of the source folder.
    pub output: Option<PathBuf>,
    /// Where the compiler's words go.
    pub words: Words,
    /// Folder of the tools that builds bring themselves, best one of the user's for all projects. None: `.ostler/tools` in the
    /// source folder.
    pub tools: Option<PathBuf>,
    /// Hears what goes on, for people: which compiler was chosen and why, which tool is installed.
    pub tell: fn(&str),
}

/// Where the compiler's words go, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// To this process's standard error as they come, with colours on a terminal.
    Inherit,
    /// Into [`BuildError::Compiler`] if it fails, otherwise nowhere.
    Keep,
}

impl Default for Options {
    fn default() -> Self {
        Options { target_dir: None, output: None, words: Words::Inherit, tools: None, tell: |_| {} }
    }
}

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// Its digest, as the host will name the release.
    pub digest: Digest,
    /// The handler it exports: `ostler:plugin/http-handler@0.1.0`.
    pub handler: String,
    /// The language it was written in.
    pub language: Language,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is of no known language.
    #[error("{dir} holds none of {marks}: name the folder of a plugin's sources, or start one with `ostler new`", dir = .dir.display())]
    NoLanguage {
        /// The folder.
        dir: PathBuf,
        /// What was looked for.
        marks: String,
    },
    /// The language's compiler is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A tool is missing that no build can bring.
    #[error("{what} is missing: {command}")]
    Tool {
        /// What is missing, and what for.
        what: String,
        /// The commands that bring it.
        command: String,
    },
    /// The project's own description is wrong.
    #[error("{path}: {problem}", path = .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// The compiler refused the sources.
    #[error("the compiler failed{}", match .words.is_empty() { true => String::new(), false => format!(":\n{}", .words) })]
    Compiler {
        /// What it said, if it was kept.
        words: String,
    },
    /// What was compiled is no component that Ostler runs.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A file or program could not be used.
    #[error("{what}: {cause}")]
    Io {
        /// What was attempted.
        what: String,
        /// What came of it.
        cause: std::io::Error,
    },
}

impl BuildError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> BuildError {
        let what = what.into();
        move |cause| BuildError::Io { what, cause }
    }
}

/// What a language's compiler gets.
pub(crate) struct Job<'a> {
    /// The source folder.
    pub(crate) dir: &'a Path,
    /// Folder for intermediate files, shared by all projects; it exists, and its path is canonical.
    pub(crate) work: &'a Path,
    pub(crate) tools: Tools<'a>,
    pub(crate) words: Words,
    tell: fn(&str),
}

impl Job<'_> {
    /// Tells people what goes on.
    pub(crate) fn say(&self, line: &str) {
        (self.tell)(line);
    }
}

/// What a language's compiler left.
pub(crate) struct Compiled {
    /// The plugin's name.
    pub(crate) name: String,
    /// A core module or a component.
    pub(crate) bytes: Vec<u8>,
}

/// Builds the plugin whose sources are in `dir`.
pub fn build(dir: &Path, options: &Options) -> Result<Built, BuildError> {
    let no_language = || BuildError::NoLanguage { dir: dir.to_path_buf(), marks: Language::marks() };
    let language = Language::detect(dir).ok_or_else(no_language)?;
    let work = options.target_dir.clone().unwrap_or_else(|| dir.join("target/guests"));
    std::fs::create_dir_all(&work).map_err(BuildError::io(format!("making {}", work.display())))?;
    let work = work.canonicalize().map_err(BuildError::io(format!("finding {}", work.display())))?;
    let tools = options.tools.clone().unwrap_or_else(|| dir.join(".ostler/tools"));
    let tools =
        std::path::absolute(&tools).map_err(BuildError::io(format!("finding {}", tools.display())))?;
    let tools = Tools::new(&tools, &options.tell);
    let job = Job { dir, work: &work, tools, words: options.words, tell: options.tell };
    let compiled = match language {
        Language::Rust => rust::compile(&job)?,
        Language::JavaScript | Language::TypeScript => js::compile(&job)?,
        Language::Python => python::compile(&job)?,
        Language::Go => go::compile(&job)?,
        Language::C => c::compile(&job)?,
    };
    let component = component::encode(&compiled.bytes)?;
    let handler = component::check(&component)?;
    let path = options.output.clone().unwrap_or_else(|| dir.join(format!("target/{}.wasm", compiled.name)));
    write(&path, &component)?;
    Ok(Built { path, size: component.len() as u64, digest: Digest::of(&component), handler, language })
}

/// Writes beside the file and renames, so that a host that watches it never reads half a component.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = new_file_in(folder)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.persist(path)?;
        Ok(())
    };
    attempt().map_err(BuildError::io(format!("writing {}", path.display())))
}

/// A temporary file is its owner's alone; what was built is as readable as what any compiler writes.
fn new_file_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_no_language_is_told_what_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let error = build(dir.path(), &Options::default()).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml (Rust)") && error.contains("ostler new"), "{error}");
    }

    #[test]
    fn a_written_file_is_whole_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/a.wasm");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
    }
}
