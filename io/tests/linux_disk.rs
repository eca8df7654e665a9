//! The disk on real files: what `seawall_core::disk` asks of every disk, and the lock.
#![expect(clippy::disallowed_methods, reason = "looks at the disk from outside")]

use seawall::LinuxDisk;
use seawall_core::disk::{Disk, DiskFile, LockOutcome};
use seawall_core::page::AlignedBytes;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{self, Child, Command, Stdio};
use tempfile::TempDir;

fn new_disk() -> (TempDir, LinuxDisk) {
    let dir = tempfile::tempdir().unwrap();
    let disk = LinuxDisk::new(dir.path());
    (dir, disk)
}

fn content(file: &dyn DiskFile) -> Vec<u8> {
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().expect("an error").raw_os_error()
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().expect("an error").kind()
}

#[test]
fn a_disk_that_is_read_only_changes_nothing() {
    let (dir, disk) = new_disk();
    disk.create("a").unwrap().write_at(b"abc", 0).unwrap();
    let disk = LinuxDisk::read_only(dir.path());
    let file = disk.open("a").unwrap();
    assert_eq!(content(&*file), b"abc");
    file.write_at(b"x", 0).unwrap_err();
    file.set_len(0).unwrap_err();
    let refused = [
        kind(disk.create("b")),
        kind(disk.create_dir("d")),
        kind(disk.link_dir("l", dir.path())),
        kind(disk.rename("a", "b")),
        kind(disk.remove("a")),
    ];
    assert_eq!(refused, [io::ErrorKind::ReadOnlyFilesystem; 5]);
    assert_eq!((disk.list("").unwrap(), content(&*file)), (vec!["a".to_owned()], b"abc".to_vec()));
}

/// Opened for reading, one waits for a writer.
#[test]
fn who_looks_at_a_pipe_in_a_files_place_is_told_and_does_not_wait() {
    let (dir, _) = new_disk();
    let made = Command::new("mkfifo").args(["a", "lock"]).current_dir(&dir).status().unwrap();
    assert!(made.success());
    let disk = LinuxDisk::read_only(dir.path());
    let file = disk.open("a").unwrap();
    assert_eq!(errno(file.read_at(&mut [0; 8], 0)), Some(libc::ESPIPE));
    assert!(matches!(disk.lock("lock").unwrap(), LockOutcome::Acquired(_)));
}

#[test]
fn those_who_look_share_a_lock_that_keeps_others_out_and_changes_nothing() {
    let (dir, disk) = new_disk();
    let looking = LinuxDisk::read_only(dir.path());
    let is_held = |disk: &LinuxDisk| matches!(disk.lock("lock"), Ok(LockOutcome::Held { .. }));
    assert!(!is_held(&looking), "a lock that is not there is nobody's");
    assert_eq!(disk.list("").unwrap(), Vec::<String>::new());
    let own = disk.lock("lock").unwrap();
    match looking.lock("lock").unwrap() {
        LockOutcome::Held { holder_pid } => assert_eq!(holder_pid, Some(std::process::id())),
        LockOutcome::Acquired(_) => panic!("shared with a store that is open"),
    }
    drop(own);
    let bytes = std::fs::read(dir.path().join("lock")).unwrap();
    let shared = [looking.lock("lock").unwrap(), looking.lock("lock").unwrap()];
    assert!(shared.iter().all(|lock| matches!(lock, LockOutcome::Acquired(_))));
    assert!(is_held(&disk));
    drop(shared);
    assert_eq!(std::fs::read(dir.path().join("lock")).unwrap(), bytes);
    assert!(!is_held(&disk));
}

#[test]
fn what_is_written_is_read_back_also_by_who_opens_later() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    let mut page = AlignedBytes::zeroed(8192);
    page.fill(5);
    file.write_at(&page, 8192).unwrap();
    file.start_writeback(8192, 8192).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    let again = disk.open("a").unwrap();
    assert_eq!(again.len().unwrap(), 16384);
    let mut found = AlignedBytes::zeroed(8192);
    assert_eq!(again.read_at(&mut found, 8192).unwrap(), 8192);
    assert_eq!(found[..], page[..]);
    assert_eq!(again.read_at(&mut found, 0).unwrap(), 8192);
    assert!(found.iter().all(|byte| *byte == 0));
}

#[test]
fn unaligned_buffers_offsets_and_lengths_work() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    file.write_at(&bytes[1..], 4095).unwrap();
    let mut found = [0; 256];
    assert_eq!(file.read_at(&mut found[1..], 4095).unwrap(), 255);
    assert_eq!(found[1..], bytes[1..]);
}

#[test]
fn a_read_past_the_end_gives_a_short_count() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    file.write_at(b"seawall", 0).unwrap();
    let mut buf = [0; 100];
    assert_eq!(file.read_at(&mut buf, 3).unwrap(), 4);
    assert_eq!(&buf[..4], b"wall");
    assert_eq!(file.read_at(&mut buf, 7).unwrap(), 0);
    assert_eq!(file.read_at(&mut buf, 1 << 40).unwrap(), 0);
}

