//! Who makes a change, and why: what the host records of it, and shows in histories. Nothing is decided by it.

use std::os::unix::fs::MetadataExt;

use clap::Args;
use serde_json::{Value, json};

/// A label for whoever makes a change, and a reason.
#[derive(Debug, Args, Default)]
pub(super) struct By {
    /// Who does this, for the record [default: the user who runs this]
    #[arg(long, value_name = "NAME")]
    pub(super) who: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) why: Option<String>,
}

impl By {
    /// What is said of it, by the keys of the API.
    pub(super) fn pairs(&self) -> [(&'static str, Option<String>); 2] {
        [("who", Some(self.who.clone().unwrap_or_else(runs_this))), ("why", self.why.clone())]
    }

    /// A body of the API that says it, beside what is not null of `members`.
    pub(super) fn body<const N: usize>(&self, members: [(&str, Value); N]) -> Value {
        let own = self.pairs().map(|(key, value)| (key, json!(value)));
        let members = own.into_iter().chain(members).filter(|(_, value)| !value.is_null());
        members.map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
    }
}

/// The name that this machine gives the user who runs this, or their number.
fn runs_this() -> String {
    let Ok(own) = std::fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name(&users, own.uid()).unwrap_or_else(|| format!("uid {}", own.uid()))
}

/// The user with this number in a file as passwd(5) describes it.
fn name(users: &str, uid: u32) -> Option<String> {
    let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let own = users.find(|fields| fields.get(2).is_some_and(|number| number.parse() == Ok(uid)))?;
    // The host's own name is no user's.
    let sane = own[0].bytes().all(|byte| byte.is_ascii_graphic()) && !["", "host"].contains(&own[0]);
    sane.then(|| own[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/sh\nbroken\nb d:x:7:7:::\nhost:x:8:8:::";
        assert_eq!(name(users, 1000).as_deref(), Some("ada"));
        assert_eq!([7, 5, 8].map(|uid| name(users, uid)), [None, None, None]);
        assert!(!runs_this().is_empty());
    }

    #[test]
    fn a_change_says_who_makes_it_and_nothing_that_is_not_said() {
        let by = By { who: Some("ada".into()), why: None };
        assert_eq!(
            by.body([("to", Value::Null), ("version", json!(0))]),
            json!({ "who": "ada", "version": 0 })
        );
        assert_eq!(By::default().body([])["who"], json!(runs_this()));
    }
}
