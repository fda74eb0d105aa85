//! `when`: a switch that a feature flag throws, as written on routes, plugins and policies.

use crate::settings::Section;

/// `"flag:NAME"` or `"not flag:NAME"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// Key of a boolean flag.
    pub flag: String,
    /// What the flag has to say for the switch to be on.
    pub on: bool,
}

/// Longest key of a flag, in bytes.
pub const FLAG_KEY_MAX: usize = 128;

/// Whether `key` may name a flag: 1 to 128 of `A-Z a-z 0-9 - _ . /`.
pub fn is_flag_key(key: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    (1..=FLAG_KEY_MAX).contains(&key.len()) && key.bytes().all(sane)
}

impl When {
    /// What `text` says, if it is a switch.
    pub fn parse(text: &str) -> Option<Self> {
        let (on, rest) = match text.strip_prefix("not ") {
            Some(rest) => (false, rest.trim_start()),
            None => (true, text),
        };
        let flag = rest.strip_prefix("flag:")?;
        is_flag_key(flag).then(|| When { flag: flag.to_owned(), on })
    }

    /// The switch at `when` of a section.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let text = section.string("when")?;
        let when = When::parse(&text.value);
        if when.is_none() {
            let allowed = "\"flag:NAME\" or \"not flag:NAME\"";
            let repair = "name a flag of [flags], 1 to 128 of A-Z, a-z, 0-9, -, _, . and /";
            section.problem("when", format!("{:?}", text.value), allowed, repair);
        }
        when
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_names_a_flag_and_what_it_has_to_say() {
        let when = |text| When::parse(text).map(|when| (when.flag, when.on));
        assert_eq!(when("flag:new-checkout"), Some(("new-checkout".into(), true)));
        assert_eq!(when("not flag:a.b/c_d"), Some(("a.b/c_d".into(), false)));
        for broken in ["", "new-checkout", "flag:", "flag:a b", "not a", "Flag:a", "flag:ü"] {
            assert_eq!(when(broken), None, "{broken:?}");
        }
        assert_eq!(when(&format!("flag:{}", "k".repeat(129))), None);
    }
}
