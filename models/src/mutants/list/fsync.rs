//! Mutants of the sync queue and table.

use crate::mutants::Mutant;
use crate::mutants::Site::Statements;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "sync-full-queue-drops",
        file: "fsync/queue.rs",
        site: Statements,
        find: "return Registered::Full;",
        replace: "return Registered::Queued;",
        models: &["sync_cycle"],
        reason: "a request that found no room is nobody's (S4, S9)",
    },
    Mutant {
        name: "sync-entry-removed-first",
        file: "fsync/table.rs",
        site: Statements,
        find: "sync(tag)?;
        self.entries.remove(&tag);",
        replace: "self.entries.remove(&tag);
        sync(tag)?;",
        models: &["sync_cycle", "sync_phases"],
        reason: "a failed sync loses its request (S5, M25)",
    },
    Mutant {
        name: "sync-absorb-before-removal",
        file: "fsync/table.rs",
        site: Statements,
        find: "self.sync_entry(tag, &mut sync)?;",
        replace: "sync(tag)?;
            self.absorb(queue);
            self.entries.remove(&tag);",
        models: &["sync_cycle"],
        reason: "a request that arrived during the sync goes with its entry (S2, M23)",
    },
    Mutant {
        name: "sync-early-absorbs-before-removal",
        file: "fsync/table.rs",
        site: Statements,
        find: "self.sync_entry(tag, sync)?;",
        replace: "sync(tag)?;
            self.absorb(queue);
            self.entries.remove(&tag);",
        models: &["sync_early"],
        reason: "a write that an early sync has missed is synced by nobody (S2, S3, M23)",
    },
    Mutant {
        name: "sync-cycles-not-renewed",
        file: "fsync/table.rs",
        site: Statements,
        find: "self.entries.values_mut().for_each(|cycle| *cycle = self.cycle);",
        replace: "",
        models: &["sync_cycle"],
        reason: "what failed phases left looks new once the counter has wrapped (S6)",
    },
];
