//! The directories: durable entries, the entries that programs see, and what is between them.
//!
//! # Rules
//! * An entry maps a whole path to an inode; directories themselves are a set of paths, durable
//!   from the moment of their creation. One whose files are kept elsewhere is like the others.
//! * A pending operation is kept or lost as a whole. Kept ones are applied to the durable entries
//!   in their order, by name: a kept removal removes whatever then has the name.
//! * A sync of a directory makes durable the operations that touch the directory and, of the
//!   earlier ones elsewhere, those that they build on (the same name, transitively).

use super::state::{Ino, errno};
use super::{EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) type Entries = BTreeMap<Arc<str>, Ino>;

/// The directories, each with where its files are kept if that is elsewhere.
pub(super) type Dirs = BTreeMap<Arc<str>, Option<PathBuf>>;

/// A change of directory entries.
#[derive(Debug, Clone, Hash)]
pub(super) enum NameOp {
    Create { path: Arc<str>, ino: Ino },
    Rename { from: Arc<str>, to: Arc<str>, ino: Ino },
    Remove { path: Arc<str> },
}

impl NameOp {
    pub(super) fn apply(&self, entries: &mut Entries) {
        match self {
            Self::Create { path, ino } => {
                entries.insert(Arc::clone(path), *ino);
            }
            Self::Rename { from, to, ino } => {
                entries.remove(from);
                entries.insert(Arc::clone(to), *ino);
            }
            Self::Remove { path } => {
                entries.remove(path);
            }
        }
    }

    /// The inode that gets a name.
    pub(super) fn named(&self) -> Option<Ino> {
        match self {
            Self::Create { ino, .. } | Self::Rename { ino, .. } => Some(*ino),
            Self::Remove { .. } => None,
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Arc<str>> {
        let (first, second) = match self {
            Self::Create { path, .. } | Self::Remove { path } => (path, None),
            Self::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(first).chain(second)
    }
}

/// The tree as it would be after a crash that loses everything, and as it is seen.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) dirs: Arc<Dirs>,
    pub(super) durable: Arc<Entries>,
    pub(super) seen: Arc<Entries>,
}

impl Names {
    /// What a disk shows after a crash.
    pub(super) fn surviving(dirs: Arc<Dirs>, entries: Arc<Entries>) -> Self {
        Self { dirs, durable: Arc::clone(&entries), seen: entries }
    }

    pub(super) fn find(&self, path: &str) -> io::Result<Ino> {
        self.check_path(path)?;
        if self.is_dir(path) {
            return Err(errno(EISDIR));
        }
        self.seen.get(path).copied().ok_or_else(|| errno(ENOENT))
    }

    /// Whether a file of this name can be made: nothing has it, and its directory exists.
    pub(super) fn check_free(&self, path: &str) -> io::Result<()> {
        self.check_path(path)?;
        if self.is_dir(path) || self.seen.contains_key(path) {
            return Err(errno(EEXIST));
        }
        Ok(())
    }

    /// Whether a file can be renamed to this: no directory has the name, and its own exists.
    pub(super) fn check_target(&self, path: &str) -> io::Result<()> {
        self.check_path(path)?;
        if self.is_dir(path) { Err(errno(EISDIR)) } else { Ok(()) }
    }

    pub(super) fn check_dir(&self, dir: &str) -> io::Result<()> {
        if self.is_dir(dir) {
            return Ok(());
        }
        Err(errno(if self.seen.contains_key(dir) { ENOTDIR } else { ENOENT }))
    }

    pub(super) fn create_dir(&mut self, path: &str) -> io::Result<()> {
        if self.is_dir(path) {
            return Ok(());
        }
        self.check_free(path)?;
        Arc::make_mut(&mut self.dirs).insert(path.into(), None);
        Ok(())
    }

    pub(super) fn link_dir(&mut self, path: &str, target: &Path) -> io::Result<()> {
        if path.is_empty() || path.contains('/') {
            return Err(errno(EINVAL));
        }
        if self.dirs.get(path).is_some_and(|found| found.as_deref() == Some(target)) {
            return Ok(());
        }
        self.check_free(path)?;
        Arc::make_mut(&mut self.dirs).insert(path.into(), Some(target.to_owned()));
        Ok(())
    }

    pub(super) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.check_dir(dir)?;
        let paths = self.seen.keys().chain(self.dirs.keys());
        let inside = paths.filter(|path| parent(path) == dir);
        let names: BTreeSet<_> = inside.map(|path| name(path).to_owned()).collect();
        Ok(names.into_iter().collect())
    }

    fn is_dir(&self, path: &str) -> bool {
        path.is_empty() || self.dirs.contains_key(path)
    }

    fn check_path(&self, path: &str) -> io::Result<()> {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) && !path.is_empty() {
            return Err(errno(EINVAL));
        }
        self.check_dir(parent(path))
    }
}

/// Picks the operations that become durable with those that `wanted` names, by their positions.
pub(super) fn with_prerequisites(
    ops: &[(usize, &NameOp)],
    wanted: impl Fn(&str) -> bool,
) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    let mut picked = BTreeSet::new();
    for (position, op) in ops.iter().rev() {
        if op.paths().any(|path| wanted(path) || needed.contains(path)) {
            picked.insert(*position);
            needed.extend(op.paths().cloned());
        }
    }
    picked
}

/// The directory that a path is in; `""` is the store's own.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
