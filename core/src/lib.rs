//! Seawall's protocols.
#![deny(unsafe_code)]

pub mod clock;
pub mod config;
pub mod disk;
pub mod error;
pub mod event;
pub mod lsn;
pub mod page;
pub mod poison;
#[cfg(feature = "sim")]
pub mod sim;
pub mod sync;
pub mod turn;
