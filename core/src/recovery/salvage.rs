//! Cutting a log by hand, where recovery refuses to: the override of R7. PostgreSQL:
//! `pg_resetwal`, which keeps nothing and looks at no page.
//!
//! What is kept is the log from the redo point to a position, a boundary of records; what is cut
//! is put aside in a directory of its own.
//!
//! # Steps
//! 1. Put aside, durably: the segments from the position on, pages that are newer than it, and
//!    last the control file, which says that all is there.
//! 2. Write a control file that says that the log was durable as far as it is known. So what is
//!    left of it while it is cut is refused as before, whatever a crash leaves.
//! 3. If asked for, keep the newer pages: give each the position as its LSN.
//! 4. Make the log durable and clear it behind the position, as recovery does.
//! 5. Write a control file that says that the log was durable up to the position, and no further.
//!
//! # Rules
//! * Before step 2 nothing but the new directory has changed. From there on it can be repeated from
//!   any point: each step reads what those before it made durable, not what it changes.
//! * Until step 5 is durable, the store is refused as it was, or opens with all that it had.
//! * A page whose LSN is behind the position has changes that are cut from the log, and perhaps
//!   those of half an operation. If the log before has an image of it, replay takes them back.
//!   Otherwise nobody can: salvage refuses, unless it is told to keep them. Left alone, such a page
//!   could not be read until the log has grown past its LSN, and then would be taken for good.
//! * What replay would refuse afterwards is refused before anything is changed.
//!
//! # Checked by
//! `core/tests/salvage.rs`: every crash of a salvage, and its repetition.

use super::Recovery;
use super::ahead::Beyond;
use super::fates::Fate;
use super::rehearsal::Newer;
use super::survey::{LogCounts, Survey};
use crate::check::sweep::{Fault, Found, Suspect, Sweep};
use crate::check::{Effect, Finding};
use crate::control::{Control, ControlFile, Slots};
use crate::disk::Disk;
use crate::engine;
use crate::error::{Error, PageFault, Result};
use crate::files::{Files, failed};
use crate::lsn::Lsn;
use crate::page::Page;
use crate::poison::Poison;
use crate::wal::position::{BLOCK_HEADER_BYTES, Geometry, RECORD_ALIGNMENT, segment_path};
use crate::wal::record::BlockHeader;
use crate::wal::segment;
use aside::Aside;
use std::fmt;
use std::sync::Arc;

mod aside;

/// Why a log is not cut; nothing has changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SalvageFault {
    /// The position is no boundary of the log from the redo point on.
    NotABoundary {
        /// The position.
        until: Lsn,
        /// The nearest boundary before it, if there is one.
        before: Option<Lsn>,
        /// The nearest behind it, if the log goes so far.
        after: Option<Lsn>,
    },
    /// Pages have changes behind the position that cannot be taken back.
    NewerPages {
        /// How many.
        pages: u64,
        /// The position.
        until: Lsn,
    },
    /// Recovery would refuse what is left.
    WouldNotOpen {
        /// The position.
        until: Lsn,
        /// As it would say.
        error: Box<Error>,
    },
    /// What another salvage put aside is in the way.
    InTheWay {
        /// The directory.
        dir: String,
    },
}

impl fmt::Display for SalvageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABoundary { until, before, after } => {
                write!(f, "no record ends at {until}; the nearest position that can be cut at ")?;
                match (before, after) {
                    (Some(before), Some(after)) => {
                        write!(f, "before it is {before}, behind it {after}")
                    }
                    (Some(before), None) => write!(f, "is {before}, where the valid log ends"),
                    (None, Some(after)) => write!(f, "is {after}, the redo point"),
                    (None, None) => write!(f, "is not known"),
                }
            }
            Self::NewerPages { pages, until } => write!(
                f,
                "{pages} pages have changes behind {until} that cannot be taken back: a cut \
                 would leave operations half done; they must be kept as they are, or come from a \
                 backup"
            ),
            Self::WouldNotOpen { until, error } => {
                write!(f, "a log that ends at {until} would be refused as well: {error}")
            }
            Self::InTheWay { dir } => {
                write!(f, "{dir} holds what an earlier salvage put aside: move it away first")
            }
        }
    }
}

/// What a cut takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// Where the log is cut.
    pub until: Lsn,
    /// Where it ends now.
    pub valid_end: Lsn,
    /// Up to where it is known to have been durable.
    pub durable: Lsn,
    /// What lies behind its end.
    pub beyond: Beyond,
    /// Valid records that are cut.
    pub records: u64,
    /// Changes of pages in them.
    pub changes: u64,
    /// Pages that have changes behind the cut, which cannot be taken back.
    pub newer_pages: u64,
    /// Pages that are damaged, and will not be restored.
    pub damaged_pages: u64,
    /// Whether an interrupted salvage goes on: then the numbers are of what it has left.
    pub goes_on: bool,
}

