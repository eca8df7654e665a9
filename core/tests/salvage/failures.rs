//! Crashes in a salvage, operations that fail, and the order of what it makes durable.

use super::*;

#[test]
fn whichever_operation_of_a_salvage_fails_it_says_so_and_can_be_repeated() {
    let bed = Bed::new();
    let mut failed = 0;
    for n in 1.. {
        let disk = bed.damaged();
        bed.write_out(&disk, 4);
        disk.fail_at(n, Fault::once(EIO));
        let outcome = salvage(&disk, bed.cut(), true);
        let Some(op) = disk.first_failure() else { break };
        assert!(outcome.is_err(), "{op} failed, and nobody was told");
        disk.clear_faults();
        let again = salvage(&disk, bed.cut(), true);
        again.unwrap_or_else(|error| panic!("after {op} had failed: {error}"));
        println!("{n}: {op}");
        kept(&bed, &disk, &[4]);
        failed += 1;
    }
    println!("{failed} operations failed");
    assert!(failed > 40, "{failed}");
}

#[test]
fn what_is_kept_of_the_log_is_durable_though_it_was_in_the_page_cache_alone() {
    let bed = Bed::of(24);
    let disk = bed.image.mount();
    let until = bed.ends[22];
    let (path, offset) = bed.place(bed.ends[1]);
    assert!(path < bed.place(until).0, "one segment");
    let good = disk.read_file(&path)[offset as usize..].to_vec();
    disk.overwrite(&path, offset, &vec![0; good.len()]);
    disk.open(&path).unwrap().write_at(&good, offset).unwrap();
    salvage(&disk, until, false).unwrap();
    let crashed = disk.durable_image().mount();
    assert_eq!(recover(&crashed, &roomy()).unwrap(), bed.states[22]);
}

#[test]
fn what_is_put_aside_is_made_anew_and_durable_before_anything_is_cut() {
    let bed = Bed::new();
    let disk = bed.damaged();
    let dir = bed.aside();
    disk.create_dir(&dir).unwrap();
    // What an earlier attempt has left.
    for name in ["newer-pages", "losses.txt", "control"] {
        disk.write_file(&format!("{dir}/{name}"), &disk.read_file("control"));
    }
    let done = operations(&disk, || drop(salvage(&disk, bed.cut(), false).unwrap()));
    let until = done.iter().position(|done| done == "Write control").unwrap();
    let aside: Vec<_> = done[..until].iter().map(|done| done.replace(&dir, "aside")).collect();
    let (first, _) = bed.place(bed.cut());
    let segments = files_of(&bed.image.mount());
    let segments = segments.range(first..).filter(|(path, _)| path.starts_with("wal/"));
    let files = segments.map(|(path, _)| path.replace("wal/", "aside/"));
    let copied = |file: String| {
        ["Remove", "Create", "Write", "SyncAll"].map(|done| format!("{done} {file}"))
    };
    let mut expected = ["CreateDir aside", "SyncDir ", "Remove aside/control", "SyncDir aside"]
        .map(str::to_owned)
        .to_vec();
    expected.extend(files.flat_map(copied));
    expected.push("Remove aside/newer-pages".to_owned());
    expected
        .extend(["aside/losses.txt", "aside/control.new"].map(str::to_owned).map(copied).concat());
    let last = ["SyncDir aside", "Rename aside/control.new", "SyncDir aside"];
    expected.extend(last.map(str::to_owned));
    assert_eq!(aside, expected);
    assert_eq!(recover(&disk, &roomy()).unwrap(), bed.states[KEPT]);
}

/// Crashes a salvage everywhere. Returns how many images were refused, and how many opened. What
/// was to be kept is known when it goes on, so nobody has to say it again.
fn crash(bed: &Bed, disk: &SimDisk, keep_newer: bool, check: impl Fn(&SimDisk)) -> [usize; 2] {
    let aside: Vec<_> =
        files_of(disk).into_iter().filter(|(path, _)| path.starts_with("wal")).collect();
    let first = bed.place(bed.cut()).0;
    let dir = bed.aside();
    let options = CrashOptions { max_subset: 4, seeded: 3, seed: 5 };
    let images = images_of(disk, options, || drop(salvage(disk, bed.cut(), keep_newer).unwrap()));
    let (mut counts, mut gone_on) = ([0, 0], 0);
    for image in &images {
        let say = |what: &str| format!("{what}; {}", image.describe());
        match open(&image.mount(), &roomy()) {
            Ok(engine) => {
                let found = content(&engine).unwrap();
                let whole = *bed.states.last().unwrap() == found;
                assert!(
                    whole || keep_newer || found == bed.states[KEPT],
                    "{}",
                    say("a third state")
                );
                counts[1] += 1;
            }
            Err(Error::Wal(_)) => counts[0] += 1,
            Err(error) => panic!("{}", say(&error.to_string())),
        }
        let disk = image.mount();
        let again = prepare(&disk, bed.cut()).and_then(|prepared| {
            let goes_on = prepared.losses().goes_on;
            gone_on += u64::from(goes_on);
            prepared.carry_out(keep_newer && !goes_on)
        });
        again.unwrap_or_else(|error| panic!("{}", say(&error.to_string())));
        for (path, bytes) in aside.iter().filter(|(path, _)| *path >= first) {
            let aside = disk.read_file(&path.replace("wal", &dir));
            assert_eq!(&aside, bytes, "{}", say(path));
        }
        check(&disk);
    }
    let [refused, opened] = counts;
    let all = images.len();
    println!("{all} images: {refused} refused, {opened} opened; {gone_on} salvages gone on with");
    assert!(gone_on > 0);
    counts
}

