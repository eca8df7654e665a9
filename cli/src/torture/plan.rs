//! What each operation does: a function of the seed, the thread and the operation's number alone.
//!
//! So whoever knows how many operations of each thread survived can tell what every page holds.

use std::ops::Range;

/// The fewest data pages that an operation touches.
const TOUCHED_MIN: u64 = 2;
/// The most.
pub(crate) const TOUCHED_MAX: usize = 4;

/// One in this many choices is among the hot pages, the first sixteenth of all.
const HOT_ONE_IN: u64 = 4;
const HOT_PART: u32 = 16;

/// Most payloads are at most this long; one in [`LONG_ONE_IN`] may fill the page.
const SHORT_PAYLOAD_BYTES: u64 = 400;
const LONG_ONE_IN: u64 = 32;

/// One in this many operations is first begun, scribbled and abandoned.
const ABANDONED_ONE_IN: u64 = 16;

/// Streams of the generator, so that one operation's choices are independent of each other.
const PAGES_STREAM: u64 = 1;
const PAYLOAD_STREAM: u64 = 2;
const SUM_STREAM: u64 = 3;
const ABANDON_STREAM: u64 = 4;

/// The generator splitmix64: every seed is a good one.
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// An operation: the `number`-th, from 1, of `thread`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct OpId {
    pub(crate) thread: u32,
    pub(crate) number: u64,
}

/// What the operations of one set of torture data do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Data pages.
    pub(crate) pages: u32,
}

/// The data pages of an operation, ascending and distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touched {
    pages: [u32; TOUCHED_MAX],
    count: usize,
}

impl Touched {
    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.pages[..self.count]
    }
}

impl Plan {
    /// The data pages that the operation touches.
    pub(crate) fn touched(&self, op: OpId) -> Touched {
        let mut random = self.random(PAGES_STREAM, op, 0);
        let wanted = TOUCHED_MIN + random.below(TOUCHED_MAX as u64 - TOUCHED_MIN + 1);
        let mut touched = Touched { pages: [0; TOUCHED_MAX], count: 0 };
        while (touched.count as u64) < wanted.min(u64::from(self.pages)) {
            let is_hot = random.below(HOT_ONE_IN) == 0;
            let among = if is_hot { (self.pages / HOT_PART).max(1) } else { self.pages };
            let page = random.below(u64::from(among)) as u32;
            if !touched.as_slice().contains(&page) {
                touched.pages[touched.count] = page;
                touched.count += 1;
            }
        }
        touched.pages[..touched.count].sort_unstable();
        touched
    }

    /// What the operation adds to the sum of a page that it touches.
    pub(crate) fn summand(&self, op: OpId, page: u32) -> u64 {
        self.random(SUM_STREAM, op, page).next()
    }

    /// The bytes that the operation leaves in a page that it touches, and where in the `area`
    /// bytes that the page has for it.
    pub(crate) fn payload(&self, op: OpId, page: u32, area: usize) -> (Range<usize>, Vec<u8>) {
        let mut random = self.random(PAYLOAD_STREAM, op, page);
        let is_long = random.below(LONG_ONE_IN) == 0;
        let limit = if is_long { area as u64 } else { SHORT_PAYLOAD_BYTES.min(area as u64) };
        let len = 1 + random.below(limit) as usize;
        let start = random.below((area - len) as u64 + 1) as usize;
        let mut bytes = vec![0; len];
        random.fill(&mut bytes);
        (start..start + len, bytes)
    }

    /// Whether the operation is abandoned once before it is done.
    pub(crate) fn is_abandoned_first(&self, op: OpId) -> bool {
        self.random(ABANDON_STREAM, op, 0).below(ABANDONED_ONE_IN) == 0
    }

    fn random(&self, stream: u64, op: OpId, page: u32) -> SplitMix64 {
        let words = [stream, u64::from(op.thread), op.number, u64::from(page)];
        let state = words.into_iter().fold(self.seed, |state, word| {
            SplitMix64(state ^ word.wrapping_mul(0xD6E8_FEB8_6659_FD93)).next()
        });
        SplitMix64(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { seed: 7, pages: 40 };

    #[test]
    fn an_operation_touches_two_to_four_pages_in_ascending_order() {
        let mut counts = [0; TOUCHED_MAX + 1];
        for number in 1..=1000 {
            let touched = PLAN.touched(OpId { thread: 3, number });
            let pages = touched.as_slice();
            assert!(pages.is_sorted_by(|a, b| a < b), "{pages:?}");
            assert!(pages.iter().all(|page| *page < PLAN.pages));
            counts[pages.len()] += 1;
        }
        assert_eq!(counts[..2], [0, 0]);
        assert!(counts[2..].iter().all(|count| *count > 250), "{counts:?}");
    }

    #[test]
    fn payloads_fit_and_differ_between_pages_operations_and_seeds() {
        let op = OpId { thread: 1, number: 1 };
        let payload = PLAN.payload(op, 5, 4000);
        assert_eq!(payload, PLAN.payload(op, 5, 4000));
        assert_ne!(payload, PLAN.payload(op, 6, 4000));
        assert_ne!(payload, PLAN.payload(OpId { number: 2, ..op }, 5, 4000));
        assert_ne!(payload, Plan { seed: 8, ..PLAN }.payload(op, 5, 4000));
        let longest = (1..1000)
            .map(|number| PLAN.payload(OpId { number, ..op }, 0, 4000).0)
            .inspect(|range| assert!(range.end <= 4000))
            .map(|range| range.len())
            .max();
        assert!(longest > Some(3000), "{longest:?}");
    }
}
