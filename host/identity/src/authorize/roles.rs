//! `[authorization] roles`: what each role gives, its own and by way of other roles, compiled into one table per role.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use ostler_core::Principal;
use ostler_core::gate::Flaw;
use ostler_core::settings::Located;

use super::permission::{check_grant, holds, names, split};

/// Roles that may be defined.
pub const ROLES_MAX: usize = 1_000;
/// Permissions of all roles together, those by way of other roles counted again.
pub const GRANTS_MAX: usize = 100_000;

/// `roles` as configured: names to what they give.
pub(super) type Config = BTreeMap<String, Vec<Located<String>>>;

/// All roles by name.
#[derive(Default)]
pub(super) struct Roles(HashMap<Box<str>, Role, RandomState>);

/// What one role gives.
#[derive(Default)]
pub(super) struct Role {
    grants: Vec<Grant>,
    /// By permission, for those without a wildcard in its name.
    exact: HashMap<Box<str>, Vec<usize>, RandomState>,
    wild: Vec<usize>,
}

/// One permission that a role gives.
#[derive(Clone)]
pub(super) struct Grant {
    /// As configured.
    pub(super) text: Box<str>,
    /// The way to it, as `admin > editor`.
    pub(super) way: Box<str>,
    /// Where its resource pattern begins in `text`, if it has one.
    on: Option<usize>,
}

impl Roles {
    pub(super) fn new(config: &Config) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let first = config.values().flatten().next().map_or(0, |item| item.line);
        if config.len() > ROLES_MAX {
            let found = format!("{} roles", config.len());
            flaws.push(Flaw::new(first, KEY, found, format!("at most {ROLES_MAX}"), "merge some"));
            return Err(flaws);
        }
        config.iter().for_each(|(name, items)| check(config, name, items, &mut flaws));
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let mut roles = HashMap::default();
        let mut left = GRANTS_MAX;
        for name in config.keys() {
            let mut grants = Vec::new();
            gather(config, name, "", &mut Vec::new(), &mut grants, &mut left);
            roles.insert(name.as_str().into(), Role::new(grants));
        }
        if left == 0 {
            let allowed = format!("fewer than {GRANTS_MAX}, those by way of other roles counted again");
            flaws.push(Flaw::new(
                first,
                KEY,
                "too many permissions",
                allowed,
                "use wildcards such as \"orders:*\"",
            ));
            return Err(flaws);
        }
        Ok(Roles(roles))
    }

    /// The first of the principal's roles that gives this, and by what.
    pub(super) fn grant<'a>(
        &'a self,
        principal: &'a Principal,
        permission: &str,
        resource: &str,
    ) -> Option<(&'a str, &'a Grant)> {
        principal.roles.iter().find_map(|name| {
            let grant = self.0.get(&**name)?.grant(principal, permission, resource)?;
            Some((&**name, grant))
        })
    }

    pub(super) fn role(&self, name: &str) -> Option<&Role> {
        self.0.get(name)
    }
}

impl Role {
    fn new(grants: Vec<Grant>) -> Self {
        let mut role = Role::default();
        for (place, grant) in grants.iter().enumerate() {
            let (name, _) = split(&grant.text);
            if name.ends_with('*') {
                role.wild.push(place);
            } else {
                role.exact.entry(name.into()).or_default().push(place);
            }
        }
        Role { grants, ..role }
    }

    /// What of this role gives it.
    pub(super) fn grant(&self, principal: &Principal, permission: &str, resource: &str) -> Option<&Grant> {
        let at = |place: &usize| self.grants.get(*place);
        let mut exact = self.exact.get(permission).into_iter().flatten().filter_map(at);
        let mut wild = self.wild.iter().filter_map(at);
        exact.find(|grant| grant.reaches(principal, resource)).or_else(|| {
            wild.find(|grant| names(split(&grant.text).0, permission) && grant.reaches(principal, resource))
        })
    }

    /// All that it gives.
    pub(super) fn grants(&self) -> &[Grant] {
        &self.grants
    }
}

impl Grant {
    fn new(text: &str, way: &str) -> Self {
        let on = split(text).1.map(|on| text.len() - on.len());
        Grant { text: text.into(), way: way.into(), on }
    }

    fn reaches(&self, principal: &Principal, resource: &str) -> bool {
        self.on.and_then(|on| self.text.get(on..)).is_none_or(|pattern| holds(pattern, principal, resource))
    }
}

const KEY: &str = "authorization.roles";

fn check(config: &Config, name: &str, items: &[Located<String>], flaws: &mut Vec<Flaw>) {
    let key = || format!("{KEY}.{name}");
    for item in items {
        let found = || format!("{:?}", item.value);
        let Some(other) = item.value.strip_prefix("role:") else {
            if let Err(allowed) = check_grant(&item.value) {
                flaws.push(Flaw::new(item.line, key(), found(), allowed, ""));
            }
            continue;
        };
        if !config.contains_key(other) {
            let known = config.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let repair = format!("define it: {other} = [...]");
            flaws.push(Flaw::new(
                item.line,
                key(),
                format!("{}, which is not defined", found()),
                known,
                repair,
            ));
        } else if leads_to(config, other, name, &mut Vec::new()) {
            let found = format!("{}, which leads back to {name}", found());
            flaws.push(Flaw::new(
                item.line,
                key(),
                found,
                "roles that do not include themselves",
                "leave it out",
            ));
        }
    }
}