impl Losses {
    /// Whether the store opens to this very position as it is.
    fn is_nothing(&self, survey: &Survey) -> bool {
        self.until == self.valid_end && survey.refusal(true).is_none() && self.newer_pages == 0
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { until, valid_end, durable, beyond, records, changes, .. } = self;
        writeln!(f, "kept: all changes before {until}")?;
        writeln!(f, "cut: {records} valid records with {changes} changes, to {valid_end}")?;
        let bytes = durable.since(*until);
        writeln!(f, "the log was durable to {durable}: {bytes} bytes of it are given up")?;
        writeln!(f, "at the end of the valid log: {beyond}")?;
        let newer = self.newer_pages;
        writeln!(f, "pages with changes behind {until}, not to be taken back: {newer}")?;
        write!(f, "pages that are damaged and stay so: {}", self.damaged_pages)
    }
}

/// What has become of a salvage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Salvaged {
    /// The store opens to the position as it is: nothing was done.
    Nothing,
    /// The log is cut, and what was cut is in this directory.
    Cut {
        /// Relative to the store's.
        dir: String,
    },
}

/// How far an earlier attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing has changed.
    Fresh,
    /// Step 2 is done.
    Begun,
}

/// A salvage that is prepared.
pub struct Salvage {
    disk: Arc<dyn Disk>,
    survey: Survey,
    losses: Losses,
    is_nothing: bool,
    stage: Stage,
    aside: Aside,
    // Last: released when everything else is gone.
    _lock: Box<dyn Send + Sync>,
}

impl Salvage {
    /// Finds out what a cut takes away, and whether the store would open afterwards. Changes
    /// nothing but the lock file. `report` gets each page that stays damaged or newer.
    ///
    /// # Errors
    /// [`Error::Salvage`]; [`Error::Locked`], [`Error::NotAStore`], [`Error::Control`],
    /// [`Error::Io`].
    pub fn prepare(
        disk: Arc<dyn Disk>,
        until: Lsn,
        report: &mut dyn FnMut(&Finding),
    ) -> Result<Self> {
        let lock = engine::lock(&*disk)?;
        let (_, control) = Slots::read(&*disk)?.latest()?;
        let whole = Survey::read(Arc::clone(&disk), &control, None)?;
        let survey = Survey::read(Arc::clone(&disk), &control, Some(until))?;
        check_boundary(&survey, until)?;
        let aside = Aside::at(until);
        let mut losses = losses(&whole, &survey);
        let stage = match aside.stage(&*disk, &control) {
            Ok(stage) => stage,
            // Of a salvage that was completed, perhaps this very one.
            Err(_) if losses.is_nothing(&whole) => Stage::Fresh,
            Err(error) => return Err(error),
        };
        losses.goes_on = stage == Stage::Begun;
        if stage == Stage::Fresh {
            count_pages(&survey, &mut losses, report)?;
            let refusal = survey.rehearse_with(Newer::Kept)?.refusal;
            if let Some(error) = refusal.map(Box::new) {
                return Err(Error::Salvage(SalvageFault::WouldNotOpen { until, error }));
            }
        }
        let is_nothing = stage == Stage::Fresh && losses.is_nothing(&whole);
        Ok(Self { disk, survey, losses, is_nothing, stage, aside, _lock: lock })
    }

    /// What will be lost.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Whether there is nothing to be cut.
    pub fn is_nothing(&self) -> bool {
        self.is_nothing
    }

    /// The directory for what is cut, relative to the store's.
    pub fn dir(&self) -> &str {
        self.aside.dir()
    }

    /// The position of the salvage that made a directory of this name.
    pub fn parse_dir(name: &str) -> Option<Lsn> {
        Aside::parse(name)
    }

    /// Cuts the log. `keep_newer` says to keep the pages that have changes behind the cut.
    ///
    /// # Errors
    /// [`Error::Salvage`] with newer pages that are not to be kept; [`Error::Io`],
    /// [`Error::Poisoned`]: it can be repeated.
    pub fn carry_out(self, keep_newer: bool) -> Result<Salvaged> {
        let Losses { until, newer_pages: pages, .. } = self.losses;
        if self.is_nothing {
            return Ok(Salvaged::Nothing);
        }
        if pages > 0 && !keep_newer {
            return Err(Error::Salvage(SalvageFault::NewerPages { pages, until }));
        }
        let poison = Arc::new(Poison::new());
        let mut control = ControlFile::open(&*self.disk, Arc::clone(&poison))?;
        let latest = *control.latest();
        if self.stage == Stage::Fresh {
            self.aside.fill(&*self.disk, &self.survey, &self.losses)?;
            control.write(durable_to(&latest, self.known_end()))?;
        }
        self.keep_newer(&poison)?;
        let Self { disk, survey, .. } = self;
        let geometry = survey.geometry;
        let recovery = Recovery { survey, last_block: Vec::new() };
        recovery.sync_wal(&poison)?;
        recovery.clear_tail(&poison)?;
        // Without the segment of the redo point no store opens.
        segment::create_if_missing(&*disk, &geometry, &poison, geometry.segment(latest.redo))?;
        ensure_block(&*disk, &geometry, latest.system_id, until, &poison)?;
        control.write(durable_to(&latest, until))?;
        Ok(Salvaged::Cut { dir: self.aside.dir().to_owned() })
    }

