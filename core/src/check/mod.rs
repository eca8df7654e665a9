//! Looking at a store that nobody has open: everything that is wrong with it, and what recovery
//! would make of it. PostgreSQL: `pg_checksums`, `pg_amcheck`, `pg_controldata`.
//!
//! Nothing is changed. The caller has the store's lock: who reads what somebody is writing would
//! find faults that are none.
//!
//! # Rules
//! * What a crash may leave is no fault: a torn page with an image behind the redo point, a torn
//!   tail of the log, a file that a dropped record still names. The crash sweep checks it.
//! * Behind a fault it goes on. Only without a valid slot of the control file nothing can be said.
//!
//! # Bounds
//! One page, one record (16 MiB at most), the names in the data directories, the files that the
//! last checkpoint has listed, what the log cuts off, and 16,384 pages that are not what they
//! should be; for the rehearsal 40 MiB, and what opening the data files takes. Of a segment no more
//! is read than a segment has.
//!
//! # What is not seen
//! A file that is missing, if it was made since the last checkpoint and the log has nothing about
//! it; a page that is older than it was, with everything right in itself; the log before the redo
//! point, which recovery does not need.

mod finding;
mod places;
pub(crate) mod sweep;

pub use finding::{Effect, Finding, FindingKind};
pub use sweep::PageCounts;

use crate::control::{Control, Slots};
use crate::disk::Disk;
use crate::error::{Error, Result, WalFault};
use crate::recovery::Survey;
use std::sync::Arc;
use sweep::{Found, Sweep};

/// What a check has come to.
pub struct Verdict {
    /// What the control file says.
    pub control: Control,
    /// The log, up to where it can be replayed.
    pub survey: Survey,
    /// Why the log would be refused.
    pub log_refusal: Option<WalFault>,
    /// Why replay would end early, if the log was as it is up to its end.
    pub replay_refusal: Option<Error>,
    /// Pages that replay would change.
    pub replayed_pages: u64,
    /// The pages on disk.
    pub pages: PageCounts,
    /// Findings that are damage.
    pub faults: u64,
    /// Findings that recovery puts right.
    pub repaired: u64,
    /// Findings that are no damage.
    pub notes: u64,
}

impl Verdict {
    /// Whether an engine that knows the log's custom kinds can open the store.
    pub fn opens(&self) -> bool {
        self.log_refusal.is_none() && self.replay_refusal.is_none()
    }
}

/// Counts findings and passes them on.
struct Findings<'r> {
    report: &'r mut dyn FnMut(&Finding),
    counts: [u64; 3],
}

impl Findings<'_> {
    fn add(&mut self, finding: &Finding) {
        self.counts[finding.effect as usize] += 1;
        (self.report)(finding);
    }
}

/// Checks all of a store. `report` gets each finding when it is found.
///
/// # Errors
/// [`Error::NotAStore`], [`Error::Control`]: there is nothing to go by. [`Error::Io`] where a
/// directory or the log cannot be read; of pages this is a finding.
pub fn check(disk: &Arc<dyn Disk>, report: &mut dyn FnMut(&Finding)) -> Result<Verdict> {
    let mut findings = Findings { report, counts: [0; 3] };
    let slots = Slots::read(&**disk)?;
    let (_, control) = slots.latest()?;
    places::control(&slots, &mut findings);
    places::root(&**disk, &mut findings)?;
    let survey = Survey::read(Arc::clone(disk), &control, None)?;
    places::wal(&survey, &mut findings)?;
    let log_refusal = survey.refusal(true);
    if let Some(fault) = &log_refusal {
        findings.add(&Finding::of_log(&survey, fault));
    }
    let pages = Sweep::run(&survey, &mut |found| match found {
        Found::Place(finding) => {
            findings.add(finding);
            Ok(())
        }
        Found::Page(suspect, fate) => {
            findings.add(&suspect.finding(fate));
            Ok(())
        }
    })?;
    let rehearsal = survey.rehearse()?;
    if let Some(error) = &rehearsal.refusal {
        findings.add(&Finding::of_replay(error));
    }
    let [faults, repaired, notes] = findings.counts;
    Ok(Verdict {
        control,
        log_refusal,
        replay_refusal: rehearsal.refusal,
        replayed_pages: rehearsal.pages,
        pages,
        faults,
        repaired,
        notes,
        survey,
    })
}
