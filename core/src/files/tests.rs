//! Tests of files on a simulated disk.

use super::*;
use crate::buffer::bed::count;
use crate::sim::{EIO, EMFILE, ENOSPC, Fault, OpKind, SimDisk};

const FORMAT: Format = Format {
    page_bytes: 4096,
    wal_block_bytes: 512,
    wal_segment_bytes: 4096,
    data_segment_bytes: 8192,
};

const FILE: FileId = FileId(1);

/// A disk with the files of these names, each of so many bytes.
fn disk(files: &[(&str, usize)]) -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir(DATA_DIR).unwrap();
    for (name, bytes) in files {
        disk.write_file(&format!("{DATA_DIR}/{name}"), &vec![0; *bytes]);
    }
    disk
}

fn open(disk: &SimDisk, dropped: &[u32]) -> Result<Files> {
    let dropped = dropped.iter().copied().map(FileId).collect();
    let poison = Arc::new(Poison::new());
    let known = KnownFiles { dropped: &dropped, ..KnownFiles::default() };
    Files::open(Arc::new(disk.clone()), &FORMAT, poison, &known)
}

#[test]
fn a_file_is_as_long_as_its_last_segment_with_bytes_says() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.1", 4096), ("00000001.2", 0)]);
    let files = open(&disk, &[]).unwrap();
    assert_eq!((files.list(), files.get(FILE).unwrap().blocks()), (vec![FILE], 3));
    files.check_exists(PageId::new(FILE, 2)).unwrap();
    let beyond = files.check_exists(PageId::new(FILE, 3));
    assert!(matches!(beyond, Err(Error::BeyondEnd { blocks: 3, .. })), "{beyond:?}");
}

#[test]
fn a_file_of_more_blocks_than_have_numbers_is_refused() {
    let format = Format { page_bytes: 256, data_segment_bytes: 1 << 30, ..FORMAT };
    let blocks = |segments: usize| {
        let disk = disk(&[]);
        for segment in 0..segments {
            let bytes = if segment + 1 == segments { 256 } else { 0 };
            disk.write_file(&format!("data/00000001.{segment}"), &vec![0; bytes]);
        }
        let poison = Arc::new(Poison::new());
        let files = Files::open(Arc::new(disk), &format, poison, &KnownFiles::default())?;
        Ok::<_, Error>(files.get(FILE)?.blocks())
    };
    assert_eq!(blocks(1024).unwrap(), 1023 * (1 << 22) + 1);
    let Err(Error::NotAStore { found }) = blocks(1025) else { panic!("a page without a number") };
    let expected = "have 4294967297 blocks, expected 4294967295 at the most";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn a_file_whose_middle_is_missing_is_refused_with_the_name_of_the_segment() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.2", 4096)]);
    let Err(Error::NotAStore { found }) = open(&disk, &[]) else { panic!("it is damaged") };
    assert_eq!(found, "data/00000001.1 is missing");
}

#[test]
fn numbers_of_new_files_are_greater_than_any_that_is_known() {
    let with = |last, names: &[(&str, usize)], dropped: &[u32]| {
        let disk = disk(names);
        let dropped = dropped.iter().copied().map(FileId).collect();
        let poison = Arc::new(Poison::new());
        let known = KnownFiles { last: FileId(last), dropped: &dropped, ..KnownFiles::default() };
        let files = Files::open(Arc::new(disk), &FORMAT, poison, &known).unwrap();
        let next = files.create(FileOptions::default()).unwrap();
        assert_eq!(files.last_number(), next);
        next.0
    };
    assert_eq!(with(0, &[], &[]), 1);
    assert_eq!(with(0, &[("00000004.0", 0)], &[]), 5);
    assert_eq!(with(6, &[("00000004.0", 0)], &[2]), 7);
    assert_eq!(with(6, &[("00000004.0", 0)], &[9]), 10);
}

#[test]
fn where_the_last_number_is_taken_there_is_no_other() {
    let disk = disk(&[("ffffffff.0", 0)]);
    disk.create_dir("data.4294967295").unwrap();
    let files = open(&disk, &[]).unwrap();
    let file = files.create(FileOptions::default());
    assert!(matches!(file, Err(Error::Config { setting: "file number", .. })), "{file:?}");
    let tablespace = files.create_tablespace(Path::new("elsewhere"), 1);
    let is_refused = matches!(tablespace, Err(Error::Config { setting: "tablespace number", .. }));
    assert!(is_refused, "{tablespace:?}");
    assert_eq!(disk.list("").unwrap(), ["data", "data.4294967295"]);
}

