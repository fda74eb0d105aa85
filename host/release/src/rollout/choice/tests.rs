//! Who gets which release, as tests.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use ostler_core::principal::{Assurance, Method};
use ostler_core::rollout::Strategy;

use super::*;

const NOBODY: &dyn Fn(&str) -> bool = &|_| false;
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

fn principal(authenticator: &str, subject: &str, tenant: Option<&str>) -> Principal {
    Principal {
        subject: subject.into(),
        tenant: tenant.map(Into::into),
        roles: Vec::new(),
        scopes: Vec::new(),
        authenticator: authenticator.into(),
        method: Method::Jwt,
        authenticated_at: SystemTime::UNIX_EPOCH,
        assurance: Assurance::default(),
        claims: Arc::new(serde_json::Value::Null),
    }
}

fn digests() -> [Digest; 2] {
    [Digest::of(b"stable"), Digest::of(b"candidate")]
}

fn choice(spec: &RolloutSpec, share: u32) -> Choice {
    Choice::new(spec, 7, Share(share), digests())
}

fn sticky(sticky: Sticky) -> RolloutSpec {
    RolloutSpec { sticky, ..RolloutSpec::default() }
}

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

fn asker<'a>(principal: Option<&'a Principal>, headers: &'a HeaderMap) -> Asker<'a> {
    Asker { principal, client: CLIENT, headers, permitted: NOBODY }
}

/// Who of `count` subjects gets the candidate.
fn taken(choice: &Choice, count: usize) -> HashSet<usize> {
    let headers = HeaderMap::new();
    let gets = |number: &usize| {
        let who = principal("idp", &format!("user-{number}"), None);
        choice.pick(&asker(Some(&who), &headers)) == Arm::Candidate
    };
    (0..count).filter(gets).collect()
}

#[test]
fn shares_are_exact_within_five_sigma() {
    const COUNT: usize = 200_000;
    for share in [0, 100, 1_000, 5_000, 25_000, 50_000, 99_900, 100_000] {
        let taken = taken(&choice(&RolloutSpec::default(), share), COUNT).len() as f64;
        let part = f64::from(share) / 100_000.0;
        let (mean, sigma) = (COUNT as f64 * part, (COUNT as f64 * part * (1.0 - part)).sqrt());
        assert!((taken - mean).abs() <= 5.0 * sigma, "{taken} of {COUNT} under {share}");
    }
}

#[test]
fn a_share_that_grows_lets_nobody_go_and_one_that_shrinks_takes_nobody_in() {
    let shares = [0, 1_000, 5_000, 25_000, 50_000, 100_000];
    let sets = shares.map(|share| taken(&choice(&RolloutSpec::default(), share), 20_000));
    for pair in sets.windows(2) {
        assert!(pair[0].is_subset(&pair[1]) && pair[0].len() < pair[1].len());
    }
}

#[test]
fn each_rollout_begins_with_other_subjects() {
    let of = |salt| Choice::new(&RolloutSpec::default(), salt, Share(10_000), digests());
    let (one, other) = (taken(&of(1), 20_000), taken(&of(2), 20_000));
    let both = one.intersection(&other).count() as f64;
    // A tenth of a tenth, were they independent.
    assert!((both - 200.0).abs() < 5.0 * (200.0_f64 * 0.99).sqrt(), "{both}");
}

/// Numbers that must never change: a rollout that is under way while the host is updated goes on with them.
#[test]
fn points_are_the_same_in_every_version() {
    let headers = fields(&[("cookie", "sid=abc"), ("x-user", "abc")]);
    let who = principal("idp", "anna", None);
    let point = |by, who| choice(&sticky(by), 0).subject(&asker(who, &headers));
    let points = [
        point(Sticky::Principal, Some(&who)),
        point(Sticky::Principal, None),
        point(Sticky::Address, Some(&who)),
        point(Sticky::Cookie("sid".into()), None),
        point(Sticky::Header("x-user".into()), None),
    ];
    assert_eq!(points[1], points[2], "who is not known is told by the address");
    assert_eq!(points[3], points[4], "the value alone counts");
    assert_eq!(points.map(|point| point % 1_000_000), [267_044, 672_372, 672_372, 78_679, 78_679]);
}

