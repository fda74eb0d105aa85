//! Real projects through the real compiler. Without one these tests fail, with the commands that install it.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_toolchain::{BuildError, Built, Language, Options, Sdk, build, build::Words, new};

/// The folder that all guests share, as `cargo xtask` uses it.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../guests")
}

fn build_into(dir: &Path, output: PathBuf) -> Result<Built, BuildError> {
    let (target_dir, output) = (Some(target_dir()), Some(output));
    build(dir, &Options { target_dir, output, words: Words::Keep, ..Options::default() })
}

fn started(from: &Sdk) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("fresh-plugin");
    new(&project, "fresh-plugin", Language::Rust, from).unwrap();
    (folder, project)
}

/// Names of what a component imports, and of what its inner components do.
fn imports(component: &Path) -> Vec<String> {
    let bytes = std::fs::read(component).unwrap();
    let mut names = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
        if let wasmparser::Payload::ComponentImportSection(section) = payload.unwrap() {
            names.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
        }
    }
    names
}

#[test]
fn a_new_project_passes_its_own_tests_and_becomes_a_component_without_wasi() {
    let (_folder, project) = started(&Sdk::Vendored);
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet", "--target-dir"]).arg(target_dir()).current_dir(&project);
    let output = cargo.output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", words(&output.stdout), words(&output.stderr));

    let built = build_into(&project, project.join("out.wasm")).unwrap();
    assert_eq!(built.handler, "ostler:plugin/http-handler@0.1.0");
    assert_eq!(built.size, std::fs::metadata(&built.path).unwrap().len());
    let imports = imports(&built.path);
    assert!(imports.contains(&"ostler:plugin/kv@0.1.0".into()), "{imports:?}");
    assert!(!imports.iter().any(|name| name.starts_with("wasi:")), "{imports:?}");
}

#[test]
fn the_same_sources_in_another_folder_are_the_same_component() {
    let ((_one, one), (_two, two)) = (started(&Sdk::Vendored), started(&Sdk::Vendored));
    let one = build_into(&one, one.join("out.wasm")).unwrap();
    let two = build_into(&two, two.join("out.wasm")).unwrap();
    assert_ne!(one.path, two.path);
    assert_eq!(one.digest, two.digest);
    let bytes = std::fs::read(&one.path).unwrap();
    let texts = String::from_utf8_lossy(&bytes);
    assert!(
        !texts.contains("/registry/src/index") || texts.contains("/cargo/registry/"),
        "paths of this machine"
    );
}

#[test]
fn two_projects_of_one_name_are_not_taken_for_each_other() {
    let ((_one, one), (_two, two)) = (started(&Sdk::Vendored), started(&Sdk::Vendored));
    let source = two.join("src/lib.rs");
    let changed = std::fs::read_to_string(&source).unwrap().replace("It works.", "It works too.");
    std::fs::write(&source, changed).unwrap();
    let first = build_into(&one, one.join("out.wasm")).unwrap();
    let other = build_into(&two, two.join("out.wasm")).unwrap();
    let again = build_into(&one, one.join("out.wasm")).unwrap();
    assert_ne!(first.digest, other.digest);
    assert_eq!(first.digest, again.digest);
}

#[test]
fn what_the_compiler_says_reaches_the_author() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("src/lib.rs"), "fn broken( {}").unwrap();
    match build_into(&project, project.join("out.wasm")) {
        Err(BuildError::Compiler { words }) => assert!(words.contains("src/lib.rs:1"), "{words}"),
        other => panic!("{other:?}"),
    }
    assert!(!project.join("out.wasm").exists());
}

#[test]
fn a_crate_without_a_handler_is_told_how_to_have_one() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("src/lib.rs"), "").unwrap();
    let error = build_into(&project, project.join("out.wasm")).unwrap_err().to_string();
    assert!(error.contains("ostler_sdk::handler"), "{error}");
}
