//! The state of a simulated disk: files, names, and all that is not durable yet.
//!
//! # Invariants
//! * `pending` is in the global order of issue; the items of one call stand together, the sectors
//!   of a write or a cut first, then the length that it leads to.
//! * After a sync that succeeds nothing of the file is pending. What an earlier failed sync lost
//!   stays lost: `cached` may show bytes that are neither durable nor pending.

use super::content::{Content, SectorRef, pieces};
use super::errors::{Cursor, Errors};
use super::fault::{Armed, ENOSPC};
use super::junk::Medium;
use super::names::{NameOp, Names, parent, with_prerequisites};
use super::op::Op;
use super::space::Space;
use super::{EFBIG, EINVAL};
use crate::sync::atomic::AtomicU64;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::io;
use std::sync::Arc;

/// A file, whatever its names.
pub(super) type Ino = u64;

/// Everything behind the lock of a disk.
#[derive(Debug)]
pub(super) struct State {
    pub(super) medium: Medium,
    pub(super) names: Names,
    pub(super) inodes: BTreeMap<Ino, Inode>,
    pub(super) pending: Vec<Pending>,
    pub(super) locks: BTreeSet<String>,
    /// Whether the calls on files pass the scheduling point of the disk.
    pub(super) one_point: bool,
    /// See [`SimDisk::without_direct_io`](super::SimDisk::without_direct_io).
    pub(super) no_direct_io: bool,
    pub(super) operations: u64,
    pub(super) reads: u64,
    pub(super) prefetches: u64,
    pub(super) faults: Vec<Armed>,
    /// The first call that a fault has struck.
    pub(super) first_failure: Option<Op>,
    /// How much there may be on the disk, if there is a limit.
    pub(super) space: Option<Space>,
    /// What stale reads give.
    pub(super) remembered: Option<Arc<BTreeMap<Ino, Content>>>,
    next_ino: Ino,
}

/// A file's bytes.
#[derive(Debug)]
pub(super) struct Inode {
    /// What a crash cannot take away.
    pub(super) durable: Content,
    /// What reads see.
    pub(super) cached: Content,
    /// The scheduling point of the file's calls, from its first opening on.
    pub(super) point: Option<Arc<AtomicU64>>,
    pub(super) errors: Errors,
}

/// What a handle needs.
pub(super) struct Opened {
    pub(super) ino: Ino,
    pub(super) point: Arc<AtomicU64>,
    pub(super) cursor: Cursor,
}

/// Something that a crash may lose, and the call that issued it.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) op: Arc<Op>,
    pub(super) change: Change,
}

/// The smallest unit that survives as a whole.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A sector as it stood in the cache after the write or the cut. `end` is where the bytes of
    /// a write end in the file: it implies a length of at least that. A cut implies none: 0.
    Sector {
        ino: Ino,
        index: u64,
        content: SectorRef,
        end: u64,
    },
    /// The length that a call has given the file.
    Length {
        ino: Ino,
        len: u64,
    },
    Name(NameOp),
}

impl Change {
    pub(super) fn ino(&self) -> Option<Ino> {
        match self {
            Self::Sector { ino, .. } | Self::Length { ino, .. } => Some(*ino),
            Self::Name(_) => None,
        }
    }

    fn name_op(&self) -> Option<&NameOp> {
        if let Self::Name(op) = self { Some(op) } else { None }
    }
}

impl Inode {
    pub(super) fn clean(content: Content) -> Self {
        Self { durable: content.clone(), cached: content, point: None, errors: Errors::default() }
    }

    pub(super) fn is_open(&self) -> bool {
        self.point.as_ref().is_some_and(|point| Arc::strong_count(point) > 1)
    }
}

impl State {
    pub(super) fn new(medium: Medium, names: Names, inodes: BTreeMap<Ino, Inode>) -> Self {
        let next_ino = inodes.last_key_value().map_or(1, |(last, _)| last + 1);
        Self {
            medium,
            names,
            inodes,
            pending: Vec::new(),
            locks: BTreeSet::new(),
            one_point: false,
            no_direct_io: false,
            operations: 0,
            reads: 0,
            prefetches: 0,
            faults: Vec::new(),
            first_failure: None,
            space: None,
            remembered: None,
            next_ino,
        }
    }

    pub(super) fn open(&mut self, path: &str) -> io::Result<Opened> {
        let ino = self.names.find(path)?;
        let inode = self.inode(ino);
        let point = inode.point.get_or_insert_with(|| Arc::new(AtomicU64::new(0)));
        Ok(Opened { ino, point: Arc::clone(point), cursor: inode.errors.cursor() })
    }

