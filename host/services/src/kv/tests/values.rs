//! Values, batches, limits and quotas.

use super::*;

#[tokio::test]
async fn values_are_set_read_replaced_and_deleted() {
    let (_home, kv, _) = fresh();
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert!(!kv.delete("s", b"k").await.unwrap());
    kv.set("s", b"k", b"one".to_vec(), None).await.unwrap();
    kv.set("s", b"k", b"two".to_vec(), None).await.unwrap();
    kv.set("t", b"k", vec![], None).await.unwrap();
    assert_eq!(kv.get("s", b"k").unwrap(), Some(b"two".to_vec()));
    assert_eq!(kv.get("t", b"k").unwrap(), Some(vec![]));
    assert!(kv.exists("s", b"k").unwrap() && !kv.exists("s", b"K").unwrap());
    assert!(kv.delete("s", b"k").await.unwrap());
    assert_eq!(kv.get("s", b"k").unwrap(), None);
    assert!(kv.exists("t", b"k").unwrap(), "stores are apart");
}

#[tokio::test]
async fn names_keys_values_and_batches_outside_their_limits_are_refused() {
    let (_home, kv, _) = fresh();
    let (long_key, long_value) = (vec![1; KEY_MAX + 1], vec![1; VALUE_MAX + 1]);
    let many = vec![vec![1]; BATCH_MAX + 1];
    let heavy: Vec<_> = (0..17u8).map(|key| entry([key], vec![0; VALUE_MAX])).collect();
    let refusals = [
        kv.get("", b"k").err(),
        kv.get("No", b"k").err(),
        kv.get("a'; DROP TABLE kv_entry; --", b"k").err(),
        kv.get("s", b"").err(),
        kv.get("s", &long_key).err(),
        kv.exists("s\0", b"k").err(),
        kv.get_many("s", &many).err(),
        kv.list("s", &long_key, None, 1).err(),
        kv.list("s", b"", None, 0).err(),
        kv.list("s", b"", Some("no cursor of ours"), 1).err(),
        kv.scan("s", Some(u64::MAX), 1).err(),
        kv.set("s", b"", vec![], None).await.err(),
        kv.set("s", b"k", long_value.clone(), None).await.err(),
        kv.set("s/../t", b"k", vec![], None).await.err(),
        kv.delete("s", &long_key).await.err(),
        kv.increment("s", b"", 1).await.err(),
        kv.compare_and_swap("s", b"k", None, Some(long_value)).await.err(),
        kv.set_many("s", many.iter().map(|key| entry(key, "")).collect()).await.err(),
        kv.set_many("s", heavy).await.err(),
        kv.set_many("s", vec![entry("good", ""), entry("", "")]).await.err(),
        kv.delete_many("s", many.clone()).await.err(),
    ];
    for (index, told) in refusals.into_iter().enumerate() {
        assert!(matches!(told, Some(Error::Invalid(_))), "{index}: {told:?}");
    }
    assert_eq!(kv.list("s", b"", None, 10).unwrap(), Page { keys: vec![], cursor: None });
    kv.set("s", &[7; KEY_MAX], vec![7; VALUE_MAX], None).await.unwrap();
    assert_eq!(kv.get("s", &[7; KEY_MAX]).unwrap().unwrap().len(), VALUE_MAX);
}

#[tokio::test]
async fn a_full_store_refuses_growth_and_takes_what_shrinks() {
    let (_home, kv, _) = fresh();
    let kv = kv.with_quota(3 * (64 + 1) + 30);
    for key in [b"a", b"b", b"c"] {
        kv.set("s", key, vec![0; 10], None).await.unwrap();
    }
    let told = kv.set("s", b"d", vec![], None).await.unwrap_err();
    assert!(matches!(told, Error::QuotaExceeded { .. }), "{told}");
    assert!(told.to_string().contains("delete entries"), "{told}");
    assert!(kv.set("s", b"a", vec![0; 11], None).await.is_err());
    assert!(kv.set_many("s", vec![entry("a", ""), entry("e", ""), entry("f", "")]).await.is_err());
    assert_eq!(kv.get("s", b"a").unwrap().unwrap().len(), 10, "a batch happens whole or not at all");
    kv.set("other", b"k", vec![0; 100], None).await.unwrap();
    kv.set("s", b"a", vec![0; 10], None).await.unwrap();
    let smaller = kv.clone().with_quota(100);
    smaller.set("s", b"b", vec![0; 9], None).await.unwrap();
    kv.set("s", b"a", vec![0; 11], None).await.unwrap();
    assert_eq!(booked(&kv, "s") + booked(&kv, "other"), counted(&kv));
}

#[tokio::test]
async fn batches_keep_order_and_take_the_last_of_equals() {
    let (_home, kv, _) = fresh();
    let entries = vec![entry("a", "1"), entry("b", "2"), entry("a", "3")];
    kv.set_many("s", entries).await.unwrap();
    let values = kv.get_many("s", &["b", "x", "a", "b"]).unwrap();
    let texts: Vec<_> = values.iter().map(|value| value.as_deref()).collect();
    assert_eq!(texts, [Some(&b"2"[..]), None, Some(b"3"), Some(b"2")]);
    assert_eq!(kv.get_many::<&str>("s", &[]).unwrap().len(), 0);
    kv.delete_many("s", vec![b"a".to_vec(), b"a".to_vec(), b"x".to_vec()]).await.unwrap();
    assert_eq!(list_all(&kv, b"", 10), [b"b"]);
    assert_eq!(booked(&kv, "s"), counted(&kv));
}

#[tokio::test]
async fn more_than_a_batch_may_carry_is_refused_on_the_way_out_too() {
    let (_home, kv, _) = fresh();
    kv.set("s", b"k", vec![0; VALUE_MAX], None).await.unwrap();
    assert!(matches!(kv.get_many("s", &[b"k"; 17]), Err(Error::Invalid(_))));
    assert_eq!(kv.get_many("s", &[b"k"; 16]).unwrap().len(), 16);
    assert!(kv.get("s", b"k").unwrap().is_some(), "the reader is whole again");
}
