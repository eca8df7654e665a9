//! Limits of devices, by the block I/O controller of cgroup v1; lifted when this is dropped.
//!
//! They are set for the root group: that is who the kernel's writeback belongs to.

use super::device::Device;
use crate::exit::{Failure, note};
use std::fs;

pub(super) const WRITE_IOPS: &str = "/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device";
pub(super) const WRITE_BYTES: &str = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device";

pub(super) struct Limit {
    file: &'static str,
    device: String,
}

impl Limit {
    /// Sets a limit per second; `None` for no limit.
    pub(super) fn set(
        file: &'static str,
        device: &Device,
        per_second: u64,
    ) -> Result<Option<Self>, Failure> {
        if per_second == 0 {
            return Ok(None);
        }
        let limit = Self { file, device: device.number().to_owned() };
        limit.write(per_second)?;
        Ok(Some(limit))
    }

    fn write(&self, per_second: u64) -> Result<(), Failure> {
        fs::write(self.file, format!("{} {per_second}", self.device))
            .map_err(|error| Failure::io(&format!("limit of {}", self.device), &error))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Err(failure) = self.write(0) {
            note!("seawall: left behind: {failure}");
        }
    }
}
