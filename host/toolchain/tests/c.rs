//! C projects through the real compiler. Without one these tests fail, with the commands that install it.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_toolchain::{BuildError, Built, Language, Options, Sdk, build, build::Words, new};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn build_into(dir: &Path, output: PathBuf) -> Result<Built, BuildError> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (target_dir, tools) = (Some(cache.join("../guests")), Some(cache.join("tools")));
    build(dir, &Options { target_dir, tools, output: Some(output), words: Words::Keep, ..Options::default() })
}

fn started(from: &Sdk) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("fresh-plugin");
    new(&project, "fresh-plugin", Language::C, from).unwrap();
    (folder, project)
}

/// `make test` in a folder, with what it makes elsewhere.
fn make_test(dir: &Path) {
    let output = Command::new("make").args(["-C"]).arg(dir).arg("test").output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", words(&output.stdout), words(&output.stderr));
}

#[test]
fn a_new_project_passes_its_own_tests_and_becomes_a_component() {
    let (_folder, project) = started(&Sdk::Vendored);
    make_test(&project);
    let built = build_into(&project, project.join("out.wasm")).unwrap();
    assert_eq!(built.handler, "ostler:plugin/http-handler@0.1.0");
    assert_eq!(built.language, Language::C);
    assert!(built.size < 200_000, "{} bytes", built.size);
}

#[test]
fn the_sdk_and_the_example_pass_their_own_tests() {
    make_test(&repository().join("sdk/c/tests"));
    make_test(&repository().join("examples/todo-c"));
}

#[test]
fn the_same_sources_in_another_folder_are_the_same_component() {
    let ((_one, one), (_two, two)) = (started(&Sdk::Vendored), started(&Sdk::Vendored));
    let one = build_into(&one, one.join("out.wasm")).unwrap();
    let two = build_into(&two, two.join("out.wasm")).unwrap();
    assert_ne!(one.path, two.path);
    assert_eq!(one.digest, two.digest);
}

#[test]
fn what_the_compiler_says_reaches_the_author() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("handler.c"), "int broken( {").unwrap();
    match build_into(&project, project.join("out.wasm")) {
        Err(BuildError::Compiler { words }) => assert!(words.contains("handler.c:1:13: error"), "{words}"),
        other => panic!("{other:?}"),
    }
    assert!(!project.join("out.wasm").exists());
}

#[test]
fn a_project_without_a_handler_is_told_its_name() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("handler.c"), "#include \"ostler.h\"\n").unwrap();
    let error = build_into(&project, project.join("out.wasm")).unwrap_err().to_string();
    assert!(error.contains("undefined symbol: handle"), "{error}");
}
