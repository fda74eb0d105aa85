//! Bodies both ways: trailers, early answers, back-pressure, and clients that hang up.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use harness::Host;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::GUESTS;
use super::wire::{answer, fill, send, until};

/// More than the sockets and buffers between client and guest hold, and far less than what a guest or a client sends in a
/// second when nobody stops it.
const BETWEEN: u64 = 48 << 20;

#[tokio::test]
async fn a_requests_trailers_reach_the_guest() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let head =
            "POST /collect HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let reply =
            answer(&host, format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\nx-b: c\r\n\r\n")).await;
        assert!(reply.contains("bytes=5\nend=whole\n"), "{guest}: {reply}");
        assert!(reply.contains("x-sum: 7\n") && reply.contains("x-b: c\n"), "{guest}: {reply}");
        let reply = answer(&host, format!("{head}3\r\nabc\r\n0\r\n\r\n")).await;
        assert!(reply.contains("bytes=3\nend=whole\n"), "{guest}: {reply}");
    }
}

#[tokio::test]
async fn a_requests_trailers_reach_the_guest_by_http_2() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let io = TokioIo::new(TcpStream::connect(host.address).await.unwrap());
        let (mut client, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(driver);
        let trailers = async {
            Some(Ok::<_, Infallible>(HeaderMap::from_iter([(
                "x-sum".parse().unwrap(),
                "7".parse().unwrap(),
            )])))
        };
        let body = Full::new(Bytes::from("abc")).with_trailers(trailers);
        let request = Request::post(format!("http://{}/collect", host.address)).body(Box::pin(body)).unwrap();
        let reply =
            client.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(reply, "bytes=3\nend=whole\nx-sum: 7\n", "{guest}");
    }
}

#[tokio::test]
async fn a_responses_trailers_reach_the_client() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let ask = "GET /trailers HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close, te\r\n\r\n";
        let reply = answer(&host, ask).await;
        assert!(reply.ends_with("3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n"), "{guest}: {reply}");
    }
}

#[tokio::test]
async fn a_guest_may_answer_before_the_request_has_come() {
    for guest in GUESTS {
        let host = Host::of(guest, "");
        let head = "POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";
        let mut stream = send(&host, head).await;
        let reply = until(&mut stream, "early\n").await;
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{guest}: {reply}");
        stream.write_all(b"12345").await.unwrap();
        until(&mut stream, "bytes=5\nend=whole\n").await;
    }
}

#[tokio::test]
async fn a_guest_sees_that_its_client_hung_up() {
    for guest in GUESTS {
        let host = Host::of(guest, "deadline = \"60s\"");
        let mut stream = send(&host, "GET /until-gone HTTP/1.1\r\nhost: a\r\n\r\n").await;
        until(&mut stream, "xxx").await;
        drop(stream);
        host.line(|line| line["msg"] == "the client is gone").await;
        assert_eq!(host.client.get("/").await.text(), "good", "{guest}");
    }
}

#[tokio::test]
async fn a_guest_sees_that_an_upload_broke_off() {
    for guest in GUESTS {
        let host = Host::of(guest, "deadline = \"60s\"");
        let head = "POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n12345";
        let mut stream = send(&host, head).await;
        until(&mut stream, "early\n").await;
        drop(stream);
        let line = host.line(|line| line["msg"].as_str().is_some_and(|msg| msg.starts_with("early: "))).await;
        let told = line["msg"].as_str().unwrap();
        assert!(told.contains("bytes=5") && told.contains("ConnectionTerminated"), "{guest}: {told}");
    }
}

#[tokio::test]
async fn a_guest_that_does_not_read_bounds_what_its_client_can_send() {
    for guest in GUESTS {
        let host = Host::of(guest, "deadline = \"120s\"\nrequest_body = \"1GiB\"");
        assert_eq!(host.client.get("/").await.status, 200);
        let before = host.resident();
        let head = "POST /wait-inside HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n";
        let mut stream = send(&host, head).await;
        let taken = fill(&mut stream).await;
        let grown = host.resident().saturating_sub(before);
        // Less than a buffer's worth would have stalled for another reason.
        assert!(
            taken > 64 << 10 && (taken as u64) < BETWEEN && grown < BETWEEN,
            "{guest}: {taken} bytes taken, {grown} held"
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_bounds_what_its_guest_can_write() {
    for guest in GUESTS {
        let host = Host::of(guest, "deadline = \"120s\"\nresponse_body = \"1GiB\"");
        assert_eq!(host.client.get("/").await.status, 200);
        let before = host.resident();
        let mut stream = send(&host, "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
        until(&mut stream, "xxx").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let grown = host.resident().saturating_sub(before);
        assert!(grown < BETWEEN, "{guest}: {grown} bytes held");
        // It goes on as soon as somebody reads.
        let mut taken = 0;
        while taken < BETWEEN as usize {
            taken += until(&mut stream, "x").await.len();
        }
    }
}
