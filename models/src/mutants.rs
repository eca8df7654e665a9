//! Mutants: bugs that the models must find, or else the models are worth nothing.
//!
//! Production code holds none of them. The command `mutants` writes one copy of the sources in
//! which every mutated place chooses between the code and its mutants by an environment variable
//! ([`schemata`]), builds it once ([`copy`]) and searches each mutant with the models that must
//! kill it ([`kill`], in an [`arena`]). So a hundred mutants cost one build.
//!
//! Those are written by hand. Others are *found* in the sources ([`found`]), so that none is
//! forgotten: every memory ordering of `core`, one step weaker ([`orderings`]), and every step of
//! its protocols, left out ([`removals`]). These are hunted until something kills them ([`hunt`]).

pub mod arena;
pub mod copy;
pub mod found;
pub mod hunt;
pub mod kill;
mod list;
pub mod orderings;
pub mod removals;
pub mod schemata;
mod suite;

pub use list::all;

use std::path::Path;

/// Fails where there is nothing to mutate: the sources of this repository are needed, and a
/// package of this crate does not hold them.
pub fn check_sources() -> Result<(), String> {
    check_root(arena::root())
}

fn check_root(root: &Path) -> Result<(), String> {
    let is_there = |path: &&str| root.join(path).is_file();
    let needed = ["core/src/lib.rs", "models/Cargo.toml", "Cargo.lock"];
    if needed.iter().all(is_there) {
        return Ok(());
    }
    Err(format!(
        "this command mutates the sources of seawall and needs its repository, which is not in {}",
        root.display()
    ))
}

/// A small change to `core` that brings a bug back.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name, `model-change`.
    pub name: &'static str,
    /// The file, below `core/src`.
    pub file: &'static str,
    /// What stands where the text stands.
    pub site: Site,
    /// The text to replace, exactly as in the file, where it occurs exactly once. Two mutants may
    /// share a text, or one lie in that of the other; what overlaps otherwise is an error.
    pub find: &'static str,
    /// What the mutant has instead.
    pub replace: &'static str,
    /// The models that must kill it, each under one of its engines at least.
    pub models: &'static [&'static str],
    /// The bug, with its number in bugs.md if it has one.
    pub reason: &'static str,
}

/// The grammar of a mutated place, outside of constants and `const fn` in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// An expression, as in `(if mutant { replace } else { find })`. Its temporaries now end
    /// there, so it must not lend out a guard that it creates.
    Expression,
    /// Whole statements, as in `if mutant { replace } else { find }`. What they bind by `let` ends
    /// there: let the text cover every use, or mutate the expression instead.
    Statements,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_sources_of_the_repository_there_is_nothing_to_mutate() {
        assert_eq!(check_sources(), Ok(()));
        let error = check_root(Path::new("/no/such/folder")).expect_err("nothing is there");
        assert!(error.contains("needs its repository") && error.contains("/no/such"), "{error}");
    }
}
