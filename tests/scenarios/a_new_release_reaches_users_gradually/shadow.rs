//! A release in the shadow meets copies of what users ask, and no user meets it.

use serde_json::json;

use super::{deploy, host, steer, until, until_state};

#[tokio::test]
async fn a_shadow_is_compared_and_answers_nobody() {
    let host = host("strategy = \"shadow\"\nshare = \"100%\"");
    deploy(&host, "version=v1", "?strategy=instant").await;
    deploy(&host, "version=v2 fail=50", "").await;
    for _ in 0..40 {
        let reply = host.client.get("/").await;
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains("v1"), "{}", reply.text());
    }
    let compared = |rollout: &serde_json::Value| {
        let count = |name: &str| rollout["shadow"][name].as_u64().unwrap();
        let copied = count("copied");
        copied + count("busy") + count("uncopied") == 40 && copied == count("compared") + count("unanswered")
    };
    let rollout = until(&host, "compared", compared).await;
    assert!(rollout["shadow"]["copied"].as_u64().unwrap() >= 20, "{:#}", rollout["shadow"]);
    assert_eq!((&rollout["state"], &rollout["share"]), (&json!("running"), &json!("100%")));
    let differs = rollout["shadow"]["different"]["status"].as_u64();
    assert!(differs.is_some_and(|count| count > 0), "half of its answers fail: {:#}", rollout["shadow"]);
    steer(&host, "abort", "it fails").await;
    until_state(&host, "aborted").await;
    assert!(host.client.get("/").await.text().contains("v1"));
}
