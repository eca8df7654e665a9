//! The one door to concurrency: every atomic, lock, condition variable and shared cell of this
//! crate comes from here.
//!
//! The same sources are compiled three times: against `parking_lot` and `std` (production),
//! against loom (`cfg(seawall_loom)`) and against shuttle (`cfg(seawall_shuttle)`). The two
//! checkers live in packages of their own under `models/`, so that no feature and no flag can
//! bring their types into production.
//!
//! # Rules
//! * No `SeqCst` access: loom treats it as `AcqRel`. Where store-load order matters, use a
//!   read-modify-write or a lock.
//! * No correctness on a timeout, on a spurious failure, or on `try_lock`.
//! * A spin goes through [`SpinWord::wait`], which a checker can block on.
//! * A count that nobody decides by is a [`Counter`], and a value that may be seen late a
//!   [`Setting`]; no checker sees them.
//! * `Arc` is std's in every compilation: counting references is no protocol of ours.

#[cfg(not(any(seawall_loom, seawall_shuttle)))]
#[path = "sync/native.rs"]
mod imp;

#[cfg(seawall_loom)]
#[path = "sync/loom.rs"]
mod imp;

#[cfg(seawall_shuttle)]
#[path = "sync/shuttle.rs"]
mod imp;

#[cfg(seawall_shuttle)]
#[path = "sync/step.rs"]
pub mod step;

#[cfg(any(seawall_loom, seawall_shuttle))]
#[path = "sync/trace.rs"]
pub mod trace;

#[cfg(any(seawall_loom, seawall_shuttle))]
#[path = "sync/checked.rs"]
mod checked;

mod counter;
mod setting;

#[cfg(any(seawall_loom, seawall_shuttle))]
pub use checked::{WaitWord, offer_processor};
pub use counter::Counter;
pub use imp::*;
pub use setting::Setting;
