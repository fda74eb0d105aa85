//! JSON Web Tokens and introspection, with issuers that are other people's programs.

use std::time::{Duration, Instant};

use harness::{Server, Setup};
use serde_json::{Value, json};

use super::*;

/// A token of the mock issuer with these claims.
async fn token(issuer: &Server, claims: Value) -> String {
    let claims: String = claims.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let form = format!("grant_type=client_credentials&claims={claims}");
    let reply = post(issuer, "/token", &form, None).await;
    reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

fn main_table(issuer: &Server) -> String {
    let port = issuer.port();
    format!(
        "[auth.main]\nkind = \"jwt\"\nissuer = \"http://localhost:{port}\"\naudience = [\"api\"]\ntenant = \"org.id\"\n\
         roles = \"roles\""
    )
}

fn anna() -> Value {
    json!({"sub": "anna", "aud": "api", "org": {"id": "acme"}, "roles": ["admin"]})
}

#[tokio::test]
async fn a_token_of_the_issuer_is_served_and_everything_else_is_asked_for_one() {
    let issuer = Server::start(|port| node("oauth2_mock.mjs", port));
    let host = host(Setup::new(), "[\"main\"]", &main_table(&issuer));
    let good = bearer(&token(&issuer, anna()).await);

    let stranger = ask(&host.client, &[]).await;
    assert_eq!((stranger.status.as_u16(), stranger.code()), (401, "unauthenticated".into()));
    assert_eq!(stranger.header("www-authenticate"), "Bearer realm=\"main\"");

    for _ in 0..2 {
        let forged = [
            ("authorization", good.as_str()),
            ("x-user", "root"),
            ("remote-user", "root"),
            ("x-forwarded-user", "root"),
        ];
        let served = ask(&host.client, &forged).await;
        assert_eq!(served.status, 200, "{}", served.text());
        assert_eq!(served.header("x-echo-authorization"), "", "the credential is not the plugin's");
        assert_eq!(served.header("x-echo-x-user"), "root", "a field is a field");
    }
    let line = host.line(|line| line["msg"] == "request" && line["status"] == 200).await;
    assert_eq!(
        (&line["subject"], &line["auth"], &line["tenant"]),
        (&"anna".into(), &"main".into(), &"acme".into())
    );

    let signature = good.rfind('.').unwrap() + 1;
    let tampered = format!("{}AAAAAAAA{}", &good[..signature], &good[signature + 8..]);
    for (name, value, error) in [
        ("tampered", tampered.as_str(), "the token's signature is wrong"),
        ("rubbish", "Bearer rubbish", "the credential cannot be read"),
        ("empty", "Bearer", "the credential cannot be read"),
    ] {
        let refused = ask(&host.client, &[("authorization", value)]).await;
        assert_eq!(refused.status, 401, "{name}");
        let challenge =
            format!("Bearer realm=\"main\", error=\"invalid_token\", error_description=\"{error}\"");
        assert_eq!(refused.header("www-authenticate"), challenge, "{name}");
    }
    let expired = token(&issuer, json!({"sub": "anna", "aud": "api", "exp": 1_000_000_000})).await;
    let elsewhere = token(&issuer, json!({"sub": "anna", "aud": "another"})).await;
    for (token, reason) in [(expired, "expired"), (elsewhere, "audience")] {
        assert_eq!(ask(&host.client, &[("authorization", &bearer(&token))]).await.status, 401);
        let line = host.line(|line| line["reason"] == reason).await;
        assert_eq!((&line["authenticator"], &line["client"]), (&"main".into(), &"127.0.0.1".into()));
    }
    let twice = ask(&host.client, &[("authorization", &good), ("authorization", &good)]).await;
    assert_eq!(twice.status, 400, "{}", twice.text());
    assert!(twice.header("www-authenticate").contains("error=\"invalid_request\""));
    let path = format!("/echo?access_token={}", &good["Bearer ".len()..]);
    assert_eq!(host.client.get(&path).await.status, 401, "a token in the query is none");

    assert_eq!(
        host.metric("ostler_auth_successes_total", &["authenticator=\"main\"", "method=\"jwt\""]).await,
        2.0
    );
    assert_eq!(host.metric("ostler_auth_failures_total", &["reason=\"signature\""]).await, 1.0);
    let log = log(&host).await;
    for part in good["Bearer ".len()..].split('.') {
        assert!(!log.contains(part), "a part of a token in the log");
    }
}

#[tokio::test]
async fn keys_are_rotated_and_the_issuer_goes_down_while_tokens_are_served() {
    let issuer = Server::start(|port| node("oauth2_mock.mjs", port));
    let host = host(Setup::new(), "[\"main\"]", &main_table(&issuer));
    let (first, later) = (token(&issuer, anna()).await, token(&issuer, anna_again()).await);
    assert_eq!(ask(&host.client, &[("authorization", &bearer(&first))]).await.status, 200);

    let port = issuer.port();
    issuer.kill();
    for token in [&first, &later] {
        let reply = ask(&host.client, &[("authorization", &bearer(token))]).await;
        assert_eq!(reply.status, 200, "keys are kept while their issuer is down: {}", reply.text());
    }
    let issuer = Server::again(port, node("oauth2_mock.mjs", port));
    let rotated = bearer(&token(&issuer, anna()).await);
    let since = Instant::now();
    while ask(&host.client, &[("authorization", &rotated)]).await.status != 200 {
        assert!(since.elapsed() < Duration::from_secs(60), "the new key is not found");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let reply = ask(&host.client, &[("authorization", &bearer(&first))]).await;
    assert_eq!(reply.status, 401, "a token ends with its key, remembered or not");
}

fn anna_again() -> Value {
    json!({"sub": "anna", "aud": "api", "n": 2})
}

#[tokio::test]
async fn nobody_is_let_in_while_nobody_can_tell_who_it_is() {
    let port = harness::free_port();
    let tables =
        format!("[auth.main]\nkind = \"jwt\"\nissuer = \"http://127.0.0.1:{port}\"\naudience = [\"api\"]");
    let host = host(Setup::new(), "[\"main\"]", &tables);
    let issuer = Server::start(|port| node("oauth2_mock.mjs", port));
    let stranger = bearer(
        &token(&issuer, json!({"iss": format!("http://127.0.0.1:{port}"), "sub": "x", "aud": "api"})).await,
    );
    let reply = ask(&host.client, &[("authorization", &stranger)]).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "identity_unavailable".into()));
    assert_eq!(reply.header("www-authenticate"), "");
}

