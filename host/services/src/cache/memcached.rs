//! Memcached as the shared store.
//!
//! It cannot tell other hosts of a purge, so a number that all entries carry takes the place of that: whoever purges by more than
//! a key changes it, and all that was stored under the old one is gone. **Invariant:** an entry of another number is never seen.

use async_memcached::{AsciiProtocol, Client, Error};
use bytes::{BufMut, Bytes};
use crossbeam_queue::ArrayQueue;

/// Unused connections kept.
const IDLE: usize = 8;

/// The largest value that Memcached takes by default, with room for its own head.
const VALUE_MAX: usize = 1_000_000;

/// Longest life by a relative time; beyond it Memcached takes the number for a date.
const TTL_MAX: i64 = 30 * 24 * 3600;

pub(super) struct Memcached {
    /// `tcp://host:port`
    url: String,
    generation_key: String,
    idle: ArrayQueue<Client>,
}

impl Memcached {
    pub(super) fn new(address: &str, namespace: &str) -> Self {
        let generation_key = format!("{namespace}:generation");
        Memcached { url: format!("tcp://{address}"), generation_key, idle: ArrayQueue::new(IDLE) }
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let mut client = self.client().await?;
        let found = client.get_multi([self.generation_key.as_str(), key]).await;
        let values = match found {
            Ok(values) => values,
            Err(Error::Protocol(async_memcached::Status::NotFound)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let _ = self.idle.push(client);
        let data = |wanted: &str| {
            let value = values.iter().find(|value| value.key == wanted.as_bytes());
            value.and_then(|value| value.data.clone())
        };
        let (Some(generation), Some(entry)) = (data(&self.generation_key), data(key)) else {
            return Ok(None);
        };
        let entry = Bytes::from(entry);
        let own = [&[generation.len() as u8][..], &generation].concat();
        Ok(entry.starts_with(&own).then(|| entry.slice(own.len()..)))
    }

    pub(super) async fn set(&self, key: &str, value: &[u8], ttl_s: u64) -> Result<(), Error> {
        let mut client = self.client().await?;
        let generation = self.generation(&mut client).await?;
        let mut whole = Vec::with_capacity(value.len() + generation.len() + 1);
        whole.put_u8(generation.len() as u8);
        whole.put_slice(&generation);
        whole.put_slice(value);
        if whole.len() <= VALUE_MAX {
            let ttl = i64::try_from(ttl_s).unwrap_or(TTL_MAX).clamp(1, TTL_MAX);
            client.set(key, whole.as_slice(), Some(ttl), None).await?;
        }
        let _ = self.idle.push(client);
        Ok(())
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Error> {
        let mut client = self.client().await?;
        match client.delete(key).await {
            Ok(()) | Err(Error::Protocol(async_memcached::Status::NotFound)) => {}
            Err(error) => return Err(error),
        }
        let _ = self.idle.push(client);
        Ok(())
    }

    /// Drops everything, for all hosts.
    pub(super) async fn drop_all(&self) -> Result<(), Error> {
        let mut client = self.client().await?;
        client.set(&self.generation_key, fresh().as_str(), None, None).await?;
        let _ = self.idle.push(client);
        Ok(())
    }

    async fn client(&self) -> Result<Client, Error> {
        while let Some(client) = self.idle.pop() {
            if !client.is_closed() {
                return Ok(client);
            }
        }
        Client::new(&self.url).await
    }

    /// The number in force; a new one if Memcached has lost it.
    async fn generation(&self, client: &mut Client) -> Result<Vec<u8>, Error> {
        if let Some(known) = client.get(&self.generation_key).await?.and_then(|value| value.data) {
            return Ok(known.into_iter().take(64).collect());
        }
        let made = fresh();
        // `add`, so that two hosts that miss it at once agree; whoever is second reads the first one's next time.
        match client.add(&self.generation_key, made.as_str(), None, None).await {
            Ok(()) | Err(Error::Protocol(async_memcached::Status::NotStored)) => {}
            Err(error) => return Err(error),
        }
        Ok(made.into_bytes())
    }
}

fn fresh() -> String {
    format!("{:032x}", fastrand::u128(..))
}
