//! Seawall on Linux.

mod clock;
mod linux;

pub use clock::SystemClock;
pub use linux::LinuxDisk;
