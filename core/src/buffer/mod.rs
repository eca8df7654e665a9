//! The buffer pool.
//!
//! [`Pool`] finds pages or reads them in, keeps them while they are pinned or locked, writes them
//! back.
//! `state` is the heart: the word that every protocol here goes through.

mod allocations;
mod background;
#[cfg(test)]
pub(crate) mod bed;
mod clock;
mod combine;
mod cut;
mod failures;
mod flush;
mod forecast;
mod frame;
mod guard;
mod load;
mod pool;
mod read;
mod ring;
pub mod state;
mod stats;
mod table;
mod victim;

pub use background::BackgroundWriter;
pub use clock::ClockSweep;
pub use flush::Flush;
pub use forecast::Round;
pub use guard::{PageRead, PageWrite, Pin};
pub use pool::{DurableLog, Pool};
pub use ring::{Access, Ring};
pub use state::Marked;
pub use stats::PoolStats;
pub use table::{FrameId, PageTable, Present};
