//! Builds the guests of a list by hand: `cargo run -p ostler-toolchain --example guests -- tests/guests/guests.toml TARGET_DIR OUT`.

use std::path::Path;

use ostler_toolchain::{Options, guests};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, target_dir, out] = arguments.as_slice() else {
        return Err("usage: guests GUESTS_TOML TARGET_DIR OUT".into());
    };
    ostler_toolchain::setup(|step| eprintln!("{step}"))?;
    let options = Options { target_dir: Some(target_dir.into()), ..Options::default() };
    let built = guests::build_all(Path::new(list), Path::new(out), &options, |name| {
        eprintln!("building {name}");
    })?;
    built.iter().for_each(|file| println!("{}", file.display()));
    Ok(())
}
