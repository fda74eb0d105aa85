//! The bytes of one connection, HTTP/1 or 2: nothing panics, and whatever answers speaks HTTP.
//!
//! Through a socket, since that is the only door: slower than the others, and its coverage is a little unsteady.
#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use ostler_core::{Body, Handle, Peer, Scheme};
use ostler_edge::{Config, Limits, Listen, Server};

/// Answers with the length of what it was sent.
struct Counts;

impl Handle for Counts {
    async fn handle(&self, request: Request<Body>, _: Peer) -> Response<Body> {
        let received = request.into_body().collect().await.map(|body| body.to_bytes().len());
        Response::new(Body::full(format!("{received:?}")))
    }
}

static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        runtime.block_on(async move {
            let listen = vec![Listen { scheme: Scheme::Http, address: ([127, 0, 0, 1], 0).into() }];
            let short = Duration::from_millis(200);
            let limits = Limits { header_deadline: short, body_deadline: short, ..Limits::default() };
            let server = Server::bind(&Config { listen, limits, ..Config::default() }).expect("a free port");
            sender.send(server.addresses()[0].address).expect("somebody waits");
            server.run(Arc::new(Counts), std::future::pending()).await
        })
    });
    receiver.recv().expect("the server starts")
});

fuzz_target!(|bytes: &[u8]| {
    let mut stream = TcpStream::connect(*ADDRESS).expect("the server lives");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    // The server may have closed before all was sent; it may also have answered by then.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let stuck = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!stuck, "the connection stays open after its deadlines");
    let http2 = bytes.starts_with(b"PRI ");
    assert!(
        http2 || answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "{:?}",
        &answer[..answer.len().min(80)]
    );
});
