//! What an engine adds to the log: kinds of change and of note of its own. PostgreSQL: a custom
//! resource manager (`RmgrData`).

use crate::lsn::Lsn;
use crate::page::PageId;

/// Gives a meaning to the kinds that an engine puts into the log, when they are done and when they
/// are done again. A kind is a byte; what it stands for is the engine's, for as long as there may
/// be log with it.
///
/// Recovery calls it from several threads, for different pages. What it refuses, by an error or a
/// panic, ends the opening of the store, which can be opened by one that knows better: all of the
/// log that was durable is there.
pub trait Redo: Send + Sync {
    /// Changes the body of a page: at [`OperationPage::apply`], and again when recovery finds that
    /// the page on disk lacks it.
    ///
    /// The new body depends on nothing but what is passed here. Recovery passes the same: it has
    /// made all earlier changes of the page before.
    ///
    /// [`OperationPage::apply`]: crate::operation::OperationPage::apply
    ///
    /// # Errors
    /// What makes no sense. What was done to `body` until then is taken back.
    fn change(&self, kind: u8, page: PageId, data: &[u8], body: &mut [u8]) -> Result<(), String>;

    /// Takes notice of a note that came with an operation ([`Operation::note`]) whose commit
    /// returned `at`. Called by recovery alone, in the order of the log, for the operations from
    /// the redo point on: after another crash perhaps again for the same, and not for those before
    /// the last checkpoint. What is to outlast a checkpoint, the engine keeps in pages.
    ///
    /// [`Operation::note`]: crate::operation::Operation::note
    ///
    /// # Errors
    /// What makes no sense.
    fn note(&self, at: Lsn, kind: u8, data: &[u8]) -> Result<(), String>;
}
