//! What is cut, put aside.
//!
//! ```text
//! salvaged-<LSN as 16 hex digits>/
//!   0000000000000003 …   the segments from the cut on, as they were
//!   newer-pages          pages with changes behind the cut, as they were, one after the other
//!   losses.txt           what was lost, in words
//!   control              the control file as it was; there once all the others are
//! ```

use super::{Losses, Stage, is_newer};
use crate::check::sweep::{Found, Sweep};
use crate::control::{CONTROL_BYTES, CONTROL_FILE, Control, Slots};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::files::{failed, remove_if_present, sync_dir};
use crate::lsn::Lsn;
use crate::page::{AlignedBytes, Page};
use crate::recovery::{SalvageFault, Survey};
use crate::wal::position::{WAL_DIR, segment_path};
use crate::wal::segment;
use std::io;
use std::sync::Arc;

const PREFIX: &str = "salvaged-";
const NEWER_PAGES: &str = "newer-pages";

/// Bytes that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// The directory of one salvage.
pub(super) struct Aside {
    dir: String,
}

impl Aside {
    pub(super) fn at(until: Lsn) -> Self {
        Self { dir: format!("{PREFIX}{:016x}", until.0) }
    }

    pub(super) fn parse(name: &str) -> Option<Lsn> {
        let lsn = Lsn(u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()?);
        (Self::at(lsn).dir == name).then_some(lsn)
    }

    pub(super) fn dir(&self) -> &str {
        &self.dir
    }

    /// How far an earlier attempt has come, with this control file in place now.
    pub(super) fn stage(&self, disk: &dyn Disk, control: &Control) -> Result<Stage> {
        let copy = match Slots::read_at(disk, &self.path(CONTROL_FILE)) {
            Err(Error::NotAStore { .. }) => return Ok(Stage::Fresh),
            slots => slots?.latest()?.1,
        };
        let is_next = control.sequence == copy.sequence.wrapping_add(1);
        let is_begun = is_next && control.checkpoint == control.checkpoint_end;
        match control.sequence == copy.sequence {
            true => Ok(Stage::Fresh),
            false if is_begun => Ok(Stage::Begun),
            false => Err(Error::Salvage(SalvageFault::InTheWay { dir: self.dir.clone() })),
        }
    }

    /// Step 1. What an earlier attempt has left here is made anew: it has changed nothing else.
    pub(super) fn fill(&self, disk: &dyn Disk, survey: &Survey, losses: &Losses) -> Result<()> {
        disk.create_dir(&self.dir).map_err(|e| failed("create", &self.dir, 0, e))?;
        sync_dir(disk, "")?;
        let control = self.path(CONTROL_FILE);
        remove_if_present(disk, &control)?;
        sync_dir(disk, &self.dir)?;
        let geometry = survey.geometry();
        let first = geometry.segment(losses.until);
        for number in segment::list(disk, geometry)?.into_iter().filter(|n| *n >= first) {
            let from = segment_path(number);
            let to = self.path(from.trim_start_matches(WAL_DIR).trim_start_matches('/'));
            copy(disk, &from, &to, geometry.segment_bytes())?;
        }
        self.put_newer_pages(disk, survey, losses)?;
        write(disk, &self.path("losses.txt"), format!("{losses}\n").as_bytes())?;
        let unfinished = self.path("control.new");
        copy(disk, CONTROL_FILE, &unfinished, CONTROL_BYTES)?;
        sync_dir(disk, &self.dir)?;
        disk.rename(&unfinished, &control).map_err(|e| failed("rename", &unfinished, 0, e))?;
        sync_dir(disk, &self.dir)
    }

    /// The pages that were put aside, and their file's path.
    pub(super) fn newer_pages(
        &self,
        disk: &dyn Disk,
    ) -> Result<Option<(Arc<dyn DiskFile>, String)>> {
        let path = self.path(NEWER_PAGES);
        match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Ok(Some((opened.map_err(|e| failed("open", &path, 0, e))?, path))),
        }
    }

    fn put_newer_pages(&self, disk: &dyn Disk, survey: &Survey, losses: &Losses) -> Result<()> {
        let path = self.path(NEWER_PAGES);
        remove_if_present(disk, &path)?;
        if losses.newer_pages == 0 {
            return Ok(());
        }
        let aside = create(disk, &path)?;
        let mut page = Page::zeroed(survey.control().format.page_bytes as usize);
        let mut end = 0;
        Sweep::run(survey, &mut |found| {
            if let Found::Page(suspect, fate) = found
                && is_newer(suspect, fate)
            {
                let (from, offset) = (&suspect.path, suspect.offset);
                let file = disk.open(from).map_err(|e| failed("open", from, 0, e))?;
                let read = file.read_at(page.bytes_mut(), offset);
                read.map_err(|e| failed("read", from, offset, e))?;
                page.verify(suspect.page)?;
                let written = aside.write_at(page.bytes(), end);
                written.map_err(|e| failed("write", &path, end, e))?;
                end += page.bytes().len() as u64;
            }
            Ok(())
        })?;
        aside.sync_all().map_err(|e| failed("sync", &path, 0, e))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.dir)
    }
}

fn create(disk: &dyn Disk, path: &str) -> Result<Arc<dyn DiskFile>> {
    remove_if_present(disk, path)?;
    disk.create(path).map_err(|e| failed("create", path, 0, e))
}

fn write(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Result<()> {
    let file = create(disk, path)?;
    file.write_at(bytes, 0).map_err(|e| failed("write", path, 0, e))?;
    file.sync_all().map_err(|e| failed("sync", path, 0, e))
}

/// Copies a file, durably, and no more of it than it should have.
fn copy(disk: &dyn Disk, from: &str, to: &str, bytes_max: u64) -> Result<()> {
    let source = disk.open(from).map_err(|e| failed("open", from, 0, e))?;
    let target = create(disk, to)?;
    let mut buffer = AlignedBytes::zeroed(COPY_BYTES);
    let mut offset = 0;
    while offset < bytes_max {
        let piece = (bytes_max - offset).min(COPY_BYTES as u64) as usize;
        let read = source.read_at(&mut buffer[..piece], offset);
        let read = read.map_err(|e| failed("read", from, offset, e))?;
        if read == 0 {
            break;
        }
        let written = target.write_at(&buffer[..read], offset);
        written.map_err(|e| failed("write", to, offset, e))?;
        offset += read as u64;
    }
    target.sync_all().map_err(|e| failed("sync", to, 0, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimDisk;

    #[test]
    fn pages_that_cannot_be_opened_are_not_taken_for_none() {
        let (disk, aside) = (SimDisk::new(), Aside::at(Lsn(8)));
        assert!(aside.newer_pages(&disk).unwrap().is_none());
        for dir in [aside.dir.clone(), aside.path(NEWER_PAGES)] {
            disk.create_dir(&dir).unwrap();
        }
        assert!(aside.newer_pages(&disk).is_err());
    }
}
