//! seawall beside its peers.
//!
//! [`hit`]: a hit in the buffer pool, beside caches and maps. [`commit`]: a durable commit, beside
//! logs, key-value stores and databases, and beside what the disk can do.

pub mod commit;
pub mod hit;
