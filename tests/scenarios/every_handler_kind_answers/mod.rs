//! The three ways in, warm and fresh.

use harness::Host;

#[tokio::test]
async fn typed_and_both_wasi_http_answer_warm_and_fresh() {
    for component in ["typed", "p2", "p3"] {
        for instances in ["warm", "fresh"] {
            let host = Host::of(component, &format!("instances = {instances:?}"));
            for _ in 0..3 {
                let reply = host.client.get("/").await;
                assert_eq!(
                    (reply.status.as_u16(), reply.text().trim()),
                    (200, "good"),
                    "{component} {instances}"
                );
                assert!(!reply.header("x-request-id").is_empty());
            }
        }
    }
}
