//! What is told of `[limits.NAME]`, and of routes and grants that name limits, when something is wrong with them.

use super::tests::told;

#[test]
fn limits_that_cannot_be_are_told_with_their_lines_and_repairs() {
    let unshared = "ostler.toml:5: error: limits.b.shared: found no [redis] to share it in; allowed: shared beside [redis]; \
                    repair: add [redis] url";
    let text = "[limits.a]\nrate = 'often'\n[limits.b]\nrate = '5/s'\nshared = true";
    let rate = "ostler.toml:2: error: limits.a.rate: found \"often\"; allowed: a count and a period of 1s to 31d, such as \
                \"100/min\" or \"20/30s\"; repair: write \"100/min\"";
    assert_eq!(told(text), [rate, unshared]);
    assert_eq!(
        told("[redis]\nurl = 'redis://127.0.0.1:1'\n[limits.b]\nrate = '5/s'\nshared = true"),
        [""; 0]
    );
}

#[test]
fn routes_whose_limits_are_not_there_or_never_admit_are_told() {
    let route = "[limits.per-user]\nrate = '5/s'\n[plugins.a]\n[[routes]]\npath = '/'\nplugin = 'a'\n";
    let told = |keys: &str| told(format!("{route}{keys}"));
    let name =
        "ostler.toml:7: error: limits: found \"per-usr\"; allowed: per-user; repair: write \"per-user\"";
    assert_eq!(told("limits = ['per-usr']"), [name]);
    let cost = "ostler.toml:7: error: cost: found 6; allowed: at most 5, what per-user holds; repair: lower cost, or raise the \
                limit's rate or burst";
    assert_eq!(told("limits = ['per-user']\ncost = 6"), [cost]);
    assert_eq!(told("limits = ['per-user']\ncost = 5"), [""; 0]);
}

#[test]
fn a_grant_of_a_limit_that_is_not_there_is_a_warning() {
    let text = "[plugins.a]\ngrant = { limits = ['a'] }\n[[routes]]\npath = '/'\nplugin = 'a'";
    let grant = "ostler.toml:1: warning: plugins.a.grant.limits: found \"a\"; allowed: names of [limits.NAME]; repair: add \
                 [limits.a]";
    assert_eq!(told(text), [grant]);
    assert_eq!(told(format!("{text}\n[limits.a]\nrate = '1/s'")), [""; 0]);
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let text = "[server]\ntrusted_proxies = ['10.0.0.0/8', '::1', 'proxy.example']";
    let proxies = "ostler.toml:2: error: server.trusted_proxies: found \"proxy.example\"; allowed: networks such as \
                   \"10.1.0.0/16\"";
    assert_eq!(told(text), [proxies]);
}
