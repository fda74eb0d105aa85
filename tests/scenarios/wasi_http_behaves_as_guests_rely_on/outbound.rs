//! What a guest asks of other servers, and what it is told when they fail it.

use std::sync::{Arc, Mutex};

use harness::{Host, Nobody, Setup};
use http::Method;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::GUESTS;
use super::wire::{answer, fill, send};

/// A server that keeps what it is sent and answers by path, one exchange per connection.
struct Server {
    authority: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = format!("localhost:{}", listener.local_addr().unwrap().port());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, kept) = (tls.clone(), kept.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return serve(stream, &kept).await };
                    // Who does not trust it hangs up.
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &kept).await;
                    }
                });
            }
        });
        Server { authority, requests }
    }

    /// The last request, whole.
    fn last(&self) -> String {
        self.requests.lock().unwrap().pop().expect("a request")
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, kept: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut piece = vec![0; 64 << 10];
    while !is_whole(&request) {
        match stream.read(&mut piece).await {
            Ok(read @ 1..) => request.extend_from_slice(&piece[..read]),
            _ => break,
        }
        if request.first() == Some(&0x16) {
            // That is how TLS begins, which this server does not speak.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            return;
        }
        if request.windows(8).any(|window| window == b"/unread ") {
            return std::future::pending().await;
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    kept.lock().unwrap().push(text);
    let reply = match path.split('?').next().unwrap_or_default() {
        "/trailers" => {
            "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\nx-head: 1\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n"
        }
        "/silent" => return std::future::pending().await,
        "/stall" | "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        "/gone" => "",
        "/garbage" => "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "/hints" => {
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close, x-mine\r\n\
             x-mine: 1\r\nkeep-alive: timeout=5\r\n\r\nok"
        }
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    };
    // Who asked may be gone.
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.flush().await;
    if path == "/stall" {
        return std::future::pending().await;
    }
    let _ = stream.shutdown().await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    match length {
        Some(length) => body.len() >= length,
        None if head.contains("transfer-encoding") => {
            (body.starts_with("0\r\n") || body.contains("\r\n0\r\n")) && body.ends_with("\r\n\r\n")
        }
        None => true,
    }
}

/// A host whose guest may reach `origins` on this machine.
fn host(guest: &str, origins: &[&str], upstream: &str) -> Host {
    granted(Setup::new(), guest, origins, upstream)
}

fn granted(setup: Setup, guest: &str, origins: &[&str], upstream: &str) -> Host {
    let keys = format!(
        "deadline = \"60s\"\nrequest_body = \"1GiB\"\ngrant = {{ http = {origins:?}, networks = [\"127.0.0.0/8\", \"::1/128\"] }}"
    );
    let upstream = format!("[upstream]\n{upstream}");
    setup.plugin("p", guest, &keys).route("/{*rest}", "p").route("/", "p").with(&upstream).start()
}

async fn ask(host: &Host, method: &str, query: &str, body: &str) -> String {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let text = host.client.send(method, &format!("/ask?{query}"), body.to_owned()).await.text();
    // Rust names the type as well.
    text.replace("ErrorCode::", "")
}

#[tokio::test]
async fn every_method_is_sent_with_its_body() {
    let server = Server::start(None).await;
    let origin = format!("http://{}", server.authority);
    for guest in GUESTS {
        let host = host(guest, &[&origin], "");
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "HEAD"] {
            let body = if ["GET", "TRACE", "HEAD"].contains(&method) { "" } else { "a body" };
            let text = ask(&host, method, &format!("url={origin}/echo%3Fx=%2520y"), body).await;
            // A client that asks by HEAD gets no body, which is where the guest tells.
            assert!(method == "HEAD" || text.starts_with("status=200\n"), "{guest} {method}: {text}");
            let sent = server.last();
            assert!(sent.starts_with(&format!("{method} /echo?x=%20y HTTP/1.1\r\n")), "{guest}: {sent}");
            assert!(sent.contains(&format!("host: {}\r\n", server.authority)), "{guest}: {sent}");
            assert!(sent.contains(body), "{guest}: {sent}");
        }
    }
}