fn leads_to<'a>(config: &'a Config, from: &'a str, to: &str, seen: &mut Vec<&'a str>) -> bool {
    if from == to {
        return true;
    }
    if seen.contains(&from) {
        return false;
    }
    seen.push(from);
    let others = config.get(from).into_iter().flatten();
    let mut others = others.filter_map(|item| item.value.strip_prefix("role:"));
    others.any(|other| leads_to(config, other, to, seen))
}

/// What `name` gives; `left` is how many permissions there may still be.
fn gather<'a>(
    config: &'a Config,
    name: &'a str,
    way: &str,
    seen: &mut Vec<&'a str>,
    grants: &mut Vec<Grant>,
    left: &mut usize,
) {
    if seen.contains(&name) {
        return;
    }
    seen.push(name);
    let way = if way.is_empty() { name.to_owned() } else { format!("{way} > {name}") };
    for item in config.get(name).into_iter().flatten() {
        match item.value.strip_prefix("role:") {
            Some(other) => gather(config, other, &way, seen, grants, left),
            None if *left == 0 => return,
            None => {
                *left -= 1;
                grants.push(Grant::new(&item.value, &way));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{principal, roles};
    use super::*;

    fn flaws(config: &[(&str, &[&str])]) -> Vec<String> {
        Roles::new(&roles(config)).err().unwrap_or_default().iter().map(Flaw::to_string).collect()
    }

    #[test]
    fn every_role_gives_what_it_says_and_no_more() {
        let roles = Roles::new(&roles(&[
            ("editor", &["orders:read", "orders:write"]),
            ("admin", &["*"]),
            ("support", &["orders:read on orders/*"]),
            ("lead", &["role:editor", "reports:*"]),
            ("head", &["role:lead", "role:support"]),
            ("nobody", &[]),
        ]))
        .unwrap();
        let table = [
            ("editor", "orders:write", "", true),
            ("editor", "orders:write", "orders/17", true),
            ("editor", "orders:delete", "", false),
            ("admin", "orders:delete", "orders/17", true),
            ("support", "orders:read", "orders/17", true),
            ("support", "orders:read", "", false),
            ("support", "orders:write", "orders/17", false),
            ("lead", "orders:write", "", true),
            ("lead", "reports:print", "", true),
            ("head", "orders:write", "", true),
            ("nobody", "orders:read", "", false),
            ("unheard-of", "orders:read", "", false),
            ("Editor", "orders:read", "", false),
            ("*", "orders:read", "", false),
        ];
        for (role, permission, resource, expected) in table {
            let alice = principal("alice", None, &[role], &[]);
            let given = roles.grant(&alice, permission, resource).is_some();
            assert_eq!(given, expected, "{role}: {permission} on {resource:?}");
        }
        let head = principal("alice", None, &["nobody", "head"], &[]);
        let (role, grant) = roles.grant(&head, "orders:write", "").unwrap();
        assert_eq!((role, &*grant.way, &*grant.text), ("head", "head > lead > editor", "orders:write"));
    }

    #[test]
    fn roles_that_cannot_be_are_explained() {
        let told = flaws(&[("a", &["role:b"]), ("c", &["x y"])]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("\"role:b\", which is not defined") && told[0].contains("define it"),
            "{told:?}"
        );
        assert!(told[1].starts_with("authorization.roles.c: found \"x y\""), "{told:?}");
        let told = flaws(&[("a", &["role:b"]), ("b", &["role:c"]), ("c", &["role:a"])]);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("leads back to a"), "{told:?}");
    }

    #[test]
    fn roles_and_what_they_give_are_bounded() {
        let many: Config = (0..=ROLES_MAX).map(|n| (format!("r{n}"), Vec::new())).collect();
        assert!(Roles::new(&many).is_err_and(|flaws| flaws[0].found == "1001 roles"));
        let permissions = (0..1000).map(|n| Located { value: format!("p{n}"), line: 1 }).collect();
        let mut wide = Config::from([("all".to_owned(), permissions)]);
        let all = || vec![Located { value: "role:all".to_owned(), line: 1 }];
        wide.extend((0..200).map(|n| (format!("r{n}"), all())));
        assert!(Roles::new(&wide).is_err_and(|flaws| flaws[0].found == "too many permissions"));
        // Each includes the two before it: by every way there would be 2^30 permissions.
        let two = |n: usize| vec![Located { value: format!("role:r{}", n + 1), line: 1 }; 2];
        let mut deep: Config = (0..30).map(|n| (format!("r{n}"), two(n))).collect();
        deep.insert("r30".into(), vec![Located { value: "p".into(), line: 1 }]);
        assert!(Roles::new(&deep).is_ok());
    }
}
