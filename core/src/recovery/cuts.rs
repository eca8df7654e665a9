//! What the log says was cut off: files that were truncated or dropped.
//!
//! A cut's effect may be on disk when recovery begins: then the pages that earlier records change
//! are not there. They need not be: a change of a block that a later record cuts off is left out.
//! Recovery knows the later records because it has read the log before it replays it.

use crate::lsn::Lsn;
use crate::page::{FileId, PageId};
use crate::wal::reader::Record;
use crate::wal::record::RecordKind;
use std::collections::{BTreeMap, BTreeSet};

/// A cut, as its record says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The file has this many blocks left.
    Truncate(FileId, u32),
    /// The file is gone.
    Drop(FileId),
}

impl Cut {
    /// The cut that a record is about, if it is about one.
    ///
    /// # Errors
    /// What makes no sense.
    pub(super) fn decode(record: &Record) -> Result<Option<Self>, String> {
        let expected = match record.kind {
            RecordKind::Truncate => 8,
            RecordKind::Drop => 4,
            _ => return Ok(None),
        };
        if record.body.len() != expected {
            return Err(format!(
                "a {:?} record with a body of {} bytes, expected {expected}",
                record.kind,
                record.body.len()
            ));
        }
        let mut words = record
            .body
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(word.try_into().expect("chunks of 4")));
        let file = FileId(words.next().expect("4 bytes at least"));
        Ok(Some(match words.next() {
            Some(blocks) => Self::Truncate(file, blocks),
            None => Self::Drop(file),
        }))
    }
}

/// The cuts of a log, in its order.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// Position of the record and blocks that are left.
    truncated: BTreeMap<FileId, Vec<(Lsn, u32)>>,
    dropped: BTreeSet<FileId>,
}

impl Cuts {
    /// Adds a cut behind those that are there.
    pub(super) fn push(&mut self, at: Lsn, cut: Cut) {
        match cut {
            Cut::Truncate(file, blocks) => {
                let cuts = self.truncated.entry(file).or_default();
                // An earlier one that left as much says nothing more: so the last is the deepest
                // of what is behind a position.
                while cuts.last().is_some_and(|(_, left)| *left >= blocks) {
                    cuts.pop();
                }
                cuts.push((at, blocks));
            }
            Cut::Drop(file) => {
                self.dropped.insert(file);
            }
        }
    }

    /// The files that are gone at the end.
    pub(super) fn dropped(&self) -> &BTreeSet<FileId> {
        &self.dropped
    }

    /// The fewest blocks that a file has had left.
    pub(super) fn least(&self, file: FileId) -> u32 {
        // The deepest is the first: see push.
        let cuts = self.truncated.get(&file);
        cuts.and_then(|cuts| cuts.first()).map_or(u32::MAX, |(_, blocks)| *blocks)
    }

    /// Whether a change of a page, in a record at `at`, is taken away later.
    pub(super) fn covers(&self, page: PageId, at: Lsn) -> bool {
        if self.dropped.contains(&page.file()) {
            return true;
        }
        let Some(cuts) = self.truncated.get(&page.file()) else { return false };
        // The blocks that are left ascend with the positions: the first one behind `at` is the
        // deepest.
        let behind = cuts.partition_point(|(position, _)| *position <= at);
        cuts.get(behind).is_some_and(|(_, blocks)| page.block() >= *blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(block: u32) -> PageId {
        PageId::new(FileId(1), block)
    }

    #[test]
    fn a_change_before_a_cut_is_left_out_and_one_behind_it_is_not() {
        let mut cuts = Cuts::default();
        cuts.push(Lsn(80), Cut::Truncate(FileId(1), 5));
        assert!(cuts.covers(page(5), Lsn(72)));
        assert!(!cuts.covers(page(4), Lsn(72)));
        assert!(!cuts.covers(page(5), Lsn(88)));
        assert!(!cuts.covers(PageId::new(FileId(2), 5), Lsn(72)));
    }

    #[test]
    fn all_changes_of_a_dropped_file_are_left_out() {
        let mut cuts = Cuts::default();
        cuts.push(Lsn(80), Cut::Drop(FileId(1)));
        assert!(cuts.covers(page(0), Lsn(72)) && cuts.covers(page(0), Lsn(88)));
        assert_eq!(cuts.dropped().len(), 1);
    }

    proptest! {
        #[test]
        fn a_change_is_left_out_if_any_later_cut_takes_its_block(
            cuts in prop::collection::vec(0u32..6, 0..8),
            block in 0u32..6,
            at in 0u64..9,
        ) {
            let mut all = Cuts::default();
            for (position, blocks) in (1..).zip(&cuts) {
                all.push(Lsn(position), Cut::Truncate(FileId(1), *blocks));
            }
            let later = cuts.iter().skip(at as usize);
            let expected = later.clone().any(|blocks| block >= *blocks);
            prop_assert_eq!(all.covers(page(block), Lsn(at)), expected);
        }
    }
}
