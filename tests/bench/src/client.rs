//! One HTTP/1.1 request over a connection of its own: enough to see whether a subject answers right, and to drive the
//! admin API.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longest silence that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reply, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Body, with the chunked framing taken off.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as text, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<Reply> {
    send(address, "GET", path, None, &[])
}

/// Sends one request, with a bearer token if there is one, and reads the reply to its end.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &[u8],
) -> Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut message = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    if let Some(token) = token {
        message += &format!("authorization: Bearer {token}\r\n");
    }
    message += &format!("content-length: {}\r\n\r\n", body.len());
    let mut bytes = message.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    parse(&reply).with_context(|| format!("{method} {path}"))
}

fn parse(bytes: &[u8]) -> Result<Reply> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        bail!("the reply broke off after {} bytes", bytes.len());
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let body = &bytes[end + 4..];
    let status = head.split(' ').nth(1).and_then(|status| status.get(..3)?.parse().ok());
    let status = status.with_context(|| format!("no status in {head:?}"))?;
    let chunked = head.lines().any(|line| line.starts_with("transfer-encoding:") && line.contains("chunked"));
    let body = if chunked { unchunk(body).context("broken chunks")? } else { body.to_vec() };
    Ok(Reply { status, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let data = bytes.get(end + 2..)?;
        body.extend_from_slice(data.get(..size)?);
        bytes = data.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_chunked_bodies_read_alike() {
        let whole = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
        let chunked = parse(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
        );
        assert_eq!((whole.status, whole.text().as_str()), (200, "hello"));
        assert_eq!(chunked.unwrap().body, whole.body);
    }

    #[test]
    fn torn_replies_are_errors() {
        for bytes in [&b""[..], b"HTTP/1.1 200", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"] {
            assert!(parse(bytes).is_err());
        }
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nshort").is_err());
    }
}
