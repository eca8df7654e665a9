//! The buffer pool.
//!
//! [`Pool`] finds pages or reads them in, keeps them while they are pinned, writes them back.
//! `state` is the heart: the word that every protocol here goes through.

mod clock;
mod cut;
mod failures;
mod flush;
mod frame;
mod guard;
mod pool;
pub mod state;
mod table;
mod victim;

pub use clock::ClockSweep;
pub use flush::Flush;
pub use guard::{PageRead, PageWrite, Pin};
pub use pool::{DurableLog, Pool};
pub use state::Marked;
pub use table::{FrameId, PageTable, Present};
