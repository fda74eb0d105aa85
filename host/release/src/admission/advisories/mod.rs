//! The deny list: advisories in OSV format (<https://ossf.github.io/osv-schema/>), from files and folders of the operator's.
//!
//! **Invariant:** a file that cannot be read is told, never skipped; a version that cannot be compared counts as affected.

mod osv;
mod range;

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::contents::{Ecosystem, Package};
use range::{Affected, Asked};

/// Files that are read, and folders within folders.
const FILES_MAX: usize = 300_000;
const DEPTH_MAX: usize = 8;

/// Bytes of one file, and of all of them.
const FILE_MAX: u64 = 32 << 20;
const TOTAL_MAX: u64 = 2 << 30;

/// What one advisory says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// As `RUSTSEC-2020-0071`.
    pub id: String,
    /// Other ids of the same.
    pub aliases: Vec<String>,
    /// A word or a CVSS vector; empty if it says nothing.
    pub severity: String,
    /// One line; may be empty.
    pub summary: String,
    /// Whether it only notes something, as that nobody maintains the package any more.
    pub informational: bool,
    affected: Affected,
}

/// All advisories, by package.
#[derive(Debug, Default)]
pub struct Advisories {
    by_package: HashMap<(Ecosystem, String), Vec<Advisory>>,
    count: usize,
}

/// The advisories as they were when last looked at; read anew once a file has changed. Cheap while none has.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<(Vec<Seen>, Arc<Advisories>)>);

/// A file, and what tells whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Shelf {
    /// What is in `paths` now. Blocks on the disk.
    ///
    /// # Errors
    /// Which file cannot be read, and why.
    pub fn look(&self, paths: &[PathBuf]) -> Result<Arc<Advisories>, String> {
        let seen = survey(paths)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != seen {
            let mut advisories = Advisories::default();
            for file in &seen {
                let text = fs::read(&file.path).map_err(|error| told(&file.path, &error))?;
                osv::read(&text, &mut advisories).map_err(|error| told(&file.path, &error))?;
            }
            *kept = (seen, Arc::new(advisories));
        }
        Ok(kept.1.clone())
    }
}

impl Advisories {
    /// What one file says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let mut advisories = Advisories::default();
        osv::read(text, &mut advisories)?;
        Ok(advisories)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those that say that `package` is affected.
    pub fn about(&self, package: &Package) -> impl Iterator<Item = &Advisory> {
        let key = package.ecosystem.map(|ecosystem| (ecosystem, package.name.clone()));
        let known = key.as_ref().and_then(|key| self.by_package.get(key));
        let asked = package.ecosystem.map(|of| Asked::new(of, package.version.as_deref()));
        known
            .into_iter()
            .flatten()
            .filter(move |advisory| asked.as_ref().is_some_and(|asked| advisory.affected.covers(asked)))
    }
}

impl Advisory {
    /// Whether one of `ids` is its own or another name of the same.
    pub fn is_one_of(&self, ids: &[String]) -> bool {
        ids.iter().any(|id| *id == self.id || self.aliases.contains(id))
    }
}

impl fmt::Display for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if !self.severity.is_empty() {
            write!(f, " ({})", self.severity)?;
        }
        if !self.summary.is_empty() {
            write!(f, ": {}", self.summary)?;
        }
        Ok(())
    }
}

/// All files in `paths`, in order.
fn survey(paths: &[PathBuf]) -> Result<Vec<Seen>, String> {
    let mut seen = Vec::new();
    for path in paths {
        look_into(path, 0, true, &mut seen)?;
    }
    let total: u64 = seen.iter().map(|file| file.bytes).sum();
    if total > TOTAL_MAX {
        return Err(format!(
            "the advisories have {total} bytes, more than {TOTAL_MAX}; keep those of fewer ecosystems"
        ));
    }
    Ok(seen)
}

fn look_into(path: &Path, depth: usize, named: bool, seen: &mut Vec<Seen>) -> Result<(), String> {
    let about = fs::metadata(path).map_err(|error| told(path, &error))?;
    if about.is_file() {
        if !named && path.extension().is_none_or(|extension| extension != "json") {
            return Ok(());
        }
        if about.len() > FILE_MAX || seen.len() >= FILES_MAX {
            return Err(told(path, &format_args!("more than {FILE_MAX} bytes, or file number {FILES_MAX}")));
        }
        seen.push(Seen { path: path.to_owned(), bytes: about.len(), modified: about.modified().ok() });
        return Ok(());
    }
    if !about.is_dir() || depth > DEPTH_MAX {
        return Err(told(
            path,
            &format_args!("neither a file nor a folder, or more than {DEPTH_MAX} folders deep"),
        ));
    }
    let entries = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut entries: Vec<_> = entries.map_err(|error| told(path, &error))?;
    entries.sort();
    // Names with a dot are the folder's own business: `.git`, and the `..data` of mounted configuration.
    let hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    entries.iter().filter(|path| !hidden(path)).try_for_each(|path| look_into(path, depth + 1, false, seen))
}

fn told(path: &Path, error: &dyn fmt::Display) -> String {
    format!("the advisories cannot be read: {}: {error}", path.display())
}

#[cfg(test)]
mod tests;
