//! Servers that lie, babble or break off.

use ostler_upstream::{Config, Error, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{accept, client, grant, hear, say, send, text};

#[tokio::test]
async fn garbage_is_a_protocol_error_and_silence_an_end() {
    let garbage: [&'static [u8]; 8] = [
        b"",
        b"\0\0\0\0\xff\xff\xff\xff",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n",
    ];
    for bytes in garbage {
        let complete = !bytes.is_empty() && bytes != b"HTTP/1.1 200 OK\r\n";
        let server = say(bytes, true).await;
        let error = send(&client(&server.origin()), &server.url("/")).await.unwrap_err();
        let told = if complete {
            matches!(error, Error::Protocol(_))
        } else {
            matches!(error, Error::Terminated(_))
        };
        assert!(told, "{:?}: {error:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_body_shorter_than_promised_is_told() {
    for (bytes, gone) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"[..], true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhalf\r\n", false),
    ] {
        let server = say(bytes, true).await;
        let response = send(&client(&server.origin()), &server.url("/")).await.unwrap();
        let error = text(response).await.unwrap_err();
        assert_eq!(
            (matches!(error, Error::Terminated(_)), matches!(error, Error::Protocol(_))),
            (gone, !gone)
        );
    }
}

#[tokio::test]
async fn bytes_behind_a_response_do_not_become_the_next_one() {
    let server = say(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        false,
    )
    .await;
    let client = client(&server.origin());
    for _ in 0..3 {
        let response = send(&client, &server.url("/")).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_protocol_switch_nobody_asked_for_is_refused() {
    let server =
        say(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", false).await;
    let error = send(&client(&server.origin()), &server.url("/")).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_head_without_end_is_too_large() {
    let server = accept(|mut stream| async move {
        hear(&mut stream).await;
        let mut alive = stream.write_all(b"HTTP/1.1 200 OK\r\nx-long: ").await.is_ok();
        while alive {
            alive = stream.write_all(&[b'x'; 4096]).await.is_ok();
        }
    })
    .await;
    assert_eq!(send(&client(&server.origin()), &server.url("/")).await.unwrap_err(), Error::TooLarge);
}

#[tokio::test]
async fn a_head_with_too_many_fields_is_too_large() {
    let server = accept(|mut stream| async move {
        hear(&mut stream).await;
        let fields = "x: y\r\n".repeat(200);
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(send(&client(&server.origin()), &server.url("/")).await.unwrap_err(), Error::TooLarge);
}

#[tokio::test]
async fn nobody_at_the_port_is_a_connect_error() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Upstream::new(Config::default()).unwrap().client(&grant(&[&origin], &[]));
    let error = send(&client, &origin).await.unwrap_err();
    assert!(matches!(&error, Error::Connect(told) if told.contains(&origin)), "{error:?}");
}
