//! Real files in a folder of the test's own.

use std::io::Read;

use super::*;

fn id(object: &str) -> Id {
    Id { container: "c".into(), object: object.into() }
}

async fn put(blobs: &Blobs, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut staged = blobs.stage().await?;
    staged.write(bytes)?;
    blobs.commit(staged, id(name)).await
}

async fn read(blobs: &Blobs, name: &str) -> Result<Vec<u8>, Error> {
    let mut object = blobs.open(id(name)).await?;
    let mut bytes = Vec::new();
    object.file.read_to_end(&mut bytes)?;
    assert_eq!(object.bytes, bytes.len() as u64);
    Ok(bytes)
}

#[tokio::test]
async fn objects_are_written_read_listed_copied_and_deleted() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(home.path());
    assert_eq!(blobs.list("c".into()).await.unwrap(), Vec::<String>::new());
    put(&blobs, "../b", b"one").await.unwrap();
    put(&blobs, "a", b"1").await.unwrap();
    put(&blobs, "a", b"two").await.unwrap();
    assert_eq!(read(&blobs, "a").await.unwrap(), b"two");
    assert_eq!(blobs.list("c".into()).await.unwrap(), ["../b", "a"]);
    blobs.copy(id("a"), id("d")).await.unwrap();
    blobs.delete("c".into(), vec!["a".into(), "never".into()]).await.unwrap();
    assert!(matches!(read(&blobs, "a").await, Err(Error::Missing(..))));
    assert_eq!(blobs.info(id("d")).await.unwrap().bytes, 3);
    blobs.clear("c".into()).await.unwrap();
    assert_eq!(blobs.list("c".into()).await.unwrap(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(home.path().join("blob")).unwrap().count(), 2, "nothing beside");
}

#[tokio::test]
async fn a_reader_keeps_what_it_opened() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(home.path());
    put(&blobs, "a", b"one").await.unwrap();
    let mut object = blobs.open(id("a")).await.unwrap();
    put(&blobs, "a", b"other").await.unwrap();
    blobs.clear("c".into()).await.unwrap();
    let mut text = String::new();
    object.file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one");
}

#[tokio::test]
async fn what_has_no_name_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(home.path());
    let mut staged = blobs.stage().await.unwrap();
    staged.write(b"bytes").unwrap();
    assert_eq!(blobs.shared.staged.load(std::sync::atomic::Ordering::Relaxed), 5);
    drop(staged);
    assert_eq!(blobs.shared.staged.load(std::sync::atomic::Ordering::Relaxed), 0);
    let unfinished = home.path().join("blob").join(files::UNFINISHED);
    assert_eq!(std::fs::read_dir(&unfinished).unwrap().count(), 0);
    std::fs::write(unfinished.join("left"), "by a dead host").unwrap();
    let _ = Blobs::new(home.path());
    assert!(!unfinished.exists());
}

#[test]
fn containers_are_bounded_in_bytes_and_objects() {
    let usage = usage::Usage::default().with(CONTAINER_BYTES, None, CONTAINER_BYTES).unwrap();
    assert!(usage.with(1, None, CONTAINER_BYTES).is_err());
    assert!(usage.with(CONTAINER_BYTES, Some(CONTAINER_BYTES), CONTAINER_BYTES).is_ok());
    let mut many = usage::Usage::default();
    for _ in 0..OBJECTS {
        many = many.with(0, None, CONTAINER_BYTES).unwrap();
    }
    assert!(many.with(0, None, CONTAINER_BYTES).is_err() && many.with(0, Some(0), CONTAINER_BYTES).is_ok());
    many.without(0);
    assert!(many.with(0, None, CONTAINER_BYTES).is_ok());
}

#[tokio::test]
async fn names_outside_their_limits_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(home.path());
    for container in ["", "..", "A", files::UNFINISHED] {
        let refused = blobs.list(container.into()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{container}");
    }
    assert!(matches!(put(&blobs, "", b"").await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn who_may_change_nothing_sees_its_changes_and_nobody_else_does() {
    let home = tempfile::tempdir().unwrap();
    let real = Blobs::new(home.path());
    for name in ["a", "b", "c"] {
        put(&real, name, b"real").await.unwrap();
    }
    let scratch = crate::Scratch::new(home.path());
    let held = real.holding_back(&scratch);
    assert_eq!(read(&held, "a").await.unwrap(), b"real");
    held.delete("c".into(), vec!["b".into(), "never".into()]).await.unwrap();
    put(&held, "c", b"mine").await.unwrap();
    held.copy(id("a"), id("d")).await.unwrap();
    assert_eq!(held.list("c".into()).await.unwrap(), ["a", "c", "d"]);
    assert!(matches!(read(&held, "b").await, Err(Error::Missing(..))));
    assert!(matches!(held.info(id("b")).await, Err(Error::Missing(..))));
    assert_eq!(
        (read(&held, "c").await.unwrap(), read(&held, "d").await.unwrap()),
        (b"mine".into(), b"real".into())
    );
    put(&held, "b", b"again").await.unwrap();
    assert_eq!(read(&held, "b").await.unwrap(), b"again");
    held.clear("c".into()).await.unwrap();
    assert_eq!(held.list("c".into()).await.unwrap(), Vec::<String>::new());
    assert!(matches!(read(&held, "c").await, Err(Error::Missing(..))));
    assert_eq!(read(&held.afresh(&crate::Scratch::new(home.path())), "c").await.unwrap(), b"real");
    assert_eq!(real.list("c".into()).await.unwrap(), ["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        assert_eq!(read(&real, name).await.unwrap(), b"real");
    }
    let mut staged = held.stage().await.unwrap();
    let more = vec![0; 1 << 20];
    assert!((0..20).any(|_| staged.write(&more).is_err()), "what is held is bounded");
}
