//! Entries of the cache as they lie on disk and in shared stores: any bytes are an entry of the very key or nothing, and never
//! cost more memory than they have bytes. A good checksum is put behind them, since whoever writes there can do that too.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use ostler_services::cache::decode;
use sha2::{Digest, Sha256};

fuzz_target!(|said: (&[u8], &[u8])| {
    let (key, body) = said;
    let _ = decode(key, &Bytes::copy_from_slice(body));
    let summed = [body, &Sha256::digest(body)[..8]].concat();
    let _ = decode(key, &Bytes::from(summed));
});
