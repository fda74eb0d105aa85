//! A package by its ecosystem, name and version; and package URLs (<https://github.com/package-url/purl-spec>), which name them.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::admission::told;

/// Longest name, group, version or URL that is taken, in bytes.
const TEXT_MAX: usize = 1_024;

/// Characters that a refusal shows of one.
const TOLD_MAX: usize = 200;

/// What a package URL writes as it is, beside letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Where a package comes from, as far as advisories are compared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ecosystem {
    /// Rust.
    Cargo,
    /// JavaScript.
    Npm,
    /// Python.
    Pypi,
}

/// Something that a component is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Package {
    /// None for what comes from elsewhere, which no advisory is compared with.
    pub ecosystem: Option<Ecosystem>,
    /// As its ecosystem writes it: `@scope/name` for npm, `typing-extensions` for PyPI.
    pub name: String,
    /// None where nobody tells it.
    pub version: Option<String>,
    /// Its package URL; as it came for what no advisory is compared with.
    pub purl: Option<String>,
    /// Whether it only helped to build.
    pub build: bool,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Ecosystem; 3] = [Ecosystem::Cargo, Ecosystem::Npm, Ecosystem::Pypi];

    /// By its name in OSV.
    pub fn of_osv(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.osv() == name)
    }

    fn of_purl(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.purl().eq_ignore_ascii_case(kind))
    }

    const fn osv(self) -> &'static str {
        match self {
            Ecosystem::Cargo => "crates.io",
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "PyPI",
        }
    }

    const fn purl(self) -> &'static str {
        match self {
            Ecosystem::Cargo => "cargo",
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "pypi",
        }
    }

    /// The one way to write a package's name.
    pub fn normal(self, name: &str) -> String {
        match self {
            Ecosystem::Cargo | Ecosystem::Npm => name.to_owned(),
            Ecosystem::Pypi => pep_503(name),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.osv())
    }
}

impl Package {
    /// The package of an ecosystem; nothing if a text is too long or no text.
    pub fn new(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> Option<Self> {
        let package = Package::other(&ecosystem.normal(name), version)?;
        let purl = Some(purl(ecosystem, &package.name, package.version.as_deref()));
        Some(Package { ecosystem: Some(ecosystem), purl, ..package })
    }

    /// What a package URL names; nothing if it is none, or names no package of the known ecosystems.
    ///
    /// # Errors
    /// If it says that it names a package of a known ecosystem, and cannot be understood: what cannot be compared with advisories
    /// must not pass for what need not be.
    pub fn of_purl(text: &str) -> Result<Option<Self>, String> {
        let Some((ecosystem, rest)) = known(text) else { return Ok(None) };
        let package = Package::named(ecosystem, rest);
        package.map(Some).ok_or_else(|| format!("{:?} names no {ecosystem} package", told(text, TOLD_MAX)))
    }

    /// The package at the end of a package URL.
    fn named(ecosystem: Ecosystem, rest: &str) -> Option<Self> {
        // A scope may be written with its `@`, so that only what stands in the last segment begins a version.
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !version.contains('/') && !path.is_empty() => (path, Some(version)),
            _ => (rest, None),
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let name = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect::<Option<Vec<_>>>()?
            .join("/");
        let version = version.map(decode);
        let version = match version {
            Some(decoded) => Some(decoded?),
            None => None,
        };
        Package::new(ecosystem, &name, version.as_deref())
    }

    /// What comes from nowhere that is known; nothing if a text is too long or no text. A version without a character is none.
    pub fn other(name: &str, version: Option<&str>) -> Option<Self> {
        let version = version.filter(|version| !version.is_empty());
        let fits = !name.is_empty() && sane(name) && version.is_none_or(sane);
        let version = version.map(str::to_owned);
        fits.then(|| Package { ecosystem: None, name: name.to_owned(), version, purl: None, build: false })
    }

    /// The same, known elsewhere by this package URL.
    pub fn known_as(self, purl: &str) -> Self {
        let purl = Some(purl).filter(|purl| !purl.is_empty() && sane(purl)).map(str::to_owned);
        Package { purl, ..self }
    }

    /// Bytes of all its texts.
    pub(super) fn bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.name.len() + optional(&self.version) + optional(&self.purl)
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ecosystem {
            Some(ecosystem) => write!(f, "{ecosystem} package {}", self.name)?,
            None => write!(f, "package {}", self.name)?,
        }
        match &self.version {
            Some(version) => write!(f, " {version}"),
            None => f.write_str(" of an unknown version"),
        }
    }
}

