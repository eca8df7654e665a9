//! Redo: what `redo::entries` takes from arbitrary bytes can be applied, and once is enough.

use crate::{Outcome, take_array};
use seawall_core::lsn::Lsn;
use seawall_core::page::{PAGE_HEADER_BYTES, Page, PageId};
use seawall_core::redo::{Entry, PageRedo, Redo, entries};

const PAGE_BYTES: usize = 4096;

pub(crate) const OUTCOMES: &[Outcome] = &[
    "custom change",
    "image",
    "no image",
    "note",
    "nothing",
    "ranges",
    "refused",
    "refused by the engine",
];

/// Input: LSN of the page (8), end of the record (8), then the record's body.
///
/// # Panics
/// On a finding.
pub fn redo(mut data: &[u8]) -> Outcome {
    let before = Lsn(u64::from_le_bytes(take_array(&mut data)));
    let end = Lsn(u64::from_le_bytes(take_array(&mut data)));
    let mut outcome = "nothing";
    for entry in entries(data, PAGE_BYTES - PAGE_HEADER_BYTES) {
        outcome = match entry {
            Err(_) => "refused",
            Ok(Entry::Note { .. }) => "note",
            Ok(Entry::Page(change)) => apply_to_one(&change, before, end),
        };
    }
    outcome
}

fn apply_to_one(change: &PageRedo<'_>, before: Lsn, end: Lsn) -> Outcome {
    let mut page = Page::zeroed(PAGE_BYTES);
    page.format(change.page());
    page.body_mut().fill(0xA5);
    page.set_lsn(before);
    match (apply(change, &mut page, end), change) {
        (Err(reason), PageRedo::Image { .. }) => {
            assert!(reason.contains("image"), "{reason}");
            "no image"
        }
        (Err(_), _) => "refused by the engine",
        (Ok(()), PageRedo::Image { .. }) => "image",
        (Ok(()), _) if change.custom_kind().is_some() => "custom change",
        (Ok(()), _) => "ranges",
    }
}

/// Kinds below 200: the data goes to the place that the kind says.
struct Place;

impl Redo for Place {
    fn change(&self, kind: u8, _: PageId, data: &[u8], body: &mut [u8]) -> Result<(), String> {
        let place = body.get_mut(usize::from(kind)..).and_then(|rest| rest.get_mut(..data.len()));
        place.ok_or("too long")?.copy_from_slice(data);
        if kind < 200 { Ok(()) } else { Err("refused when it was made".to_owned()) }
    }

    fn note(&self, _: Lsn, _: u8, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fn apply(change: &PageRedo<'_>, page: &mut Page, end: Lsn) -> Result<(), String> {
    let is_image = matches!(change, PageRedo::Image { .. });
    let is_missing = change.is_missing_in(page, end);
    assert_eq!(is_missing, is_image || page.lsn() < end, "applied by the page's LSN (R4)");
    if !is_missing {
        return Ok(());
    }
    let old = page.clone();
    if let Err(reason) = change.apply(page, end, Some(&Place)) {
        assert_eq!(page.bytes(), old.bytes(), "made in part");
        return Err(reason);
    }
    assert_eq!((page.id(), page.lsn()), (change.page(), end));
    let once = page.clone();
    change.apply(page, end, Some(&Place))?;
    assert_eq!(page.bytes(), once.bytes(), "applied again (R1)");
    Ok(())
}
