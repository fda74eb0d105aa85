//! What a component is made of: what its own sections tell, and the list that came beside it, brought into one CycloneDX document.
//!
//! **Invariant:** a list that cannot be read is not taken for an empty one; and no list makes this host hold more than its limits.

mod bom;
mod package;
mod sections;

use std::collections::BTreeSet;

use bytes::Bytes;
use ostler_core::Digest;
use ostler_core::admission::Rules;

use super::Verdict;
use super::advisories::Advisories;

pub use package::{Ecosystem, Package};

/// Packages of one component.
const PACKAGES_MAX: usize = 50_000;

/// Bytes of all their names, versions and package URLs: 16 MiB.
const TEXT_MAX: usize = 16 << 20;

/// Matches that are told one by one.
const TOLD_MAX: usize = 20;

/// What a component is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Each once, in order.
    pub packages: BTreeSet<Package>,
    /// Who made it, by role: `processed-by`, `rustc 1.95.0`.
    pub producers: BTreeSet<(String, String)>,
    /// Whether anybody told what it is made of; a component may really be made of nothing else.
    pub told: bool,
    /// Bytes of the packages' texts.
    bytes: usize,
}

impl Contents {
    /// Reads the sections of `component`, and the CycloneDX document that came beside it.
    ///
    /// # Errors
    /// If one of them cannot be read, in words.
    pub fn read(component: &[u8], sbom: Option<&[u8]>) -> Result<Self, String> {
        let mut contents = Contents::default();
        sections::read(component, &mut contents)?;
        if let Some(sbom) = sbom {
            bom::read(sbom, &mut contents)?;
        }
        Ok(contents)
    }

    /// The document that is kept with the release of `plugin`: CycloneDX 1.6, in JSON. The same contents give the same bytes.
    pub fn document(&self, plugin: &str, digest: &Digest) -> Bytes {
        bom::write(self, plugin, digest)
    }

    /// What helps to build and runs as well is one package, that runs.
    fn add(&mut self, package: Package) -> Result<(), String> {
        let (bytes, build) = (package.bytes(), package.build);
        let twin = Package { build: !build, ..package.clone() };
        if build && self.packages.contains(&twin) {
            return Ok(());
        }
        let replaced = self.packages.remove(&twin);
        if self.packages.insert(package) && !replaced {
            self.bytes += bytes;
        }
        if self.packages.len() > PACKAGES_MAX {
            return Err(format!("it names more than {PACKAGES_MAX} packages"));
        }
        if self.bytes > TEXT_MAX {
            return Err(format!("the names of its packages have more than {TEXT_MAX} bytes"));
        }
        Ok(())
    }
}

/// Whether a release may be made of this, as far as `advisories` know and but for those `ignored`.
pub fn judge(rules: &Rules, contents: &Contents, advisories: &Advisories, ignored: &[String]) -> Verdict {
    if rules.contents && !contents.told {
        let reason =
            "nothing tells what it is made of; build it with cargo-auditable, or deploy it with --sbom";
        return Err(vec![reason.into()]);
    }
    let (mut notices, mut further) = (0, 0);
    let mut reasons = Vec::new();
    for package in &contents.packages {
        // A list is somebody else's: what is beyond those told is counted, not kept.
        let (mut told, mut affected) = (false, false);
        for advisory in advisories.about(package).filter(|advisory| !advisory.is_one_of(ignored)) {
            match advisory.informational {
                true => notices += 1,
                false if reasons.len() < TOLD_MAX => {
                    reasons.push(format!("{package} is affected by {advisory}"));
                    told = true;
                }
                false => affected = true,
            }
        }
        further += usize::from(affected && !told);
    }
    if reasons.is_empty() {
        return Ok(summary(contents, advisories, notices));
    }
    if further > 0 {
        reasons.push(format!("and {further} more packages are affected"));
    }
    Err(reasons)
}

fn summary(contents: &Contents, advisories: &Advisories, notices: usize) -> String {
    let count =
        |ecosystem| contents.packages.iter().filter(|package| package.ecosystem == Some(ecosystem)).count();
    let of = Ecosystem::ALL.map(|ecosystem| (ecosystem, count(ecosystem)));
    let of: Vec<_> =
        of.iter().filter(|(_, count)| *count > 0).map(|(of, count)| format!("{count} {of}")).collect();
    let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) };
    let packages = match contents.told {
        false => "nothing tells what it is made of".to_owned(),
        true => format!("packages: {}{of}", contents.packages.len()),
    };
    let known = match (advisories.len(), notices) {
        (0, _) => String::new(),
        (count, 0) => format!("; advisories: {count}, none about them"),
        (count, notices) => format!("; advisories: {count}, about them only notices: {notices}"),
    };
    packages + &known
}

#[cfg(test)]
mod tests;