    /// The greatest position that there was log up to.
    fn known_end(&self) -> Lsn {
        let known = self.losses.valid_end.max(self.survey.known_end());
        Lsn(known.0 - known.0 % RECORD_ALIGNMENT)
    }

    /// Step 3.
    fn keep_newer(&self, poison: &Arc<Poison>) -> Result<()> {
        let (disk, poison) = (Arc::clone(&self.disk), Arc::clone(poison));
        let format = self.survey.control().format;
        let Some((pages, path)) = self.aside.newer_pages(&*disk)? else { return Ok(()) };
        let files = Files::open(disk, &format, poison, &self.survey.known_files())?;
        let mut page = Page::zeroed(format.page_bytes as usize);
        let page_bytes = u64::from(format.page_bytes);
        let len = pages.len().map_err(|e| failed("measure", &path, 0, e))?;
        for offset in (0..len / page_bytes * page_bytes).step_by(page_bytes as usize) {
            let read = pages.read_at(page.bytes_mut(), offset);
            read.map_err(|e| failed("read", &path, offset, e))?;
            let id = page.id();
            page.verify(id)?;
            files.check_exists(id)?;
            page.set_lsn(self.losses.until);
            page.seal();
            files.write_pages(&*files.get(id.file())?, id, &[page.bytes()])?;
        }
        files.sync_everything()
    }
}

/// Makes sure that the block that the log ends in is one, if it has anything before the end, by
/// giving it a header: with the end at the redo point nobody has looked whether it has one, and
/// nobody needs what is before.
fn ensure_block(
    disk: &dyn Disk,
    geometry: &Geometry,
    system_id: u64,
    end: Lsn,
    poison: &Poison,
) -> Result<()> {
    let (path, address) =
        (segment_path(geometry.segment(end)), geometry.block_start(geometry.block(end)));
    if address == end {
        return Ok(());
    }
    let offset = geometry.block_offset(geometry.block(end));
    let file = disk.open(&path).map_err(|e| failed("open", &path, 0, e))?;
    let mut bytes = [0; BLOCK_HEADER_BYTES as usize];
    BlockHeader { system_id, address, flushed_upto: end }.encode(&mut bytes);
    file.write_at(&bytes, offset).map_err(|e| failed("write", &path, offset, e))?;
    file.sync_data().map_err(|e| poison.poison("sync", &path, &e))
}

/// A control file that says that the log was durable up to here.
fn durable_to(control: &Control, lsn: Lsn) -> Control {
    // Without a record of a checkpoint, as in a new store: it may be cut.
    Control { checkpoint: lsn, checkpoint_end: lsn, ..*control }
}

fn check_boundary(survey: &Survey, until: Lsn) -> Result<()> {
    let (redo, end) = (survey.control().redo, survey.end());
    let (before, after) = match end.cmp(&until) {
        _ if until < redo => (None, Some(redo)),
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => (Some(end), None),
        std::cmp::Ordering::Greater => (Some(survey.last_record()), Some(end)),
    };
    Err(Error::Salvage(SalvageFault::NotABoundary { until, before, after }))
}

fn losses(whole: &Survey, kept: &Survey) -> Losses {
    let (durable, _) = whole.beyond().durable(whole.control());
    let (all, left) = (whole.counts(), kept.counts());
    let changes = |counts: LogCounts| counts.images + counts.steps;
    Losses {
        until: kept.end(),
        valid_end: whole.end(),
        durable: durable.max(whole.end()),
        beyond: whole.beyond(),
        records: all.records - left.records,
        changes: changes(all) - changes(left),
        ..Losses::default()
    }
}

/// Counts the pages that the log up to the cut does not make good.
fn count_pages(
    survey: &Survey,
    losses: &mut Losses,
    report: &mut dyn FnMut(&Finding),
) -> Result<()> {
    Sweep::run(survey, &mut |found| {
        match found {
            Found::Page(suspect, fate) if !fate.is_fine() => {
                let is_newer = is_newer(suspect, fate);
                *(if is_newer { &mut losses.newer_pages } else { &mut losses.damaged_pages }) += 1;
                report(&suspect.finding(fate));
            }
            Found::Place(finding) if finding.effect == Effect::Fault => report(finding),
            _ => {}
        }
        Ok(())
    })
    .map(drop)
}

/// Whether a page has changes behind the cut that replay does not take back.
fn is_newer(suspect: &Suspect, fate: Fate) -> bool {
    matches!(suspect.fault, Fault::Page(PageFault::NewerThanWal { .. })) && !fate.is_fine()
}
