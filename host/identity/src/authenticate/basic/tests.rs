//! Passwords that are right, wrong, unknown or no passwords at all.

use std::sync::LazyLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use ostler_core::settings::{Node, Problems};
use ostler_core::{Peer, RequestId, Scheme};

use super::*;

/// Of "correct horse", as cheap as is allowed.
static HASH: LazyLock<String> = LazyLock::new(|| cheap("correct horse"));

fn cheap(password: &str) -> String {
    let params = Params::new(7_168, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(password.as_bytes()).unwrap().to_string()
}

fn read_config(keys: &str, base: &Path) -> Result<Config, Vec<String>> {
    let problems = Problems::new("t");
    let node = Node::from_toml(keys, &problems);
    let mut section = node.section("auth.t", &problems);
    let config = Config::read(&mut section, base);
    section.finish();
    let fatal = problems.fatal();
    let told = problems.into_vec().iter().map(ToString::to_string).collect();
    if fatal { Err(told) } else { Ok(config) }
}

fn basic(users: &str) -> (Basic, Clock) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users"), users).unwrap();
    let config = read_config("users_file = 'users'\ntenant = 'acme'", folder.path()).unwrap();
    let clock = Clock::manual(1_768_435_200_000);
    (Basic::at("t", &config, clock.clone()), clock)
}

fn head(credential: &[u8]) -> Parts {
    raw(&format!("Basic {}", STANDARD.encode(credential)))
}

fn raw(value: &str) -> Parts {
    let mut head = http::Request::new(()).into_parts().0;
    head.headers.insert("authorization", value.parse().unwrap());
    head
}

async fn ask(basic: &Basic, head: &Parts) -> Result<Arc<Principal>, Reason> {
    let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), scheme: Scheme::Https, certificate: None };
    let now = std::time::Instant::now();
    let exchange =
        Exchange::new(RequestId::generate(1), peer, "/".into(), now, now + Duration::from_secs(60));
    match basic.authenticate(&exchange, head).await {
        Verdict::Known(principal) => Ok(principal),
        Verdict::Refused(error) | Verdict::Foreign(error) => Err(Reason::of(&error)),
        Verdict::Absent => panic!("it is there"),
    }
}

#[tokio::test]
async fn the_right_password_is_accepted_with_its_roles() {
    let users =
        format!("# people\n\nanna:{}:reader, writer\nbj\u{f6}rn:{}\n", *HASH, cheap("p\u{e4}ss:word"));
    let (basic, _) = basic(&users);
    let anna = ask(&basic, &head(b"anna:correct horse")).await.unwrap();
    assert_eq!((&*anna.subject, anna.tenant.as_deref(), anna.method), ("anna", Some("acme"), Method::Basic));
    assert_eq!(anna.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["reader", "writer"]);
    let bjorn = ask(&basic, &head("bj\u{f6}rn:p\u{e4}ss:word".as_bytes())).await.unwrap();
    assert!(bjorn.roles.is_empty());
}

#[tokio::test]
async fn everything_else_is_refused() {
    let (basic, _) = basic(&format!("anna:{}\nbob:{}\n", *HASH, cheap("other")));
    for (credential, reason) in [
        (&b"anna:Correct horse"[..], Reason::Password),
        (b"anna:", Reason::Password),
        (b"anna:correct horse ", Reason::Password),
        (b"Anna:correct horse", Reason::Password),
        (b"bob:correct horse", Reason::Password),
        (b"nobody:correct horse", Reason::Password),
        (b":correct horse", Reason::Password),
        (b"anna", Reason::Malformed),
        (b"", Reason::Malformed),
        (b"anna:\xff", Reason::Malformed),
        (b"anna:correct\0horse", Reason::Malformed),
    ] {
        assert_eq!(ask(&basic, &head(credential)).await.unwrap_err(), reason, "{credential:?}");
    }
    for (value, reason) in [
        ("Basic !!!", Reason::Malformed),
        ("Basic", Reason::Malformed),
        (&format!("Basic {}", "A".repeat(4_096)), Reason::TooLarge),
    ] {
        assert_eq!(ask(&basic, &raw(value)).await.unwrap_err(), reason, "{value}");
    }
}

