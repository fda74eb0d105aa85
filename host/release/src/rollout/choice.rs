//! Which of two releases answers a request.
//!
//! A subject (who asks, or from where) lies at a point between 0 and 1, which a hash gives it; those below the candidate's
//! share are the candidate's. A share that grows takes more subjects in and lets none go.
//! **Invariant:** the same subject gets the same release under the same share of the same two, on every host and after every restart.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use ostler_core::principal::Principal;
use ostler_core::rollout::{RolloutSpec, Rule, Share, Sticky, Strategy};
use ostler_core::{Digest, exchange};

use super::hash::xxh64;

/// The field with which testers choose: `candidate`, `stable`, or the beginning of a digest.
pub const CHOOSES: HeaderName = HeaderName::from_static("x-ostler-release");

/// Hex digits of a digest that a tester must give at least.
const PREFIX_MIN: usize = 6;

/// One of the two releases of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arm {
    /// The one that was live before.
    Stable,
    /// The new one.
    Candidate,
}

/// What is known of a request when a release is chosen.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// Who was proved to ask.
    pub principal: Option<&'a Principal>,
    /// The client's address.
    pub client: IpAddr,
    /// Fields of the request, as they came.
    pub headers: &'a HeaderMap,
    /// Whether the principal has a permission; asked only where the request carries [`CHOOSES`].
    pub permitted: &'a dyn Fn(&str) -> bool,
}

/// How requests are divided between two releases. Made once per snapshot; picking allocates nothing and takes no lock.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Tells rollouts apart, so that not the same subjects are the first of each.
    salt: u64,
    /// Subjects whose hash is below this are the candidate's. Beyond `u64`, so that 100 % is all of them.
    below: u128,
    by: By,
    rules: Box<[Test]>,
    /// It is a shadow, which serves nobody.
    shadow: bool,
    /// What testers must be permitted, and the digests they may name: of stable and candidate, in hex.
    testers: Option<Box<(String, [String; 2])>>,
}

/// [`Sticky`], with names in the form they are looked up in.
#[derive(Debug, Clone)]
enum By {
    Principal,
    Address,
    Cookie(Box<str>),
    Header(HeaderName),
}

/// [`Rule`], likewise.
#[derive(Debug, Clone)]
struct Test {
    tenant: Option<Box<str>>,
    header: Option<(HeaderName, Option<HeaderValue>)>,
    arm: Arm,
}

impl Choice {
    /// Gives `share` of all subjects to the candidate. `releases` are stable and candidate, for testers who name one.
    pub fn new(spec: &RolloutSpec, salt: u64, share: Share, releases: [Digest; 2]) -> Self {
        let by = match &spec.sticky {
            Sticky::Principal => By::Principal,
            Sticky::Address => By::Address,
            Sticky::Cookie(name) => By::Cookie(name.as_str().into()),
            // A name that is none matches no request, which its address then stands for.
            Sticky::Header(name) => name.parse().map_or(By::Address, By::Header),
        };
        Choice {
            salt,
            below: (u128::from(share.0.min(Share::ALL.0)) << 64) / u128::from(Share::ALL.0),
            by,
            rules: spec.rules.iter().filter_map(Test::new).collect(),
            shadow: spec.strategy == Strategy::Shadow,
            testers: spec.testers.clone().map(|may| Box::new((may, releases.map(|digest| digest.hex())))),
        }
    }

    /// Which release answers.
    pub fn pick(&self, asker: &Asker<'_>) -> Arm {
        self.pick_for(asker, self.subject(asker)).0
    }

    /// [`Choice::pick`] for whoever knows the subject already; and whether the share decided, not a rule or a tester.
    pub fn pick_for(&self, asker: &Asker<'_>, subject: u64) -> (Arm, bool) {
        if self.shadow {
            return (Arm::Stable, true);
        }
        if let Some(arm) = self.chosen(asker) {
            return (arm, false);
        }
        match self.rules.iter().find(|rule| rule.fits(asker)) {
            Some(rule) => (rule.arm, false),
            None if self.takes(subject) => (Arm::Candidate, true),
            None => (Arm::Stable, true),
        }
    }

