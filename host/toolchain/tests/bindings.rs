//! Holds the checked-in bindings of the SDKs for C and Go, and their copies of the contract, to `wit/`.
//!
//! Each test repairs what it finds stale and then fails, so that the second run passes and the difference shows in version
//! control.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

fn sdk(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk").join(language)
}

/// The contract without its last world, which names packages of WASI that a typed handler never sees.
fn contract() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/plugin.wit");
    let contract = fs::read_to_string(path).expect("wit/plugin.wit");
    let end = contract
        .find("/// Ostler's key-value stores and configuration under their WASI names")
        .expect("its comment");
    contract[..end].trim_end().to_owned() + "\n"
}

/// What a generator makes of the world `typed`.
fn generate(mut generator: Box<dyn WorldGenerator>) -> Files {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", &contract()).expect("the contract parses");
    let world = resolve.select_world(&[package], Some("typed")).expect("world typed");
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files).expect("bindings");
    files
}

/// Whether the file was as it should be; otherwise it is now.
fn update(path: &Path, fresh: &[u8]) -> bool {
    let same = fs::read(path).is_ok_and(|text| text == fresh);
    if !same {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, fresh).expect("write");
    }
    same
}

fn assert_fresh(stale: &[PathBuf]) {
    assert!(
        stale.is_empty(),
        "{stale:?} were stale and have been written anew: look at the difference and run the tests again"
    );
}

#[test]
fn the_bindings_for_c_are_those_of_the_contract() {
    // `ostler build` puts the component's type into the module itself, so no object file holds it.
    let options = wit_bindgen_c::Opts { no_object_file: true, ..Default::default() };
    let files = generate(options.build());
    let mut stale: Vec<PathBuf> = Vec::new();
    for (name, text) in files.iter() {
        let path = sdk("c").join("bindings").join(name);
        stale.extend((!update(&path, text)).then_some(path));
    }
    let wit = sdk("c").join("wit/plugin.wit");
    stale.extend((!update(&wit, contract().as_bytes())).then_some(wit));
    assert_fresh(&stale);
}

#[test]
fn the_bindings_for_go_are_those_of_the_contract() {
    let options = wit_bindgen_go::Opts {
        pkg_name: Some("ostler/internal/bindings".into()),
        format: wit_bindgen_go::Format::False,
        quiet: true,
        ..Default::default()
    };
    let files = generate(options.build());
    let mut stale: Vec<PathBuf> = Vec::new();
    for (name, text) in files.iter() {
        // The packages that bindings stand on lie in the SDK.
        let text = String::from_utf8(text.to_vec()).unwrap();
        let text = text.replace("go.bytecodealliance.org/pkg/wit/", "ostler/internal/wit/");
        let path = sdk("go").join("internal/bindings").join(name);
        stale.extend((!update(&path, text.as_bytes())).then_some(path));
    }
    let wit = sdk("go").join("wit/plugin.wit");
    stale.extend((!update(&wit, contract().as_bytes())).then_some(wit));
    assert_fresh(&stale);
}
