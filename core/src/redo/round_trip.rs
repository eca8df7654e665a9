//! What is put into a record is what comes out of it.

use super::*;
use crate::page::PAGE_HEADER_BYTES;
use crate::wal::record::{RECORD_HEADER_BYTES, RecordHeader, RecordKind};
use proptest::prelude::*;
use std::ops::Range;

const BODY_BYTES: usize = 4096 - PAGE_HEADER_BYTES;

/// What is put into a record.
#[derive(Debug, Clone)]
enum Put {
    /// The page; whether its image is compressed.
    Image(PageId, bool),
    /// The page; ranges before a custom change, with it; ranges behind.
    Steps(PageId, Vec<(Ranges, u8, Vec<u8>)>, Ranges),
    Note(u8, Vec<u8>),
}

type Ranges = Vec<Range<usize>>;

fn page_id() -> impl Strategy<Value = PageId> {
    (1u32.., any::<u32>()).prop_map(|(file, block)| PageId::new(FileId(file), block))
}

fn ranges(min: usize) -> impl Strategy<Value = Ranges> {
    let range =
        (0..BODY_BYTES, 1..300usize).prop_map(|(start, len)| start..(start + len).min(BODY_BYTES));
    prop::collection::vec(range, min..5)
}

fn put() -> impl Strategy<Value = Put> {
    let data = || prop::collection::vec(any::<u8>(), 0..100);
    let fixed = prop::collection::vec((ranges(0), any::<u8>(), data()), 0..4);
    prop_oneof![
        (page_id(), any::<bool>()).prop_map(|(page, compress)| Put::Image(page, compress)),
        (page_id(), fixed, ranges(1)).prop_map(|(page, fixed, last)| Put::Steps(page, fixed, last)),
        (any::<u8>(), data()).prop_map(|(kind, data)| Put::Note(kind, data)),
    ]
}

/// A page whose bytes say which version of it they are.
fn page(id: PageId, version: usize) -> Page {
    let mut page = Page::zeroed(BODY_BYTES + PAGE_HEADER_BYTES);
    page.format(id);
    for (byte, offset) in page.body_mut()[..BODY_BYTES - 9].iter_mut().zip(0usize..) {
        *byte = (offset * 31 + version) as u8 | 1;
    }
    page
}

impl Put {
    fn put(&self, record: &mut RecordBuf) {
        match self {
            Put::Image(id, compress) => put_image(record, *id, &page(*id, 0), *compress),
            Put::Note(kind, data) => put_note(record, *kind, data),
            Put::Steps(id, fixed, last) => {
                let mut steps = FixedSteps::default();
                for (version, (ranges, kind, data)) in fixed.iter().enumerate() {
                    steps.add_ranges(&page(*id, version), ranges);
                    steps.add_custom(*kind, data);
                }
                put_steps(record, *id, &steps, &page(*id, fixed.len()), last);
            }
        }
    }

    /// Compares with what came out.
    fn is(&self, entry: &Entry<'_>) -> bool {
        match (self, entry) {
            (Put::Image(id, _), Entry::Page(image)) => {
                let mut restored = Page::zeroed(BODY_BYTES + PAGE_HEADER_BYTES);
                image.apply(&mut restored, Lsn::ZERO, None).is_ok()
                    && restored.bytes() == page(*id, 0).bytes()
            }
            (Put::Note(kind, data), found) => *found == Entry::Note { kind: *kind, data },
            (Put::Steps(id, fixed, last), Entry::Page(PageRedo::Steps { page, steps })) => {
                *page == *id && steps.iter().map(Out::from).eq(expected(*id, fixed, last))
            }
            _ => false,
        }
    }
}

/// A step that owns its bytes.
#[derive(Debug, PartialEq)]
enum Out {
    Range(usize, Vec<u8>),
    Custom(u8, Vec<u8>),
}

impl From<Step<'_>> for Out {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Range { offset, bytes } => Out::Range(offset, bytes.to_vec()),
            Step::Custom { kind, data } => Out::Custom(kind, data.to_vec()),
        }
    }
}

fn expected(id: PageId, fixed: &[(Ranges, u8, Vec<u8>)], last: &Ranges) -> Vec<Out> {
    let ranges = |version: usize, ranges: &Ranges| -> Vec<Out> {
        let page = page(id, version);
        let out =
            |range: &Range<usize>| Out::Range(range.start, page.body()[range.clone()].to_vec());
        ranges.iter().map(out).collect()
    };
    let mut all = Vec::new();
    for (version, (before, kind, data)) in fixed.iter().enumerate() {
        all.extend(ranges(version, before));
        all.push(Out::Custom(*kind, data.clone()));
    }
    all.extend(ranges(fixed.len(), last));
    all
}

/// The record at a position.
fn record(puts: &[Put], start: Lsn) -> Vec<u8> {
    let mut record = RecordBuf::new(RecordKind::Pages);
    puts.iter().for_each(|put| put.put(&mut record));
    record.close();
    record.finish(start).to_vec()
}

proptest! {
    #[test]
    fn records_of_all_kinds_of_entries_come_out_as_they_were_put_in(
        puts in prop::collection::vec(put(), 0..8),
        start in (0..1u64 << 40).prop_map(|word| Lsn(word * 8)),
    ) {
        let bytes = record(&puts, start);
        let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_BYTES>().unwrap();
        let header = RecordHeader::decode(header, start).unwrap();
        let body = &rest[..header.length - RECORD_HEADER_BYTES];
        prop_assert_eq!(header.verify(body), Ok(Ok(RecordKind::Pages)));
        let found: Result<Vec<_>, _> = entries(body, BODY_BYTES).collect();
        let found = found.unwrap();
        prop_assert_eq!(found.len(), puts.len());
        for (put, entry) in puts.iter().zip(&found) {
            prop_assert!(put.is(entry), "{put:?} became {entry:?}");
        }
    }

    #[test]
    fn a_body_that_is_cut_or_changed_gives_fewer_entries_or_a_reason_and_never_panics(
        puts in prop::collection::vec(put(), 1..5),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let bytes = record(&puts, Lsn(8));
        let mut body = bytes[RECORD_HEADER_BYTES..].to_vec();
        let at = changed.index(body.len());
        body[at] = to;
        body.truncate(cut.index(body.len() + 1));
        let mut target = Page::zeroed(BODY_BYTES + PAGE_HEADER_BYTES);
        for entry in entries(&body, BODY_BYTES) {
            match entry {
                Err(reason) => prop_assert!(!reason.is_empty()),
                Ok(Entry::Note { .. }) => {}
                Ok(Entry::Page(page)) => {
                    let _ = page.apply(&mut target, Lsn(8), None);
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let decoded = entries(&body, BODY_BYTES).count();
        prop_assert!(decoded <= body.len() / 8 + 1);
    }
}
