//! The ways to make a log durable, and one that does not.

use seawall::seawall_core::disk::{DiskFile, OpenMode};
use seawall::seawall_core::wal::segment::{SyncMethod, WalSync};
use std::io;

/// A way to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) name: &'static str,
    /// What makes durable; nothing does if it is `None`.
    pub(super) durable: Option<SyncMethod>,
}

const fn method(name: &'static str, sync: WalSync, direct: bool) -> Method {
    Method { name, durable: Some(SyncMethod { sync, direct }) }
}

/// All that can be chosen, then the write that makes nothing durable.
pub(super) const METHODS: [Method; 7] = [
    method("fdatasync", WalSync::Fdatasync, false),
    method("fsync", WalSync::Fsync, false),
    method("open_datasync", WalSync::OpenDatasync, false),
    method("open_sync", WalSync::OpenSync, false),
    method("open_datasync direct", WalSync::OpenDatasync, true),
    method("open_sync direct", WalSync::OpenSync, true),
    Method { name: "no sync", durable: None },
];

impl Method {
    pub(super) fn open_mode(self) -> OpenMode {
        self.durable.map_or_else(OpenMode::default, SyncMethod::open_mode)
    }

    /// Makes what was written durable, as far as the write has not.
    pub(super) fn sync(self, file: &dyn DiskFile) -> io::Result<()> {
        self.durable.map_or(Ok(()), |method| method.sync(file))
    }

    /// The settings of a store that choose it.
    pub(super) fn settings(self) -> Option<String> {
        self.durable.map(|SyncMethod { sync, direct }| {
            format!("wal_sync = {sync:?}, wal_direct = {direct}")
        })
    }
}
