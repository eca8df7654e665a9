//! What a run runs on.

use super::args::StallArgs;
use super::device::Device;
use super::group::Group;
use super::limit::{Limit, WRITE_BYTES, WRITE_IOPS};
use super::program::{Program, tool};
use super::watch::Watch;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Devices, group and a directory; they go in this order when this is dropped.
pub(super) struct Bed {
    pub(super) data: Device,
    pub(super) wal: Device,
    pub(super) group: Group,
    dir: TempDir,
}

/// More than a log ever takes: `bench` and PostgreSQL are told to stay below half of it.
const WAL_DEVICE_BYTES: u64 = 12 << 30;

impl Bed {
    pub(super) fn make(args: &StallArgs, interrupt: &Interrupt) -> Result<Self, Failure> {
        let parent = args.work_dir.clone().unwrap_or_else(std::env::temp_dir);
        let failed = |error: io::Error| Failure::io(&parent.display().to_string(), &error);
        let dir = tempfile::Builder::new().prefix("seawall-lab-").tempdir_in(&parent);
        let dir = dir.map_err(failed)?;
        // PostgreSQL works in it, as somebody else.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).map_err(failed)?;
        let group = Group::make(u64::from(args.memory_mib) << 20)?;
        let data = Device::make(dir.path(), "data", args.data_device_bytes())?;
        interrupt.check()?;
        let wal = Device::make(dir.path(), "wal", WAL_DEVICE_BYTES)?;
        Ok(Self { data, wal, group, dir })
    }

    /// For logs and sockets.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn watch(&self) -> Watch<'_> {
        Watch::new(self)
    }

    /// Makes everything durable, forgets what is cached and makes the devices slow, until the
    /// limits are dropped.
    pub(super) fn limit(
        &self,
        args: &StallArgs,
        interrupt: &Interrupt,
    ) -> Result<Vec<Limit>, Failure> {
        let sync = Program::start("sync", &mut Command::new("sync"), self.dir())?;
        sync.finish(interrupt, || Ok(()))?;
        const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
        fs::write(DROP_CACHES, "3").map_err(|error| Failure::io(DROP_CACHES, &error))?;
        let bytes = |mb: u32| u64::from(mb) * 1_000_000;
        let limits = [
            Limit::set(WRITE_IOPS, &self.data, u64::from(args.data_iops))?,
            Limit::set(WRITE_BYTES, &self.data, bytes(args.data_mb_per_s))?,
            Limit::set(WRITE_IOPS, &self.wal, u64::from(args.wal_iops))?,
            Limit::set(WRITE_BYTES, &self.wal, bytes(args.wal_mb_per_s))?,
        ];
        Ok(limits.into_iter().flatten().collect())
    }

    /// Makes a directory that belongs to a user.
    pub(super) fn make_dir_for(&self, path: &Path, user: &str) -> Result<(), Failure> {
        let path = path.to_string_lossy();
        tool("install", &["-d", "-m", "700", "-o", user, &path]).map(|_| ())
    }
}