#[tokio::test]
async fn fields_and_trailers_pass_both_ways_and_those_of_a_connection_do_not() {
    let server = Server::start(None).await;
    let origin = format!("http://{}", server.authority);
    for guest in GUESTS {
        let host = host(guest, &[&origin], "");
        let head = format!(
            "POST /ask?url={origin}/trailers HTTP/1.1\r\nhost: a\r\nx-out-x-mine: 1\r\nx-out-x-mine: 2\r\nx-out-te: trailers\r\n\
             x-out-trailer: x-after\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        let reply = answer(&host, format!("{head}2\r\nhi\r\n0\r\nx-after: 7\r\n\r\n")).await;
        for line in ["status=201\n", "x-head: 1\n", "bytes=3\nend=whole\n", "x-sum: 3\n"] {
            assert!(reply.contains(line), "{guest}: no {line} in {reply}");
        }
        let sent = server.last();
        assert!(sent.contains("x-mine: 1\r\nx-mine: 2\r\n"), "{guest}: {sent}");
        assert!(sent.contains("hi\r\n0\r\nx-after: 7\r\n\r\n"), "{guest}: {sent}");
        assert!(!sent.contains("\r\nte:") && !sent.contains("\r\nconnection:"), "{guest}: {sent}");

        let text = ask(&host, "GET", &format!("url={origin}/hints"), "").await;
        assert!(text.starts_with("status=200\n") && text.contains("bytes=2\nend=whole"), "{guest}: {text}");
        for name in ["connection:", "keep-alive:", "x-mine:", "link:"] {
            assert!(!text.contains(name), "{guest}: {text}");
        }
    }
}

#[tokio::test]
async fn each_way_to_fail_has_its_own_error_code() {
    let server = Server::start(None).await;
    let (plain, secure) = (format!("http://{}", server.authority), format!("https://{}", server.authority));
    let held = Nobody::new();
    let nobody = format!("http://{}", held.address);
    for guest in GUESTS {
        let host = host(guest, &[&plain, &secure, &nobody, "http://nowhere.invalid"], "");
        for (url, told) in [
            (format!("{nobody}/"), "error=ConnectionRefused"),
            ("http://nowhere.invalid/".into(), "error=DnsError"),
            (format!("{secure}/"), "error=TlsProtocolError"),
            (format!("{plain}/gone"), "error=ConnectionTerminated"),
            (format!("{plain}/garbage"), "error=HttpProtocolError"),
            (format!("{plain}/cut"), "bytes=3\nend=HttpResponseIncomplete"),
        ] {
            let text = ask(&host, "GET", &format!("url={url}"), "").await;
            assert!(text.contains(told), "{guest} {url}: {text}");
        }
        assert_eq!(host.client.get("/").await.text(), "good", "{guest}");
    }
}

#[tokio::test]
async fn a_request_that_is_too_slow_ends_by_the_guests_own_options() {
    let server = Server::start(None).await;
    let origin = format!("http://{}", server.authority);
    // Its queue of connections is full: whoever comes now waits for the greeting.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(std::time::Duration::from_millis(300), TcpStream::connect(address)).await
    {
        held.push(stream);
    }
    let busy = format!("http://{address}");
    for guest in GUESTS {
        let host = host(guest, &[&origin, &busy], "");
        for (query, told) in [
            (format!("url={busy}/&connect=100"), "error=ConnectionTimeout"),
            (format!("url={origin}/silent&first=100"), "error=HttpResponseTimeout"),
            (format!("url={origin}/stall&between=100"), "bytes=3\nend=ConnectionReadTimeout"),
        ] {
            let text = ask(&host, "GET", &query, "").await;
            assert!(text.contains(told), "{guest} {query}: {text}");
        }
        // And nobody is hurried who is not late.
        let text =
            ask(&host, "GET", &format!("url={origin}/&connect=9000&first=9000&between=9000"), "").await;
        assert!(text.starts_with("status=200\n"), "{guest}: {text}");
    }
}

#[tokio::test]
async fn https_is_asked_with_certificates_checked() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        builder.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let server = Server::start(Some(TlsAcceptor::from(Arc::new(config)))).await;
    let origin = format!("https://{}", server.authority);
    for guest in GUESTS {
        let text = ask(&host(guest, &[&origin], ""), "POST", &format!("url={origin}/"), "hi").await;
        assert!(text.contains("error=TlsCertificateError"), "{guest}: {text}");

        let setup = Setup::new();
        std::fs::write(setup.folder().join("ca.pem"), made.cert.pem()).unwrap();
        let host = granted(setup, guest, &[&origin], "ca_file = \"ca.pem\"");
        let text = ask(&host, "POST", &format!("url={origin}/"), "hi").await;
        assert!(text.starts_with("status=200\n") && text.contains("bytes=2\nend=whole"), "{guest}: {text}");
        assert!(server.last().contains("hi"), "{guest}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_bounds_what_is_sent_through_a_guest() {
    const BETWEEN: u64 = 48 << 20;
    let server = Server::start(None).await;
    let origin = format!("http://{}", server.authority);
    for guest in GUESTS {
        let host = host(guest, &[&origin], "");
        assert_eq!(host.client.get("/").await.status, 200);
        let before = host.resident();
        let head = format!(
            "POST /ask?url={origin}/unread HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n"
        );
        let taken = fill(&mut send(&host, head).await).await;
        let grown = host.resident().saturating_sub(before);
        // Less than a buffer's worth would have stalled for another reason.
        assert!(
            taken > 64 << 10 && (taken as u64) < BETWEEN && grown < BETWEEN,
            "{guest}: {taken} bytes taken, {grown} held"
        );
    }
}
