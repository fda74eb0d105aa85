//! How entries lie on disk and in shared stores.
//!
//! **Invariant:** any bytes decode to exactly what was encoded under this key, or to nothing: whoever can write to the store or
//! the disk can take answers away, but not make this host fail, or give one key's entry for another's.

use bytes::{BufMut, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use super::entry::{Answer, Entry, Held};

/// Begins every entry; its last byte is the version.
const MAGIC: &[u8; 4] = b"OsC\x01";

/// Bytes of the checksum at the end.
const SUM: usize = 8;

/// Tags or fields of one entry that are read.
const COUNT_MAX: usize = 1_024;

/// `entry`, to be found under `key`; nothing if it is not for the outside.
pub(super) fn encode(key: &[u8], entry: &Entry) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(256 + entry.weight());
    out.put_slice(MAGIC);
    put(&mut out, key);
    put(&mut out, entry.name.as_bytes());
    out.put_u32(u32::try_from(entry.tags.len()).ok()?);
    entry.tags.iter().for_each(|tag| put(&mut out, tag.as_bytes()));
    out.put_i64(entry.expires_ms);
    out.put_u64(entry.position());
    match &entry.held {
        Held::Bytes(bytes) => {
            out.put_u8(0);
            put(&mut out, bytes);
        }
        Held::Answer(answer) => {
            out.put_u8(1);
            put_answer(&mut out, answer);
        }
        Held::Vary(names, number) => {
            out.put_u8(2);
            out.put_u64(*number);
            out.put_u32(u32::try_from(names.len()).ok()?);
            names.iter().for_each(|name| put(&mut out, name.as_str().as_bytes()));
        }
        Held::Pass => return None,
    }
    let sum = checksum(&out);
    out.put_slice(&sum);
    Some(out)
}

/// The entry in `bytes`, if it is one and was stored under `key`.
pub fn decode(key: &[u8], bytes: &Bytes) -> Option<Entry> {
    let body = bytes.len().checked_sub(SUM)?;
    if bytes[body..] != checksum(&bytes[..body]) {
        return None;
    }
    let mut reader = Reader { left: bytes.slice(..body) };
    if reader.take(MAGIC.len())? != MAGIC[..] || reader.chunk()? != key {
        return None;
    }
    let name = reader.text()?;
    let tags = reader.list(|reader| reader.text())?;
    let (expires_ms, position) = (reader.i64()?, reader.u64()?);
    let held = match reader.u8()? {
        0 => Held::Bytes(reader.chunk()?),
        1 => Held::Answer(answer(&mut reader)?),
        2 => {
            let number = reader.u64()?;
            Held::Vary(reader.list(|reader| HeaderName::from_bytes(&reader.chunk()?).ok())?, number)
        }
        _ => return None,
    };
    reader.left.is_empty().then(|| Entry::new(name, tags, expires_ms, position, held))
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Entries are bounded far below 4 GiB.
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

fn put_answer(out: &mut Vec<u8>, answer: &Answer) {
    out.put_u16(answer.status.as_u16());
    for number in [
        answer.stored_ms,
        answer.age_ms,
        answer.fresh_until_ms,
        answer.while_revalidate_ms,
        answer.if_error_ms,
    ] {
        out.put_i64(number);
    }
    out.put_u8(answer.explicit.into());
    out.put_u32(answer.headers.len() as u32);
    for (name, value) in &answer.headers {
        put(out, name.as_str().as_bytes());
        put(out, value.as_bytes());
    }
    put(out, &answer.body);
}

fn answer(reader: &mut Reader) -> Option<Answer> {
    let status = StatusCode::from_u16(u16::from_be_bytes(reader.array()?)).ok()?;
    let mut numbers = [0; 5];
    for number in &mut numbers {
        *number = reader.i64()?;
    }
    let [stored_ms, age_ms, fresh_until_ms, while_revalidate_ms, if_error_ms] = numbers;
    let explicit = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let fields = reader.list(|reader| {
        let name = HeaderName::from_bytes(&reader.chunk()?).ok()?;
        Some((name, HeaderValue::from_maybe_shared(reader.chunk()?).ok()?))
    })?;
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.into_vec() {
        headers.append(name, value);
    }
    let body = reader.chunk()?;
    Some(Answer {
        status,
        headers,
        body,
        stored_ms,
        age_ms,
        fresh_until_ms,
        while_revalidate_ms,
        if_error_ms,
        explicit,
    })
}

fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Sha256::digest(bytes)[..SUM]);
    sum
}

struct Reader {
    left: Bytes,
}

impl Reader {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.left.len()).then(|| self.left.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.as_ref().try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.array().map(|bytes| u32::from_be_bytes(bytes) as usize)
    }

    fn chunk(&mut self) -> Option<Bytes> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<Box<str>> {
        std::str::from_utf8(&self.chunk()?).ok().map(Box::from)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Box<[T]>> {
        let count = self.length().filter(|count| *count <= COUNT_MAX)?;
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut headers = HeaderMap::new();
        headers.append("etag", HeaderValue::from_static("\"a\""));
        headers.append("x", HeaderValue::from_bytes(b"\xff").unwrap());
        let answer = Answer {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(b"body"),
            stored_ms: 1,
            age_ms: 2,
            fresh_until_ms: 3,
            while_revalidate_ms: 4,
            if_error_ms: -5,
            explicit: true,
        };
        Entry::new("n".into(), Box::new(["t".into()]), 9, 7, Held::Answer(answer))
    }

    #[test]
    fn what_was_encoded_comes_back_under_its_own_key_only() {
        let bytes = Bytes::from(encode(b"key", &entry()).unwrap());
        let back = decode(b"key", &bytes).unwrap();
        assert_eq!(encode(b"key", &back).unwrap(), bytes);
        assert!(decode(b"other", &bytes).is_none());
    }

    #[test]
    fn no_damage_is_taken_for_an_entry() {
        let good = encode(b"key", &entry()).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(decode(b"key", &bad.into()).is_none(), "a flipped bit at {at}");
            assert!(decode(b"key", &Bytes::copy_from_slice(&good[..at])).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn lies_with_a_good_checksum_neither_panic_nor_allocate() {
        fastrand::seed(1);
        let good = encode(b"key", &entry()).unwrap();
        for _ in 0..20_000 {
            let mut bad = good[..good.len() - SUM].to_vec();
            for _ in 0..fastrand::usize(1..6) {
                let at = fastrand::usize(..bad.len());
                bad[at] = *fastrand::choice(&[0, 1, 0x7f, 0xff, fastrand::u8(..)]).unwrap();
            }
            bad.truncate(fastrand::usize(..=bad.len()));
            let sum = checksum(&bad);
            bad.extend(sum);
            let _ = decode(b"key", &bad.into());
        }
    }
}
