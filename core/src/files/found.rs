//! What is in the directories, and what is listed.

use super::{FileOptions, KnownFiles, ListedFile, TablespaceId, list};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::fsync::SyncTag;
use crate::page::FileId;
use std::collections::{BTreeMap, BTreeSet};

/// The segments of a file that were found in the directories.
pub(super) struct Found {
    pub(super) options: FileOptions,
    pub(super) segments: Vec<u32>,
    /// Blocks that it must have.
    pub(super) blocks_listed: u32,
}

/// The segments in the directories of the tablespaces, by file.
pub(super) fn find(
    disk: &dyn Disk,
    tablespaces: &BTreeSet<TablespaceId>,
) -> Result<BTreeMap<FileId, Found>> {
    let mut files: BTreeMap<FileId, Found> = BTreeMap::new();
    for tablespace in tablespaces {
        let names = list(disk, &tablespace.dir())?;
        for (options, tag) in names.iter().filter_map(|name| FileOptions::parse(*tablespace, name))
        {
            let file = files.entry(tag.file).or_insert_with(|| Found::new(options));
            file.must_be(tag.file, options)?;
            file.segments.push(tag.segment);
        }
    }
    Ok(files)
}

/// Adds what is listed to what was found.
pub(super) fn add_listed(
    found: &mut BTreeMap<FileId, Found>,
    known: &KnownFiles<'_>,
    tablespaces: &BTreeSet<TablespaceId>,
) -> Result<()> {
    for ListedFile { file, options, blocks } in known.expected().copied() {
        if !tablespaces.contains(&options.tablespace) {
            let found = format!("file {file} is in {}, which is not there", options.tablespace);
            return Err(Error::NotAStore { found });
        }
        let entry = found.entry(file).or_insert_with(|| Found::new(options));
        entry.must_be(file, options)?;
        entry.blocks_listed = blocks;
    }
    Ok(())
}

impl Found {
    fn new(options: FileOptions) -> Self {
        Self { options, segments: Vec::new(), blocks_listed: 0 }
    }

    /// Checks that the file is here.
    fn must_be(&self, file: FileId, options: FileOptions) -> Result<()> {
        if self.options == options {
            return Ok(());
        }
        let path = |options: FileOptions| options.path(SyncTag { file, segment: 0 });
        let found = format!("file {file} as {} and as {}", path(self.options), path(options));
        Err(Error::NotAStore { found })
    }
}
