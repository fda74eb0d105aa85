//! Real JavaScript and TypeScript projects through the real tools. They need Node.js and npm, and the registry the first time.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_toolchain::{BuildError, Built, Language, Options, Sdk, build, build::Words, new};

fn build_into(dir: &Path, output: PathBuf) -> Result<Built, BuildError> {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let options = Options {
        target_dir: Some(shared.join("../guests")),
        tools: Some(shared.join("../tools")),
        output: Some(output),
        words: Words::Keep,
        ..Options::default()
    };
    build(dir, &options)
}

fn started(language: Language) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("fresh-plugin");
    new(&project, "fresh-plugin", language, &Sdk::Vendored).unwrap();
    (folder, project)
}

fn npm(dir: &Path, words: &[&str]) {
    let output = Command::new("npm").args(words).current_dir(dir).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "npm {words:?}: {}{}", said(&output.stdout), said(&output.stderr));
}

/// Names of what a component imports.
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

fn refusal(project: &Path) -> String {
    match build_into(project, project.join("out.wasm")) {
        Err(BuildError::Compiler { words }) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_javascript_project_passes_its_own_tests_and_becomes_a_typed_component() {
    let (_folder, project) = started(Language::JavaScript);
    npm(&project, &["install", "--no-audit", "--no-fund"]);
    npm(&project, &["test"]);
    let built = build_into(&project, project.join("out.wasm")).unwrap();
    assert_eq!(
        (built.handler.as_str(), built.language),
        ("ostler:plugin/http-handler@0.1.0", Language::JavaScript)
    );
    let imports = imports(&built.path);
    assert!(imports.contains(&"ostler:plugin/kv@0.1.0".into()), "{imports:?}");
    let needless = |name: &&String| name.contains("sockets") || name.contains("incoming-handler");
    assert_eq!(imports.iter().find(needless), None);
    let again = build_into(&project, project.join("again.wasm")).unwrap();
    assert_eq!(built.digest, again.digest, "sources that did not change are no new release");
}

#[test]
fn a_new_typescript_project_passes_its_own_tests_and_its_types_are_checked_by_its_build() {
    let (_folder, project) = started(Language::TypeScript);
    npm(&project, &["install", "--no-audit", "--no-fund"]);
    npm(&project, &["test"]);
    npm(&project, &["run", "check"]);
    assert_eq!(build_into(&project, project.join("out.wasm")).unwrap().language, Language::TypeScript);
    let source = project.join("src/index.ts");
    let wrong = std::fs::read_to_string(&source).unwrap().replace("times: number", "times: string");
    std::fs::write(&source, wrong).unwrap();
    let words = refusal(&project);
    assert!(words.contains("src/index.ts(") && words.contains("error TS2322"), "{words}");
}

#[test]
fn what_esbuild_and_the_engine_say_reaches_the_author() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    for (source, expected) in [
        ("export default {", "index.js:1:"),
        ("import x from 'not-there'; export default x;", "Could not resolve \"not-there\""),
        ("export const other = 1;", "No matching export in \"index.js\" for import \"default\""),
        ("export default {};", "the default export has no fetch"),
        ("throw new Error('at the top'); export default () => {};", "at the top"),
        (
            "import { config } from 'ostler'; config.get('x'); export default () => {};",
            "config.get was called while a module was loaded",
        ),
    ] {
        std::fs::write(project.join("package.json"), "{}").unwrap();
        std::fs::write(project.join("index.js"), source).unwrap();
        let words = refusal(project);
        assert!(words.contains(expected), "{source}: {words}");
    }
    assert!(!project.join("out.wasm").exists());
}

#[test]
fn the_same_sources_in_another_folder_are_the_same_component() {
    let ((_one, one), (_two, two)) = (started(Language::JavaScript), started(Language::JavaScript));
    let digests = [&one, &two].map(|project| build_into(project, project.join("out.wasm")).unwrap().digest);
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn the_sdk_passes_its_own_tests() {
    npm(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/js"), &["test"]);
}

#[test]
fn the_examples_pass_their_own_tests() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for example in ["todo-js", "todo-ts"] {
        let example = examples.join(example);
        if !example.join("node_modules").exists() {
            npm(&example, &["install", "--no-audit", "--no-fund"]);
        }
        npm(&example, &["test"]);
    }
}

#[test]
fn the_sdks_copy_of_the_contract_is_the_contract() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contract = std::fs::read_to_string(top.join("wit/plugin.wit")).unwrap();
    // The last world names packages of WASI that a typed handler never sees; without it the contract is one file.
    let end =
        contract.find("/// Ostler's key-value stores and configuration under their WASI names").unwrap();
    let copy = top.join("sdk/js/wit/plugin.wit");
    let wanted = contract[..end].trim_end().to_owned() + "\n";
    if std::fs::read_to_string(&copy).ok().as_deref() != Some(&wanted) {
        std::fs::write(&copy, wanted).unwrap();
        panic!("{} was stale and has been written anew: look at the difference", copy.display());
    }
}
