//! Checkpoints: everything that was dirty at the redo point becomes durable, so that recovery can
//! start there and older WAL can go.

mod delay;
mod distance;
mod pace;
mod plan;
mod record;
mod request;
mod run;
mod simulate;
mod stats;
mod write;

pub use delay::{CheckpointDelay, Delays};
pub use pace::Schedule;
pub use record::{CheckpointRecord, files_max};
pub use request::{CheckpointRequest, Requests, Urgency};
pub use run::{Checkpointer, Parts};
pub use simulate::{Point, Surroundings, simulate};
pub use stats::{CheckpointHistory, CheckpointProgress, CheckpointStats, Phase};
