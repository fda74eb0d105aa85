//! Settings of logins, API keys and second factors that cannot be, and what is told of each; `tests.rs` compares.

/// A file, and its problems.
pub(super) const BROKEN: &[(&str, &[&str])] = &[
    (
        "[plugins.p]\npath = 'good.wasm'\n[[routes]]\npath = '/'\nplugin = 'p'\nmfa = { max_age = '1ms' }",
        &[
            "ostler.toml:2: error: plugins.p.path: found \"good.wasm\": there is no such file; allowed: a component file; repair: \
             build it with `ostler build`, or leave path out and upload releases",
            "ostler.toml:6: error: routes[0].mfa.max_age: found \"1ms\"; allowed: a duration from \"1s\" to \"30d\", with its unit \
             (ms, s, m, h, d)",
            "ostler.toml:6: error: mfa: found mfa on a route that lets everybody in; allowed: mfa beside auth; repair: add auth = \
             [\"NAME\"], or remove mfa",
        ],
    ),
    (
        "[auth.a]\nkind = 'api-key'\nheader = 'authorization'\n[auth.b]\nkind = 'oidc'\nissuer = 'http://id.test'\nclient_id = 'x'\n\
         origin = 'http://127.0.0.1:8080'",
        &[
            "ostler.toml:3: error: auth.a.header: found \"authorization\"; allowed: the name of a header field of its own, as \
             \"x-api-key\"; repair: for Authorization write bearer = true",
            "ostler.toml:6: error: auth.b.issuer: found \"http://id.test\"; allowed: a URL of https (or of http on this machine), \
             without query; repair: write it as the provider does",
            "ostler.toml:8: error: auth.b.origin: found \"http://127.0.0.1:8080\"; allowed: https, since the session's cookie must \
             not travel in the clear; repair: for development add insecure_cookies = true",
        ],
    ),
];
