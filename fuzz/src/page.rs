//! Pages: no bytes make `Page::verify` panic, and no flip in a sealed page escapes it.

use crate::{Outcome, take_array};
use seawall_core::lsn::Lsn;
use seawall_core::page::{Page, PageId};

const PAGE_BYTES: usize = 4096;

pub(crate) const OUTCOMES: &[Outcome] = &["damaged", "valid"];

/// Input: id (8), flip position (2), flip mask (1), then the page.
///
/// # Panics
/// On a finding.
pub fn page(mut data: &[u8]) -> Outcome {
    let id = PageId::from_bits(u64::from_le_bytes(take_array(&mut data)));
    let at = usize::from(u16::from_le_bytes(take_array(&mut data))) % PAGE_BYTES;
    let [mask] = take_array(&mut data);
    let mut page = Page::zeroed(PAGE_BYTES);
    let used = data.len().min(PAGE_BYTES);
    page.bytes_mut()[..used].copy_from_slice(&data[..used]);
    let outcome = match page.verify(id) {
        Ok(()) => {
            assert_eq!(page.id(), id);
            assert_eq!(page.bytes()[0..4], crc32c::crc32c(&page.bytes()[4..]).to_le_bytes());
            "valid"
        }
        Err(_) => "damaged",
    };
    a_sealed_page_notices(page, id, at, mask);
    outcome
}

fn a_sealed_page_notices(from: Page, id: PageId, at: usize, mask: u8) {
    let mut page = Page::zeroed(PAGE_BYTES);
    page.format(id);
    page.set_lsn(Lsn(from.lsn().0));
    page.body_mut().copy_from_slice(from.body());
    page.seal();
    page.verify(id).expect("sealed");
    page.bytes_mut()[at] ^= mask;
    assert_eq!(page.verify(id).is_ok(), mask == 0, "byte {at} changed by {mask:02x}");
}
