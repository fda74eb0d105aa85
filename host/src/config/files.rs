//! Files that the configuration names: components, certificates, tokens.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use ostler_core::plugin::PluginSpec;
use ostler_core::settings::Section;
use ostler_runtime::inspect::{COMPONENT_BYTES_MAX, Inspection, inspect};

/// Checks the component at key `path` of a plugin; `told` is the path as written.
pub(super) fn component(section: &Section<'_>, told: &str, spec: &PluginSpec) {
    let Some(path) = &spec.path else { return };
    let problem = |found: String, repair: &str| {
        section.problem("path", format!("{told:?}: {found}"), "a component file", repair);
    };
    let bytes = match bytes(path, COMPONENT_BYTES_MAX as u64) {
        Ok(bytes) => bytes,
        Err(Unreadable { found, repair }) => {
            return problem(
                found,
                repair.unwrap_or("build it with `ostler build`, or leave path out and upload releases"),
            );
        }
    };
    match inspect(&bytes) {
        Err(error) => problem(error.to_string(), ""),
        Ok(found) => judge(section, told, spec, &found),
    }
}

fn judge(section: &Section<'_>, told: &str, spec: &PluginSpec, found: &Inspection) {
    for reason in found.refusals() {
        section.problem("path", format!("{told:?}: {reason}"), "a component that can run here", "");
    }
    if let Some(warning) = found.absent() {
        section.warning(
            "path",
            format!("{told:?}: {warning}"),
            "",
            "no repair is needed if it never calls it",
        );
    }
    if let Some(warning) = found.lacking(&spec.grant) {
        section.warning("path", format!("{told:?}: {warning}"), "", "grant it if the plugin is to use it");
    }
}

/// Checks certificate and key of `tls`.
pub(super) fn certificate(section: &Section<'_>, tls: &ostler_edge::Tls) {
    if let Err(error) = ostler_edge::Certificate::load(tls.clone()) {
        let text = error.to_string();
        let (found, repair) = text.split_once("; repair: ").unwrap_or((&text, ""));
        section.problem("tls", found, "a certificate and its key, both PEM", repair);
    }
}

/// Checks the token file `path`, if it is there; otherwise that it can be created in its folder.
pub(super) fn token(section: &Section<'_>, path: &Path, state: &Path) {
    let told = format!("{:?}", path.display().to_string());
    let allowed = "a file with the token, readable by its owner only";
    match bytes(path, TOKEN_BYTES_MAX) {
        Ok(bytes) if bytes.trim_ascii().is_empty() => {
            section.problem(
                "token_file",
                format!("{told}, which is empty"),
                allowed,
                "remove it; the host makes a new one",
            );
        }
        Ok(_) if open_to_others(path) => {
            let found = format!("{told}, which other users may read");
            section.warning("token_file", found, allowed, format!("chmod 600 {}", path.display()));
        }
        Ok(_) => {}
        Err(_) if !path.exists() => {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if folder != state && !folder.is_dir() {
                section.problem(
                    "token_file",
                    format!("{told}, in a folder that does not exist"),
                    allowed,
                    "create it",
                );
            }
        }
        Err(Unreadable { found, .. }) => {
            section.problem(
                "token_file",
                format!("{told}: {found}"),
                allowed,
                "make it readable for this user",
            );
        }
    }
}

const TOKEN_BYTES_MAX: u64 = 4 << 10;

struct Unreadable {
    found: String,
    repair: Option<&'static str>,
}

/// The bytes of a regular file of at most `max` bytes. Devices and pipes are not opened: they may have no end.
fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, Unreadable> {
    let failed = |found: String, repair| Unreadable { found, repair };
    let about = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => failed("there is no such file".into(), None),
        _ => failed(format!("it cannot be read: {error}"), Some("make it readable for this user")),
    })?;
    if !about.is_file() {
        let found = if about.is_dir() { "it is a folder" } else { "it is no regular file" };
        return Err(failed(found.into(), Some("name a file")));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        failed(format!("it cannot be read: {error}"), Some("make it readable for this user"))
    })?;
    if bytes.len() as u64 > max {
        return Err(failed(format!("it has more than {max} bytes"), Some("name the right file")));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> bool {
    false
}
