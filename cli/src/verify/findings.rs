//! What verification has found.

use crate::exit::Failure;
use seawall::PageId;

/// What is wrong, in words.
#[derive(Default)]
pub(super) struct Findings {
    listed: Vec<String>,
    more: u64,
}

/// Findings that are listed; of the rest only the number is given.
const LISTED_MAX: usize = 20;

/// Findings that are enough: who looks for more may look for ever.
const ENOUGH: u64 = 1 << 16;

impl Findings {
    pub(super) fn add(&mut self, finding: String) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// `expected` may be a range in words.
    pub(super) fn differ(
        &mut self,
        place: PageId,
        what: &str,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) {
        self.add(format!("page {place}: {what}: expected {expected}, found {found}"));
    }

    /// Whether nobody need look for more.
    pub(super) fn are_too_many(&self) -> bool {
        self.more >= ENOUGH
    }

    pub(super) fn or<T>(self, fine: T) -> Result<T, Failure> {
        if self.listed.is_empty() {
            return Ok(fine);
        }
        let mut all = self.listed.join("\n");
        if self.more > 0 {
            all.push_str(&format!("\nand {} more findings", self.more));
        }
        if self.are_too_many() {
            all.push_str("; the rest was not read");
        }
        Err(Failure::Finding(all))
    }
}
