//! What `pyproject.toml` says: the project's name, what it depends on, and `[tool.ostler]`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::build::BuildError;

/// What answers requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A function from request to response.
    App,
    /// A WSGI application.
    Wsgi,
    /// An ASGI application.
    Asgi,
}

/// Where the SDK comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sdk {
    /// A folder, as written: relative to the project's.
    Folder(PathBuf),
    /// A version of the published one.
    Published(String),
}

/// The part of a project's description that decides how it is built.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// `app` of `app:handle`.
    pub(super) module: String,
    /// `handle` of `app:handle`.
    pub(super) object: String,
    pub(super) sdk: Sdk,
    /// As pip takes them: `flask==3.1.3`.
    pub(super) dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    project: Option<Project>,
    #[serde(default)]
    tool: ToolTable,
}

#[derive(Deserialize)]
struct Project {
    name: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize, Default)]
struct ToolTable {
    #[serde(default)]
    ostler: Wishes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Wishes {
    app: Option<String>,
    wsgi: Option<String>,
    asgi: Option<String>,
    sdk: Option<String>,
}

impl Manifest {
    /// Reads `pyproject.toml` of `dir`.
    pub(super) fn read(dir: &Path) -> Result<Manifest, BuildError> {
        let path = dir.join("pyproject.toml");
        let text =
            std::fs::read_to_string(&path).map_err(BuildError::io(format!("reading {}", path.display())))?;
        let manifest =
            Manifest::parse(&text).map_err(|problem| BuildError::Manifest { path: path.clone(), problem })?;
        if let Sdk::Folder(folder) = &manifest.sdk {
            let missing = !dir.join(folder).join("ostler/__init__.py").is_file();
            let problem = format!("tool.ostler.sdk: the SDK for Python is not in {}", folder.display());
            return if missing { Err(BuildError::Manifest { path, problem }) } else { Ok(manifest) };
        }
        Ok(manifest)
    }

    pub(super) fn parse(text: &str) -> Result<Manifest, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let project = file.project.ok_or("write [project] with the plugin's name")?;
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if project.name.is_empty() || !project.name.chars().all(plain) {
            return Err(format!("project.name = {:?}: use letters, digits, -, _ and .", project.name));
        }
        let (kind, named) = named(&file.tool.ostler)?;
        let (module, object) =
            named.split_once(':').filter(|(module, object)| is_path(module) && is_path(object)).ok_or_else(
                || format!("tool.ostler: {named:?} names no object: write it as \"module:object\""),
            )?;
        Ok(Manifest {
            name: project.name,
            kind,
            module: module.to_owned(),
            object: object.to_owned(),
            sdk: sdk(file.tool.ostler.sdk.as_deref().unwrap_or(".ostler/sdk")),
            dependencies: project.dependencies,
        })
    }

    /// The folder that holds the module: `dir` itself, or `src` in it.
    pub(super) fn source(&self, dir: &Path) -> Result<PathBuf, BuildError> {
        let place = self.module.replace('.', "/");
        let holds = |folder: &PathBuf| {
            folder.join(format!("{place}.py")).is_file() || folder.join(&place).join("__init__.py").is_file()
        };
        [dir.to_path_buf(), dir.join("src")].into_iter().find(holds).ok_or_else(|| BuildError::Manifest {
            path: dir.join("pyproject.toml"),
            problem: format!(
                "tool.ostler names the module {}, but there is no {place}.py here or in src: write it, or name another",
                self.module
            ),
        })
    }
}

fn named(wishes: &Wishes) -> Result<(Kind, &str), String> {
    let named = [(Kind::App, &wishes.app), (Kind::Wsgi, &wishes.wsgi), (Kind::Asgi, &wishes.asgi)];
    let mut named = named.into_iter().filter_map(|(kind, name)| Some((kind, name.as_deref()?)));
    let first = named.next().unwrap_or((Kind::App, "app:handle"));
    match named.next() {
        None => Ok(first),
        Some(_) => Err("tool.ostler: name one of app, wsgi and asgi".into()),
    }
}

/// Whether `text` is a dotted name.
fn is_path(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && part.chars().all(|character| character.is_alphanumeric() || character == '_')
    })
}

/// A version begins with a digit; a folder that does is written `./1`.
fn sdk(text: &str) -> Sdk {
    match text.starts_with(|first: char| first.is_ascii_digit()) {
        true => Sdk::Published(text.to_owned()),
        false => Sdk::Folder(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(wishes: &str) -> Result<Manifest, String> {
        Manifest::parse(&format!("[project]\nname = \"a\"\n[tool.ostler]\n{wishes}"))
    }

    #[test]
    fn a_function_in_app_is_the_default() {
        let manifest = Manifest::parse("[project]\nname = \"a\"\ndependencies = [\"flask\"]").unwrap();
        assert_eq!(
            (manifest.kind, manifest.module.as_str(), manifest.object.as_str()),
            (Kind::App, "app", "handle")
        );
        assert_eq!(manifest.sdk, Sdk::Folder(".ostler/sdk".into()));
        assert_eq!(manifest.dependencies, ["flask"]);
    }

    #[test]
    fn an_application_can_be_named() {
        let manifest = parse("asgi = \"web.main:app\"\nsdk = \"0.1\"").unwrap();
        assert_eq!((manifest.kind, manifest.module.as_str()), (Kind::Asgi, "web.main"));
        assert_eq!(manifest.sdk, Sdk::Published("0.1".into()));
    }

    #[test]
    fn wrong_wishes_are_told_what_is_right() {
        let cases = [
            ("app = \"app\"", "module:object"),
            ("app = \"../app:handle\"", "module:object"),
            ("app = \"a:b\"\nwsgi = \"a:c\"", "one of app, wsgi and asgi"),
            ("ap = \"a:b\"", "ap"),
        ];
        for (wishes, repair) in cases {
            let problem = parse(wishes).unwrap_err();
            assert!(problem.contains(repair), "{problem}");
        }
        assert!(Manifest::parse("[tool.other]\na = 1").unwrap_err().contains("[project]"));
        assert!(Manifest::parse("[project]\nname = \"../a\"").unwrap_err().contains("project.name"));
    }

    #[test]
    fn the_module_is_looked_for_in_src_too() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = parse("app = \"web:handle\"").unwrap();
        let problem = manifest.source(dir.path()).unwrap_err().to_string();
        assert!(problem.contains("no web.py"), "{problem}");
        std::fs::create_dir_all(dir.path().join("src/web")).unwrap();
        std::fs::write(dir.path().join("src/web/__init__.py"), "").unwrap();
        assert_eq!(manifest.source(dir.path()).unwrap(), dir.path().join("src"));
    }
}
