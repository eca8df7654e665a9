//! Where torture data is: one data file, with a page that says what it is, a page for each
//! possible thread, and the data pages.
//!
//! ```text
//! block  0        meta      magic, layout version, data pages, seed, checksum
//!        1..=64   threads   how far each thread is
//!        65..     data
//! ```
//! The meta page is written last, in an operation of its own. While it is zero the data is not set
//! up, and setting it up is continued: everything else is zero then.

use super::page::{u32_at, u64_at};
use super::plan::Plan;
use crate::args::{MAX_DATA_PAGES, MAX_THREADS};
use crate::exit::Failure;
use seawall::{FileId, FileOptions, PageId, Store};
use std::hash::{BuildHasher, RandomState};

const MAGIC: u64 = u64::from_le_bytes(*b"SWTORTUR");
const VERSION: u32 = 1;
const META_BYTES: usize = 28;
const META_CHECKSUM: usize = 24;
const META_BLOCK: u32 = 0;
const FIRST_THREAD_BLOCK: u32 = 1;
const FIRST_DATA_BLOCK: u32 = FIRST_THREAD_BLOCK + MAX_THREADS;
const DEFAULT_PAGES: u32 = 1000;

/// Torture data that is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    file: FileId,
    pub(crate) plan: Plan,
}

/// What a store holds of torture data.
pub(crate) enum Found {
    Complete(Layout),
    /// Setting up was begun, at most; this is the file, if it got that far.
    Unfinished(Option<FileId>),
}

impl Layout {
    /// Blocks of the file.
    pub(crate) fn blocks(&self) -> u32 {
        FIRST_DATA_BLOCK + self.plan.pages
    }

    pub(crate) fn thread_page(&self, thread: u32) -> PageId {
        PageId::new(self.file, FIRST_THREAD_BLOCK + thread)
    }

    pub(crate) fn data_page(&self, page: u32) -> PageId {
        PageId::new(self.file, FIRST_DATA_BLOCK + page)
    }

    /// What the store holds.
    pub(crate) fn find(store: &Store) -> Result<Found, Failure> {
        let files = store.files();
        let [file] = files[..] else {
            return match files.len() {
                0 => Ok(Found::Unfinished(None)),
                found => finding(format!("found {found} data files, expected 1")),
            };
        };
        if store.blocks(file)? == 0 {
            return Ok(Found::Unfinished(Some(file)));
        }
        let id = PageId::new(file, META_BLOCK);
        let body = store.read(id)?;
        if body.iter().all(|byte| *byte == 0) {
            return Ok(Found::Unfinished(Some(file)));
        }
        match decode_meta(&body) {
            Ok(plan) => Ok(Found::Complete(Self { file, plan })),
            Err(what) => finding(format!("page {id}: {what}")),
        }
    }

    /// The data of the store, set up if it is not. A seed or a number of pages that is given must
    /// be that of the data.
    pub(crate) fn prepare(
        store: &Store,
        seed: Option<u64>,
        pages: Option<u32>,
    ) -> Result<Self, Failure> {
        let file = match Self::find(store)? {
            Found::Complete(layout) => {
                must_match("--seed", seed, layout.plan.seed)?;
                must_match("--pages", pages, layout.plan.pages)?;
                return Ok(layout);
            }
            Found::Unfinished(Some(file)) => file,
            Found::Unfinished(None) => store.create_file(FileOptions::default())?,
        };
        let seed = seed.unwrap_or_else(draw);
        let layout = Self { file, plan: Plan { seed, pages: pages.unwrap_or(DEFAULT_PAGES) } };
        layout.set_up(store)?;
        Ok(layout)
    }

    fn set_up(&self, store: &Store) -> Result<(), Failure> {
        let (found, wanted) = (store.blocks(self.file)?, self.blocks());
        let Some(missing) = wanted.checked_sub(found) else {
            return Err(Failure::Usage(format!(
                "--pages is {}, but an interrupted setup has made {} pages already",
                self.plan.pages,
                found - FIRST_DATA_BLOCK
            )));
        };
        store.extend(self.file, missing)?;
        let mut operation = store.operation();
        operation.page(PageId::new(self.file, META_BLOCK))?.write(0, &encode_meta(self.plan))?;
        store.commit(operation)?;
        Ok(())
    }
}

fn encode_meta(plan: Plan) -> [u8; META_BYTES] {
    let mut bytes = [0; META_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&plan.pages.to_le_bytes());
    bytes[16..24].copy_from_slice(&plan.seed.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..META_CHECKSUM]);
    bytes[META_CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode_meta(body: &[u8]) -> Result<Plan, String> {
    let (magic, version) = (u64_at(body, 0), u32_at(body, 8));
    if magic != MAGIC {
        return Err(format!("not torture data: begins with {magic:016x}, expected {MAGIC:016x}"));
    }
    if version != VERSION {
        return Err(format!("torture data of version {version}, supported is {VERSION}"));
    }
    let (stored, computed) = (u32_at(body, META_CHECKSUM), crc32c::crc32c(&body[..META_CHECKSUM]));
    if stored != computed {
        return Err(format!("checksum of the meta page {stored:08x}, of its bytes {computed:08x}"));
    }
    let pages = u32_at(body, 12);
    if !(1..=MAX_DATA_PAGES).contains(&pages) {
        return Err(format!("{pages} data pages, expected 1 to {MAX_DATA_PAGES}"));
    }
    Ok(Plan { pages, seed: u64_at(body, 16) })
}

fn must_match<T: PartialEq + std::fmt::Display>(
    option: &str,
    given: Option<T>,
    found: T,
) -> Result<(), Failure> {
    match given {
        Some(given) if given != found => Err(Failure::Usage(format!(
            "{option} is {given}, expected {found}, with which the data was created"
        ))),
        _ => Ok(()),
    }
}

fn finding<T>(what: String) -> Result<T, Failure> {
    Err(Failure::Finding(what))
}

/// A number that differs from run to run.
pub(crate) fn draw() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
