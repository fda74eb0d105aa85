//! `guest-bindings LANGUAGE WIT WORLD OUT`: writes the bindings in `c` or `go` for WORLD of the folder WIT into the folder OUT,
//! with a file that says which world it is: for C an object file, for Go `type.section`, to be put at the module's end.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::{StringEncoding, metadata};

/// The Go packages that bindings stand on, by the generator and in the guest's module.
const PACKAGES: (&str, &str) = ("go.bytecodealliance.org/pkg/wit/", "guest/wit/");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [language, wit, world, out] = arguments.as_slice() else {
        return Err("usage: guest-bindings LANGUAGE WIT WORLD OUT".into());
    };
    let go = language == "go";
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut generator: Box<dyn WorldGenerator> = match go {
        true => wit_bindgen_go::Opts {
            pkg_name: Some("guest/bindings".into()),
            format: wit_bindgen_go::Format::False,
            quiet: true,
            ..Default::default()
        }
        .build(),
        false => wit_bindgen_c::Opts::default().build(),
    };
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    if go {
        files.push(
            "type.section",
            &section(&metadata::encode(&resolve, world, StringEncoding::UTF8, None, false)?),
        );
    }
    for (name, bytes) in files.iter() {
        let path = Path::new(out).join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(out)))?;
        match name.ends_with(".go") {
            true => fs::write(path, String::from_utf8(bytes.to_vec())?.replace(PACKAGES.0, PACKAGES.1))?,
            false => fs::write(path, bytes)?,
        }
    }
    Ok(())
}

/// A custom section of a module.
fn section(content: &[u8]) -> Vec<u8> {
    let name = b"component-type:guest";
    let mut body = number(name.len());
    body.extend_from_slice(name);
    body.extend_from_slice(content);
    [vec![0], number(body.len()), body].concat()
}

/// LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
