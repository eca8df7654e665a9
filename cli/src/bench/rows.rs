//! A table of rows of one size in one file: the row's number gives its page and place.

use crate::exit::Failure;
use crate::interrupt::Interrupt;
use seawall::seawall_core::page::PAGE_HEADER_BYTES;
use seawall::{Access, Error, FileId, FileOptions, Format, Lsn, PageId, Store};

/// Pages that are added at a time.
const EXTENSION_PAGES: u64 = 1024;

/// Rows that are there.
pub(super) struct Rows {
    file: FileId,
    count: u64,
    row_bytes: usize,
    rows_per_page: u64,
}

impl Rows {
    /// Fills a new file with `count` rows; they are in the log and in the files, but not durable.
    pub(super) fn load(
        store: &Store,
        format: &Format,
        count: u64,
        row_bytes: usize,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let body_bytes = format.page_bytes as usize - PAGE_HEADER_BYTES;
        let rows_per_page = (body_bytes / row_bytes) as u64;
        let file = store.create_file(FileOptions::default())?;
        let rows = Self { file, count, row_bytes, rows_per_page };
        let mut ring = store.ring(Access::BulkWrite);
        let (mut left, mut body) = (count.div_ceil(rows_per_page), vec![0; body_bytes]);
        while left > 0 {
            interrupt.check()?;
            let pages = left.min(EXTENSION_PAGES);
            let first = store.extend_through(file, pages as u32, &mut ring)?;
            for block in first..first + pages as u32 {
                rows.fill(u64::from(block), &mut body);
                let mut operation = store.operation();
                operation.page_through(PageId::new(file, block), &mut ring)?.write(0, &body)?;
                store.commit_async(operation)?;
            }
            left -= pages;
        }
        Ok(rows)
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Gives a row a value, durably.
    pub(super) fn upsert(&self, store: &Store, row: u64, value: u64) -> Result<Lsn, Error> {
        let page = PageId::new(self.file, (row / self.rows_per_page) as u32);
        let offset = (row % self.rows_per_page) as usize * self.row_bytes;
        let mut operation = store.operation();
        write_row(row, value, operation.page(page)?.change(offset..offset + self.row_bytes)?);
        store.commit(operation)
    }

    fn fill(&self, block: u64, body: &mut [u8]) {
        let first = block * self.rows_per_page;
        for (row, bytes) in (first..).zip(body.chunks_exact_mut(self.row_bytes)) {
            write_row(row, row, bytes);
        }
    }
}

/// The row's number, then its value over and over.
fn write_row(row: u64, value: u64, bytes: &mut [u8]) {
    let words = std::iter::once(row).chain(std::iter::repeat(value));
    for (word, place) in words.zip(bytes.chunks_mut(8)) {
        place.copy_from_slice(&word.to_le_bytes()[..place.len()]);
    }
}
