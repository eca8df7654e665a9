//! Probe points, for who looks from outside. They cost nothing unless one of two features is on:
//! * `usdt`: static probes of the provider `seawall`, with PostgreSQL's names; an instruction that
//!   does nothing until a tracer attaches. `docs/checkpoints.bt` is a script for bpftrace.
//! * `tracing`: events of the target `seawall`, at the level TRACE, and spans at DEBUG around a
//!   checkpoint and its phases.
//!
//! | probe | arguments |
//! |---|---|
//! | `checkpoint__start`, `buffer__checkpoint__start` | 1 if all pages are written, else 0 |
//! | `checkpoint__done` | pages written, frames, WAL segments added, removed, recycled |
//! | `buffer__sync__start` | frames, pages to write |
//! | `buffer__sync__written` | frame |
//! | `buffer__sync__done` | frames, pages written, pages to write |
//! | `buffer__checkpoint__sync__start`, `buffer__checkpoint__done` | |
//! | `buffer__flush__start`, `buffer__flush__done` | file, block |
//! | `buffer__read__start`, `buffer__read__done` | file, first block, pages |
//! | `file__sync__start`, `file__sync__done` | file, segment |
//! | `wal__flush__start`, `wal__flush__done` | position |

/// Something has happened: a name and numbers.
macro_rules! event {
    ($name:ident $(, $field:ident = $value:expr)*) => {{
        #[cfg(feature = "usdt")]
        ::probe::probe!(seawall, $name $(, $value)*);
        #[cfg(feature = "tracing")]
        ::tracing::trace!(target: "seawall", $($field = $value,)* stringify!($name));
        $(let _ = &$value;)*
    }};
}

/// A span until the end of the block, to be kept in a variable.
macro_rules! span {
    ($name:literal) => {{
        #[cfg(feature = "tracing")]
        let entered = ::tracing::debug_span!(target: "seawall", $name).entered();
        #[cfg(not(feature = "tracing"))]
        let entered = $crate::probe::NoSpan;
        entered
    }};
}

/// Stands for a span where there is none.
#[cfg(not(feature = "tracing"))]
pub(crate) struct NoSpan;

pub(crate) use {event, span};
