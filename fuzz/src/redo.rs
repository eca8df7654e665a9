//! Redo: what `redo::decode` takes from arbitrary bytes can be applied, and once is enough.

use crate::{Outcome, take_array};
use seawall_core::lsn::Lsn;
use seawall_core::page::{PAGE_HEADER_BYTES, Page};
use seawall_core::redo::{PageRedo, decode};

const PAGE_BYTES: usize = 4096;

pub(crate) const OUTCOMES: &[Outcome] = &["image", "no image", "nothing", "ranges", "refused"];

/// Input: LSN of the page (8), end of the record (8), then the record's body.
///
/// # Panics
/// On a finding.
pub fn redo(mut data: &[u8]) -> Outcome {
    let before = Lsn(u64::from_le_bytes(take_array(&mut data)));
    let end = Lsn(u64::from_le_bytes(take_array(&mut data)));
    let Ok(changes) = decode(data, PAGE_BYTES - PAGE_HEADER_BYTES) else { return "refused" };
    let mut outcome = "nothing";
    for change in &changes {
        let mut page = Page::zeroed(PAGE_BYTES);
        page.format(change.page());
        page.body_mut().fill(0xA5);
        page.set_lsn(before);
        if let Err(reason) = apply(change, &mut page, end) {
            assert!(reason.contains("image"), "{reason}");
            return "no image";
        }
        outcome = match change {
            PageRedo::Image { .. } => "image",
            PageRedo::Ranges { .. } => "ranges",
        };
    }
    outcome
}

fn apply(change: &PageRedo<'_>, page: &mut Page, end: Lsn) -> Result<(), String> {
    let is_image = matches!(change, PageRedo::Image { .. });
    let is_missing = change.is_missing_in(page, end);
    assert_eq!(is_missing, is_image || page.lsn() < end, "applied by the page's LSN (R4)");
    if !is_missing {
        return Ok(());
    }
    change.apply(page, end)?;
    assert_eq!((page.id(), page.lsn()), (change.page(), end));
    let once = page.clone();
    change.apply(page, end)?;
    assert_eq!(page.bytes(), once.bytes(), "applied again (R1)");
    Ok(())
}
