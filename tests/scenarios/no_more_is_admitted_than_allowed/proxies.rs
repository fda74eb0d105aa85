//! Clients behind proxies: who is trusted is believed, and nobody else.

use harness::Host;

use super::{get, setup};

const LISTEN: &str = "listen = [\"http://127.0.0.1:0\"]";
const BY_ADDRESS: &str = "[limits.a]\nrate = \"1/day\"";

fn behind(server: &str) -> Host {
    setup(BY_ADDRESS, &[("/", "limits = [\"a\"]")]).server(&format!("{LISTEN}\n{server}")).start()
}

async fn status(host: &Host, fields: &[(&str, &str)]) -> u16 {
    get(host, "/", fields).await.status.as_u16()
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_count_by_their_own_addresses() {
    let host = behind("trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]");
    for (one, same) in [
        ("192.0.2.1", "192.0.2.1:4711"),
        ("192.0.2.2", "203.0.113.9, 192.0.2.2"),
        ("192.0.2.3", "192.0.2.3, 10.9.9.9"),
        ("2001:db8:0:1::1", "[2001:db8:0:1:ffff::2]:80"),
    ] {
        assert_eq!(status(&host, &[("x-forwarded-for", one)]).await, 200, "{one}");
        assert_eq!(status(&host, &[("x-forwarded-for", same)]).await, 429, "{same}");
    }
    assert_eq!(status(&host, &[("forwarded", "for=192.0.2.1;proto=https")]).await, 429);
    assert_eq!(status(&host, &[("forwarded", "for=\"[2001:db8:0:2::1]:80\"")]).await, 200);
    let line = host.line(|line| line["client"] == "2001:db8:0:2::1").await;
    assert_eq!(line["status"], 200);
    // What is no address leaves the proxy itself, and so do two fields that disagree.
    assert_eq!(status(&host, &[("x-forwarded-for", "unknown")]).await, 200);
    assert_eq!(status(&host, &[("forwarded", "for=_hidden")]).await, 429);
    let disagree = [("x-forwarded-for", "192.0.2.77"), ("forwarded", "for=192.0.2.78")];
    assert_eq!(status(&host, &disagree).await, 429);
    assert_eq!(status(&host, &[("x-forwarded-for", "\", 192.0.2.1")]).await, 429);
}

#[tokio::test]
async fn who_is_not_trusted_cannot_choose_its_address() {
    let host = behind("trusted_proxies = [\"10.0.0.0/8\"]");
    assert_eq!(status(&host, &[]).await, 200);
    for number in 1..20 {
        let address = format!("192.0.2.{number}");
        assert_eq!(status(&host, &[("x-forwarded-for", &address)]).await, 429);
        assert_eq!(status(&host, &[("forwarded", &format!("for={address}"))]).await, 429);
    }
}
