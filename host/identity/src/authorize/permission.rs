//! Permissions and the resources they are for, as roles, scopes and routes write them: `orders:write on orders/*`.
//!
//! **Invariant:** a wildcard counts only where it was configured (or in a scope that an issuer signed); in what is asked for it
//! is a character like any other, and a resource with an empty, `.` or `..` segment lies in no pattern.

use ostler_core::Principal;

/// Longest permission that is looked at, in bytes.
pub const PERMISSION_MAX: usize = 256;
/// Longest resource that is looked at, in bytes.
pub const RESOURCE_MAX: usize = 4096;

/// What permissions may look like, for messages.
pub(super) const PERMISSION_FORM: &str =
    "words of A-Z a-z 0-9 _ . - joined by \":\", as \"orders:write\", with \" on RESOURCE\" if need be";
/// What resource patterns may look like, for messages.
const RESOURCE_FORM: &str = "segments joined by \"/\", each a text, \"*\" (one segment), {subject} or {tenant}, \
    and \"**\" (one or more segments) at the end";

/// Takes `NAME on RESOURCE` apart.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(" on ") {
        Some((permission, resource)) => (permission, Some(resource)),
        None => (text, None),
    }
}

/// Whether `grant`, as `orders:* on orders/*`, covers this.
pub(super) fn covers(grant: &str, principal: &Principal, permission: &str, resource: &str) -> bool {
    let (name, on) = split(grant);
    names(name, permission) && on.is_none_or(|pattern| holds(pattern, principal, resource))
}

/// What is wrong with `grant` as something that a role gives; wildcards are allowed.
pub(super) fn check_grant(grant: &str) -> Result<(), &'static str> {
    let (name, on) = split(grant);
    let named = name == "*" || is_name(name.strip_suffix(":*").unwrap_or(name));
    match (named, on) {
        (false, _) => {
            Err("permissions as \"orders:write\", \"orders:*\" or \"*\", with \" on RESOURCE\" if need be")
        }
        (true, Some(pattern)) if !is_pattern(pattern) => Err(RESOURCE_FORM),
        (true, _) => Ok(()),
    }
}

/// Whether this names one permission.
pub(super) fn is_name(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    text.len() <= PERMISSION_MAX && text.split(':').all(word)
}

/// Whether a segment of a resource can name something.
pub(super) fn is_segment(text: &str) -> bool {
    let odd = |char: char| char.is_control() || char == '/' || char == '\\';
    !matches!(text, "" | "." | "..") && !text.contains(odd)
}

fn is_pattern(pattern: &str) -> bool {
    let last = pattern.split('/').count() - 1;
    let segment = |(place, text): (usize, &str)| match text {
        "*" | "{subject}" | "{tenant}" => true,
        "**" => place == last,
        text => is_segment(text) && !text.contains(['*', '{', '}']),
    };
    pattern.len() <= RESOURCE_MAX && pattern.split('/').enumerate().all(segment)
}

/// Whether a permission's name, as `orders:*`, covers this one.
pub(super) fn names(pattern: &str, permission: &str) -> bool {
    let below =
        |head: &str| head.ends_with(':') && permission.len() > head.len() && permission.starts_with(head);
    pattern == "*" || pattern == permission || pattern.strip_suffix('*').is_some_and(below)
}

/// Whether `resource` lies in `pattern`.
pub(super) fn holds(pattern: &str, principal: &Principal, resource: &str) -> bool {
    if !resource.split('/').all(is_segment) {
        return false;
    }
    let (mut wanted, mut given) = (pattern.split('/'), resource.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("**"), Some(_)) => return wanted.next().is_none(),
            (Some(wanted), Some(given)) if is(wanted, principal, given) => {}
            _ => return false,
        }
    }
}

fn is(wanted: &str, principal: &Principal, given: &str) -> bool {
    match wanted {
        "*" => true,
        "{subject}" => *principal.subject == *given,
        "{tenant}" => principal.tenant.as_deref() == Some(given),
        text => text == given,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::principal;
    use super::*;

    fn covered(grant: &str, permission: &str, resource: &str) -> bool {
        covers(grant, &principal("alice", Some("t1"), &[], &[]), permission, resource)
    }

    #[test]
    fn wildcards_stand_for_what_lies_below() {
        let table = [
            ("orders:read", "orders:read", true),
            ("orders:read", "orders:write", false),
            ("orders:read", "orders:read:all", false),
            ("orders:*", "orders:read", true),
            ("orders:*", "orders:read:all", true),
            ("orders:*", "orders", false),
            ("orders:*", "orders:", false),
            ("orders:*", "ordersx:read", false),
            ("*", "anything", true),
            // Only ":*" is a wildcard.
            ("ord*", "orders:read", false),
            ("orders:read", "*", false),
            ("orders:read", "orders:*", false),
        ];
        for (grant, permission, expected) in table {
            assert_eq!(covered(grant, permission, ""), expected, "{grant} for {permission}");
        }
    }

    #[test]
    fn a_resource_lies_in_a_pattern_segment_by_segment() {
        let table = [
            ("orders/*", "orders/17", true),
            ("orders/*", "orders/*", true),
            ("orders/*", "orders", false),
            ("orders/*", "orders/", false),
            ("orders/*", "orders/17/items", false),
            ("orders/*", "", false),
            ("orders/*", "orders/..", false),
            ("orders/*", "orders/.", false),
            ("orders/*", "orders/1\\2", false),
            ("orders/*", "orders/1\n2", false),
            ("orders/**", "orders/17/items/2", true),
            ("orders/**", "orders/17/../x", false),
            ("orders/**", "orders//17", false),
            ("orders/**", "orders", false),
            ("**", "orders/17", true),
            ("orders/17", "orders/17", true),
            ("orders/17", "orders/*", false),
            ("users/{subject}", "users/alice", true),
            ("users/{subject}", "users/bob", false),
            ("users/{subject}", "users/{subject}", false),
            ("tenants/{tenant}/**", "tenants/t1/orders/1", true),
            ("tenants/{tenant}/**", "tenants/t2/orders/1", false),
        ];
        for (pattern, resource, expected) in table {
            let grant = format!("x on {pattern}");
            assert_eq!(covered(&grant, "x", resource), expected, "{pattern} for {resource:?}");
        }
    }

    #[test]
    fn nobody_without_a_tenant_is_in_one() {
        let alice = principal("alice", None, &[], &[]);
        assert!(!covers("x on tenants/{tenant}", &alice, "x", "tenants/"));
        assert!(!covers("x on tenants/{tenant}", &alice, "x", "tenants/t1"));
    }

    #[test]
    fn what_a_role_gives_must_be_readable() {
        for good in ["*", "a", "a:b.c-d_e", "a:*", "a on b/*", "a on **", "a on {tenant}/x", "* on b"] {
            assert_eq!(check_grant(good), Ok(()), "{good}");
        }
        let long = "a".repeat(257);
        for bad in
            ["", "a:", ":a", "a::b", "a*", "*:a", "a b", "a on ", "a on /b", "a on b/", "a on **/b", &long]
        {
            check_grant(bad).expect_err(bad);
        }
        for bad in ["a on b*", "a on {x}", "a on b/../c", "a on b on c/..", "a on {subject"] {
            check_grant(bad).expect_err(bad);
        }
    }
}
