//! A page's way in. PostgreSQL: `BufferAlloc`, `WaitReadBuffers`.
//!
//! A page that is not found gets a free frame and is entered in the table as being read; it is read
//! with the content lock held exclusively, VALID is set, and those who wait are woken.
//!
//! A read that fails sets IO_ERROR; its error is its owner's and that of all who waited for it
//! (`failures.rs`). The page stays where it is, without bytes, and whoever comes later reads again.
//!
//! # Rules
//! * The content lock is held over a system call here alone, when nobody else can want the bytes
//!   because they are not there yet.
//! * Who waits for a read starts none, whatever it ends with, unless its owner has panicked: on a
//!   dead disk any number of threads that miss a page at a time make one read.
//! * A page that does not exist costs no frame, unless it ceases to exist meanwhile.
//!
//! # Checked by
//! models `read_in`, `read_fails`, `extend_read`, `truncate_commit`.

use super::frame::ReadIo;
use super::guard::Pin;
use super::pool::Pool;
use super::ring::Ring;
use super::state::{Awaited, BeginRead, Header, ReadEnd};
use super::table::Present;
use crate::error::{Error, PageFault, Result};
use crate::page::{Page, PageId};

/// Where the bytes of a page come from that is not in the pool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Disk,
    /// They are in the frame: they were read with their neighbours, and are to be verified.
    Frame,
    /// They are formatted.
    Nowhere,
}

/// A page that is in the table and not there yet; its I/O is the caller's.
pub(super) struct Incoming<'p> {
    // Ends before the pin.
    io: ReadIo<'p>,
    pub(super) pin: Pin<'p>,
}

pub(super) enum Entered<'p> {
    /// In the caller's frame.
    ToBeFilled(Incoming<'p>),
    /// In the frame of whoever was faster.
    Present(Pin<'p>),
}

impl<'p> Incoming<'p> {
    fn new(pin: Pin<'p>) -> Self {
        Self { io: ReadIo { frame: pin.frame(), end: ReadEnd::Failed }, pin }
    }
}

impl Pool {
    pub(super) fn pin_or_fill(
        &self,
        page: PageId,
        ring: Option<&mut Ring>,
        origin: Origin,
    ) -> Result<Pin<'_>> {
        let found = match ring {
            None => self.find(page, Header::pin_if_tagged),
            Some(_) => self.find(page, Header::pin_in_passing),
        };
        let pin = match found {
            Some((pin, true)) => return Ok(pin),
            Some((pin, false)) => pin,
            None => match self.enter(page, ring, origin)? {
                Entered::ToBeFilled(incoming) => return self.fill(incoming, origin),
                Entered::Present(pin) => pin,
            },
        };
        loop {
            match pin.frame().header.begin_read() {
                BeginRead::AlreadyValid => return Ok(pin),
                BeginRead::Started => {
                    // The last read has failed, and it is our turn.
                    self.failures.forget(pin.id());
                    return self.fill(Incoming::new(pin), origin);
                }
                BeginRead::Busy => self.wait_for_read(&pin, origin)?,
            }
        }
    }

    /// Waits for somebody else's read of a page, and fails as it did.
    fn wait_for_read(&self, pin: &Pin<'_>, origin: Origin) -> Result<()> {
        if pin.frame().wait_for_read() == Awaited::Valid || origin == Origin::Nowhere {
            return Ok(());
        }
        // There is no error if somebody reads again by now, or if the owner has panicked.
        self.failures.of(pin.id()).map_or(Ok(()), Err)
    }

    /// Enters a page that was not in the table; somebody else may have been faster.
    pub(super) fn enter(
        &self,
        page: PageId,
        mut ring: Option<&mut Ring>,
        origin: Origin,
    ) -> Result<Entered<'_>> {
        let file = self.files.get(page.file())?;
        if origin == Origin::Disk {
            file.check_exists(page)?;
        }
        let is_permanent = !file.options().unlogged;
        let free = self.claim_free_frame(ring.as_deref_mut())?;
        let frame = free.frame();
        let entered = self.table.insert(
            page,
            free.id(),
            |id| self.frame(id).tag(),
            || frame.assign(page, is_permanent),
            |present| {
                let header = &self.frame(present).header;
                match ring {
                    None => header.pin(),
                    Some(_) => header.pin_in_passing().expect("it is in the table"),
                };
            },
        );
        Ok(match entered {
            Ok(()) => Entered::ToBeFilled(Incoming::new(free)),
            Err(Present(id)) => Entered::Present(Pin::adopt(self, id)),
        })
    }

    /// Fills a page that comes in.
    pub(super) fn fill<'p>(&'p self, incoming: Incoming<'p>, origin: Origin) -> Result<Pin<'p>> {
        let Incoming { io, pin } = incoming;
        let filled = self.fill_bytes(pin.page(), &mut pin.frame().content.write(), origin);
        match filled {
            Ok(end) => io.end(end),
            Err(error) => {
                // Before the I/O ends: who has waited for it looks for the error then.
                self.failures.note(pin.id(), error.clone());
                return Err(error);
            }
        }
        Ok(pin)
    }

    fn fill_bytes(&self, page: PageId, bytes: &mut Page, origin: Origin) -> Result<ReadEnd> {
        match origin {
            Origin::Nowhere => {
                bytes.format(page);
                return Ok(ReadEnd::Formatted);
            }
            // It may have ceased to exist since we looked: this looks again.
            Origin::Disk => self.files.read_page(page, bytes)?,
            Origin::Frame => bytes.verify(page)?,
        }
        let (lsn, end) = (bytes.lsn(), self.log.end());
        let fault = PageFault::NewerThanWal { lsn, end };
        if lsn <= end { Ok(ReadEnd::Read) } else { Err(Error::Page { page, fault }) }
    }
}

#[cfg(test)]
mod tests;
