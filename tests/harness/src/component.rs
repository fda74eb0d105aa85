//! Versions of components that differ in bytes, or in what they say.

use std::fs;

use crate::guest;

/// What `p2` and `p3` answer to `/`, which occurs once in each of them.
const SAID: &[u8; 4] = b"good";

/// Where the words of a release begin in the guest `rollout`, and how many bytes there are for both.
const BEHAVES: (&[u8], usize) = (b"ostler-behaves: ", 256);

/// The bytes of the guest `name`.
pub fn component(name: &str) -> Vec<u8> {
    fs::read(guest(name)).unwrap()
}

/// The guest `name` (`p2` or `p3`) as a release of its own, which answers `says` in place of `good`.
pub fn saying(name: &str, says: &str) -> Vec<u8> {
    let mut bytes = component(name);
    let mut found = bytes.windows(SAID.len()).enumerate().filter(|(_, window)| window == SAID);
    let (at, _) = found.next().expect("the guest says it");
    assert!(found.next().is_none(), "{name} says it twice");
    bytes[at..at + SAID.len()].copy_from_slice(says.as_bytes());
    bytes
}

/// The guest `name` as a release of its own: with a custom section that holds `tag`, at most 100 bytes.
pub fn tagged(name: &str, tag: &str) -> Vec<u8> {
    let mut bytes = component(name);
    let length = u8::try_from(tag.len() + 2).expect("a short tag");
    assert!(length < 0x80, "a short tag");
    bytes.extend([0, length, 1, b't']);
    bytes.extend(tag.as_bytes());
    bytes
}

/// A release of the guest `rollout` that behaves as `words` say, such as `version=v2 fail=2`; at most 240 bytes of them.
pub fn behaving(words: &str) -> Vec<u8> {
    let (mark, room) = BEHAVES;
    let mut bytes = component("rollout");
    let mut found = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    let (at, _) = found.next().expect("the guest has room for words");
    assert!(found.next().is_none(), "rollout has room for words twice");
    assert!(mark.len() + words.len() <= room, "too many words");
    bytes[at + mark.len()..][..words.len()].copy_from_slice(words.as_bytes());
    bytes
}
