//! What `go.mod` says to Ostler: the module's name, and where the SDK is.

use std::path::{Path, PathBuf};

use crate::build::BuildError;

/// The SDK's module.
const SDK: &str = "ostler";

/// The part of `go.mod` that decides how a folder is built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// The last part of the module's path that is no version.
    pub(crate) name: String,
    /// Folder of the SDK, seen from the module.
    pub(crate) sdk: PathBuf,
}

impl Module {
    /// Reads `go.mod` of `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Module, BuildError> {
        let path = dir.join("go.mod");
        let text =
            std::fs::read_to_string(&path).map_err(BuildError::io(format!("reading {}", path.display())))?;
        Module::parse(&text).map_err(|problem| BuildError::Manifest { path, problem })
    }

    fn parse(text: &str) -> Result<Module, String> {
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
        let lines: Vec<_> = lines.collect();
        let module = lines.iter().find_map(|line| line.strip_prefix("module "));
        let module = module.ok_or("there is no line `module NAME`")?.trim().trim_matches('"');
        let replaced = lines.iter().find_map(|line| replacement(line)).ok_or_else(|| {
            format!(
                "the SDK for Go is missing: write `require {SDK} v0.0.0` and `replace {SDK} => ./.ostler/sdk`, \
                 or the folder where it lies"
            )
        })?;
        Ok(Module { name: name_of(module)?, sdk: replaced })
    }
}

/// The folder if the line replaces the SDK by one.
fn replacement(line: &str) -> Option<PathBuf> {
    let line = line.strip_prefix("replace ").unwrap_or(line);
    let (what, by) = line.split_once("=>")?;
    (what.split_whitespace().next() == Some(SDK)).then(|| by.trim().trim_matches('"').into())
}

fn name_of(module: &str) -> Result<String, String> {
    let is_version = |part: &&str| {
        part.strip_prefix('v').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let name = module.rsplit('/').find(|part| !is_version(part)).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !name.is_empty() && name.bytes().all(plain) {
        true => Ok(name.to_owned()),
        false => Err(format!("{module:?} is no name for a module: write `module hello`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_names_the_plugin_and_its_sdk() {
        let module = |name: &str, sdk: &str| Ok(Module { name: name.into(), sdk: sdk.into() });
        let one = "module example.com/todo/v2 // x\n\nrequire ostler v0.0.0\nreplace ostler => ../sdk\n";
        assert_eq!(Module::parse(one), module("todo", "../sdk"));
        let two = "module hello\nreplace (\n\tother => ../x\n\tostler v0.0.0 => \"./a b\"\n)\n";
        assert_eq!(Module::parse(two), module("hello", "./a b"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_repair() {
        assert!(Module::parse("").unwrap_err().contains("`module NAME`"));
        assert!(Module::parse("module a").unwrap_err().contains("replace ostler => ./.ostler/sdk"));
        assert!(Module::parse("module a b\nreplace ostler => x").unwrap_err().contains("no name"));
    }
}
