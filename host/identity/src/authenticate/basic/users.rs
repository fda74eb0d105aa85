//! Who has which password: lines of `name:HASH:role,role`, hashes as `ostler hash-password` makes them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use ostler_core::settings::Section;

use crate::authenticate::file;

/// Longest name, in bytes.
const NAME_MAX: usize = 128;
/// Memory of a hash, in KiB: OWASP's least, and what a few at once may take of a small machine.
const MEMORY: std::ops::RangeInclusive<u32> = 7_168..=262_144;
/// Passes over it, and lanes.
const PASSES: std::ops::RangeInclusive<u32> = 1..=16;
const LANES: std::ops::RangeInclusive<u32> = 1..=16;
const FORM: &str = "NAME:$argon2id$...[:ROLE,ROLE]";

/// One of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: Arc<str>,
    pub(super) roles: Vec<Arc<str>>,
    hash: String,
}

/// All of them, by name.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Users(Arc<BTreeMap<Arc<str>, User>>);

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} users)", self.0.len())
    }
}

/// An argon2id hash of `password` in PHC form, with a new salt and this host's usual cost (19 MiB, 2 passes: OWASP's advice).
///
/// # Errors
/// If the system has no random numbers.
pub fn hash(password: &[u8]) -> Result<String, String> {
    Argon2::default().hash_password(password).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

impl Users {
    pub(super) fn read(section: &mut Section<'_>, base: &Path) -> Users {
        if !section.has("users_file") && !section.has("users") {
            section.missing("users_file", "a file with lines such as name:$argon2id$...:role,role");
        }
        let mut lines = Vec::new();
        if let Some(bytes) = file::read(section, base, "users_file") {
            let text = String::from_utf8_lossy(&bytes);
            for (index, line) in text.lines().map(str::trim).enumerate() {
                if !line.is_empty() && !line.starts_with('#') {
                    let user = line.split_once(':').ok_or("no colon in it");
                    let user = user.and_then(|(name, rest)| User::parse(name, rest));
                    lines.push(("users_file", format!("line {}", index + 1), user));
                }
            }
            if lines.is_empty() {
                section.warning("users_file", "nobody", FORM, "make a hash with `ostler hash-password`");
            }
        }
        for (name, rest) in section.texts("users") {
            lines.push(("users", format!("{name:?}"), User::parse(&name, &rest)));
        }
        let mut users = BTreeMap::new();
        for (key, place, user) in lines {
            take(section, key, &place, user, &mut users);
        }
        Users(Arc::new(users))
    }

    /// The user of this name and password. Takes as long for a name that nobody has.
    pub(super) fn check(&self, name: &str, password: &[u8]) -> Option<User> {
        let known = self.0.get(name);
        // Somebody's hash, whose outcome does not count.
        let user = known.or_else(|| self.0.values().next())?;
        let hash = PasswordHash::new(&user.hash).ok()?;
        let right =
            PasswordVerifier::<PasswordHash>::verify_password(&Argon2::default(), password, &hash).is_ok();
        known.filter(|_| right).cloned()
    }
}

fn take(
    section: &Section<'_>,
    key: &str,
    place: &str,
    user: Result<User, &'static str>,
    users: &mut BTreeMap<Arc<str>, User>,
) {
    // What stands there may be a password in the clear, so it is not shown.
    let problem = |found: &str| {
        let repair = "make the hash with `ostler hash-password`";
        section.problem(key, format!("{place}: {found}"), FORM, repair);
    };
    match user {
        Err(found) => problem(found),
        Ok(user) if users.contains_key(&user.name) => problem("a name that stands twice"),
        Ok(user) => drop(users.insert(user.name.clone(), user)),
    }
}

impl User {
    fn parse(name: &str, rest: &str) -> Result<User, &'static str> {
        if name.is_empty()
            || name.len() > NAME_MAX
            || name.contains(':')
            || name.chars().any(char::is_control)
        {
            return Err("a name that nobody can send");
        }
        let (hash, roles) = rest.split_once(':').unwrap_or((rest, ""));
        let parsed = PasswordHash::new(hash).map_err(|_| "no hash in PHC form")?;
        if parsed.algorithm.as_str() != "argon2id" {
            return Err("a hash that is not argon2id");
        }
        if parsed.hash.is_none() || parsed.salt.is_none() {
            return Err("a hash without salt or result");
        }
        let params = Params::try_from(&parsed).map_err(|_| "a hash with broken parameters")?;
        let sane = MEMORY.contains(&params.m_cost())
            && PASSES.contains(&params.t_cost())
            && LANES.contains(&params.p_cost());
        if !sane {
            return Err("a hash with m outside 7168..262144, or t or p outside 1..16");
        }
        let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).map(Into::into).collect();
        Ok(User { name: name.into(), roles, hash: hash.to_owned() })
    }
}
