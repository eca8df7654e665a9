//! Small file systems that go with their guards.

use seawall::seawall_core::sync::{Mutex, MutexGuard};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits for a test's turn: limits of the process are everybody's.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock()
}

/// Says what keeps file systems from being made and mounted here, if anything does. `tools` are
/// programs and the packages that have them.
pub(crate) fn is_skipped(tools: &[(&str, &str)]) -> bool {
    let missing = tools.iter().find(|(tool, _)| Command::new(tool).arg("-V").output().is_err());
    let why = match missing {
        _ if !rustix::process::geteuid().is_root() => "it takes root".to_owned(),
        Some((tool, package)) => format!("there is no {tool} here: apt-get install {package}"),
        None => match tried("losetup", &["--find"]) {
            Ok(_) => return false,
            Err(why) => format!("there are no loop devices here: {why}"),
        },
    };
    println!("skipped: {why}");
    true
}

/// Runs a program; what it has said, or why it failed.
pub(crate) fn tried(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).output().map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(said(&output.stdout)),
        false => Err(format!("{program} {args:?}: {}", said(&output.stderr))),
    }
}

pub(crate) fn done(program: &str, args: &[&str]) -> String {
    tried(program, args).unwrap_or_else(|why| panic!("{why}"))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// What makes a file system: the program and its options.
pub(crate) type Mkfs<'m> = &'m [&'m str];

pub(crate) const EXT4: Mkfs<'static> = &["mkfs.ext4", "-q", "-m", "0", "-b", "4096"];
pub(crate) const XFS: Mkfs<'static> = &["mkfs.xfs", "-q"];

/// A file system, unmounted when this is dropped. Its stores must be closed by then.
pub(crate) struct Mount {
    /// The loop device, if there is one.
    device: Option<String>,
    pub(crate) point: PathBuf,
    // Last: removed when nothing is mounted there.
    _dir: TempDir,
}

impl Mount {
    /// A file system in memory.
    pub(crate) fn tmpfs(mib: u64) -> Self {
        let mount = Self::nothing();
        let size = format!("size={mib}m");
        done("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&mount.point)]);
        mount
    }

    /// A file system of so many MiB, in a file of its own or in `image`.
    pub(crate) fn of(mkfs: Mkfs<'_>, mib: u64, image: Option<PathBuf>) -> Self {
        let mut mount = Self::nothing();
        let image = image.unwrap_or_else(|| mount.point.with_file_name("image"));
        File::create(&image).unwrap().set_len(mib << 20).unwrap();
        done(mkfs[0], &[&mkfs[1..], &[text(&image)]].concat());
        mount.device = Some(done("losetup", &["--find", "--show", text(&image)]));
        mount.mount("rw");
        mount
    }

    /// Where something can be mounted; beside it there is room for an image, in memory if possible:
    /// what is tested is the file system in it.
    fn nothing() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let point = dir.path().join("mounted");
        fs::create_dir(&point).unwrap();
        Self { device: None, point, _dir: dir }
    }

    pub(crate) fn mount(&self, options: &str) {
        let device = self.device.as_deref().expect("a loop device");
        done("mount", &["-o", options, device, text(&self.point)]);
    }

    /// Unmounts it and mounts it again: what is in the page cache alone is gone.
    pub(crate) fn mount_again(&self) {
        done("umount", &[text(&self.point)]);
        self.mount("rw");
    }

    /// Has an ext4 find an error in itself: it goes read-only, as it does on a bad device.
    pub(crate) fn abort_ext4(&self) {
        let name = self.device.as_deref().expect("a loop device").trim_start_matches("/dev/");
        fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "1").unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, if a test that has failed still has files open; what is not mounted is fine.
        let point = text(&self.point);
        if tried("umount", &[point]).is_err() {
            let _ = tried("umount", &["--lazy", point]);
        }
        if let Some(device) = &self.device {
            let _ = tried("losetup", &["--detach", device]);
        }
    }
}

/// A file that takes the space that is left.
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    /// Takes all but so many bytes.
    pub(crate) fn fill(dir: &Path, left: u64) -> Self {
        let path = dir.join("ballast");
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        for bytes in [1 << 20, 4096] {
            while file.write_all(&vec![b'x'; bytes]).is_ok() {}
        }
        let len = file.metadata().unwrap().len();
        file.set_len(len - left).unwrap();
        file.sync_all().unwrap();
        Self(path)
    }

    pub(crate) fn remove(self) {
        fs::remove_file(self.0).unwrap();
    }
}
