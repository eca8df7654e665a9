//! Every mutant, by what it changes.

mod buffer;
mod checkpoint;
mod engine;
mod fsync;
mod header;
mod length;
mod waiting;
mod wal;

use super::Mutant;

/// Every mutant.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    let lists = [
        waiting::MUTANTS,
        header::MUTANTS,
        buffer::MUTANTS,
        length::MUTANTS,
        wal::MUTANTS,
        fsync::MUTANTS,
        checkpoint::MUTANTS,
        engine::MUTANTS,
    ];
    lists.into_iter().flatten()
}

#[cfg(test)]
mod tests;
