//! The component itself: size, handler, and what it asks for.
//!
//! **Invariant:** what was never granted, or never approved, is refused by name; a release before it that cannot be read counts as
//! one that asked for nothing.

use ostler_core::admission::Rules;

use super::Verdict;

/// What a component is, as far as these rules ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// In bytes.
    pub size: u64,
    /// How it will be called; empty if nobody knows any more.
    pub handler: String,
    /// Grants that its imports ask for, by their keys: `kv`.
    pub needs: Vec<String>,
}

/// What a release is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before<'a> {
    /// The live release, if there is one.
    pub live: Option<&'a Facts>,
    /// Grants that the plugin has, by their keys.
    pub granted: &'a [&'a str],
    /// Grants that whoever deploys approved for this release, by their keys.
    pub approved: &'a [String],
}

/// Whether a release of these facts may follow what was before.
pub fn judge(rules: &Rules, new: &Facts, before: &Before<'_>) -> Verdict {
    let mut reasons = Vec::new();
    if new.size > rules.size {
        let (size, most) = (new.size, rules.size);
        reasons.push(format!(
            "it has {size} bytes, and at most {most} are taken; make it smaller, or raise size"
        ));
    }
    let changed = before.live.filter(|live| !live.handler.is_empty() && live.handler != new.handler);
    let changed = changed.filter(|_| !rules.handler_change);
    if let Some(live) = changed {
        reasons.push(format!(
            "it is a handler of {}, and the live release one of {}; allow it with handler_change = true",
            new.handler, live.handler
        ));
    }
    if rules.strict_grants {
        reasons.extend(strict(new, before));
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let needs = if new.needs.is_empty() { "nothing".to_owned() } else { new.needs.join(", ") };
    Ok(format!("handler of {}, {} bytes, asks for {needs}", new.handler, new.size))
}

fn strict(new: &Facts, before: &Before<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    for need in &new.needs {
        if !before.granted.contains(&need.as_str()) {
            reasons.push(format!("it imports {need}, which is not granted; grant it, or build without it"));
            continue;
        }
        let known = before.live.is_none_or(|live| live.needs.contains(need));
        if !known && !before.approved.contains(need) {
            reasons.push(format!(
                "it asks for {need}, which the live release does not; approve it with `--approve {need}`"
            ));
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(handler: &str, needs: &[&str]) -> Facts {
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        Facts { size: 10, handler: handler.into(), needs }
    }

    fn strict_rules() -> Rules {
        Rules { strict_grants: true, ..Rules::default() }
    }

    #[test]
    fn a_first_release_is_taken_as_it_is() {
        let told = judge(&Rules::default(), &facts("typed", &["kv"]), &Before::default()).unwrap();
        assert_eq!(told, "handler of typed, 10 bytes, asks for kv");
        let granted = Before { granted: &["kv"], ..Before::default() };
        judge(&strict_rules(), &facts("typed", &["kv"]), &granted).unwrap();
    }

    #[test]
    fn another_kind_of_handler_needs_leave() {
        let live = facts("typed", &[]);
        let before = Before { live: Some(&live), ..Before::default() };
        let new = facts("wasi-http-0.2", &[]);
        let told = judge(&Rules::default(), &new, &before).unwrap_err();
        assert!(told[0].contains("handler_change = true"), "{told:?}");
        judge(&Rules { handler_change: true, ..Rules::default() }, &new, &before).unwrap();
        let lost = Before { live: Some(&Facts::default()), ..Before::default() };
        judge(&Rules::default(), &new, &lost).unwrap();
    }

    #[test]
    fn strictly_all_that_is_imported_must_be_granted_and_what_is_new_approved() {
        let live = facts("typed", &["kv"]);
        let approved = ["http".to_owned()];
        let mut before = Before { live: Some(&live), granted: &["kv", "http"], approved: &[] };
        let new = facts("typed", &["http", "kv", "sqlite"]);
        let told = judge(&strict_rules(), &new, &before).unwrap_err();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("--approve http") && told[1].contains("sqlite, which is not granted"),
            "{told:?}"
        );
        before.approved = &approved;
        assert_eq!(judge(&strict_rules(), &new, &before).unwrap_err().len(), 1, "approval is no grant");
        judge(&strict_rules(), &facts("typed", &["http"]), &before).unwrap();
    }

    #[test]
    fn what_is_too_large_is_told_with_both_sizes() {
        let told = judge(&Rules { size: 9, ..Rules::default() }, &facts("typed", &[]), &Before::default());
        assert!(told.unwrap_err()[0].starts_with("it has 10 bytes, and at most 9"));
    }
}