#[test]
fn the_segments_of_a_dropped_file_are_removed_once_and_no_others() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.1", 0), ("00000002.0", 0)]);
    let files = open(&disk, &[1]).unwrap();
    assert_eq!(files.list(), [FileId(2)]);
    let removals = count(&disk, OpKind::Remove);
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Remove).on("data/00000001.1"));
    assert!(matches!(files.remove_dropped(), Err(Error::Io { op: "remove", .. })));
    files.remove_dropped().unwrap();
    let after = (removals.load(Ordering::Relaxed), disk.operations());
    assert_eq!(disk.list(DATA_DIR).unwrap(), ["00000002.0"]);
    files.remove_dropped().unwrap();
    assert_eq!((removals.load(Ordering::Relaxed), disk.operations()), after);
}

#[test]
fn direct_io_is_for_pages_that_suit_it_in_files_that_are_and_that_come() {
    let writebacks = |format: &Format, disk: &SimDisk, is_direct: bool| {
        let poison = Arc::new(Poison::new());
        let on_disk = Arc::new(disk.clone());
        let files = Files::open(on_disk, format, poison, &KnownFiles::default()).unwrap();
        if is_direct {
            files.go_direct().unwrap();
        }
        let new = files.create(FileOptions::default()).unwrap();
        let count = count(disk, OpKind::Writeback);
        for file in [FILE, new] {
            files.write_back(PageId::new(file, 0), 1, Writeback::Started).unwrap();
        }
        count.load(Ordering::Relaxed)
    };
    let fresh = || disk(&[("00000001.0", 8192)]);
    assert_eq!(writebacks(&FORMAT, &fresh(), false), 2);
    assert_eq!(writebacks(&FORMAT, &fresh(), true), 0, "nothing is in the page cache");
    assert_eq!(writebacks(&FORMAT, &fresh().without_direct_io(), true), 2);
    let small = Format { page_bytes: 256, ..FORMAT };
    assert_eq!(writebacks(&small, &fresh(), true), 2, "smaller than a sector");
}

#[test]
fn a_file_is_shortened_and_never_made_longer_by_that() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.1", 8192)]);
    let files = open(&disk, &[]).unwrap();
    let file = files.get(FILE).unwrap();
    file.shorten_to(9);
    assert_eq!(file.blocks(), 4);
    file.shorten_to(1);
    assert_eq!(file.blocks(), 1);
    assert!(file.has_lost(1) && file.has_lost(3), "nothing is undecided");
}

#[test]
fn a_cut_shortens_the_segments_that_are_too_long_and_names_them() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.1", 8192), ("00000001.2", 4096)]);
    let files = open(&disk, &[]).unwrap();
    let file = files.get(FILE).unwrap();
    let tags = |blocks| {
        let cut = files.cut(&file, blocks).unwrap();
        cut.into_iter().map(|tag| tag.segment).collect::<Vec<_>>()
    };
    assert_eq!(tags(5), [0; 0]);
    assert_eq!(tags(3), [1, 2]);
    assert_eq!(disk.read_file("data/00000001.0").len(), 8192);
    assert_eq!(disk.read_file("data/00000001.1").len(), 4096);
    assert_eq!(disk.read_file("data/00000001.2").len(), 0);
    assert_eq!((tags(0), file.blocks()), (vec![0, 1], 0));
}

#[test]
fn unlogged_files_are_emptied_and_others_are_not() {
    let disk = disk(&[("00000001.0", 8192)]);
    let files = open(&disk, &[]).unwrap();
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    let id = files.create(unlogged).unwrap();
    let file = files.get(id).unwrap();
    let page = vec![0; 4096];
    files.write_pages(&file, PageId::new(id, 0), &[&page]).unwrap();
    file.grow_to(1);
    files.reset_unlogged().unwrap();
    assert_eq!((file.blocks(), files.get(FILE).unwrap().blocks()), (0, 2));
    assert_eq!(disk.read_file(&file.path(0)).len(), 0);
}

#[test]
fn what_is_asked_of_a_dropped_file_is_no_error_and_does_nothing() {
    let disk = disk(&[("00000001.0", 8192)]);
    let files = open(&disk, &[]).unwrap();
    files.forget(&files.get(FILE).unwrap());
    let before = (disk.operations(), disk.prefetches());
    files.sync(SyncTag { file: FILE, segment: 0 }).unwrap();
    files.write_back(PageId::new(FILE, 0), 1, Writeback::Waited).unwrap();
    files.prefetch(PageId::new(FILE, 0), 1).unwrap();
    assert_eq!((disk.operations(), disk.prefetches()), before);
}