const ROBOT: &str = "Basic cm9ib3Q6dGhlJTIwc2VjcmV0JTNBJTIwMTAwJTI1JTIwc2FmZQ==";

/// An access token of the provider.
async fn access(provider: &Server, more: &str) -> String {
    let form = format!("grant_type=client_credentials&scope=read{more}");
    let reply = post(provider, "/token", &form, Some(ROBOT)).await;
    reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

#[tokio::test]
async fn a_provider_is_asked_about_opaque_tokens_and_its_signed_ones_are_verified() {
    let provider = Server::start(|port| node("oidc_provider.mjs", port));
    let url = format!("http://127.0.0.1:{}", provider.port());
    let tables = format!(
        "[auth.signed]\nkind = \"jwt\"\nissuer = \"{url}\"\naudience = [\"urn:jwt\"]\ntype = \"at+jwt\"\n\
         [auth.opaque]\nkind = \"introspection\"\nurl = \"{url}/token/introspection\"\nclient_id = \"the api\"\n\
         client_secret = \"the secret: 100% safe\"\nissuer = \"{url}\"\nsubject = \"client_id\"\nmax_cache = \"0s\""
    );
    let host = host(Setup::new(), "[\"signed\", \"opaque\"]", &tables);

    let signed = access(&provider, "&resource=urn:jwt").await;
    assert_eq!(signed.split('.').count(), 3);
    assert_eq!(ask(&host.client, &[("authorization", &bearer(&signed))]).await.status, 200);
    let line = host.line(|line| line["auth"] == "signed").await;
    assert_eq!(line["subject"], "robot");

    let opaque = access(&provider, "").await;
    let reply = ask(&host.client, &[("authorization", &bearer(&opaque))]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let line = host.line(|line| line["auth"] == "opaque").await;
    assert_eq!(line["subject"], "robot");

    let revoked = post(&provider, "/token/revocation", &format!("token={opaque}"), Some(ROBOT)).await;
    assert_eq!(revoked.status, 200);
    let reply = ask(&host.client, &[("authorization", &bearer(&opaque))]).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), 2, "{challenges:?}");
    assert_eq!(challenges[0], "Bearer realm=\"signed\"");
    assert!(challenges[1].to_str().unwrap().contains("error_description=\"the token is not active\""));

    let opaque = access(&provider, "").await;
    provider.kill();
    let reply = ask(&host.client, &[("authorization", &bearer(&opaque))]).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (503, "identity_unavailable".into()));
    let log = log(&host).await;
    assert!(!log.contains(&opaque) && !log.contains("100% safe"));
}
