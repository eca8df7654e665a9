//! The ways to pages for a big scan or load: through a [`Ring`] that the caller owns.

use super::Engine;
use crate::buffer::{Access, PageRead, Ring};
use crate::error::Result;
use crate::length;
use crate::page::{FileId, PageId};

impl Engine {
    /// A ring for one scan or load, empty; it takes frames as they are needed. It may be kept for
    /// the next scan.
    pub fn ring(&self, access: Access) -> Ring {
        Ring::new(access, self.pool.buffers(), self.config.format.page_bytes as usize)
    }

    /// As [`Engine::read`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub fn read_through(&self, page: PageId, ring: &mut Ring) -> Result<PageRead<'_>> {
        let read = self.pool.pin_through(page, Some(ring))?.read();
        read.check_inside()?;
        Ok(read)
    }

    /// As [`Engine::extend`], with the frames of a ring.
    ///
    /// # Errors
    /// As [`Engine::extend`].
    pub fn extend_through(&self, file: FileId, blocks: u32, ring: &mut Ring) -> Result<u32> {
        length::extend(&self.parts(), file, blocks, Some(ring))
    }
}