#[test]
fn a_subject_is_one_within_its_authenticator() {
    let (headers, choice) = (HeaderMap::new(), choice(&RolloutSpec::default(), 0));
    let of = |authenticator, subject| {
        let who = principal(authenticator, subject, None);
        choice.subject(&asker(Some(&who), &headers))
    };
    assert_ne!(of("a", "bc"), of("ab", "c"));
    assert_ne!(of("a", "anna"), of("b", "anna"));
    assert_eq!(of("a", "anna"), of("a", "anna"));
}

#[test]
fn clients_of_one_ipv6_network_are_one_subject() {
    let (headers, choice) = (HeaderMap::new(), choice(&RolloutSpec::default(), 0));
    let of =
        |client: &str| choice.subject(&Asker { client: client.parse().unwrap(), ..asker(None, &headers) });
    assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
}

#[test]
fn a_cookie_is_found_among_others_and_only_by_its_whole_name() {
    let choice = choice(&sticky(Sticky::Cookie("sid".into())), 0);
    let of = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
        choice.subject(&asker(None, &fields(&lines)))
    };
    let (known, address) = (of(&["sid=abc"]), of(&[]));
    assert_ne!(known, address);
    for line in ["a=b; sid=abc", "sid=abc; sid=other", "xsid=1;sid=abc ;", " sid=abc"] {
        assert_eq!(of(&[line]), known, "{line}");
    }
    assert_eq!(of(&["a=b", "sid=abc"]), known, "HTTP/2 may split the field");
    for line in ["sid=", "sid", "Sid=abc", "sidx=abc", ";;;", "xsid=abc"] {
        assert_eq!(of(&[line]), address, "{line}");
    }
}

#[test]
fn only_permitted_testers_choose() {
    let spec = RolloutSpec { testers: Some("test-releases".into()), ..RolloutSpec::default() };
    let [stable, candidate] = digests();
    let pick = |wanted: &str, share, may: bool| {
        let headers = fields(&[("x-ostler-release", wanted)]);
        let permitted = |permission: &str| may && permission == "test-releases";
        choice(&spec, share).pick(&Asker { permitted: &permitted, ..asker(None, &headers) })
    };
    assert_eq!(pick("candidate", 0, true), Arm::Candidate);
    assert_eq!(pick("stable", 100_000, true), Arm::Stable);
    assert_eq!(pick("candidate", 0, false), Arm::Stable, "others do not");
    for named in [candidate.to_string(), candidate.short(), candidate.hex()[..6].to_owned()] {
        assert_eq!(pick(&named, 0, true), Arm::Candidate, "{named}");
    }
    assert_eq!(pick(&stable.short(), 100_000, true), Arm::Stable);
    for unknown in ["", "sha256:", &candidate.hex()[..5], "CANDIDATE", "zzzzzzzz", &"0".repeat(500)] {
        assert_eq!(pick(unknown, 0, true), Arm::Stable, "{unknown}");
    }
    let headers = fields(&[("x-ostler-release", "candidate")]);
    let anybody = Asker { permitted: &|_| true, ..asker(None, &headers) };
    assert_eq!(
        choice(&RolloutSpec::default(), 0).pick(&anybody),
        Arm::Stable,
        "nobody is a tester unless said"
    );
}

