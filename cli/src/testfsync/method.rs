//! The ways to make a log durable, and one that does not.

use seawall::seawall_core::disk::{DiskFile, OnWrite, OpenMode};
use seawall::seawall_core::wal::segment::WalSync;
use std::io;

/// A way to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) name: &'static str,
    /// What makes durable; nothing does if it is `None`.
    pub(super) sync: Option<WalSync>,
    pub(super) direct: bool,
}

const fn method(name: &'static str, sync: WalSync, direct: bool) -> Method {
    Method { name, sync: Some(sync), direct }
}

/// All that can be chosen, then the write that makes nothing durable.
pub(super) const METHODS: [Method; 7] = [
    method("fdatasync", WalSync::Fdatasync, false),
    method("fsync", WalSync::Fsync, false),
    method("open_datasync", WalSync::OpenDatasync, false),
    method("open_sync", WalSync::OpenSync, false),
    method("open_datasync direct", WalSync::OpenDatasync, true),
    method("open_sync direct", WalSync::OpenSync, true),
    Method { name: "no sync", sync: None, direct: false },
];

impl Method {
    pub(super) fn open_mode(self) -> OpenMode {
        let on_write = match self.sync {
            None | Some(WalSync::Fdatasync | WalSync::Fsync) => OnWrite::Nothing,
            Some(WalSync::OpenDatasync) => OnWrite::SyncData,
            Some(WalSync::OpenSync) => OnWrite::SyncAll,
        };
        OpenMode { on_write, direct: self.direct }
    }

    /// Makes what was written durable, as far as the write has not.
    pub(super) fn sync(self, file: &dyn DiskFile) -> io::Result<()> {
        match self.sync {
            Some(WalSync::Fdatasync) => file.sync_data(),
            Some(WalSync::Fsync) => file.sync_all(),
            None | Some(WalSync::OpenDatasync | WalSync::OpenSync) => Ok(()),
        }
    }

    /// The settings of a store that choose it.
    pub(super) fn settings(self) -> Option<String> {
        let direct = self.direct;
        self.sync.map(|sync| format!("wal_sync = {sync:?}, wal_direct = {direct}"))
    }
}
