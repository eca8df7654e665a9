//! The removals that nothing kills, and why nothing can.

use crate::mutants::hunt::Survivor;

/// Every one of them.
pub(super) const SURVIVORS: &[Survivor] = &[];
