//! A release in the shadow meets copies of what users ask, and no user meets it.

use serde_json::json;

use super::{deploy, host, steer, until, until_state};

#[tokio::test]
async fn a_shadow_is_compared_and_answers_nobody() {
    let host = host("strategy = \"shadow\"\nshare = \"100%\"");
    deploy(&host, "version=v1", "?strategy=instant").await;
    deploy(&host, "version=v2 fail=50", "").await;
    let mut rollout = json!(null);
    for asked in 1..=20 {
        let reply = host.client.get("/").await;
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains("v1"), "{}", reply.text());
        // Few copies may be under way at once, so each is waited for.
        let compared = |rollout: &serde_json::Value| {
            let count = |name: &str| rollout["shadow"][name].as_u64().unwrap();
            count("copied") == asked && count("compared") + count("unanswered") == asked
        };
        rollout = until(&host, "compared", compared).await;
    }
    assert_eq!((&rollout["state"], &rollout["share"]), (&json!("running"), &json!("100%")));
    let differs = rollout["shadow"]["different"]["status"].as_u64();
    assert!(differs.is_some_and(|count| count > 0), "half of its answers fail: {:#}", rollout["shadow"]);
    steer(&host, "abort", "it fails").await;
    until_state(&host, "aborted").await;
    assert!(host.client.get("/").await.text().contains("v1"));
}
