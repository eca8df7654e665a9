//! Checks everything that torture data promises, after recovery.
//!
//! # What holds
//! * `sum of operations of all threads == greatest K`: the numbers are distinct, so exactly the
//!   operations 1 to `last` survived: a prefix.
//! * every data page has the count and the sum of exactly those operations that touch it:
//!   nothing lost, nothing extra, nothing half applied.
//! * the last operation that a data page names touches it, and no later one of its thread does;
//!   its payload is there; its K fits its thread's and is no other operation's.
//!
//! # Bounds
//! Pages can be forged, with the right checksums. The time that this takes is bounded by the pages
//! that are on disk and by the log, and the memory by the pages, whatever they say:
//! * without a file of as many pages as the meta page says, no data page is read;
//! * reading ends when too much was found: each page that is not on disk is a finding, whoever
//!   says that it is there;
//! * no more operations are replayed than the log has had room for: see [`OPERATION_BYTES_MIN`].

mod findings;

use crate::args::{MAX_THREADS, OpenArgs};
use crate::exit::{Failure, result};
use crate::open;
use crate::torture::layout::{Found, Layout};
use crate::torture::page::{DataPage, PAYLOAD_OFFSET, ThreadPage};
use crate::torture::plan::OpId;
use findings::Findings;
use seawall::seawall_core::wal::record::RECORD_HEADER_BYTES;
use seawall::{Error, FileId, PageId, Store};
use std::collections::HashMap;

/// What was verified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The operations 1 to this are there.
    pub(crate) last: u64,
    /// Pages of the file.
    pub(crate) pages: u32,
}

pub(crate) fn run(args: &OpenArgs) -> Result<(), Failure> {
    let verified = open_and_verify(args).map_err(|failure| failure.within(&args.dir))?;
    result(&format!("last={}", verified.last))
}

fn open_and_verify(args: &OpenArgs) -> Result<Verified, Failure> {
    let store = open::open(args)?;
    let verified = verify(&store)?;
    store.close()?;
    Ok(verified)
}

/// Checks the torture data of a store.
pub(crate) fn verify(store: &Store) -> Result<Verified, Failure> {
    match Layout::find(store)? {
        Found::Complete(layout) => {
            let mut check = Check { store, layout, findings: Findings::default() };
            let verified = check.everything()?;
            check.findings.or(verified)
        }
        Found::Unfinished(None) => Ok(Verified { last: 0, pages: 0 }),
        Found::Unfinished(Some(file)) => unfinished(store, file),
    }
}

/// Before the data is set up, everything is zero.
fn unfinished(store: &Store, file: FileId) -> Result<Verified, Failure> {
    let mut findings = Findings::default();
    let pages = store.blocks(file)?;
    for block in 0..pages {
        if findings.are_too_many() {
            break;
        }
        let id = PageId::new(file, block);
        let zero = |body: &[u8]| match body.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(at) => Err(format!("byte {at} is not 0, and the meta page is")),
        };
        read(store, id, zero, &mut findings)?;
    }
    findings.or(Verified { last: 0, pages })
}

/// Reads a page. What is wrong with it is a finding, and gives `None`.
fn read<T>(
    store: &Store,
    id: PageId,
    decode: impl Fn(&[u8]) -> Result<T, String>,
    findings: &mut Findings,
) -> Result<Option<T>, Failure> {
    match store.read(id) {
        Ok(body) => match decode(&body) {
            Ok(page) => return Ok(Some(page)),
            Err(what) => findings.add(format!("page {id}: {what}")),
        },
        Err(error @ Error::Page { .. }) => findings.add(error.to_string()),
        Err(error) => return Err(error.into()),
    }
    Ok(None)
}

/// The least that an operation takes in the log: a record with two entries, the thread's page and a
/// data page. An entry is a page id and a count, then the place and the length of what is written.
///
/// The log bounds the operations that a thread page may claim: replaying 2^60 takes for ever. This
/// excludes pages that are forged, however many; it does not exclude a log that is as well, and a
/// control file, whose positions say that there has been that much of it.
const OPERATION_BYTES_MIN: u64 = RECORD_HEADER_BYTES as u64 + 2 * (8 + 4 + 4);

struct Check<'s> {
    store: &'s Store,
    layout: Layout,
    findings: Findings,
}

/// A data page as found.
struct Read {
    page: DataPage,
    /// Whether it holds its last operation's payload.
    has_payload: bool,
}

/// What the surviving operations make of a data page.
#[derive(Clone, Copy, Default)]
struct Expected {
    count: u64,
    sum: u64,
    /// The last operation that touches the page, of the thread that the page names.
    last_number: u64,
}

