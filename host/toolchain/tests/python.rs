//! Real Python projects through the real componentize-py. Without Python, or without the registry that it comes from, these
//! tests fail and say what is missing.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_toolchain::{BuildError, Built, Language, Options, Sdk, build, build::Words, new};

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python");

fn build_project(dir: &Path) -> Result<Built, BuildError> {
    let shared = |name: &str| Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    build(
        dir,
        &Options {
            target_dir: shared("python"),
            tools: shared("tools"),
            words: Words::Keep,
            ..Options::default()
        },
    )
}

fn started() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("fresh-plugin");
    new(&project, "fresh-plugin", Language::Python, &Sdk::Vendored).unwrap();
    (folder, project)
}

/// A project of one module, of which `wishes` is the rest of its description.
fn written(app: &str, dependencies: &str, wishes: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "[project]\nname = \"written\"\ndependencies = [{dependencies}]\n[tool.ostler]\nsdk = {SDK:?}\n{wishes}\n"
    );
    std::fs::write(folder.path().join("pyproject.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("app.py"), app).unwrap();
    folder
}

/// Runs the usual test runner in a folder.
fn unittest(dir: &Path, python_path: &[PathBuf]) {
    let mut python = Command::new("python3");
    python.args(["-m", "unittest"]).current_dir(dir).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = python.env("PYTHONPATH", std::env::join_paths(python_path).unwrap()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !words.contains("Ran 0 tests"), "{words}");
}

/// Every file below a folder, except those of what is built and installed.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in dir.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true if path.ends_with("target") || path.ends_with(".ostler/packages") => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn the_sdk_passes_its_own_tests() {
    unittest(Path::new(SDK), &[]);
}

#[test]
fn a_new_project_passes_its_own_tests_and_becomes_a_component() {
    let (folder, project) = started();
    unittest(&project, &[]);
    let before = files(&project);
    let built = build_project(&project).unwrap();
    assert_eq!(built.handler, "ostler:plugin/http-handler@0.1.0");
    assert_eq!(built.path, project.join("target/fresh-plugin.wasm"));
    assert_eq!(files(&project), before, "nothing is written among the sources");
    let bytes = std::fs::read(&built.path).unwrap();
    let path = folder.path().to_str().unwrap().as_bytes();
    assert!(!bytes.windows(path.len()).any(|window| window == path), "a path of this machine");
}

#[test]
fn what_python_says_reaches_the_author() {
    let project = written("def handle(request:\n", "", "");
    match build_project(project.path()) {
        Err(BuildError::Compiler { words }) => {
            assert!(words.contains("\"/0/app.py\", line 1") && words.contains("SyntaxError"), "{words}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!project.path().join("target").exists());
}

#[test]
fn a_module_without_the_handler_is_told_what_to_write() {
    let project = written("answer = 42\n", "", "");
    let error = build_project(project.path()).unwrap_err().to_string();
    assert!(error.contains("app.py has no function handle"), "{error}");
}

#[test]
fn a_capability_used_at_import_is_told_that_it_comes_later() {
    let project = written("from ostler import config\nGREETING = config.get(\"greeting\")\n", "", "");
    let error = build_project(project.path()).unwrap_err().to_string();
    assert!(error.contains("not at the top of a module"), "{error}");
}

#[test]
fn flask_is_installed_tested_and_built() {
    let app = "from flask import Flask\napp = Flask(__name__)\n\
               @app.get(\"/<name>\")\ndef greet(name):\n    return {\"hello\": name}\n";
    let project = written(app, "\"flask==3.1.3\"", "wsgi = \"app:app\"");
    let test = "import unittest\nfrom app import app\nfrom ostler import Request, testing, wsgi\n\
                class Test(unittest.TestCase):\n    def test_it(self):\n        with testing.Host():\n            \
                got = wsgi.handler(app)(Request(\"GET\", \"/you\"))\n        \
                self.assertEqual(got.read_json(), {\"hello\": \"you\"})\n";
    std::fs::write(project.path().join("test_app.py"), test).unwrap();
    let built = build_project(project.path()).unwrap();
    assert_eq!(built.handler, "ostler:plugin/http-handler@0.1.0");
    let packages = project.path().join(".ostler/packages");
    let left_out = std::fs::read_to_string(packages.join(".left-out")).unwrap();
    assert!(left_out.starts_with("markupsafe/_speedups"), "{left_out}");
    unittest(project.path(), &[packages, SDK.into()]);
}

#[test]
fn a_package_that_cannot_run_in_a_component_is_named() {
    let project = written("import pydantic_core\n", "\"pydantic-core==2.50.4\"", "");
    match build_project(project.path()) {
        Err(BuildError::Manifest { problem, .. }) => {
            assert!(problem.contains("pydantic_core cannot run in a component"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}
