//! Flags change while the host serves: files, and changes that hosts share, each within 100 ms.

mod files;
mod shared;
