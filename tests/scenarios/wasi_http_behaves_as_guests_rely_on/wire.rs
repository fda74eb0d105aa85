//! Raw HTTP/1.1, so that what is sent is what was written.

use std::time::Duration;

use harness::Host;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which `bytes` have been sent.
pub(super) async fn send(host: &Host, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(host.address).await.unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    stream
}

/// What comes until `end` has come.
pub(super) async fn until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(end) {
            return text.into_owned();
        }
        let read = timeout(PATIENCE, stream.read(&mut piece)).await;
        let read = read.unwrap_or_else(|_| panic!("{end:?} does not come: {text}")).unwrap();
        assert!(read > 0, "the end came before {end:?}: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

/// The whole answer to `bytes`, which ask for the connection's end.
pub(super) async fn answer(host: &Host, bytes: impl AsRef<[u8]>) -> String {
    rest(&mut send(host, bytes).await).await
}

/// What comes until the connection ends.
pub(super) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("no end comes").unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many bytes `stream` takes until it has taken none for a second.
pub(super) async fn fill(stream: &mut TcpStream) -> usize {
    let piece = vec![b'x'; 64 << 10];
    let mut taken = 0;
    while let Ok(written) = timeout(Duration::from_secs(1), stream.write(&piece)).await {
        taken += written.unwrap();
        assert!(taken < 1 << 30, "it takes everything");
    }
    taken
}