#[test]
fn a_read_fills_more_buffers_than_the_kernel_takes_at_once() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    let bytes: Vec<u8> = (0..9000_u32).map(|i| (i % 251) as u8).collect();
    file.write_at(&bytes, 0).unwrap();
    let mut found = vec![0; 9000];
    let mut bufs: Vec<_> = found.chunks_mut(3).collect();
    assert!(bufs.len() > 2 * 1024);
    assert_eq!(file.read_vectored_at(&mut bufs, 0).unwrap(), 9000);
    assert_eq!(found, bytes);
    let mut bufs: Vec<_> = found.chunks_mut(1).collect();
    assert_eq!(file.read_vectored_at(&mut bufs, 4000).unwrap(), 5000);
    assert_eq!(found[..5000], bytes[4000..]);
    assert_eq!(file.read_vectored_at(&mut [&mut [0; 5]], 9000).unwrap(), 0);
    assert_eq!(errno(file.read_vectored_at(&mut [&mut [0; 5]], u64::MAX)), Some(libc::EINVAL));
}

#[test]
fn a_prefetch_is_taken_for_any_range_and_changes_nothing() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    file.write_at(b"seawall", 0).unwrap();
    for (offset, len) in [(0, 7), (0, 0), (1 << 40, 4096), (u64::MAX, u64::MAX)] {
        file.prefetch(offset, len).unwrap();
    }
    assert_eq!(content(&*file), b"seawall");
}

#[test]
fn creating_a_file_that_exists_fails_and_keeps_it() {
    let (_dir, disk) = new_disk();
    disk.create("a").unwrap().write_at(b"sea", 0).unwrap();
    assert_eq!(kind(disk.create("a")), io::ErrorKind::AlreadyExists);
    assert_eq!(content(&*disk.open("a").unwrap()), b"sea");
}

#[test]
fn errors_carry_the_number_of_the_operating_system() {
    let (_dir, disk) = new_disk();
    assert_eq!(errno(disk.open("a")), Some(libc::ENOENT));
    assert_eq!(errno(disk.create("none/a")), Some(libc::ENOENT));
    assert_eq!(errno(disk.remove("a")), Some(libc::ENOENT));
    assert_eq!(errno(disk.rename("a", "b")), Some(libc::ENOENT));
    assert_eq!(errno(disk.list("none")), Some(libc::ENOENT));
    assert_eq!(errno(disk.sync_dir("none")), Some(libc::ENOENT));
    assert_eq!(errno(disk.lock("none/lock")), Some(libc::ENOENT));
    let file = disk.create("a").unwrap();
    assert_eq!(errno(disk.create("a")), Some(libc::EEXIST));
    assert_eq!(errno(disk.sync_dir("a")), Some(libc::ENOTDIR));
    assert_eq!(errno(disk.create_dir("a")), Some(libc::EEXIST));
    assert_eq!(errno(file.write_at(b"x", u64::MAX)), Some(libc::EINVAL));
}

#[test]
fn a_rename_replaces_what_has_the_name() {
    let (_dir, disk) = new_disk();
    disk.create("new").unwrap().write_at(b"new", 0).unwrap();
    disk.create("old").unwrap().write_at(b"old", 0).unwrap();
    disk.rename("new", "old").unwrap();
    disk.sync_dir("").unwrap();
    assert_eq!(disk.list("").unwrap(), ["old"]);
    assert_eq!(content(&*disk.open("old").unwrap()), b"new");
}

#[test]
fn a_removed_file_is_gone_and_its_open_file_still_works() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    disk.remove("a").unwrap();
    assert_eq!(disk.list("").unwrap(), [""; 0]);
    file.write_at(b"sea", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&*file), b"sea");
}

#[test]
fn a_list_is_sorted_and_of_one_directory() {
    let (_dir, disk) = new_disk();
    disk.create_dir("wal").unwrap();
    for name in ["b", "a", "wal/2", "wal/10", "B"] {
        disk.create(name).unwrap();
    }
    assert_eq!(disk.list("").unwrap(), ["B", "a", "b", "wal"]);
    assert_eq!(disk.list("wal").unwrap(), ["10", "2"]);
}

#[test]
fn a_name_that_is_not_utf_8_is_invalid_data() {
    let (dir, disk) = new_disk();
    if let Err(error) = fs::write(dir.path().join(OsStr::from_bytes(b"\xff")), "") {
        println!("skipped: this file system refuses names that are not UTF-8: {error}");
        return;
    }
    assert_eq!(kind(disk.list("")), io::ErrorKind::InvalidData);
}

