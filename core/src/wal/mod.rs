//! The write-ahead log.
//!
//! ```text
//!  record ──reserve──▶ ring ──copy──▶ ring ──write──▶ page cache ──sync──▶ durable
//!           reserved        inserted         written            flushed
//! ```
//! # Rules
//! * W1: `flushed <= written <= inserted <= reserved`, each monotone; to see this order, load
//!   them in it.
//! * W2: the bytes before `inserted` are final. W4: a byte is written after it is final.
//! * W5: `flushed` moves to f after a sync that began when all bytes before f were written.
//! * W9: a commit returns once `flushed` has reached the end of its record.
//! * W11: the first change of a page after the redo point carries an image of the page: a record
//!   that was assembled before the redo point moved, or images were turned on, and reserved after
//!   it becomes void.
//!
//! # Reading path
//! `position` (where an LSN is), `record` (bytes of a record), `ring` (insertion; the one file
//! with unsafe code), `segment` (files), `slot` (what holds them back), `flush` (writing and group
//! commit), `images` (when a page is one), `insert` (records in), `stats`, `background` (the WAL
//! writer), `blocks`, `reader`, `tail` (records out).

pub mod background;
#[cfg(test)]
mod bed;
pub(crate) mod blocks;
pub mod durable;
mod flush;
mod gather;
mod images;
mod insert;
mod pipeline;
pub mod position;
pub mod reader;
pub mod record;
mod request;
pub mod ring;
pub mod segment;
mod slot;
mod space;
mod stage;
mod stats;
pub mod tail;
mod tasks;

pub use flush::{ResumeAt, Wal};
pub use images::ImageRule;
pub use insert::Inserted;
pub use slot::{SlotInfo, WalSlot};
pub use stats::WalStats;
