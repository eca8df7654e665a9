//! Steps: the change of a page that is no image. Their format is in [`super`].

use super::{Bytes, Redo};
use crate::page::{PAGE_HEADER_BYTES, Page, PageId};
use crate::wal::record::RecordBuf;
use std::ops::Range;

/// Offset that stands for a custom change.
const CUSTOM: u16 = u16::MAX;

/// The greatest length of a custom change's data.
pub const CUSTOM_DATA_BYTES_MAX: usize = u16::MAX as usize;

// The greatest page has 64 KiB.
const _: () = assert!((64 << 10) - PAGE_HEADER_BYTES <= CUSTOM as usize);

/// Steps whose bytes are fixed, though the page has changed since.
#[derive(Debug, Default)]
pub(crate) struct FixedSteps {
    count: u32,
    bytes: Vec<u8>,
}

impl FixedSteps {
    /// Adds ranges of a page's body as they are now.
    pub(crate) fn add_ranges(&mut self, page: &Page, ranges: &[Range<usize>]) {
        self.count += ranges.len() as u32;
        for range in ranges {
            put_range(range, page, |bytes| self.bytes.extend_from_slice(bytes));
        }
    }

    /// Adds a custom change of up to [`CUSTOM_DATA_BYTES_MAX`].
    pub(crate) fn add_custom(&mut self, kind: u8, data: &[u8]) {
        self.count += 1;
        self.bytes.extend_from_slice(&CUSTOM.to_le_bytes());
        self.bytes.extend_from_slice(&(data.len() as u16).to_le_bytes());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(data);
    }
}

/// Appends steps, of which there is at least one: those that are fixed, then ranges of the page's
/// body.
pub(crate) fn put_steps(
    record: &mut RecordBuf,
    id: PageId,
    fixed: &FixedSteps,
    page: &Page,
    ranges: &[Range<usize>],
) {
    record.put(&id.to_bits().to_le_bytes());
    record.put(&(fixed.count + ranges.len() as u32).to_le_bytes());
    record.put(&fixed.bytes);
    for range in ranges {
        put_range(range, page, |bytes| record.put(bytes));
    }
}

fn put_range(range: &Range<usize>, page: &Page, mut put: impl FnMut(&[u8])) {
    put(&(range.start as u16).to_le_bytes());
    put(&(range.len() as u16).to_le_bytes());
    put(&page.body()[range.clone()]);
}

/// A part of a page's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'r> {
    /// These bytes are there.
    Range {
        /// Offset in the body.
        offset: usize,
        /// The bytes.
        bytes: &'r [u8],
    },
    /// What [`Redo::change`] makes of it.
    Custom {
        /// What it is for the engine.
        kind: u8,
        /// What it says.
        data: &'r [u8],
    },
}

/// The steps of a page's change, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps<'r> {
    bytes: Bytes<'r>,
    custom_kind: Option<u8>,
}

impl<'r> Steps<'r> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Step<'r>> + use<'r> {
        let mut rest = self.bytes;
        // Checked when they were decoded, so each is there.
        std::iter::from_fn(move || if rest.0.is_empty() { None } else { rest.step().ok() })
    }

    /// The kind of the first custom change, if there is one.
    pub fn custom_kind(&self) -> Option<u8> {
        self.custom_kind
    }

    pub(super) fn apply(
        &self,
        page: PageId,
        body: &mut [u8],
        redo: Option<&dyn Redo>,
    ) -> Result<(), String> {
        for step in self.iter() {
            match step {
                Step::Range { offset, bytes } => {
                    body[offset..offset + bytes.len()].copy_from_slice(bytes);
                }
                Step::Custom { kind, data } => {
                    let made = match redo {
                        Some(redo) => redo.change(kind, page, data, body),
                        None => Err(NO_REDO.to_owned()),
                    };
                    made.map_err(|e| format!("custom change of kind {kind} of page {page}: {e}"))?;
                }
            }
        }
        Ok(())
    }
}

/// Why a custom kind means nothing.
pub(crate) const NO_REDO: &str = "the store was opened without a Redo";

impl<'r> Bytes<'r> {
    pub(super) fn steps(
        &mut self,
        page: PageId,
        count: u32,
        body_bytes: usize,
    ) -> Result<Steps<'r>, String> {
        let (all, mut custom_kind) = (self.0, None);
        for _ in 0..count {
            match self.step()? {
                Step::Range { offset, bytes } if offset + bytes.len() > body_bytes => {
                    let end = offset + bytes.len();
                    return Err(format!(
                        "bytes {offset}..{end} of page {page}, its body has {body_bytes}"
                    ));
                }
                Step::Range { .. } => {}
                Step::Custom { kind, .. } => custom_kind = custom_kind.or(Some(kind)),
            }
        }
        let bytes = Bytes(&all[..all.len() - self.0.len()]);
        Ok(Steps { bytes, custom_kind })
    }

    fn step(&mut self) -> Result<Step<'r>, String> {
        let offset = u16::from_le_bytes(self.array("step offset")?);
        let len = usize::from(u16::from_le_bytes(self.array("step length")?));
        if offset == CUSTOM {
            let [kind] = self.array("custom kind")?;
            return Ok(Step::Custom { kind, data: self.take(len, "custom change")? });
        }
        Ok(Step::Range { offset: usize::from(offset), bytes: self.take(len, "page range")? })
    }
}
