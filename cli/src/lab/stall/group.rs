//! The memory control group of an engine and its page cache; removed when this is dropped.

use crate::exit::{Failure, note};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(super) const MEMORY_GROUPS: &str = "/sys/fs/cgroup/memory";

pub(super) struct Group {
    path: PathBuf,
}

/// What the kernel holds of a group's files and has not written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Unwritten {
    pub(super) dirty_bytes: u64,
    pub(super) writeback_bytes: u64,
}

/// Processes that were just ended leave the group in a moment.
const REMOVAL_ATTEMPTS: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(200);

impl Group {
    pub(super) fn make(limit_bytes: u64) -> Result<Self, Failure> {
        let path = Path::new(MEMORY_GROUPS).join(format!("seawall-lab-{}", std::process::id()));
        let failed = |error: io::Error| Failure::io(&path.display().to_string(), &error);
        fs::create_dir(&path).map_err(failed)?;
        let group = Self { path: path.clone() };
        let limit = path.join("memory.limit_in_bytes");
        fs::write(limit, limit_bytes.to_string()).map_err(failed)?;
        Ok(group)
    }

    /// A command that runs in the group from its start; the caller adds arguments.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]);
        command.arg(self.path.join("cgroup.procs")).arg(program);
        command
    }

    pub(super) fn unwritten(&self) -> Result<Unwritten, Failure> {
        let path = self.path.join("memory.stat");
        let failed = |error| Failure::io(&path.display().to_string(), &error);
        Ok(Unwritten::parse(&fs::read_to_string(&path).map_err(failed)?))
    }
}

impl Unwritten {
    fn parse(stat: &str) -> Self {
        let value = |name| {
            let mut fields = stat.lines().filter_map(|line| line.split_once(' '));
            let found = fields.find(|(field, _)| *field == name);
            found.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
        };
        Self { dirty_bytes: value("dirty"), writeback_bytes: value("writeback") }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for attempt in 1..=REMOVAL_ATTEMPTS {
            match fs::remove_dir(&self.path) {
                Ok(()) => return,
                Err(error) if attempt == REMOVAL_ATTEMPTS => {
                    note!("seawall: left behind: {}: {error}", self.path.display());
                }
                Err(_) => std::thread::sleep(REMOVAL_PAUSE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dirty_and_writeback_are_those_of_the_group_itself() {
        let stat = "cache 9\ndirty 8192\nwriteback 4096\ntotal_dirty 1\ntotal_writeback 2\n";
        let expected = Unwritten { dirty_bytes: 8192, writeback_bytes: 4096 };
        assert_eq!(Unwritten::parse(stat), expected);
        assert_eq!(Unwritten::parse(""), Unwritten::default());
    }
}