impl Check<'_> {
    fn everything(&mut self) -> Result<Verified, Failure> {
        let (expected, pages) =
            (self.layout.blocks(), self.store.blocks(self.layout.data_page(0).file())?);
        let lost = self.store.recovery().lost_pages;
        if lost > 0 {
            self.findings.add(format!("{lost} pages of the last checkpoint are not on disk"));
        }
        if pages != expected {
            self.findings.add(format!("the file has {pages} pages, expected {expected}"));
            return Ok(Verified { last: 0, pages });
        }
        let threads = self.threads()?;
        let last = threads.iter().flatten().map(|page| page.sequence).max().unwrap_or(0);
        let verified = Verified { last, pages };
        let Some(threads) = threads.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(verified);
        };
        if !self.are_plausible(&threads, last) {
            return Ok(verified);
        }
        let found = self.data_pages()?;
        if !self.findings.are_too_many() {
            let expected = self.recompute(&threads, &found);
            self.compare(&threads, &found, &expected);
        }
        Ok(verified)
    }

    /// Whether the threads can have done what they say; if not, that is a finding.
    fn are_plausible(&mut self, threads: &[ThreadPage], last: u64) -> bool {
        let operations =
            threads.iter().try_fold(0_u64, |sum, page| sum.checked_add(page.operations));
        if operations != Some(last) {
            let all: Vec<_> = threads.iter().map(|page| page.operations).collect();
            self.findings.add(format!(
                "the greatest number is {last}, but the threads have done {all:?} operations"
            ));
            return false;
        }
        let (end, ..) = self.store.wal_positions();
        let most = end.0 / OPERATION_BYTES_MIN;
        if last > most {
            self.findings.add(format!(
                "the threads have done {last} operations, expected {most} at most: \
                 the log ends at {end}"
            ));
        }
        last <= most
    }

    /// Reads the thread pages; one that cannot be had is `None`, and a finding.
    fn threads(&mut self) -> Result<Vec<Option<ThreadPage>>, Failure> {
        let mut threads = Vec::new();
        for thread in 0..MAX_THREADS {
            let id = self.layout.thread_page(thread);
            let found = read(self.store, id, ThreadPage::decode, &mut self.findings)?;
            if let Some(page) = found
                && page.sequence < page.operations
            {
                let expected = format!("{} at least", page.operations);
                self.findings.differ(id, "number of the last operation", expected, page.sequence);
            }
            threads.push(found);
        }
        Ok(threads)
    }

    /// Reads the data pages, until too much was found. Outside `None`: cannot be had. Inside: not
    /// touched.
    fn data_pages(&mut self) -> Result<Vec<Option<Option<Read>>>, Failure> {
        let plan = self.layout.plan;
        let mut found = Vec::new();
        for data_page in 0..plan.pages {
            if self.findings.are_too_many() {
                break;
            }
            let id = self.layout.data_page(data_page);
            let decode = |body: &[u8]| {
                let page = DataPage::decode(body)?;
                Ok(page.map(|page| {
                    let area = &body[PAYLOAD_OFFSET..];
                    let (range, payload) = plan.payload(page.last, data_page, area.len());
                    Read { page, has_payload: area[range] == payload }
                }))
            };
            found.push(read(self.store, id, decode, &mut self.findings)?);
        }
        Ok(found)
    }

    /// Replays every surviving operation, on counts and sums.
    fn recompute(&self, threads: &[ThreadPage], found: &[Option<Option<Read>>]) -> Vec<Expected> {
        let named =
            |read: &Option<Option<Read>>| read.as_ref()?.as_ref().map(|read| read.page.last.thread);
        let named: Vec<Option<u32>> = found.iter().map(named).collect();
        let mut expected = vec![Expected::default(); found.len()];
        let plan = self.layout.plan;
        for (thread, page) in (0..).zip(threads) {
            for number in 1..=page.operations {
                let op = OpId { thread, number };
                for data_page in plan.touched(op).as_slice() {
                    let index = *data_page as usize;
                    let expected = &mut expected[index];
                    expected.count += 1;
                    expected.sum = expected.sum.wrapping_add(plan.summand(op, *data_page));
                    if named[index] == Some(thread) {
                        expected.last_number = number;
                    }
                }
            }
        }
        expected
    }

    fn compare(
        &mut self,
        threads: &[ThreadPage],
        found: &[Option<Option<Read>>],
        expected: &[Expected],
    ) {
        let mut sequences = HashMap::new();
        for ((data_page, found), expected) in (0..).zip(found).zip(expected) {
            let id = self.layout.data_page(data_page);
            match found {
                None => {}
                Some(None) if expected.count == 0 => {}
                Some(None) => {
                    self.findings.differ(id, "operations", expected.count, "an empty page");
                }
                Some(Some(read)) => {
                    self.compare_page(id, read, expected, threads);
                    let op = read.page.last;
                    let known = *sequences.entry(read.page.sequence).or_insert(op);
                    if known != op {
                        self.findings.differ(id, "the operation of its K", name(known), name(op));
                    }
                }
            }
        }
    }

    fn compare_page(
        &mut self,
        id: PageId,
        read: &Read,
        expected: &Expected,
        threads: &[ThreadPage],
    ) {
        let DataPage { count, sum, last, sequence } = read.page;
        let findings = &mut self.findings;
        if count != expected.count {
            findings.differ(id, "operations", expected.count, count);
        } else if sum != expected.sum {
            let expected = format!("{:016x}", expected.sum);
            findings.differ(id, "sum of operations", expected, format!("{sum:016x}"));
        }
        let Some(thread) = threads.get(last.thread as usize) else {
            return findings.differ(id, "last operation", "a thread below 64", name(last));
        };
        if last.number != expected.last_number {
            let expected = name(OpId { number: expected.last_number, ..last });
            findings.differ(id, "last operation", expected, name(last));
        }
        let is_threads_last = last.number == thread.operations;
        let fits =
            if is_threads_last { sequence == thread.sequence } else { sequence < thread.sequence };
        if !fits || sequence < last.number {
            let relation = if is_threads_last { "" } else { "less than " };
            let expected = format!("{relation}{}", thread.sequence);
            findings.differ(id, "K of the last operation", expected, sequence);
        }
        if !read.has_payload {
            findings.differ(id, "payload", format!("that of {}", name(last)), "another");
        }
    }
}

fn name(op: OpId) -> String {
    format!("operation {} of thread {}", op.number, op.thread)
}
