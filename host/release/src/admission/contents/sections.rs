//! What a component tells of itself: the `.dep-v0` sections of cargo-auditable and the producers of all modules inside it.
//!
//! The bytes may be hostile: a section says how long it is once unpacked only when it is unpacked.

use auditable_info::json_from_slice;
use serde::Deserialize;
use wasmparser::{KnownCustom, Parser, Payload};

use super::{Contents, Ecosystem, Package};
use crate::admission::told;

/// Name of cargo-auditable's section (<https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>).
const AUDITABLE: &str = ".dep-v0";

/// Most bytes of one such section once it is unpacked; those of large programs have some 100 KiB.
const UNPACKED_MAX: usize = 4 << 20;

/// Sections that are unpacked; a component is seldom composed of more.
const SECTIONS_MAX: usize = 64;

/// Producers that are kept, and characters of each.
const PRODUCERS_MAX: usize = 200;
const TEXT_MAX: usize = 200;

#[derive(Deserialize)]
struct Auditable {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: String,
    #[serde(default)]
    kind: String,
}

/// Adds to `contents` what the sections of `component` tell.
pub(super) fn read(component: &[u8], contents: &mut Contents) -> Result<(), String> {
    let mut sections = 0;
    for payload in Parser::new(0).parse_all(component) {
        let Payload::CustomSection(section) = payload.map_err(|error| error.to_string())? else { continue };
        if section.name() == AUDITABLE {
            sections += 1;
            if sections > SECTIONS_MAX {
                return Err(format!("it has more than {SECTIONS_MAX} sections {AUDITABLE}"));
            }
            auditable(section.data(), contents)
                .map_err(|error| format!("its section {AUDITABLE} cannot be read: {error}"))?;
        } else if let KnownCustom::Producers(producers) = section.as_known() {
            for field in producers.into_iter().flatten() {
                for value in field.values.into_iter().flatten() {
                    let what = format!("{} {}", value.name, value.version);
                    if contents.producers.len() < PRODUCERS_MAX {
                        let (role, what) = (told(field.name, TEXT_MAX), told(what.trim_end(), TEXT_MAX));
                        contents.producers.insert((role, what));
                    }
                }
            }
        }
    }
    Ok(())
}

fn auditable(packed: &[u8], contents: &mut Contents) -> Result<(), String> {
    let json = json_from_slice(&module(packed), UNPACKED_MAX).map_err(|error| error.to_string())?;
    let auditable: Auditable = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    contents.told = true;
    for known in auditable.packages {
        let version = Some(known.version.as_str());
        // What lies in the builder's own folder is no package of the registry, whatever it is called.
        let package = match known.source.as_str() {
            "local" => Package::other(&known.name, version),
            _ => Package::new(Ecosystem::Cargo, &known.name, version),
        };
        let package = package.ok_or("a name or a version that is no text, or too long")?;
        contents.add(Package { build: known.kind == "build", ..package })?;
    }
    Ok(())
}

/// A core module that holds nothing but the section: auditable-info looks for it in a file, and stops at the end of the first
/// module of a component.
fn module(packed: &[u8]) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0\0".to_vec();
    leb(packed.len() + 1 + AUDITABLE.len(), &mut module);
    leb(AUDITABLE.len(), &mut module);
    module.extend(AUDITABLE.as_bytes());
    module.extend(packed);
    module
}

fn leb(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
