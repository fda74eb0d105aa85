//! Names and passwords: hashed by the command, asked for properly, and not to be guessed.

use std::io::Write;
use std::process::{Command, Stdio};

use harness::{Setup, ostler};

use super::*;

/// What `ostler hash-password` makes of what it is given.
fn hash(password: &[u8]) -> Result<String, String> {
    let mut command = Command::new(ostler());
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(password).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

const ANNA: &str = "Basic YW5uYTpjb3JyZWN0IGhvcnNl";
const WRONG: &str = "Basic YW5uYTp3cm9uZyBob3JzZQ==";

fn with_anna() -> Host {
    let setup = Setup::new();
    let line = format!("# those who may\nanna:{}:admin\n", hash(b"correct horse\n").unwrap());
    std::fs::write(setup.folder().join("users"), line).unwrap();
    let open = "[[routes]]\npath = \"/\"\nplugin = \"p\"\nauth = []\n";
    let tables = format!("{open}[auth.people]\nkind = \"basic\"\nusers_file = \"users\"");
    host(setup, "[\"people\"]", &tables)
}

#[test]
fn the_command_hashes_what_could_be_sent_and_nothing_else() {
    let (one, other) = (hash(b"correct horse\n").unwrap(), hash(b"correct horse").unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && one != other, "{one}");
    for password in [&b""[..], b"\n", b"\xff\n", b"a\0b", &[b'x'; 5_000]] {
        let told = hash(password).unwrap_err();
        assert!(
            told.contains("repair:") || told.contains("choose another") || told.contains("UTF-8"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_password_lets_in_and_is_kept_from_plugin_and_log() {
    let host = with_anna();
    let reply = ask(&host.client, &[("authorization", ANNA)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-echo-authorization"), "");
    let line = host.line(|line| line["msg"] == "request" && line["status"] == 200).await;
    assert_eq!((&line["subject"], &line["auth"]), (&"anna".into(), &"people".into()));
    for fields in [&[][..], &[("authorization", WRONG)]] {
        let reply = ask(&host.client, fields).await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.header("www-authenticate"), "Basic realm=\"people\", charset=\"UTF-8\"");
    }
    let log = log(&host).await;
    assert!(
        !log.contains("horse")
            && !log.contains(&ANNA[6..])
            && !log.contains(&WRONG[6..])
            && !log.contains("argon2id")
    );
}

#[tokio::test]
async fn guessing_is_slowed_and_then_refused_but_who_is_known_goes_on() {
    let host = with_anna();
    assert_eq!(ask(&host.client, &[("authorization", ANNA)]).await.status, 200);
    let guess = |_| async { ask(&host.client, &[("authorization", WRONG)]).await.status.as_u16() };
    let guesses: Vec<_> = futures_all((0..40).map(guess)).await;
    assert!(guesses.iter().all(|status| [401, 429, 503].contains(status)), "{guesses:?}");
    let mut reply = ask(&host.client, &[("authorization", WRONG)]).await;
    for _ in 0..20 {
        if reply.status == 429 {
            break;
        }
        reply = ask(&host.client, &[("authorization", WRONG)]).await;
    }
    assert_eq!(reply.status, 429, "{}", reply.text());
    assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(ask(&host.client, &[("authorization", ANNA)]).await.status, 200, "proved before");
    assert_eq!(host.client.get("/").await.status, 200, "a route that asks nobody");
    assert_eq!(ask(&host.client, &[]).await.status, 401, "no attempt");
    assert!(host.metric("ostler_auth_failures_total", &["reason=\"slowed\""]).await >= 1.0);
    assert!(host.metric("ostler_auth_failures_total", &["reason=\"password\""]).await >= 10.0);
}

async fn futures_all<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut done = Vec::new();
    let mut under_way: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        under_way.retain_mut(|one| match one.as_mut().poll(cx) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if under_way.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
