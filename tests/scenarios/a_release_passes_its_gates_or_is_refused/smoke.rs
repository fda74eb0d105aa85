//! A release is tried with its own requests, where nothing it does leaves, before any user meets it.

use harness::{Setup, component, saying};

use super::{host, refused, upload};

#[tokio::test]
async fn a_release_that_answers_otherwise_than_it_should_is_refused() {
    let host = host(Setup::new().with("[admission]\nsmoke = true"), "");
    let requests = b"[[requests]]\npath = '/'\nexpect = { body = '^good', max_duration = '30s' }";
    let told = refused(&host, &upload(&host, &[("component", &component("p2"))]).await, "smoke").await;
    assert!(told.contains("--requests FILE"), "{told}");
    let reply = upload(&host, &[("component", &component("p2")), ("requests", requests)]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let bad = saying("p2", "evil");
    let told =
        refused(&host, &upload(&host, &[("component", &bad), ("requests", requests)]).await, "smoke").await;
    assert!(told.contains("GET /: the body does not match \"^good\"; it was \"evil"), "{told}");
    assert!(host.client.get("/").await.text().starts_with("good"), "no user met it");
    for (requests, reason) in [
        ("[[requests]]\npath = '/nothing'", "it answered 404, not 200"),
        (
            "[[requests]]\npath = '/'\nexpect = { headers = { x-none = '.' } }",
            "the field x-none is not there",
        ),
        (
            "[[requests]]\npath = '/'\nexpect = { body = '(' }",
            "requests.toml:3: error: requests[0].expect.body",
        ),
        (
            "[[requests]]\npath = '/'\nexpect = { calls = ['GET https://a.test/'] }",
            "it should call GET https://a.test/, and called nothing",
        ),
        ("", "0 requests"),
    ] {
        let parts = [("component", &component("p2")[..]), ("requests", requests.as_bytes())];
        let told = refused(&host, &upload(&host, &parts).await, "smoke").await;
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[tokio::test]
async fn a_release_on_trial_calls_nobody() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let grant = format!("grant = {{ http = [\"{origin}\"], networks = [\"127.0.0.1\"] }}");
    let host = host(Setup::new(), &grant);
    let fetch = format!(
        "[[requests]]\npath = '/fetch?url={origin}/price'\nexpect = {{ status = 200, body = 'stubbed' }}\n"
    );
    let answered = format!("{fetch}[[outbound]]\nurl = '{origin}/price'\nbody = 'stubbed'\n");
    let good = component("p2");
    let told = refused(
        &host,
        &upload(&host, &[("component", &good), ("requests", fetch.as_bytes())]).await,
        "smoke",
    )
    .await;
    assert!(told.contains(&format!("it called GET {origin}/price, which nothing answers")), "{told}");
    let reply = upload(&host, &[("component", &good), ("requests", answered.as_bytes())]).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert!(listener.accept().is_err(), "nothing was sent");
}
