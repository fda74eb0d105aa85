//! `guest-bindings WIT WORLD OUT`: writes the bindings in C for WORLD of the folder WIT, with an object file that says which
//! world it is, into the folder OUT.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::Files;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [wit, world, out] = arguments.as_slice() else {
        return Err("usage: guest-bindings WIT WORLD OUT".into());
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    fs::create_dir_all(out)?;
    for (name, bytes) in files.iter() {
        fs::write(Path::new(out).join(name), bytes)?;
    }
    Ok(())
}
