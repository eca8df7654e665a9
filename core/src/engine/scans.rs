//! The ways to many pages: read together, told of beforehand, and through a [`Ring`] that the
//! caller owns.

use super::Engine;
use crate::buffer::{Access, PageRead, Ring};
use crate::error::Result;
use crate::length;
use crate::page::{FileId, PageId};

impl Engine {
    /// A ring for one scan or load, empty; it takes frames as they are needed. It may be kept for
    /// the next scan.
    pub fn ring(&self, access: Access) -> Ring {
        Ring::new(access, self.pool.buffers(), self.config().format.page_bytes as usize)
    }

    /// As [`Engine::read`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub fn read_through(&self, page: PageId, ring: &mut Ring) -> Result<PageRead<'_>> {
        self.pool.read_through(page, Some(ring))
    }

    /// Reads those of `blocks` neighbours in that are not in the pool, up to the end of their file,
    /// with one read of the disk for each run of them, of up to 16 pages. Returns how many it has
    /// read.
    ///
    /// They are not pinned afterwards: who reads them soon is likely to find them. For a scan: load
    /// 16 pages, read them, load the next.
    ///
    /// # Errors
    /// As [`Engine::read`], for the first page that has one: pages behind it may not be there.
    pub fn load(&self, first: PageId, blocks: u32) -> Result<u32> {
        self.pool.load(first, blocks, None)
    }

    /// As [`Engine::load`], with the frames of a ring: for no more pages at a time than it has
    /// [frames](Ring::frames).
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load_through(&self, first: PageId, blocks: u32, ring: &mut Ring) -> Result<u32> {
        self.pool.load(first, blocks, Some(ring))
    }

    /// Tells the disk which pages are likely to be read soon, so that it has them by then. Those
    /// that are in the pool, or do not exist, are passed over. Waits for no read. Through the page
    /// cache alone: with [`Config::data_direct`](crate::config::Config::data_direct), the default,
    /// there is nothing that a disk could have, and [`Engine::load`] is the way.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io), and the pages are as they were.
    pub fn prefetch(&self, pages: &[PageId]) -> Result<()> {
        self.pool.prefetch(pages)
    }

    /// As [`Engine::extend`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Engine::extend`].
    pub fn extend_through(&self, file: FileId, blocks: u32, ring: &mut Ring) -> Result<u32> {
        length::extend(&self.parts(), file, blocks, Some(ring))
    }
}