    pub(super) fn create(&mut self, op: &Arc<Op>, path: &str) -> io::Result<()> {
        self.names.check_free(path)?;
        let ino = self.new_inode(Content::empty(self.medium.sector_bytes));
        self.take_file(ino).inspect_err(|_| drop(self.inodes.remove(&ino)))?;
        self.change_names(op, NameOp::Create { path: path.into(), ino });
        Ok(())
    }

    pub(super) fn rename(&mut self, op: &Arc<Op>, from: &str, to: &str) -> io::Result<()> {
        let ino = self.names.find(from)?;
        self.names.check_target(to)?;
        if from != to {
            self.change_names(op, NameOp::Rename { from: from.into(), to: to.into(), ino });
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, op: &Arc<Op>, path: &str) -> io::Result<()> {
        self.names.find(path)?;
        self.change_names(op, NameOp::Remove { path: path.into() });
        Ok(())
    }

    /// Makes the entries of `dir` durable, each one if `kept` says so.
    pub(super) fn sync_dir(&mut self, dir: &str, kept: impl FnMut() -> bool) -> io::Result<()> {
        self.names.check_dir(dir)?;
        self.settle_names(|path| parent(path) == dir, kept);
        Ok(())
    }

    /// Writes the first `sectors` sectors of the range, or as many as there is space for.
    pub(super) fn write(
        &mut self,
        op: &Arc<Op>,
        ino: Ino,
        bytes: &[u8],
        sectors: usize,
    ) -> io::Result<()> {
        let end = end_of(op.offset, bytes.len() as u64)?;
        let sector_bytes = self.medium.sector_bytes;
        let room = self.take(ino, self.medium.sectors(op.offset..end));
        let touched = || pieces(sector_bytes, op.offset, bytes.len()).take(sectors.min(room));
        let is_full = room < pieces(sector_bytes, op.offset, bytes.len()).count();
        let result = if is_full { Err(errno(ENOSPC)) } else { Ok(()) };
        let Some(last) = touched().last() else { return result };
        let cached = &mut self.inodes.get_mut(&ino).expect("open inodes stay").cached;
        let len = cached.len().max(op.offset + (last.at + last.len) as u64);
        for piece in touched() {
            let content = cached.patched(piece, bytes);
            cached.put(piece.index, content.clone());
            let end = len.min((piece.index + 1) * sector_bytes as u64);
            let change = Change::Sector { ino, index: piece.index, content, end };
            self.pending.push(Pending { op: Arc::clone(op), change });
        }
        self.extend(op, ino, len);
        result
    }

    pub(super) fn allocate(&mut self, op: &Arc<Op>, ino: Ino) -> io::Result<()> {
        if op.len == 0 {
            return Err(errno(EINVAL));
        }
        let end = end_of(op.offset, op.len)?;
        self.take_all(ino, self.medium.sectors(op.offset..end))?;
        self.extend(op, ino, end);
        Ok(())
    }

    /// Takes the space and leaves the length. Nothing of it survives a crash, and images have no
    /// limit.
    pub(super) fn reserve(&mut self, op: &Arc<Op>, ino: Ino) -> io::Result<()> {
        let end = end_of(op.offset, op.len)?;
        self.take_all(ino, self.medium.sectors(op.offset..end))
    }

    pub(super) fn set_len(&mut self, op: &Arc<Op>, ino: Ino) -> io::Result<()> {
        let len = end_of(0, op.len)?;
        let cached = &mut self.inode(ino).cached;
        if len >= cached.len() {
            self.extend(op, ino, len);
            return Ok(());
        }
        let cut = cached.cut_off(len);
        cached.resize(len);
        self.give_back(ino, len.div_ceil(self.medium.sector_bytes as u64));
        let sectors = cut.into_iter().map(|(index, content)| {
            let change = Change::Sector { ino, index, content, end: 0 };
            Pending { op: Arc::clone(op), change }
        });
        self.pending.extend(sectors);
        let change = Change::Length { ino, len };
        self.pending.push(Pending { op: Arc::clone(op), change });
        Ok(())
    }

    /// Makes all pending items of a file durable, and its length.
    pub(super) fn sync(&mut self, ino: Ino) {
        self.settle(ino, || true);
        let inode = self.inode(ino);
        inode.durable.resize(inode.cached.len());
    }

    /// Makes the pending sectors of a range durable, and the length as far as they need it.
    pub(super) fn sync_range(&mut self, ino: Ino, offset: u64, len: u64) {
        let sectors = self.medium.sectors(offset..offset + len);
        let is_meant = |change: &Change| match change {
            Change::Sector { index, .. } => sectors.contains(index),
            Change::Length { .. } | Change::Name(_) => false,
        };
        self.settle_some(ino, is_meant, || true);
    }

    /// Ends the pending state of each item of a file: durable if `kept`, else lost for good.
    pub(super) fn settle(&mut self, ino: Ino, kept: impl FnMut() -> bool) {
        self.settle_some(ino, |_| true, kept);
    }

    fn settle_some(
        &mut self,
        ino: Ino,
        is_meant: impl Fn(&Change) -> bool,
        mut kept: impl FnMut() -> bool,
    ) {
        let durable = &mut self.inodes.get_mut(&ino).expect("open inodes stay").durable;
        let mut reached = durable.len();
        self.pending.retain(|item| {
            if item.change.ino() != Some(ino) || !is_meant(&item.change) {
                return true;
            }
            if kept() {
                match &item.change {
                    Change::Sector { index, content, end, .. } => {
                        durable.put(*index, content.clone());
                        reached = reached.max(*end);
                    }
                    Change::Length { len, .. } => reached = *len,
                    Change::Name(_) => {}
                }
            }
            false
        });
        durable.resize(reached);
    }

    /// The same for the names that `wanted` picks, and for what these build on.
    pub(super) fn settle_names(
        &mut self,
        wanted: impl Fn(&str) -> bool,
        mut kept: impl FnMut() -> bool,
    ) {
        let positioned = self.pending.iter().enumerate();
        let ops: Vec<_> = positioned
            .filter_map(|(position, item)| Some((position, item.change.name_op()?)))
            .collect();
        let picked = with_prerequisites(&ops, wanted);
        let durable = Arc::make_mut(&mut self.names.durable);
        for (position, op) in &ops {
            if picked.contains(position) && kept() {
                op.apply(durable);
            }
        }
        let mut position = 0;
        self.pending.retain(|_| {
            position += 1;
            !picked.contains(&(position - 1))
        });
        self.forget_unreachable();
    }

    pub(super) fn inode(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("an inode stays while it is named or open")
    }

    pub(super) fn new_inode(&mut self, content: Content) -> Ino {
        let ino = self.next_ino;
        self.next_ino += 1;
        self.inodes.insert(ino, Inode::clean(content));
        ino
    }

    fn change_names(&mut self, op: &Arc<Op>, change: NameOp) {
        change.apply(Arc::make_mut(&mut self.names.seen));
        self.pending.push(Pending { op: Arc::clone(op), change: Change::Name(change) });
    }

    fn extend(&mut self, op: &Arc<Op>, ino: Ino, len: u64) {
        let cached = &mut self.inode(ino).cached;
        if len > cached.len() {
            cached.resize(len);
            let change = Change::Length { ino, len };
            self.pending.push(Pending { op: Arc::clone(op), change });
        }
    }

    /// Drops files that have no name, seen or survivable, and no holder.
    fn forget_unreachable(&mut self) {
        let mut reachable = survivable(&self.names, &self.pending);
        reachable.extend(self.names.seen.values());
        self.inodes.retain(|ino, inode| reachable.contains(ino) || inode.is_open());
        let inodes = &self.inodes;
        self.pending.retain(|item| item.change.ino().is_none_or(|ino| inodes.contains_key(&ino)));
    }
}

/// What tells pending items from others in their order: each by itself, and which belong to one
/// call, whose number depends on calls elsewhere.
pub(super) fn digestible(items: &[Pending]) -> impl Hash {
    let each = items.iter().map(|item| match &item.change {
        Change::Sector { ino, index, content, end } => {
            (Some(*ino), *index, content.as_ref().map(|sector| sector.digest()), *end, None)
        }
        Change::Length { ino, len } => (Some(*ino), 0, None, *len, None),
        Change::Name(op) => (None, 0, None, 0, Some(op)),
    });
    let calls = items.windows(2).map(|pair| pair[0].op.number == pair[1].op.number);
    (each.collect::<Vec<_>>(), calls.collect::<Vec<_>>())
}

/// The inodes that some crash image can show.
pub(super) fn survivable(names: &Names, pending: &[Pending]) -> BTreeSet<Ino> {
    let durable = names.durable.values().copied();
    let pending = pending.iter().filter_map(|item| item.change.name_op()?.named());
    durable.chain(pending).collect()
}

/// An operating system's error.
pub(super) fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

fn end_of(offset: u64, len: u64) -> io::Result<u64> {
    let end = offset.checked_add(len).filter(|end| *end <= i64::MAX as u64);
    end.ok_or_else(|| errno(EFBIG))
}
