//! What cutting a file asks of the pool; the protocol is in `crate::length`.
//!
//! Each goes over all frames and looks for pages of some blocks of one file. They cannot come in
//! meanwhile: who would read one in finds that it does not exist, and who extends the file waits.
//! So a frame's tag, which is a hint without a pin, is right where it matters.

use super::guard::Pin;
use super::pool::Pool;
use super::table::FrameId;
use crate::page::FileId;
use std::ops::Range;

impl Pool {
    /// Puts the pages of these blocks outside of their file. Waits for their content locks.
    pub(crate) fn put_outside(&self, file: FileId, blocks: &Range<u32>) {
        self.for_each(file, blocks, |pin| {
            // Who has just read the page in may still have to say so; only then it is a page.
            pin.frame().wait_for_io();
            pin.write().put_outside();
        });
    }

    /// Puts the pages of these blocks inside again.
    pub(crate) fn put_inside(&self, file: FileId, blocks: &Range<u32>) {
        self.for_each(file, blocks, |pin| pin.write().put_inside());
    }

    /// Waits until nobody writes the pages of these blocks who had begun before.
    pub(crate) fn wait_for_writes(&self, file: FileId, blocks: &Range<u32>) {
        self.for_each(file, blocks, |pin| pin.frame().wait_for_io());
    }

    fn for_each(&self, file: FileId, blocks: &Range<u32>, act: impl Fn(Pin<'_>)) {
        for id in (0..self.buffers() as u32).map(FrameId) {
            let page = self.frame(id).tag();
            let is_one = page.file() == file && blocks.contains(&page.block());
            if let Some((pin, _)) = is_one.then(|| self.pin_if_holds(id, page)).flatten() {
                act(pin);
            }
        }
    }
}
