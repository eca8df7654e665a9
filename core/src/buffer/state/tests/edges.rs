//! Every edge of the header, from words that have it and from words that do not: the table of
//! `state.rs`, row by row.

use super::super::word::{PINS_MASK, USAGE, USAGE_MAX};
use super::super::*;

const FREE: u64 = 0;
const READING: u64 = TAG_VALID | IO_IN_PROGRESS;
const UNREAD: u64 = TAG_VALID | IO_ERROR;
const CLEAN: u64 = TAG_VALID | VALID;
const CHANGED: u64 = CLEAN | DIRTY | JUST_DIRTIED;
const WRITING: u64 = CLEAN | DIRTY | IO_IN_PROGRESS;
const MARKED: u64 = CHANGED | CHECKPOINT_NEEDED;
const WORDS: [u64; 7] = [FREE, READING, UNREAD, CLEAN, CHANGED, WRITING, MARKED];

/// What an edge gives from a word, and the word that it leads to.
fn step<R>(word: u64, edge: impl FnOnce(&Header) -> R) -> (R, u64) {
    let header = Header { word: AtomicU64::new(word) };
    let result = edge(&header);
    (result, header.snapshot().0)
}

/// Where a word leads that an edge may refuse; with the refusals, which change nothing.
fn taken(edge: impl Fn(&Header) -> bool) -> [Option<u64>; 7] {
    WORDS.map(|word| match step(word, &edge) {
        (true, next) => Some(next),
        (false, next) => {
            assert_eq!(next, word, "a refusal changes nothing");
            None
        }
    })
}

/// The words that `suits`, with `more`.
fn where_so(suits: impl Fn(u64) -> bool, more: u64) -> [Option<u64>; 7] {
    WORDS.map(|word| suits(word).then_some(word + more))
}

#[test]
fn a_pin_is_had_of_what_it_is_for() {
    let has_tag = |word| word & TAG_VALID != 0;
    assert_eq!(taken(|header| header.pin_if_tagged().is_some()), where_so(has_tag, PIN + USAGE));
    assert_eq!(taken(|header| header.pin_in_passing().is_some()), where_so(has_tag, PIN + USAGE));
    assert_eq!(taken(Header::pin_if_marked), where_so(|word| word == MARKED, PIN));
    let is_dirty = |word| word == CHANGED || word == MARKED;
    assert_eq!(taken(|header| header.pin_if_dirty().is_some()), where_so(is_dirty, PIN));
    assert_eq!(step(CLEAN + PIN, Header::pin_again).1, CLEAN + 2 * PIN);
}

#[test]
fn a_page_with_as_many_pins_as_it_can_have_gets_no_more() {
    let most = (1 << 17) * PIN;
    type Take = fn(&Header);
    let takes: [Take; 3] =
        [Header::pin_again, |header| _ = header.pin(), |header| _ = header.pin_if_tagged()];
    for take in takes {
        assert_eq!(step(CLEAN + most - PIN, take).1 & PINS_MASK, most);
        let header = Header { word: AtomicU64::new(CLEAN + most) };
        let taken = std::panic::catch_unwind(|| take(&header));
        assert!(taken.is_err());
        assert_eq!(header.snapshot().0, CLEAN + most, "as it was");
    }
}

#[test]
fn usage_is_raised_by_who_saw_the_word_and_has_an_end() {
    let note = |seen: u64| move |header: &Header| header.note_use(Snapshot(seen));
    assert_eq!(step(CLEAN, note(CLEAN)).1, CLEAN + USAGE);
    assert_eq!(step(CLEAN + PIN, note(CLEAN)).1, CLEAN + PIN, "somebody else came");
    assert_eq!(step(CLEAN + USAGE_MAX, note(CLEAN + USAGE_MAX)).1, CLEAN + USAGE_MAX);
    assert_eq!(step(CLEAN + USAGE_MAX, |header| header.pin().pins()), (1, CLEAN + USAGE_MAX + PIN));
}

#[test]
fn a_page_is_read_by_one_and_once() {
    let begun = WORDS[1..].iter().map(|word| step(*word, Header::begin_read));
    let expected = [
        (BeginRead::Busy, READING),
        (BeginRead::Started, UNREAD | IO_IN_PROGRESS),
        (BeginRead::AlreadyValid, CLEAN),
        (BeginRead::AlreadyValid, CHANGED),
        (BeginRead::AlreadyValid, WRITING),
        (BeginRead::AlreadyValid, MARKED),
    ];
    assert_eq!(begun.collect::<Vec<_>>(), expected);
    let end = |end: ReadEnd| step(READING | IO_ERROR, |header| header.end_read(end)).1;
    assert_eq!(end(ReadEnd::Read), CLEAN);
    assert_eq!(end(ReadEnd::Formatted), CLEAN | OUTSIDE);
    assert_eq!(end(ReadEnd::Failed), UNREAD);
    let awaited = [READING, UNREAD, CLEAN, WRITING].map(|word| Snapshot(word).awaited_read());
    let valid = Some(Awaited::Valid);
    assert_eq!(awaited, [None, Some(Awaited::Failed), valid, valid]);
}

