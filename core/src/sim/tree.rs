//! Directories and files as plain bytes: the way from one compilation of this crate to another.

use super::SimDisk;
use super::content::Content;
use super::crash::CrashImage;
use super::junk::Medium;
use super::names::Names;
use super::state::{Inode, State};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that is on a disk after a crash, in types that every compilation of this crate
/// shares: a model takes an image under a checker, and the native core recovers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    /// The directories, each with where its files are kept if that is elsewhere.
    pub dirs: BTreeMap<String, Option<PathBuf>>,
    /// The bytes of each file.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl CrashImage {
    /// The disk after the crash, as plain bytes.
    pub fn tree(&self) -> Tree {
        let dirs = self.dirs().iter().map(|(path, to)| (path.to_string(), to.clone()));
        let files = self.files().map(|(path, content)| (path.to_owned(), content.bytes()));
        Tree { dirs: dirs.collect(), files: files.collect() }
    }
}

impl SimDisk {
    /// A disk that holds what a tree says, durable, with sectors of this size. It is no operation:
    /// nothing is counted, and no scheduling point is passed.
    ///
    /// # Panics
    /// If the size is no power of two.
    pub fn from_tree(sector_bytes: usize, tree: &Tree) -> Self {
        let medium = Medium::new(sector_bytes);
        let dirs = tree.dirs.iter().map(|(path, to)| (path.as_str().into(), to.clone()));
        let (mut entries, mut inodes) = (BTreeMap::new(), BTreeMap::new());
        for (ino, (path, bytes)) in (1..).zip(&tree.files) {
            let mut content = Content::empty(sector_bytes);
            content.overwrite(0, bytes);
            entries.insert(path.as_str().into(), ino);
            inodes.insert(ino, Inode::clean(content));
        }
        let names = Names::surviving(Arc::new(dirs.collect()), Arc::new(entries));
        Self::from_state(State::new(medium, names, inodes))
    }
}
