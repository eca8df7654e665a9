//! Seawall on Linux.