#[test]
fn a_poisoned_store_reads_and_writes_no_page() {
    let disk = disk(&[("00000001.0", 8192)]);
    let files = open(&disk, &[]).unwrap();
    let file = files.get(FILE).unwrap();
    disk.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    let synced = files.sync(SyncTag { file: FILE, segment: 0 });
    assert!(matches!(synced, Err(Error::Poisoned(_))), "{synced:?}");
    let before = disk.operations();
    let mut page = Page::zeroed(4096);
    let written = files.write_pages(&file, PageId::new(FILE, 0), &[page.bytes()]);
    assert!(matches!(written, Err(Error::Poisoned(_))), "{written:?}");
    let read = files.read_page(PageId::new(FILE, 0), &mut page);
    assert!(matches!(read, Err(Error::Poisoned(_))), "{read:?}");
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_file_that_is_in_two_places_is_refused() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.unlogged.1", 4096)]);
    let Err(Error::NotAStore { found }) = open(&disk, &[]) else { panic!("it is damaged") };
    let (one, other) = ("data/00000001.0", "data/00000001.unlogged.0");
    assert_eq!(found, format!("file 1 as {one} and as {other}"));
}

#[test]
fn a_file_that_cannot_be_created_leaves_nothing_and_an_entry_that_was_left_is_used() {
    let disk = disk(&[]);
    let files = open(&disk, &[]).unwrap();
    disk.fail_at(1, Fault::once(ENOSPC).only(OpKind::Create));
    let error = files.create(FileOptions::default()).unwrap_err();
    let Error::Io { op: "create", source, .. } = error else { panic!("{error}") };
    assert_eq!(source.raw_os_error(), Some(ENOSPC));
    disk.fail_at(1, Fault::once(EMFILE).only(OpKind::Open));
    let error = files.create(FileOptions::default()).unwrap_err();
    let Error::Io { op: "create", source, .. } = error else { panic!("{error}") };
    assert_eq!(source.raw_os_error(), Some(EMFILE));
    assert_eq!(disk.list(DATA_DIR).unwrap(), [""; 0]);
    disk.write_file("data/00000001.0", &[]);
    assert_eq!(files.create(FileOptions::default()).unwrap(), FILE);
    disk.fail_at(1, Fault::once(EMFILE).only(OpKind::Open));
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Remove));
    let error = files.create(FileOptions::default()).unwrap_err();
    let Error::Poisoned(cause) = error else { panic!("it is left, and nobody knows: {error}") };
    assert_eq!((cause.op, &cause.file[..]), ("remove", "data/00000002.0"));
}

#[test]
fn space_is_found_for_each_block_in_its_segment() {
    let disk = disk(&[("00000001.0", 4096)]);
    let files = open(&disk, &[]).unwrap();
    let reserved = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&reserved);
    disk.set_observer(Some(Box::new(move |_, op| {
        if op.kind == OpKind::Reserve {
            noted.lock().push((op.path.clone(), op.offset, op.len));
        }
    })));
    let file = files.get(FILE).unwrap();
    let ranges = |blocks| {
        files.find_space(&file, blocks).unwrap();
        std::mem::take(&mut *reserved.lock())
    };
    let in_segment = |number, offset, len| (file.path(number), offset, len);
    assert_eq!(ranges(1..2), [in_segment(0, 4096, 4096)]);
    let expected = [in_segment(0, 4096, 4096), in_segment(1, 0, 8192), in_segment(2, 0, 4096)];
    assert_eq!(ranges(1..5), expected);
    assert_eq!(ranges(3..3), []);
}

#[test]
fn a_page_is_found_by_its_segment_and_block() {
    let disk = disk(&[("00000001.0", 8192), ("00000001.1", 8192), ("00000002.0", 4096)]);
    let place = |file, block| place_of(&disk, &FORMAT, PageId::new(FileId(file), block)).unwrap();
    assert_eq!(place(1, 0), ("data/00000001.0".to_owned(), 0));
    assert_eq!(place(1, 3), ("data/00000001.1".to_owned(), 4096));
    assert_eq!(place(2, 0), ("data/00000002.0".to_owned(), 0));
    let refused = |file, block| {
        place_of(&disk, &FORMAT, PageId::new(FileId(file), block)).expect_err("refused")
    };
    assert!(matches!(refused(1, 4), Error::BeyondEnd { blocks: 4, .. }));
    assert!(matches!(refused(3, 0), Error::NoSuchFile { file: FileId(3) }));
}
