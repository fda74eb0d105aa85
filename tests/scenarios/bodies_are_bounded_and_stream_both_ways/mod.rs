//! Bodies: a typed handler gets whole ones, a streaming handler gets them as they come; all are bounded.

use bytes::Bytes;
use harness::{Host, Pipe, Reply, Version, chunked};
use http::{Method, StatusCode};

#[tokio::test]
async fn a_request_body_beyond_the_limit_is_refused_by_its_announced_length() {
    for component in ["typed", "p2", "p3"] {
        let host = Host::of(component, "request_body = \"1MiB\"");
        let fits = host.client.send(Method::POST, "/echo", vec![b'x'; 1 << 20]).await;
        assert_eq!((fits.status.as_u16(), fits.body.len(), fits.whole), (200, 1 << 20, true), "{component}");
        let refused = host.client.send(Method::POST, "/echo", vec![b'x'; (1 << 20) + 1]).await;
        too_large(&refused, component);
        // The refusal costs neither a trap nor the plugin its instance.
        assert_eq!(host.metric("ostler_plugin_traps_total", &[]).await, 0.0, "{component}");
        assert_eq!(host.client.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn a_request_body_beyond_the_limit_is_refused_as_it_comes() {
    for component in ["typed", "p2", "p3"] {
        let host = Host::of(component, "request_body = \"1MiB\"");
        let pieces = || std::iter::repeat_n(Bytes::from(vec![b'x'; 65536]), 64);
        let reply = chunked(&host, "/echo", pieces()).await;
        // What an echo has sent before the body grew too large is out; then it must not end as if it were whole.
        if component == "typed" || !reply.status.is_success() {
            too_large(&reply, component);
        } else {
            assert!(!reply.whole && reply.body.len() <= 1 << 20, "{component}: {} bytes", reply.body.len());
        }
        let fits = chunked(&host, "/echo", pieces().take(16)).await;
        assert_eq!((fits.status.as_u16(), fits.body.len(), fits.whole), (200, 1 << 20, true), "{component}");
    }
}

#[tokio::test]
async fn an_echo_far_larger_than_the_plugins_memory_streams_while_it_comes_in() {
    const PIECE: usize = 1 << 20;
    for component in ["p2", "p3"] {
        let keys = "memory = \"8MiB\"\ndeadline = \"60s\"\nrequest_body = \"1GiB\"\nresponse_body = \"1GiB\"";
        let host = Host::of(component, keys);
        let (mut pipe, mut body) = Pipe::open(&host, Version::Http1, "/echo").await;
        for round in 0..48_u8 {
            pipe.send(vec![round; PIECE]).await;
            let mut back = 0;
            // The piece comes back before the next is sent: nobody waits for the end.
            while back < PIECE {
                let data = body.data().await.unwrap();
                assert!(data.iter().all(|byte| *byte == round), "{component}: pieces are mixed up");
                back += data.len();
            }
            assert_eq!(back, PIECE);
        }
        drop(pipe);
        assert!(body.data().await.is_none(), "{component}: the end came as an end");
        assert!(body.whole, "{component}");
    }
}

#[tokio::test]
async fn what_a_guest_drips_arrives_before_its_end() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "deadline = \"60s\"");
        // The end is a minute away, the first line is not.
        let (pipe, mut body) = Pipe::open(&host, Version::Http1, "/drip?chunks=600&ms=100").await;
        assert_eq!(body.data().await.unwrap(), "0\n", "{component}");
        assert_eq!(body.data().await.unwrap(), "1\n", "{component}");
        drop(pipe);
    }
}

#[tokio::test]
async fn trailers_follow_the_body() {
    for component in ["p2", "p3"] {
        for version in [Version::Http1, Version::Http2] {
            let host = Host::of(component, "");
            let client = host.client(version);
            let mut request = client.request(Method::GET, "/trailers", "");
            request.headers_mut().insert("te", "trailers".parse().unwrap());
            let reply = client.try_send(request).await.unwrap();
            assert_eq!((reply.text().as_str(), reply.whole), ("abc", true), "{component} {version:?}");
            let trailers = reply.trailers.unwrap_or_default();
            assert_eq!(
                trailers.get("x-sum").map(|sum| sum.as_bytes()),
                Some(&b"3"[..]),
                "{component} {version:?}"
            );
        }
    }
}

#[tokio::test]
async fn head_tells_what_get_would_and_sends_nothing() {
    for component in ["typed", "p2", "p3"] {
        let host = Host::of(component, "concurrency = 1");
        for path in ["/", "/body?bytes=300000"] {
            for _ in 0..3 {
                let head = host.client.send(Method::HEAD, path, "").await;
                assert_eq!(
                    (head.status.as_u16(), head.body.len(), head.whole),
                    (200, 0, true),
                    "{component} {path}"
                );
            }
            let get = host.client.get(path).await;
            assert_eq!((get.status.as_u16(), get.whole), (200, true), "{component} {path}");
        }
        let refused = host.client.send(Method::HEAD, "/panic", "").await;
        assert_eq!((refused.status.as_u16(), refused.body.len()), (500, 0), "{component}");
    }
}

#[tokio::test]
async fn a_guest_may_leave_the_request_body_unread() {
    for component in ["p2", "p3"] {
        let host = Host::of(component, "");
        for size in [0, 10, 1 << 20] {
            let client = host.client(Version::Http1);
            let reply = client.send(Method::POST, "/ignore-body", vec![b'x'; size]).await;
            assert_eq!(
                (reply.status.as_u16(), reply.text().as_str()),
                (200, "the request body was not read")
            );
            // A connection with much unread on it is closed, so the next request needs one of its own.
            let next = host.client(Version::Http1);
            assert_eq!(next.get("/").await.text(), "good", "{component} after {size}");
        }
        let pieces = std::iter::repeat_n(Bytes::from(vec![b'x'; 65536]), 32);
        assert_eq!(chunked(&host, "/ignore-body", pieces).await.status, 200);
        assert_eq!(host.client(Version::Http1).get("/").await.text(), "good", "{component}");
    }
}

#[tokio::test]
async fn a_typed_body_arrives_whole_and_goes_back_whole() {
    let host = Host::of("typed", "");
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    let reply = host.client.send(Method::PUT, "/echo?a=b%20c", body.clone()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
    assert_eq!((reply.header("x-method"), reply.header("x-target")), ("PUT", "/echo?a=b%20c"));
    assert_eq!(reply.header("content-length"), "3000000");
    let pieces = body.chunks(100_000).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    let reply = chunked(&host, "/echo", pieces.into_iter()).await;
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
}

#[tokio::test]
async fn a_response_body_may_be_as_large_as_its_definition_says() {
    for component in ["typed", "p2", "p3"] {
        let host = Host::of(component, "memory = \"256MiB\"\nresponse_body = \"48MiB\"\ndeadline = \"30s\"");
        let size = 48 << 20;
        let reply = host.client.get(&format!("/body?bytes={size}")).await;
        assert_eq!((reply.status.as_u16(), reply.body.len(), reply.whole), (200, size, true), "{component}");
    }
}

fn too_large(reply: &Reply, component: &str) {
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (413, "body_too_large"),
        "{component}: {reply:?}"
    );
}
