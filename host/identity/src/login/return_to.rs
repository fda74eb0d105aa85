//! Where a browser goes after a login: a path of this host, and nothing else.
//!
//! **Invariant:** no text that passes leads a browser to another origin (open redirects, CWE-601).

/// Longest path with its query, in bytes.
pub(crate) const MAX: usize = 2_048;

/// `text` if it is a path of this host.
///
/// Browsers read `\` as `/`, leave out tabs and line ends, and take what begins with `//` as a host; so none of these pass.
pub(crate) fn check(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let rooted = bytes.first() == Some(&b'/') && !matches!(bytes.get(1), Some(b'/' | b'\\'));
    let sane = bytes.iter().all(|byte| (b'!'..=b'~').contains(byte) && *byte != b'\\');
    (rooted && sane && bytes.len() <= MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_host_pass() {
        for path in ["/", "/a/b?c=d&e=%2F#f", "/a//b", "/@evil.test", "/a:b"] {
            assert_eq!(check(path), Some(path));
        }
    }

    #[test]
    fn what_leads_elsewhere_does_not() {
        let long = format!("/{}", "a".repeat(MAX));
        for text in [
            "",
            "a",
            "//evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "\\/evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "/a\\..\\b",
            " /a",
            "https://evil.test",
            "https:/evil.test",
            "javascript:alert(1)",
            "/a\r\nset-cookie: x=y",
            "/ä",
            "/a b",
            &long,
        ] {
            assert_eq!(check(text), None, "{text:?}");
        }
    }
}
