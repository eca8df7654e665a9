//! What the laboratory needs, said before anything is made.

use super::args::StallArgs;
use super::engine::Engine;
use super::group::MEMORY_GROUPS;
use super::limit::{WRITE_BYTES, WRITE_IOPS};
use super::postgres;
use super::program::tool;
use crate::exit::Failure;
use std::fs;
use std::path::Path;
use std::time::Duration;

const NEEDS: &str = "\
`seawall lab stall` makes devices and limits them: it needs
  root
  loop devices, and the programs losetup, mkfs.ext4, mount, umount, sync, sh, install
  the controllers blkio (with throttling) and memory of cgroup v1 in /sys/fs/cgroup
  PostgreSQL's initdb, postgres, psql and pgbench, its user `postgres`, and setpriv; not with
  `--only seawall-...`
`seawall bench DIR` runs the same workload on any directory, for anybody.";

/// PostgreSQL's `checkpoint_timeout` is that at least.
const POSTGRES_CHECKPOINT_MIN: Duration = Duration::from_secs(30);

pub(super) fn check(args: &StallArgs, engines: &[Engine]) -> Result<(), Failure> {
    match missing(args, engines) {
        None => Ok(()),
        Some(missing) => Err(Failure::Usage(format!("{missing}\n{NEEDS}"))),
    }
}

/// The first that is missing.
fn missing(args: &StallArgs, engines: &[Engine]) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("this is not root".to_owned());
    }
    for path in [WRITE_IOPS, WRITE_BYTES, MEMORY_GROUPS] {
        if !Path::new(path).exists() {
            return Some(format!("{path} is missing: cgroup v1 is needed, v2 will not do"));
        }
    }
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_blkio = groups.lines().find_map(|line| line.split_once(":blkio:"));
    if let Some((_, found)) = of_blkio.filter(|(_, found)| *found != "/") {
        return Some(format!("this process is in the group {found} of blkio, expected /"));
    }
    for program in ["losetup", "mkfs.ext4", "mount", "umount", "sync", "install"] {
        if let Err(failure) = tool(program, &["--version"]).or_else(|_| tool(program, &["-V"])) {
            return Some(failure.to_string());
        }
    }
    if engines.iter().any(|engine| engine.is_postgres()) {
        if args.checkpoint_every < POSTGRES_CHECKPOINT_MIN {
            let found = args.checkpoint_every.as_millis();
            return Some(format!("--checkpoint-every is {found}ms, expected 30s for PostgreSQL"));
        }
        return postgres::missing(args);
    }
    None
}
