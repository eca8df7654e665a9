//! A loop device with a file system of its own; both go when this is dropped.
//!
//! The loop device reads and writes its file with direct I/O: else the host's page cache would
//! hold everything a second time, charged to nobody or to the engine, and hide the disk.

use super::program::tool;
use crate::exit::{Failure, note};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) struct Device {
    // First: unmounted before the loop device goes.
    mount: Mount,
    loop_device: LoopDevice,
}

impl Device {
    /// Makes an ext4 file system in a sparse file in `dir`, mounted below.
    pub(super) fn make(dir: &Path, name: &str, bytes: u64) -> Result<Self, Failure> {
        let backing = dir.join(format!("{name}.device"));
        let made = File::create_new(&backing).and_then(|file| file.set_len(bytes));
        made.map_err(|error| Failure::io(&backing.display().to_string(), &error))?;
        let loop_device = LoopDevice::attach(&backing)?;
        // Nothing is left to be initialised later, when the device is slow.
        let extended = "lazy_itable_init=0,lazy_journal_init=0";
        tool("mkfs.ext4", &["-q", "-E", extended, &loop_device.path])?;
        let mount = Mount::make(&loop_device.path, dir.join(name))?;
        Ok(Self { mount, loop_device })
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.mount.point
    }

    /// Its number for the kernel, as `7:0`.
    pub(super) fn number(&self) -> &str {
        &self.loop_device.number
    }

    /// Writes that were complete since it was attached.
    pub(super) fn writes(&self) -> Result<u64, Failure> {
        let path = format!("/sys/dev/block/{}/stat", self.number());
        let stat = fs::read_to_string(&path).map_err(|error| Failure::io(&path, &error))?;
        let writes = stat.split_whitespace().nth(4).and_then(|field| field.parse().ok());
        writes.ok_or_else(|| Failure::Io(format!("{path} is {stat:?}, expected 5 numbers or more")))
    }
}

struct LoopDevice {
    path: String,
    number: String,
}

impl LoopDevice {
    fn attach(backing: &Path) -> Result<Self, Failure> {
        let backing = backing.to_string_lossy();
        let path = tool("losetup", &["--find", "--show", "--direct-io=on", &backing])?;
        let mut device = Self { path, number: String::new() };
        let name = device.path.trim_start_matches("/dev/");
        let file = format!("/sys/block/{name}/dev");
        let number = fs::read_to_string(&file).map_err(|error| Failure::io(&file, &error))?;
        device.number = number.trim().to_owned();
        Ok(device)
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        if let Err(failure) = tool("losetup", &["--detach", &self.path]) {
            note!("seawall: left behind: {failure}");
        }
    }
}

struct Mount {
    point: PathBuf,
}

/// A process that was just ended may hold the file system for a moment.
const UNMOUNT_ATTEMPTS: u32 = 50;
const UNMOUNT_PAUSE: Duration = Duration::from_millis(200);

impl Mount {
    fn make(device: &str, point: PathBuf) -> Result<Self, Failure> {
        let made = fs::create_dir(&point);
        made.map_err(|error| Failure::io(&point.display().to_string(), &error))?;
        tool("mount", &[device, &point.to_string_lossy()])?;
        Ok(Self { point })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let point = self.point.to_string_lossy();
        for attempt in 1..=UNMOUNT_ATTEMPTS {
            match tool("umount", &[&point]) {
                Ok(_) => return,
                Err(failure) if attempt == UNMOUNT_ATTEMPTS => {
                    note!("seawall: left behind: {failure}");
                }
                Err(_) => std::thread::sleep(UNMOUNT_PAUSE),
            }
        }
    }
}
