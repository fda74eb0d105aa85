//! The rules of API keys, with a clock that stands still.

use tempfile::TempDir;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn fresh() -> (TempDir, Keys, Clock) {
    let home = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_000_000);
    let keys = open(&home, &clock);
    (home, keys, clock)
}

fn open(home: &TempDir, clock: &Clock) -> Keys {
    let database = Database::open(&home.path().join("state")).unwrap();
    let (secret, _) = HostKey::open(database.state_dir()).unwrap();
    Keys::open(database, &secret, clock.clone()).unwrap()
}

fn new(name: &str) -> NewKey {
    NewKey { name: name.into(), authenticator: "keys".into(), ..NewKey::default() }
}

#[tokio::test]
async fn a_key_lets_in_whom_it_was_made_for() {
    let (_home, keys, _) = fresh();
    let wanted = NewKey {
        subject: Some("billing".into()),
        tenant: Some("acme".into()),
        roles: vec!["reader".into()],
        scopes: vec!["orders:read".into()],
        ..new("n")
    };
    let shown = keys.create(wanted).await.unwrap();
    let principal = keys.check(&shown.text, "keys").unwrap();
    assert_eq!((&*principal.subject, principal.tenant.as_deref()), ("billing", Some("acme")));
    assert_eq!((&*principal.roles[0], &*principal.scopes[0]), ("reader", "orders:read"));
    assert_eq!(principal.claims["key_id"], shown.record.id.as_str());
    let own = keys.create(new("own")).await.unwrap();
    assert_eq!(&*keys.check(&own.text, "keys").unwrap().subject, format!("key:{}", own.record.id));
}

#[tokio::test]
async fn anything_else_is_refused() {
    let (_home, keys, _) = fresh();
    let shown = keys.create(new("n")).await.unwrap();
    let other = keys.create(new("other")).await.unwrap();
    assert_eq!(keys.check(&shown.text, "elsewhere"), Err(Refused::Elsewhere));
    // A right form with the right id and another secret.
    let forged = Text::of(&shown.record.id).unwrap().reveal();
    assert_eq!(keys.check(&forged, "keys"), Err(Refused::Wrong));
    assert_eq!(keys.check(&Text::new().unwrap().reveal(), "keys"), Err(Refused::Unknown));
    for text in ["", "ok_", &shown.text[..shown.text.len() - 1], &other.text.replace("ok_", "OK_")] {
        assert_eq!(keys.check(text, "keys"), Err(Refused::Malformed), "{text}");
    }
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_for_its_grace() {
    let (_home, keys, clock) = fresh();
    let first = keys.create(new("n")).await.unwrap();
    let second = keys.rotate(&first.record.id, DAY).await.unwrap();
    assert_eq!(second.record.id, first.record.id);
    assert!(keys.check(&first.text, "keys").is_ok() && keys.check(&second.text, "keys").is_ok());
    clock.advance(DAY);
    assert_eq!(keys.check(&first.text, "keys"), Err(Refused::Wrong));
    assert!(keys.check(&second.text, "keys").is_ok());
    let third = keys.rotate(&first.record.id, Duration::ZERO).await.unwrap();
    assert_eq!(keys.check(&second.text, "keys"), Err(Refused::Wrong));
    assert!(keys.check(&third.text, "keys").is_ok());
}

#[tokio::test]
async fn a_key_ends_with_its_life_or_when_it_is_revoked() {
    let (_home, keys, clock) = fresh();
    let short = keys.create(NewKey { life: Some(DAY), ..new("short") }).await.unwrap();
    let revoked = keys.create(new("revoked")).await.unwrap();
    let former = keys.rotate(&revoked.record.id, DAY).await.unwrap();
    assert!(keys.check(&short.text, "keys").is_ok());
    clock.advance(DAY);
    assert_eq!(keys.check(&short.text, "keys"), Err(Refused::Expired));
    let once = keys.revoke(&revoked.record.id).await.unwrap();
    assert_eq!(keys.check(&former.text, "keys"), Err(Refused::Revoked));
    clock.advance(DAY);
    assert_eq!(keys.revoke(&revoked.record.id).await.unwrap().revoked_ms, once.revoked_ms);
    assert!(matches!(keys.rotate(&revoked.record.id, DAY).await, Err(KeysError::Revoked(_))));
    assert!(matches!(keys.revoke("nope").await, Err(KeysError::Unknown(_))));
}

#[tokio::test]
async fn keys_last_and_the_database_holds_no_secret() {
    let (home, keys, clock) = fresh();
    let first = keys.create(new("n")).await.unwrap();
    let second = keys.rotate(&first.record.id, DAY).await.unwrap();
    let gone = keys.create(new("gone")).await.unwrap();
    keys.revoke(&gone.record.id).await.unwrap();
    keys.0.database.settle().unwrap();
    let before = keys.list();
    drop(keys);
    let file = std::fs::read(home.path().join("state/ostler.db")).unwrap();
    for text in [&first.text, &second.text] {
        let secret = text.rsplit_once('_').unwrap().1.as_bytes();
        assert!(!file.windows(secret.len()).any(|window| window == secret));
    }
    let keys = open(&home, &clock);
    assert_eq!(keys.list(), before);
    assert!(keys.check(&first.text, "keys").is_ok() && keys.check(&second.text, "keys").is_ok());
    assert_eq!(keys.check(&gone.text, "keys"), Err(Refused::Revoked));
}

#[tokio::test]
async fn last_use_is_noted_once_a_minute_and_written_in_one_batch() {
    let (home, keys, clock) = fresh();
    let shown = keys.create(new("n")).await.unwrap();
    let used = |keys: &Keys| keys.get(&shown.record.id).unwrap().used_ms;
    assert_eq!(used(&keys), None);
    keys.check(&shown.text, "keys").unwrap();
    clock.advance(Duration::from_secs(59));
    keys.check(&shown.text, "keys").unwrap();
    assert_eq!(used(&keys), Some(1_000_000));
    let jobs = keys.0.database.stats().jobs;
    keys.note_uses().await.unwrap();
    keys.note_uses().await.unwrap();
    assert_eq!(keys.0.database.stats().jobs, jobs + 1);
    clock.advance(Duration::from_secs(1));
    keys.check(&shown.text, "keys").unwrap();
    assert_eq!(used(&keys), Some(1_060_000));
    drop(keys);
    assert_eq!(used(&open(&home, &clock)), Some(1_000_000));
}
