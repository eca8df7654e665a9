//! Checkpoints: everything that was dirty at the redo point becomes durable, so that recovery can
//! start there and older WAL can go.

mod distance;
mod pace;
mod run;
mod stats;

pub use pace::Schedule;
pub(crate) use run::CHECKPOINT_RECORD_BYTES;
pub use run::{Checkpointer, Parts, Urgency};
pub use stats::{CheckpointHistory, CheckpointStats};
