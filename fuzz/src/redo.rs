//! Redo: what `redo::decode` takes from arbitrary bytes can be applied, and once is enough.

use crate::{Outcome, take_array};
use seawall_core::lsn::Lsn;
use seawall_core::page::{PAGE_HEADER_BYTES, Page};
use seawall_core::redo::{PageRedo, decode};

const PAGE_BYTES: usize = 4096;

pub(crate) const OUTCOMES: &[Outcome] = &["image", "nothing", "ranges", "refused"];

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
        apply(change, &mut page, end);
        outcome = match change {
            PageRedo::Image { .. } => "image",
            PageRedo::Ranges { .. } => "ranges",
        };
    }
    outcome
}

fn apply(change: &PageRedo<'_>, page: &mut Page, end: Lsn) {
    let (before, original) = (page.lsn(), page.clone());
    let changed = change.apply(page, end);
    let is_image = matches!(change, PageRedo::Image { .. });
    assert_eq!(changed, is_image || before < end, "applied by the page's LSN (R4)");
    assert_eq!(page.id(), change.page());
    if changed {
        assert_eq!(page.lsn(), end);
    } else {
        assert_eq!(page.bytes(), original.bytes());
    }
    let once = page.clone();
    change.apply(page, end);
    assert_eq!(page.bytes(), once.bytes(), "applied again (R1)");
}
