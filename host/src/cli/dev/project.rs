//! The `ostler.toml` of a project: written if there is none, and matched with what the build writes.

use std::fs;
use std::path::Path;

use ostler_core::plugin::{NAME_MAX, is_name};
use ostler_toolchain::Built;

use crate::cli::Failure;
use crate::cli::demo::toml_text;
use crate::config::Config;

/// Writes a configuration that serves `built` and nothing else.
pub(super) fn write(file: &Path, dir: &Path, built: &Built) -> Result<(), Failure> {
    let component = built.path.strip_prefix(dir).unwrap_or(&built.path);
    let text = text(&name(&built.path), component);
    fs::write(file, text).map_err(|error| {
        Failure::new(
            format!("{} cannot be written: {error}", file.display()),
            "make the folder writable, or write it yourself",
        )
    })
}

/// The plugin of `config` whose component is `path`.
pub(super) fn plugin_of(config: &Config, path: &Path) -> Option<String> {
    let same = |other: &Path| {
        fs::canonicalize(other).is_ok_and(|other| fs::canonicalize(path).is_ok_and(|path| path == other))
    };
    let found =
        config.plugins.iter().find(|(_, definition)| definition.spec.path.as_deref().is_some_and(same))?;
    Some(found.0.clone())
}

fn text(name: &str, component: &Path) -> String {
    format!(
        r#"[server]
listen = ["http://127.0.0.1:8080"]

[state]
dir = ".ostler/state"

[plugins.{name}]
path = {path}

[[routes]]
path = "/"
plugin = "{name}"

[[routes]]
path = "/{{*rest}}"
plugin = "{name}"
"#,
        path = toml_text(component),
    )
}

/// A plugin's name made of the component's.
fn name(component: &Path) -> String {
    let stem = component.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let sane = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String =
        stem.chars().map(sane).skip_while(|c| !c.is_ascii_alphanumeric()).take(NAME_MAX).collect();
    if is_name(&name) { name } else { "plugin".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_components_name_makes_a_plugins_name() {
        for (file, expected) in
            [("hello.wasm", "hello"), ("My App.wasm", "my-app"), ("_x.wasm", "x"), ("é.wasm", "plugin")]
        {
            assert_eq!(name(Path::new(file)), expected);
        }
    }

    #[test]
    fn what_is_written_is_read_without_a_problem_and_matched_with_the_build() {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("hello.wasm");
        let handler =
            r#"(component (instance $i) (export "ostler:plugin/http-handler@0.1.0" (instance $i)))"#;
        fs::write(&component, wat::parse_str(handler).unwrap()).unwrap();
        let file = folder.path().join("ostler.toml");
        fs::write(&file, text("hello", Path::new("hello.wasm"))).unwrap();
        let (config, warnings) = Config::load(&file).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(plugin_of(&config, &component).as_deref(), Some("hello"));
        assert_eq!(plugin_of(&config, &folder.path().join("other.wasm")), None);
    }
}
