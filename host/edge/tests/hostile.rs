//! Clients that do not mean well: they cost themselves a connection and nobody else anything.

mod support;

use std::sync::atomic::Ordering::Relaxed;

use ostler_edge::Limits;
use support::{Host, eventually, rest, until, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test]
async fn too_many_connections_are_refused_and_room_comes_back() {
    let host = Host::plain(Limits { connections: 2, ..Limits::default() });
    let held = [host.connect().await, host.connect().await];
    eventually(|| host.counters.open.load(Relaxed) == 2).await;
    let reply = rest(&mut host.connect().await).await;
    assert!(reply.starts_with("HTTP/1.1 503"), "{reply}");
    assert_eq!(host.counters.refused.load(Relaxed), 1);
    drop(held);
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    host.still_serves().await;
}

#[tokio::test]
async fn a_panicking_handler_ends_its_connection_only() {
    let host = Host::plain(Limits::default());
    let reply = host.raw("GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(reply, "");
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    host.still_serves().await;
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_handler() {
    let host = Host::plain(Limits::default());
    let mut stream = host.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    within(host.desk.entered.acquire()).await.unwrap().forget();
    drop(stream);
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn a_refused_upload_still_gets_its_answer() {
    let host = Host::plain(Limits::default());
    let head = "POST /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\n\r\n";
    let body = vec![b'x'; 400_000];
    let reply = host.raw([head.as_bytes(), &body].concat()).await;
    assert!(reply.ends_with("hello"), "the reply was lost to a reset: {reply:?}");
}

#[tokio::test]
async fn streams_reset_before_they_are_looked_at_are_bounded() {
    let host = Host::plain(Limits::default());
    let mut stream = host.connect().await;
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    // :method GET, :scheme http, :path /, :authority a
    let head = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
    for id in 0..2000 {
        bytes.extend(frame(1, 0x5, 2 * id + 1, &head));
        bytes.extend(frame(3, 0, 2 * id + 1, &8u32.to_be_bytes()));
    }
    let _ = stream.write_all(&bytes).await;
    rest(&mut stream).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    assert!(host.desk.handled.load(Relaxed) < 500, "{}", host.desk.handled.load(Relaxed));
    host.still_serves().await;
}

#[tokio::test]
async fn an_endless_header_block_is_ended() {
    let host = Host::plain(Limits::default());
    let mut stream = host.connect().await;
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(1, 0, 1, &[0x82, 0x86, 0x84]));
    let field = [&[0x40, 0x01, b'x', 0x64][..], &[b'y'; 100]].concat().repeat(100);
    for _ in 0..200 {
        bytes.extend(frame(9, 0, 1, &field));
    }
    let _ = stream.write_all(&bytes).await;
    rest(&mut stream).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
}

#[tokio::test]
async fn random_bytes_harm_nobody() {
    let host = Host::plain(Limits::default());
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..600 {
        let mut stream = host.connect().await;
        let bytes = nonsense(&mut random, round);
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut sink = Vec::new();
        let _ = within(stream.read_to_end(&mut sink)).await;
    }
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
    host.still_serves().await;
}

/// Bytes that are nothing, almost HTTP/1, or almost HTTP/2.
fn nonsense(random: &mut fastrand::Rng, round: usize) -> Vec<u8> {
    let mut bytes = match round % 4 {
        0 => Vec::new(),
        1 => b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
            .to_vec(),
        2 => {
            b"GET /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nhost: a\r\n\r\n"
                .to_vec()
        }
        _ => [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 5, 1, &[0x82, 0x86, 0x84, 0x41, 1, b'a'])].concat(),
    };
    for _ in 0..random.usize(0..6) {
        if !bytes.is_empty() {
            let at = random.usize(0..bytes.len());
            bytes[at] = random.u8(..);
        }
    }
    for _ in 0..random.usize(0..300) {
        bytes.push(random.u8(..));
    }
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u32;
    [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn a_slow_reader_does_not_fill_the_memory_of_the_host() {
    let host =
        Host::plain(Limits { send_deadline: std::time::Duration::from_millis(200), ..Limits::default() });
    let mut stream = host.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    eventually(|| host.counters.send_timeouts.load(Relaxed) == 1).await;
    eventually(|| host.counters.open.load(Relaxed) == 0).await;
}
