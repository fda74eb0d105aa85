//! Who runs a command, by the name that this machine gives them. A label for histories: nothing is decided by it.

use std::os::unix::fs::MetadataExt;

/// The name of the user who runs this, or their number.
pub(super) fn runs_this() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name(&users, own.uid()).unwrap_or_else(|| format!("uid {}", own.uid()))
}

/// The user with this number in a file as passwd(5) describes it.
fn name(users: &str, uid: u32) -> Option<String> {
    let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = users.find(|fields| fields.get(2).is_some_and(|number| number.parse() == Ok(uid)))?;
    let sane = own[0].bytes().all(|byte| byte.is_ascii_graphic()) && !own[0].is_empty();
    sane.then(|| own[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/sh\nbroken\nb d:x:7:7:::";
        assert_eq!(name(users, 1000).as_deref(), Some("ada"));
        assert_eq!((name(users, 7), name(users, 5)), (None, None));
        assert!(!runs_this().is_empty());
    }
}