    /// Whose request it is, as a number that tells nothing of them: the same for all their requests in this rollout.
    pub fn subject(&self, asker: &Asker<'_>) -> u64 {
        self.subject_of(self.named(asker.headers), asker)
    }

    /// [`Choice::subject`] where [`Choice::named`] was asked before credentials were taken out of the request.
    pub fn subject_of(&self, named: Option<u64>, asker: &Asker<'_>) -> u64 {
        let principal = asker.principal.filter(|_| matches!(self.by, By::Principal));
        let proved = principal.map(|principal| {
            // A subject is one within its authenticator only.
            let within = xxh64(principal.authenticator.as_bytes(), self.salt);
            xxh64(principal.subject.as_bytes(), within)
        });
        named.or(proved).unwrap_or_else(|| self.address(asker.client))
    }

    /// The subject, where a cookie or a field is to name it and does.
    pub fn named(&self, headers: &HeaderMap) -> Option<u64> {
        let value = match &self.by {
            By::Principal | By::Address => return None,
            By::Cookie(name) => exchange::cookies(headers, name).next()?,
            By::Header(name) => headers.get(name)?.as_bytes(),
        };
        (!value.is_empty()).then(|| xxh64(value, self.salt))
    }

    /// Whether the candidate's share covers `hash`, any number that is evenly spread.
    pub fn takes(&self, hash: u64) -> bool {
        u128::from(hash) < self.below
    }

    fn address(&self, client: IpAddr) -> u64 {
        match network(client) {
            IpAddr::V4(address) => xxh64(&address.octets(), self.salt),
            IpAddr::V6(address) => xxh64(&address.octets()[..8], self.salt),
        }
    }

    /// What a tester asks for. Of others the field means nothing.
    fn chosen(&self, asker: &Asker<'_>) -> Option<Arm> {
        let (permission, digests) = &**self.testers.as_ref()?;
        let wanted = asker.headers.get(&CHOOSES)?.to_str().ok()?;
        let arm = match wanted {
            "stable" => Arm::Stable,
            "candidate" => Arm::Candidate,
            digest => named(digest, digests)?,
        };
        (asker.permitted)(permission).then_some(arm)
    }
}

/// What stands for a client of whom no more is known: its address, and of an IPv6 address the first half, since the other one
/// changes by the hour with one client.
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// The release whose digest begins so, if there is one and only one.
fn named(wanted: &str, digests: &[String; 2]) -> Option<Arm> {
    let prefix = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let [stable, candidate] = digests.each_ref().map(|digest| digest.starts_with(prefix));
    match (prefix.len() >= PREFIX_MIN, stable, candidate) {
        (true, true, false) => Some(Arm::Stable),
        (true, false, true) => Some(Arm::Candidate),
        _ => None,
    }
}

impl Test {
    /// None for a rule that no request could meet.
    fn new(rule: &Rule) -> Option<Self> {
        let header = match &rule.header {
            None => None,
            Some((name, None)) => Some((name.parse().ok()?, None)),
            Some((name, Some(value))) => Some((name.parse().ok()?, Some(value.parse().ok()?))),
        };
        let arm = if rule.candidate { Arm::Candidate } else { Arm::Stable };
        Some(Test { tenant: rule.tenant.as_deref().map(Into::into), header, arm })
    }

    fn fits(&self, asker: &Asker<'_>) -> bool {
        let tenant = || asker.principal.and_then(|principal| principal.tenant.as_deref());
        let tenant = self.tenant.is_none() || self.tenant.as_deref() == tenant();
        tenant
            && self.header.as_ref().is_none_or(|(name, value)| match value {
                None => asker.headers.contains_key(name),
                Some(value) => asker.headers.get_all(name).iter().any(|one| one == value),
            })
    }
}

#[cfg(test)]
mod tests;