/// Whether a text may be kept and told.
fn sane(text: &str) -> bool {
    text.len() <= TEXT_MAX && !text.chars().any(char::is_control)
}

/// The known ecosystem that a package URL names, and what follows: path and version, without qualifiers and subpath.
fn known(text: &str) -> Option<(Ecosystem, &str)> {
    let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split('#').next()?.split('?').next()?;
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    Some((Ecosystem::of_purl(kind)?, rest))
}

fn purl(ecosystem: Ecosystem, name: &str, version: Option<&str>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let path: Vec<_> = name.split('/').map(encode).collect();
    let version = version.map(|version| format!("@{}", encode(version))).unwrap_or_default();
    format!("pkg:{}/{}{version}", ecosystem.purl(), path.join("/"))
}

/// <https://peps.python.org/pep-0503/#normalized-names>
fn pep_503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_name_packages() {
        for (purl, name, version, normal) in [
            ("pkg:cargo/time@0.1.42", "time", Some("0.1.42"), "pkg:cargo/time@0.1.42"),
            (
                "pkg:npm/%40angular/core@1.0.0+b?x=y#z",
                "@angular/core",
                Some("1.0.0+b"),
                "pkg:npm/%40angular/core@1.0.0%2Bb",
            ),
            ("pkg:npm/@angular/core@1", "@angular/core", Some("1"), "pkg:npm/%40angular/core@1"),
            ("pkg:npm/@angular/core", "@angular/core", None, "pkg:npm/%40angular/core"),
            ("pkg:PyPI/Typing_.Extensions@4", "typing-extensions", Some("4"), "pkg:pypi/typing-extensions@4"),
            ("pkg:cargo/time@", "time", None, "pkg:cargo/time"),
            (&format!("pkg:cargo/time@1?x={}", "y".repeat(2_000)), "time", Some("1"), "pkg:cargo/time@1"),
        ] {
            let package = Package::of_purl(purl).unwrap().unwrap();
            assert_eq!((package.name.as_str(), package.version.as_deref()), (name, version), "{purl}");
            assert_eq!(package.purl.as_deref(), Some(normal));
        }
    }

    #[test]
    fn what_is_no_url_of_a_known_package_names_none() {
        for purl in ["", "pkg:", "pkg:golang/x@1", "npm/x@1"] {
            assert_eq!(Package::of_purl(purl), Ok(None), "{purl}");
        }
    }

    #[test]
    fn a_url_of_a_known_ecosystem_that_cannot_be_read_is_an_error_and_not_nothing() {
        let long = format!("pkg:npm/{}", "x".repeat(2_000));
        for purl in ["pkg:npm", "pkg:npm/", "pkg:npm/%ff@1", "pkg:npm/x@%00", "pkg:cargo/a%0ab@1", &long] {
            let told = Package::of_purl(purl).unwrap_err();
            assert!(told.contains("names no ") && told.len() < 300, "{purl}: {told}");
        }
    }

    #[test]
    fn names_that_are_no_texts_are_no_packages() {
        for name in ["", "a\u{1b}[2J", &"x".repeat(TEXT_MAX + 1)] {
            assert_eq!(Package::new(Ecosystem::Cargo, name, Some("1")), None);
            assert_eq!(Package::new(Ecosystem::Cargo, "fine", Some(name)).is_some(), name.is_empty());
        }
    }
}
