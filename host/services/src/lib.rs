//! State that policies and plugins share: the database of this host, and the stores on top of it.
//!
//! **Invariant:** what an `async` write of this crate acknowledged survives `kill -9` and loss of power.

pub mod blob;
pub mod clock;
pub mod database;
pub mod folder;
pub mod kv;
pub mod sql;

pub use blob::Blobs;
pub use clock::Clock;
pub use database::{Database, DatabaseError};
pub use kv::Kv;
pub use sql::Sql;
