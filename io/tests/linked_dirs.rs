//! Directories of a store whose files are kept elsewhere.
#![expect(clippy::disallowed_methods, reason = "looks at the disk from outside")]

use seawall::LinuxDisk;
use seawall_core::disk::Disk;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

/// A store and a directory elsewhere.
struct Places {
    store: TempDir,
    elsewhere: TempDir,
    disk: LinuxDisk,
}

impl Places {
    fn new() -> Self {
        let store = tempfile::tempdir().unwrap();
        let disk = LinuxDisk::new(store.path());
        Self { store, elsewhere: tempfile::tempdir().unwrap(), disk }
    }

    fn target(&self, name: &str) -> PathBuf {
        self.elsewhere.path().join(name)
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.disk.link_dir(path, &self.target(target))
    }
}

fn kind<T>(result: io::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

#[test]
fn a_linked_directory_keeps_its_files_in_the_target() {
    let places = Places::new();
    let disk = &places.disk;
    places.link("wal", "wal").unwrap();
    disk.sync_dir("").unwrap();
    disk.create_dir("wal").unwrap();
    let file = disk.create("wal/1").unwrap();
    file.write_at(b"sea", 0).unwrap();
    disk.rename("wal/1", "wal/2").unwrap();
    disk.sync_dir("wal").unwrap();
    assert_eq!(fs::read(places.target("wal/2")).unwrap(), b"sea");
    assert_eq!(disk.list("wal").unwrap(), ["2"]);
    assert_eq!(disk.list("").unwrap(), ["wal"]);
    disk.open("wal/2").unwrap();
    disk.remove("wal/2").unwrap();
    assert_eq!(disk.list("wal").unwrap(), [""; 0]);
}

#[test]
fn the_link_is_absolute_and_the_new_target_is_for_nobody_else() {
    let places = Places::new();
    let roundabout = places.elsewhere.path().join("x/../wal");
    fs::create_dir(places.target("x")).unwrap();
    places.disk.link_dir("wal", &roundabout).unwrap();
    let target = fs::canonicalize(places.target("wal")).unwrap();
    assert_eq!(fs::read_link(places.store.path().join("wal")).unwrap(), target);
    let mode = fs::metadata(target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn linking_to_the_same_target_again_is_fine_and_keeps_its_files() {
    let places = Places::new();
    fs::create_dir(places.target("wal")).unwrap();
    fs::write(places.target("wal/1"), "sea").unwrap();
    places.link("wal", "wal").unwrap();
    places.link("wal", "wal").unwrap();
    symlink(places.target("wal"), places.target("alias")).unwrap();
    places.link("wal", "alias").unwrap();
    assert_eq!(places.disk.list("wal").unwrap(), ["1"]);
}

#[test]
fn a_name_that_is_anything_else_already_exists_and_stays_what_it_is() {
    let places = Places::new();
    places.link("wal", "wal").unwrap();
    places.disk.create_dir("dir").unwrap();
    places.disk.create("file").unwrap();
    for path in ["wal", "dir", "file"] {
        assert_eq!(kind(places.link(path, "other")), ErrorKind::AlreadyExists, "{path}");
    }
    let same = places.store.path().join("dir");
    assert_eq!(kind(places.disk.link_dir("dir", &same)), ErrorKind::AlreadyExists);
    assert_eq!(places.disk.list("dir").unwrap(), [""; 0]);
}

#[test]
fn a_target_must_be_a_directory_and_its_parent_must_exist() {
    let places = Places::new();
    fs::write(places.target("file"), "").unwrap();
    assert_eq!(kind(places.link("wal", "file")), ErrorKind::AlreadyExists);
    assert_eq!(kind(places.link("wal", "none/wal")), ErrorKind::NotFound);
    assert_eq!(places.disk.list("").unwrap(), [""; 0]);
}

#[test]
fn only_a_name_in_the_directory_of_the_store_can_be_linked() {
    let places = Places::new();
    places.disk.create_dir("dir").unwrap();
    for path in ["", "dir/wal"] {
        assert_eq!(kind(places.link(path, "wal")), ErrorKind::InvalidInput, "{path:?}");
    }
    assert!(!places.target("wal").exists());
}

#[test]
fn a_target_that_is_gone_is_not_found_and_not_made_anew_by_creating_the_directory() {
    let places = Places::new();
    places.link("wal", "wal").unwrap();
    fs::remove_dir(places.target("wal")).unwrap();
    // Who has linked it has it open for its syncs.
    let disk = LinuxDisk::new(places.store.path());
    assert_eq!(kind(disk.list("wal")), ErrorKind::NotFound);
    assert_eq!(kind(disk.open("wal/1")), ErrorKind::NotFound);
    assert_eq!(kind(disk.create("wal/1")), ErrorKind::NotFound);
    assert_eq!(kind(disk.sync_dir("wal")), ErrorKind::NotFound);
    assert_eq!(kind(disk.create_dir("wal")), ErrorKind::AlreadyExists);
    assert_eq!(disk.list("").unwrap(), ["wal"]);
}
