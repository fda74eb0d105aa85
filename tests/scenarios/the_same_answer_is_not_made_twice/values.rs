//! Values of plugins: made by one call, given to all others, dropped by tag.

use harness::Setup;
use http::Method;

fn setup(grant: &str) -> Setup {
    Setup::new().plugin("p", "cached-count", grant).route("/{*rest}", "p")
}

const GRANT: &str = "grant = { cache = [\"c\"], kv = [\"s\"] }";

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_made_by_one_call_and_waited_for_by_the_others() {
    let host = setup(GRANT).start();
    let asks: Vec<_> = (0..50)
        .map(|_| {
            let client = host.client.clone();
            tokio::spawn(async move { client.get("/a").await })
        })
        .collect();
    for ask in asks {
        let reply = ask.await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.text()), (200, "1".to_owned()));
    }
    assert_eq!(host.client.get("/b").await.text(), "2");
    assert_eq!(host.client.send(Method::DELETE, "/a", "").await.status, 204);
    assert_eq!(host.client.get("/a").await.text(), "3");
    assert_eq!(host.client.get("/a").await.text(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_dies_with_the_right_to_make_a_value_gives_it_back() {
    let host = setup(GRANT).start();
    assert_eq!(host.client.send(Method::POST, "/a", "").await.status, 500);
    // Within its deadline of 10 s, where the right of one that lives on would last 30 s.
    assert_eq!(host.client.get("/a").await.text(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_was_not_granted_is_denied_by_name() {
    let host = setup("grant = { cache = [\"d\"], kv = [\"s\"] }").start();
    let reply = host.client.get("/a").await;
    assert_eq!(reply.status, 502);
    assert!(reply.text().contains("cache \"c\" is not granted: add it to grant"), "{}", reply.text());
}
