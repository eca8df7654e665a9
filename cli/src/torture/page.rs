//! The bytes of torture pages. A body of zeros is a page that no operation has touched.
//!
//! ```text
//! thread page                           data page
//! offset  bytes  field                  offset  bytes  field
//!      0      8  operations                  0      8  operations that touched the page
//!      8      8  K of the last one           8      8  sum of their summands
//!     16      4  CRC32C of 0..16            16      4  thread of the last one
//!                                           20      4  zero
//!                                           24      8  its number within the thread
//!                                           32      8  its K
//!                                           40      4  CRC32C of 0..40 and 44..
//!                                           44      4  zero
//!                                           48      …  payload
//! ```

use super::plan::{OpId, Plan};
use crate::exit::Failure;
use seawall::{OperationPage, PageId};
use std::ops::Range;

/// How far a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ThreadPage {
    /// Operations of the thread.
    pub(crate) operations: u64,
    /// Place of the last one among all operations, from 1.
    pub(crate) sequence: u64,
}

const THREAD_CHECKSUM: Range<usize> = 16..20;

impl ThreadPage {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, String> {
        if body.iter().all(|byte| *byte == 0) {
            return Ok(Self::default());
        }
        check(u32_at(body, THREAD_CHECKSUM.start), crc32c::crc32c(&body[..THREAD_CHECKSUM.start]))?;
        Ok(Self { operations: u64_at(body, 0), sequence: u64_at(body, 8) })
    }

    pub(crate) fn write(self, page: &mut OperationPage<'_, '_>) -> seawall::Result<()> {
        let mut bytes = [0; THREAD_CHECKSUM.end];
        bytes[0..8].copy_from_slice(&self.operations.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..THREAD_CHECKSUM.start]);
        bytes[THREAD_CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        page.write(0, &bytes)
    }
}

/// What has happened to a data page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataPage {
    /// Operations that touched the page.
    pub(crate) count: u64,
    /// Sum of their summands.
    pub(crate) sum: u64,
    /// The last of them.
    pub(crate) last: OpId,
    /// Its place among all operations, from 1.
    pub(crate) sequence: u64,
}

const CHECKSUM: Range<usize> = 40..44;
/// Where the payload starts.
pub(crate) const PAYLOAD_OFFSET: usize = 48;

impl DataPage {
    /// `None` if no operation has touched the page.
    pub(crate) fn decode(body: &[u8]) -> Result<Option<Self>, String> {
        if body.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        check(u32_at(body, CHECKSUM.start), checksum(body))?;
        Ok(Some(Self {
            count: u64_at(body, 0),
            sum: u64_at(body, 8),
            last: OpId { thread: u32_at(body, 16), number: u64_at(body, 24) },
            sequence: u64_at(body, 32),
        }))
    }

    /// Applies an operation to a data page: everything but the K is given by the plan.
    pub(crate) fn apply(
        plan: &Plan,
        op: OpId,
        sequence: u64,
        data_page: u32,
        page: &mut OperationPage<'_, '_>,
        id: PageId,
    ) -> Result<(), Failure> {
        let before = Self::decode(page.body())
            .map_err(|what| Failure::Finding(format!("page {id}: {what}")))?;
        let (count, sum) = before.map_or((0, 0), |before| (before.count, before.sum));
        let count = next(count, id, "operations")?;
        let sum = sum.wrapping_add(plan.summand(op, data_page));
        let after = Self { count, sum, last: op, sequence };
        let area = page.body().len() - PAYLOAD_OFFSET;
        let (range, payload) = plan.payload(op, data_page, area);
        page.write(PAYLOAD_OFFSET + range.start, &payload)?;
        page.write(0, &after.encode())?;
        let checksum = checksum(page.body());
        Ok(page.write(CHECKSUM.start, &checksum.to_le_bytes())?)
    }

    fn encode(&self) -> [u8; CHECKSUM.start] {
        let mut bytes = [0; CHECKSUM.start];
        bytes[0..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sum.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.last.thread.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last.number.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }
}

fn checksum(body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&body[..CHECKSUM.start]), &body[CHECKSUM.end..])
}

fn check(stored: u32, computed: u32) -> Result<(), String> {
    if stored == computed {
        return Ok(());
    }
    Err(format!("torture checksum in the page {stored:08x}, of its bytes {computed:08x}"))
}

/// The number after one that a page holds. Nobody counts as far as 2^64: who is there was forged.
pub(crate) fn next(number: u64, page: PageId, what: &str) -> Result<u64, Failure> {
    number.checked_add(1).ok_or_else(|| {
        Failure::Finding(format!("page {page}: {what}: found {number}, which none can follow"))
    })
}

/// A number of the body. Bodies are thousands of bytes long, offsets here are constants below 48.
pub(crate) fn u32_at(body: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|index| body[offset + index]))
}

/// As [`u32_at`].
pub(crate) fn u64_at(body: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| body[offset + index]))
}
