//! State that policies and plugins share: the database of this host, and the stores on top of it.
//!
//! **Invariant:** what an `async` write of this crate acknowledged survives `kill -9` and loss of power.

pub mod blob;
pub mod cache;
pub mod clock;
pub mod database;
pub mod folder;
pub mod kv;
pub mod limits;
pub mod redis;
pub mod scratch;
pub mod sql;

pub use self::redis::Redis;
pub use blob::Blobs;
pub use cache::Cache;
pub use clock::Clock;
pub use database::{Database, DatabaseError};
pub use kv::Kv;
pub use limits::RateLimits;
pub use scratch::Scratch;
pub use sql::Sql;