#[test]
fn a_salvage_that_crashes_anywhere_is_refused_as_before_or_through_and_can_be_repeated() {
    let bed = Bed::new();
    let [refused, through] = crash(&bed, &bed.damaged(), false, |disk| {
        assert_eq!(recover(disk, &roomy()).unwrap(), bed.states[KEPT]);
    });
    assert!(refused > 50 && through > 0, "{refused}, {through}");
}

#[test]
fn a_cut_of_a_whole_log_that_crashes_leaves_all_of_it_or_a_refusal_or_the_cut() {
    let bed = Bed::new();
    let [refused, through] = crash(&bed, &bed.image.mount(), false, |disk| {
        assert_eq!(recover(disk, &roomy()).unwrap(), bed.states[KEPT]);
    });
    assert!(refused > 5 && through > 50, "{refused}, {through}");
}

#[test]
fn newer_pages_that_are_kept_survive_a_crash_of_the_salvage() {
    let bed = Bed::new();
    let disk = bed.damaged();
    bed.write_out(&disk, 4);
    let [refused, through] = crash(&bed, &disk, true, |disk| kept(&bed, disk, &[4]));
    assert!(refused > 50 && through > 0, "{refused}, {through}");
}

/// A log that ends where others are cut, and page 4 as commits behind that left it.
fn lacks_what_a_page_has(bed: &Bed) -> SimDisk {
    let disk = Bed::of(KEPT as u64).image.mount();
    bed.write_out(&disk, 4);
    disk
}

/// The same after a salvage that could not put the page back.
fn begun(bed: &Bed) -> SimDisk {
    let disk = lacks_what_a_page_has(bed);
    disk.fail_at(1, Fault::once(EIO).only(OpKind::Write).on(DATA[2]));
    salvage(&disk, bed.cut(), true).unwrap_err();
    disk
}

#[test]
fn a_log_that_lacks_what_a_page_has_is_cut_at_its_end_if_the_page_is_to_be_kept() {
    let bed = Bed::new();
    let disk = lacks_what_a_page_has(&bed);
    // It opens, since replay does not come to that page.
    assert!(open(&disk.durable_image().mount(), &roomy()).is_ok());
    let refused = fault(salvage(&disk, bed.cut(), false));
    assert!(matches!(refused, SalvageFault::NewerPages { pages: 1, .. }), "{refused}");
    assert!(matches!(salvage(&disk, bed.cut(), true).unwrap(), Salvaged::Cut { .. }));
    kept(&bed, &disk, &[4]);
}

#[test]
fn a_salvage_that_has_begun_is_not_done_because_the_store_would_open() {
    let bed = Bed::new();
    let disk = begun(&bed);
    assert!(matches!(salvage(&disk, bed.cut(), true).unwrap(), Salvaged::Cut { .. }));
    kept(&bed, &disk, &[4]);
}

#[test]
fn what_an_attempt_has_put_aside_is_not_put_back_into_a_store_that_was_used_since() {
    let bed = Bed::new();
    let disk = lacks_what_a_page_has(&bed);
    let dir = bed.aside();
    // The last: all is put aside, and the store is as it was.
    disk.fail_at(3, Fault::once(EIO).only(OpKind::SyncDir).on(&dir));
    salvage(&disk, bed.cut(), true).unwrap_err();
    assert!(disk.exists(&format!("{dir}/control")));
    drop(open(&disk, &roomy()).unwrap());
    let refused = fault(salvage(&disk, bed.cut(), true));
    assert!(matches!(refused, SalvageFault::InTheWay { .. }), "{refused}");
}

#[test]
fn a_page_that_was_put_aside_and_is_damaged_there_is_not_put_back() {
    let bed = Bed::new();
    let disk = begun(&bed);
    let before = disk.read_file(DATA[2]);
    disk.overwrite(&format!("{}/newer-pages", bed.aside()), 99, &[0xEE]);
    assert!(matches!(salvage(&disk, bed.cut(), true), Err(Error::Page { .. })));
    assert!(disk.read_file(DATA[2]) == before);
}

#[test]
fn a_page_that_was_put_aside_as_one_that_does_not_exist_makes_no_file_longer() {
    let bed = Bed::new();
    let disk = begun(&bed);
    let before = files_of(&disk);
    let id = PageId::new(FILE, 1 << 20);
    common::reseal(&disk, &format!("{}/newer-pages", bed.aside()), 0, |page| page.format(id));
    let refused = salvage(&disk, bed.cut(), true);
    assert!(matches!(refused, Err(Error::BeyondEnd { page, .. }) if page == id), "{refused:?}");
    let after = files_of(&disk);
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
}

#[test]
fn a_page_that_was_put_aside_and_cannot_be_read_ends_the_salvage() {
    let bed = Bed::new();
    let newer = [4, 5];
    for nth in 1..=2 {
        let disk = bed.damaged();
        newer.iter().for_each(|block| bed.write_out(&disk, *block));
        let aside = format!("{}/newer-pages", bed.aside());
        disk.fail_at(nth, Fault::once(EIO).only(OpKind::Read).on(&aside));
        assert!(matches!(salvage(&disk, bed.cut(), true), Err(Error::Io { .. })), "{nth}");
        salvage(&disk, bed.cut(), true).unwrap();
        kept(&bed, &disk, &newer);
    }
}