#[test]
fn creating_a_directory_that_exists_is_fine() {
    let (dir, _) = new_disk();
    let disk = LinuxDisk::new(dir.path().join("store"));
    for _ in 0..2 {
        disk.create_dir("").unwrap();
        disk.create_dir("data").unwrap();
    }
    disk.sync_dir("data").unwrap();
    disk.sync_dir("").unwrap();
    assert_eq!(disk.list("").unwrap(), ["data"]);
}

#[test]
fn nobody_else_may_read_what_is_created() {
    let (dir, disk) = new_disk();
    disk.create("file").unwrap();
    disk.create_dir("dir").unwrap();
    disk.lock("lock").unwrap();
    for name in ["file", "dir", "lock"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}

#[test]
fn a_path_that_could_lead_out_of_the_store_is_refused() {
    let (dir, disk) = new_disk();
    for path in ["/etc/passwd", "..", "../a", "a/../../b", "./a", "a\0b"] {
        assert_eq!(kind(disk.open(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.create(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.create_dir(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.remove(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.rename("a", path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.rename(path, "a")), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.list(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.sync_dir(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.lock(path)), io::ErrorKind::InvalidInput, "{path:?}");
        assert_eq!(kind(disk.link_dir(path, dir.path())), io::ErrorKind::InvalidInput, "{path:?}");
    }
}

#[test]
fn allocate_extends_with_zeros_and_keeps_existing_bytes() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    file.write_at(b"seawall", 0).unwrap();
    file.allocate(4, 100_000).unwrap();
    assert_eq!(file.len().unwrap(), 100_004);
    let found = content(&*file);
    assert_eq!(&found[..7], b"seawall");
    assert!(found[7..].iter().all(|byte| *byte == 0));
    file.allocate(0, 10).unwrap();
    assert_eq!(content(&*file), found);
}

#[test]
fn a_length_is_set_by_cutting_or_with_zeros_and_what_was_cut_off_stays_gone() {
    let (_dir, disk) = new_disk();
    let file = disk.create("a").unwrap();
    file.write_at(b"seawall", 0).unwrap();
    file.set_len(3).unwrap();
    assert_eq!(content(&*disk.open("a").unwrap()), b"sea");
    file.set_len(5).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&*file), b"sea\0\0");
    assert_eq!(kind(file.set_len(1 << 63)), io::ErrorKind::InvalidInput);
}

#[test]
fn a_second_lock_is_refused_naming_our_pid_until_the_first_is_dropped() {
    let (dir, disk) = new_disk();
    let LockOutcome::Acquired(lock) = disk.lock("lock").unwrap() else { panic!("it is free") };
    assert_eq!(
        fs::read_to_string(dir.path().join("lock")).unwrap(),
        format!("{}\n", process::id())
    );
    assert_eq!(held_by(&disk), Some(process::id()));
    drop(lock);
    assert!(matches!(disk.lock("lock").unwrap(), LockOutcome::Acquired(_)));
}

#[test]
fn a_lock_file_with_garbage_names_nobody_and_can_be_locked() {
    let (dir, disk) = new_disk();
    let path = dir.path().join("lock");
    fs::write(&path, "a longer line than any pid has\n").unwrap();
    let LockOutcome::Acquired(_lock) = disk.lock("lock").unwrap() else { panic!("it is free") };
    assert_eq!(held_by(&disk), Some(process::id()));
    let garbage: [&[u8]; 6] = [b"", b"\n", b"12", b"-1\n", b"\xff\n", b"99999999999\n"];
    for content in garbage {
        fs::write(&path, content).unwrap();
        assert_eq!(held_by(&disk), None, "{content:?}");
    }
}

#[test]
fn the_lock_goes_with_a_killed_process() {
    let (dir, disk) = new_disk();
    let mut child = spawn_lock_holder(&dir);
    assert_eq!(held_by(&disk), Some(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(disk.lock("lock").unwrap(), LockOutcome::Acquired(_)));
}

fn held_by(disk: &LinuxDisk) -> Option<u32> {
    match disk.lock("lock").unwrap() {
        LockOutcome::Held { holder_pid } => holder_pid,
        LockOutcome::Acquired(_) => panic!("the lock is held by somebody else"),
    }
}

const CHILD_DIR: &str = "SEAWALL_TEST_LOCK_DIR";
const CHILD_HOLDS: &str = "the child holds the lock";

/// Runs this very binary again, with one test; returns when that one holds the lock.
fn spawn_lock_holder(dir: &TempDir) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_the_lock", "--ignored", "--nocapture"])
        .env(CHILD_DIR, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(CHILD_HOLDS)), "the child got no lock");
    child
}

#[test]
#[ignore = "no test: the child process of the_lock_goes_with_a_killed_process"]
fn child_that_holds_the_lock() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let LockOutcome::Acquired(_lock) = LinuxDisk::new(dir).lock("lock").unwrap() else { return };
    println!("{CHILD_HOLDS}");
    // Until killed, or until the parent is gone.
    let _ = io::stdin().read(&mut [0]);
}
