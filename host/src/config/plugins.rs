//! `[plugins.NAME]`: definitions, each with the component it names.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::plugin::{Definition, is_name};
use ostler_core::settings::{Problems, Section, Severity};

use super::files;

/// Plugins by name, each with the line its table begins on.
pub(super) type Known = BTreeMap<String, (Definition, usize)>;

/// Reads all plugins; paths become relative to `base`.
pub(super) fn read(sections: Vec<(String, Section<'_>)>, base: &Path, problems: &Problems) -> Known {
    sections.into_iter().map(|(name, section)| one(name, section, base, problems)).collect()
}

fn one(
    name: String,
    mut section: Section<'_>,
    base: &Path,
    problems: &Problems,
) -> (String, (Definition, usize)) {
    let line = section.line;
    if !is_name(&name) {
        let key = format!("plugins.{name}");
        let allowed = "1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit";
        problems.add(Severity::Error, line, key, "a name that is no plugin's", allowed, "rename it");
    }
    let mut definition = Definition::read(&mut section);
    let spec = &mut definition.spec;
    if let Some(told) = spec.path.take() {
        spec.path = Some(base.join(&told));
        files::component(&section, &told.display().to_string(), spec);
    }
    section.finish();
    (name, (definition, line))
}