#[test]
fn a_page_is_written_by_one_and_if_it_is_dirty() {
    let begun = WORDS.map(|word| step(word, Header::begin_write));
    let expected = [
        (BeginWrite::AlreadyClean, FREE),
        (BeginWrite::Busy, READING),
        (BeginWrite::AlreadyClean, UNREAD),
        (BeginWrite::AlreadyClean, CLEAN),
        (BeginWrite::Started, CHANGED | IO_IN_PROGRESS),
        (BeginWrite::Busy, WRITING),
        (BeginWrite::Started, MARKED | IO_IN_PROGRESS),
    ];
    assert_eq!(begun, expected);
}

#[test]
fn a_written_page_is_clean_unless_it_was_changed_and_its_mark_goes_with_the_dirt() {
    let end = |word: u64, end| step(word, |header: &Header| header.end_write(end));
    let changed = WRITING | JUST_DIRTIED | CHECKPOINT_NEEDED | IO_ERROR;
    assert_eq!(end(WRITING | IO_ERROR, WriteEnd::Written), (false, CLEAN));
    assert_eq!(end(WRITING | CHECKPOINT_NEEDED, WriteEnd::Written), (true, CLEAN));
    assert_eq!(end(changed, WriteEnd::Written), (false, MARKED));
    assert_eq!(end(changed, WriteEnd::Abandoned), (false, MARKED | IO_ERROR));
    assert_eq!(end(MARKED | IO_IN_PROGRESS, WriteEnd::Failed), (false, MARKED | IO_ERROR));
    let cleared = step(MARKED, Header::clear_just_dirtied);
    assert_eq!(cleared, (Snapshot(MARKED), MARKED & !JUST_DIRTIED));
}

#[test]
fn a_checkpoint_marks_what_is_dirty_and_of_its_kind() {
    let mark = |word: u64, kind| step(word, |header: &Header| header.mark_for_checkpoint(kind));
    let logged = CHANGED | PERMANENT;
    assert_eq!(mark(logged, Marked::Permanent), (true, logged | CHECKPOINT_NEEDED));
    assert_eq!(mark(CHANGED, Marked::Permanent), (false, CHANGED));
    assert_eq!(mark(CHANGED, Marked::All), (true, MARKED));
    assert_eq!(mark(CLEAN | PERMANENT, Marked::All), (false, CLEAN | PERMANENT));
}

#[test]
fn a_page_goes_if_it_is_clean_and_nobody_else_has_it() {
    let retired = |word: u64| step(word, Header::retire);
    assert_eq!(retired(CLEAN + PIN + USAGE), (true, PIN));
    assert_eq!(retired(CLEAN + 2 * PIN), (false, CLEAN + 2 * PIN));
    assert_eq!(retired(CHANGED + PIN), (false, CHANGED + PIN));
    let assigned = |is_permanent| step(PIN, |header: &Header| header.assign(is_permanent)).1;
    assert_eq!(assigned(true), (READING | PERMANENT) + PIN + USAGE);
    assert_eq!(assigned(false), READING + PIN + USAGE);
}

#[test]
fn a_page_is_put_outside_of_its_file_only_if_its_bytes_are_there() {
    assert_eq!(step(CLEAN, Header::put_outside).1, CLEAN | OUTSIDE);
    assert_eq!(step(UNREAD, Header::put_outside).1, UNREAD);
    assert_eq!(step(CLEAN | OUTSIDE, Header::put_inside).1, CLEAN);
}

#[test]
fn who_looks_for_frames_takes_those_that_the_table_gives_him() {
    let (used, pinned) = (CHANGED + USAGE, CHANGED + PIN);
    let claimed = |word: u64| Sweep::Claimed(Snapshot(word + PIN));
    assert_eq!(step(CHANGED, Header::sweep), (claimed(CHANGED), CHANGED + PIN));
    assert_eq!(step(used, Header::sweep), (Sweep::Aged, CHANGED));
    assert_eq!(step(pinned, Header::sweep), (Sweep::InUse, pinned));
    assert_eq!(step(used + USAGE, Header::claim), (claimed(used + USAGE), used + USAGE + PIN));
    assert_eq!(step(pinned, Header::claim), (Sweep::InUse, pinned));
    assert_eq!(step(used, Header::claim_again), (claimed(used), used + PIN));
    assert_eq!(step(used + USAGE, Header::claim_again), (Sweep::InUse, used + USAGE));
    assert_eq!(step(CHANGED, Header::claim_to_clean), (Ahead::Claimed, CHANGED + PIN));
    assert_eq!(step(CLEAN, Header::claim_to_clean), (Ahead::Clean, CLEAN));
    assert_eq!(step(used, Header::claim_to_clean), (Ahead::InUse, used));
    assert_eq!(step(pinned, Header::claim_to_clean), (Ahead::InUse, pinned));
}