#[test]
fn the_first_rule_that_fits_decides() {
    let rule = |tenant: Option<&str>, header: Option<(&str, Option<&str>)>, candidate| Rule {
        tenant: tenant.map(Into::into),
        header: header.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))),
        candidate,
    };
    let rules = vec![
        rule(Some("acme"), Some(("x-beta", Some("no"))), false),
        rule(Some("acme"), None, true),
        rule(None, Some(("x-beta", None)), true),
        rule(Some("bank"), None, false),
    ];
    let spec = RolloutSpec { rules, ..RolloutSpec::default() };
    let pick = |tenant, header: &[(&'static str, &str)], share| {
        let who = principal("idp", "anna", tenant);
        choice(&spec, share).pick(&asker(Some(&who), &fields(header)))
    };
    assert_eq!(pick(Some("acme"), &[], 0), Arm::Candidate);
    assert_eq!(pick(Some("acme"), &[("x-beta", "no")], 100_000), Arm::Stable);
    assert_eq!(
        pick(Some("acme"), &[("x-beta", "yes"), ("x-beta", "no")], 100_000),
        Arm::Stable,
        "any of them"
    );
    assert_eq!(pick(None, &[("x-beta", "")], 0), Arm::Candidate, "any value");
    assert_eq!(pick(Some("bank"), &[], 100_000), Arm::Stable);
    assert_eq!((pick(None, &[], 0), pick(None, &[], 100_000)), (Arm::Stable, Arm::Candidate));
}

#[test]
fn nothing_and_everything_are_exactly_that() {
    let (none, all) = (choice(&RolloutSpec::default(), 0), choice(&RolloutSpec::default(), 100_000));
    for hash in [0, 1, u64::MAX / 2, u64::MAX] {
        assert_eq!((none.takes(hash), all.takes(hash)), (false, true), "{hash}");
    }
}

#[test]
fn a_shadow_serves_nobody() {
    let rules = vec![Rule { tenant: None, header: Some(("x-beta".into(), None)), candidate: true }];
    let spec = RolloutSpec { strategy: Strategy::Shadow, rules, ..RolloutSpec::default() };
    let (some, all) = (choice(&spec, 10_000), choice(&spec, 100_000));
    let beta = fields(&[("x-beta", "")]);
    assert_eq!((some.pick(&asker(None, &beta)), all.pick(&asker(None, &beta))), (Arm::Stable, Arm::Stable));
}

#[test]
fn what_a_rule_or_a_tester_chose_was_not_drawn() {
    let rules = vec![Rule { tenant: Some("acme".into()), header: None, candidate: true }];
    let spec = RolloutSpec { rules, testers: Some("test".into()), ..RolloutSpec::default() };
    let (none, tester) = (HeaderMap::new(), fields(&[("x-ostler-release", "stable")]));
    let (acme, other) = (principal("idp", "a", Some("acme")), principal("idp", "a", None));
    let picked = |who, headers| {
        let asker = Asker { permitted: &|_| true, ..asker(Some(who), headers) };
        choice(&spec, 1_000_000).pick_for(&asker, 0)
    };
    assert_eq!(picked(&other, &none), (Arm::Candidate, true));
    assert_eq!(picked(&acme, &none), (Arm::Candidate, false));
    assert_eq!(picked(&other, &tester), (Arm::Stable, false));
}

#[test]
fn a_credential_that_names_the_subject_still_does_where_it_was_taken_out() {
    let who = principal("idp", "a", None);
    for by in [Sticky::Cookie("sid".into()), Sticky::Header("x-api-key".into())] {
        let choice = choice(&sticky(by), 0);
        let (came, left) = (fields(&[("cookie", "sid=7"), ("x-api-key", "k")]), HeaderMap::new());
        let named = choice.named(&came);
        assert_eq!(choice.subject_of(named, &asker(Some(&who), &left)), choice.subject(&asker(None, &came)));
    }
    assert_eq!(choice(&sticky(Sticky::Principal), 0).named(&fields(&[("cookie", "sid=7")])), None);
}

#[test]
fn a_client_of_ipv6_stays_one_whatever_its_second_half_is() {
    let network = |address: &str| network(address.parse().unwrap());
    assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::99"));
    assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
}