#[tokio::test]
async fn a_proved_password_is_remembered_for_a_while_and_no_other() {
    let (basic, clock) = basic(&format!("anna:{}", *HASH));
    let right = head(b"anna:correct horse");
    assert!(basic.remembered(&right).is_none());
    ask(&basic, &right).await.unwrap();
    assert!(basic.remembered(&right).is_some());
    assert!(basic.remembered(&head(b"anna:correct horsf")).is_none());
    assert!(ask(&basic, &head(b"anna:wrong")).await.is_err());
    assert!(basic.remembered(&head(b"anna:wrong")).is_none());
    clock.advance(REMEMBER);
    assert!(basic.remembered(&right).is_none());
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let (basic, _) = basic(&format!("anna:{}", *HASH));
    let mut times = [Duration::MAX; 2];
    for _ in 0..10 {
        for (place, credential) in [&b"anna:wrong"[..], b"nobody:wrong"].into_iter().enumerate() {
            let since = std::time::Instant::now();
            assert!(
                basic
                    .config
                    .users
                    .check(std::str::from_utf8(credential).unwrap().split(':').next().unwrap(), b"wrong")
                    .is_none()
            );
            times[place] = times[place].min(since.elapsed());
        }
    }
    let [known, unknown] = times;
    assert!(unknown * 3 > known, "{known:?} {unknown:?}");
}

#[tokio::test]
async fn only_so_many_wait_for_a_check() {
    let (basic, _) = basic(&format!("anna:{}", *HASH));
    let all = basic.waiting.acquire_many(WAITING as u32).await.unwrap();
    let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), scheme: Scheme::Https, certificate: None };
    let now = std::time::Instant::now();
    let exchange = Exchange::new(RequestId::generate(1), peer, "/".into(), now, now + Duration::from_secs(5));
    let refused = basic.authenticate(&exchange, &head(b"anna:correct horse")).await;
    let Verdict::Refused(error) = refused else { panic!("refused") };
    assert_eq!(error.kind, Kind::Overloaded);
    drop(all);
}

#[test]
fn files_with_anything_but_hashes_are_told_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let weak = HASH.replace("m=7168", "m=64");
    let huge = HASH.replace("m=7168", "m=4194304");
    for (line, told) in [
        ("anna:hunter2".to_owned(), "line 2: no hash in PHC form"),
        ("hunter2".to_owned(), "line 2: no colon"),
        (format!(":{}", *HASH), "line 2: a name that nobody can send"),
        (format!("anna:{weak}"), "line 2: a hash with m outside"),
        (format!("anna:{huge}"), "line 2: a hash with m outside"),
        (format!("anna:{}", HASH.replace("argon2id", "argon2i")), "not argon2id"),
        (format!("anna:{}", HASH.rsplit_once('$').unwrap().0), "without salt or result"),
        (format!("anna:{}\nanna:{}", *HASH, *HASH), "line 3: a name that stands twice"),
    ] {
        std::fs::write(folder.path().join("users"), format!("# here\n{line}\n")).unwrap();
        let problems = read_config("users_file = 'users'", folder.path()).expect_err(&line);
        assert!(problems.len() == 1 && problems[0].contains(told), "{line}: {problems:?}");
        assert!(!problems[0].contains("hunter2"), "{problems:?}");
    }
    assert!(read_config("", folder.path()).is_err());
    let table = format!("[users]\nanna = '{}:admin'", *HASH);
    let config = read_config(&table, folder.path()).unwrap();
    assert!(!format!("{config:?}").contains("argon2"));
}

#[test]
fn a_made_hash_is_accepted() {
    let made = hash(b"correct horse").unwrap();
    assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
    let config = read_config(&format!("[users]\nanna = '{made}'"), Path::new("")).unwrap();
    assert!(config.users.check("anna", b"correct horse").is_some());
}
