//! Holds the checked-in bindings and the copy of the contract to `wit/` at the top of the repository.
//!
//! Each test repairs what it finds stale and then fails, so that the second run passes and the difference shows in version control.

use std::fs;
use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

#[test]
fn the_copy_of_the_contract_is_the_contract() {
    let contract = fs::read_to_string(here().join("../../wit/plugin.wit")).expect("wit/plugin.wit");
    update(&here().join("wit/plugin.wit"), &contract_without_foreign_worlds(&contract));
}

#[test]
fn the_bindings_are_those_of_the_contract() {
    let contract = fs::read_to_string(here().join("../../wit/plugin.wit")).expect("wit/plugin.wit");
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("plugin.wit", &contract_without_foreign_worlds(&contract))
        .expect("the contract parses");
    let world = resolve.select_world(&[package], Some("typed")).expect("world typed");
    let options = Opts {
        generate_all: true,
        format: true,
        pub_export_macro: true,
        export_macro_name: Some("export_handler".into()),
        default_bindings_module: Some("::ostler_sdk::bindings".into()),
        runtime_path: Some("::ostler_sdk::rt".into()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).expect("bindings");
    let (_, source) = files.iter().next().expect("one file");
    update(&here().join("src/bindings.rs"), std::str::from_utf8(source).expect("UTF-8"));
}

/// The last world names packages of WASI that a typed handler never sees; without it the contract is one file.
fn contract_without_foreign_worlds(contract: &str) -> String {
    let end = contract
        .find("/// Ostler's key-value stores and configuration under their WASI names")
        .expect("its comment");
    contract[..end].trim_end().to_owned() + "\n"
}

fn update(path: &Path, fresh: &str) {
    if fs::read_to_string(path).ok().as_deref() == Some(fresh) {
        return;
    }
    fs::write(path, fresh).expect("write");
    panic!(
        "{} was stale and has been written anew: look at the difference and run the tests again",
        path.display()
    );
}
