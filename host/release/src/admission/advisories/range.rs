//! Which versions an advisory covers, by the rules of its ecosystem (the OSV schema, "Evaluation").
//!
//! **Invariant:** what cannot be compared is covered: an attacker who chooses a version's text must not choose the answer.

use std::cmp::Ordering;

use pep440_rs::Version as Pep440;
use semver::Version as Semver;
use serde::Deserialize;

use crate::admission::contents::Ecosystem;

/// Where a range begins or ends, as it is written; one of the four is there.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// What an advisory covers of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Affected {
    ranges: Vec<Range>,
    /// Single versions, in their order.
    versions: Vec<Version>,
    /// Those that cannot be understood.
    texts: Vec<String>,
}

/// The version that is asked about.
pub(super) enum Asked<'a> {
    /// Nobody tells it.
    Unknown,
    /// It cannot be understood.
    Text(&'a str),
    Known(Version),
}

/// Ranges as moments in the order of versions; none if one of them cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range(Option<Vec<Moment>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    /// None is before every version.
    at: Option<Version>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Introduced,
    Fixed,
    LastAffected,
    Limit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    Semver(Semver),
    Pep440(Pep440),
}

impl Affected {
    /// Of these ranges, and these single versions.
    pub(super) fn new(ecosystem: Ecosystem, ranges: Vec<Range>, singles: Vec<String>) -> Self {
        let (mut versions, mut texts) = (Vec::new(), Vec::new());
        for text in singles {
            match Version::parse(ecosystem, &text) {
                Some(version) => versions.push(version),
                None => texts.push(text),
            }
        }
        versions.sort_by(Version::compare);
        Affected { ranges, versions, texts }
    }

    /// Whether a version is covered; one that nobody tells is.
    pub(super) fn covers(&self, asked: &Asked<'_>) -> bool {
        let ordered = !self.ranges.is_empty() || !self.versions.is_empty();
        match asked {
            _ if !ordered && self.texts.is_empty() => true,
            Asked::Unknown => true,
            Asked::Text(text) => ordered || self.texts.iter().any(|known| known == *text),
            Asked::Known(version) => {
                self.versions.binary_search_by(|known| known.compare(version)).is_ok()
                    || self.ranges.iter().any(|range| range.covers(version))
            }
        }
    }
}

impl<'a> Asked<'a> {
    pub(super) fn new(ecosystem: Ecosystem, version: Option<&'a str>) -> Self {
        let Some(text) = version else { return Asked::Unknown };
        Version::parse(ecosystem, text).map_or(Asked::Text(text), Asked::Known)
    }
}

impl Range {
    pub(super) fn new(ecosystem: Ecosystem, events: &[Event]) -> Self {
        Range(
            events.iter().map(|event| Moment::new(ecosystem, event)).collect::<Option<Vec<_>>>().map(sorted),
        )
    }

    fn covers(&self, version: &Version) -> bool {
        let Some(moments) = &self.0 else { return true };
        let mut covered = false;
        for moment in moments {
            let order = moment.at.as_ref().map_or(Ordering::Less, |at| at.compare(version));
            match moment.what {
                What::Introduced if order.is_le() => covered = true,
                What::Fixed if order.is_le() => covered = false,
                What::LastAffected if order.is_lt() => covered = false,
                What::Limit if order.is_le() => return false,
                _ => {}
            }
        }
        covered
    }
}

fn sorted(mut moments: Vec<Moment>) -> Vec<Moment> {
    moments.sort_by(|one, other| match (&one.at, &other.at) {
        (None, None) => one.what.cmp(&other.what),
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(one_at), Some(other_at)) => one_at.compare(other_at).then(one.what.cmp(&other.what)),
    });
    moments
}

impl Moment {
    fn new(ecosystem: Ecosystem, event: &Event) -> Option<Self> {
        let (what, text) = match event {
            Event { introduced: Some(text), .. } => (What::Introduced, text),
            Event { fixed: Some(text), .. } => (What::Fixed, text),
            Event { last_affected: Some(text), .. } => (What::LastAffected, text),
            Event { limit: Some(text), .. } => (What::Limit, text),
            _ => return None,
        };
        if what == What::Introduced && text == "0" {
            return Some(Moment { at: None, what });
        }
        Some(Moment { at: Some(Version::parse(ecosystem, text)?), what })
    }
}

impl Version {
    fn parse(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        match ecosystem {
            Ecosystem::Cargo | Ecosystem::Npm => {
                Semver::parse(text.trim_start_matches(['v', '='])).ok().map(Version::Semver)
            }
            // What somebody built of a version (`2.1.0+cu118`) is that version, as for SemVer.
            Ecosystem::Pypi => {
                text.parse().ok().map(|version: Pep440| Version::Pep440(version.without_local()))
            }
        }
    }

    /// By SemVer's precedence, in which what was built of it does not count, or by PEP 440 without it.
    fn compare(&self, other: &Version) -> Ordering {
        match (self, other) {
            (Version::Semver(one), Version::Semver(other)) => one.cmp_precedence(other),
            (Version::Pep440(one), Version::Pep440(other)) => one.cmp(other),
            // Both are of one ecosystem.
            _ => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affected(ecosystem: Ecosystem, events: &str, versions: &[&str]) -> Affected {
        let events: Vec<Event> = serde_json::from_str(events).unwrap();
        let ranges = if events.is_empty() { Vec::new() } else { vec![Range::new(ecosystem, &events)] };
        Affected::new(ecosystem, ranges, versions.iter().map(|text| (*text).to_owned()).collect())
    }

    fn covers(affected: &Affected, ecosystem: Ecosystem, version: Option<&str>) -> bool {
        affected.covers(&Asked::new(ecosystem, version))
    }

    #[test]
    fn what_was_built_of_a_version_is_covered_as_the_version_is() {
        let npm = affected(Ecosystem::Npm, "[]", &["3.0.0", "1.2.3", "2.0.0+a"]);
        for (version, covered) in [("1.2.3+x", true), ("1.2.3", true), ("2.0.0", true), ("1.2.4+x", false)] {
            assert_eq!(covers(&npm, Ecosystem::Npm, Some(version)), covered, "{version}");
        }
        let torch =
            affected(Ecosystem::Pypi, r#"[{"introduced":"2.0"},{"last_affected":"2.1.0"}]"#, &["1.0"]);
        for (version, covered) in [("2.1.0+cu118", true), ("1.0+cpu", true), ("2.1.1+cu118", false)] {
            assert_eq!(covers(&torch, Ecosystem::Pypi, Some(version)), covered, "{version}");
        }
    }

    #[test]
    fn ranges_begin_and_end_where_they_say() {
        let events =
            r#"[{"fixed":"1.2.3"},{"introduced":"0"},{"introduced":"2.0.0-0"},{"last_affected":"2.1.0"}]"#;
        for ecosystem in [Ecosystem::Cargo, Ecosystem::Npm] {
            let affected = affected(ecosystem, events, &["9.9.9"]);
            for version in
                ["0.0.1", "1.2.3-beta", "2.0.0-0", "2.0.0-alpha", "2.1.0", "2.1.0+build", "9.9.9", "v9.9.9"]
            {
                assert!(covers(&affected, ecosystem, Some(version)), "{version}");
            }
            for version in ["1.2.3", "1.9.0", "2.1.1", "9.9.8"] {
                assert!(!covers(&affected, ecosystem, Some(version)), "{version}");
            }
        }
    }

    #[test]
    fn python_versions_are_compared_as_pep_440_says() {
        let affected = affected(Ecosystem::Pypi, r#"[{"introduced":"1.0"},{"fixed":"1.10"}]"#, &["0.5"]);
        for version in ["1.0", "1!0.0", "1.9.post1", "1.10rc1", "1.10.dev0", "0.5.0"] {
            assert_eq!(covers(&affected, Ecosystem::Pypi, Some(version)), version != "1!0.0", "{version}");
        }
        for version in ["1.10", "1.10.0", "0.9", "2"] {
            assert!(!covers(&affected, Ecosystem::Pypi, Some(version)), "{version}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_covered() {
        let range = affected(Ecosystem::Npm, r#"[{"introduced":"1.0.0"},{"fixed":"2.0.0"}]"#, &[]);
        for version in [None, Some("newest"), Some("1"), Some("")] {
            assert!(covers(&range, Ecosystem::Npm, version), "{version:?}");
        }
        let broken = affected(Ecosystem::Npm, r#"[{"introduced":"what"}]"#, &[]);
        assert!(covers(&broken, Ecosystem::Npm, Some("1.0.0")));
        assert!(covers(&affected(Ecosystem::Npm, "[]", &[]), Ecosystem::Npm, Some("1.0.0")));
        let single = affected(Ecosystem::Npm, "[]", &["odd"]);
        assert!(
            covers(&single, Ecosystem::Npm, Some("odd")) && !covers(&single, Ecosystem::Npm, Some("other"))
        );
    }

    #[test]
    fn a_limit_ends_everything() {
        let events = r#"[{"introduced":"0"},{"limit":"2.0.0"}]"#;
        let affected = affected(Ecosystem::Cargo, events, &[]);
        assert!(covers(&affected, Ecosystem::Cargo, Some("1.9.9")));
        assert!(!covers(&affected, Ecosystem::Cargo, Some("2.0.0")));
    }
}
