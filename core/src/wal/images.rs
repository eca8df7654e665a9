//! Which pages a record carries as images. PostgreSQL: `full_page_writes`,
//! `GetFullPageWriteInfo`, `UpdateFullPageWrites`.
//!
//! # State
//! ```text
//! bits  0..62  the redo point that new records go by
//! bits 62..64  the setting: 0 on, 1 compressed, 2 off
//! ```
//!
//! # Rules
//! * W11: a page whose LSN is not after the redo point goes into the record as an image; with
//!   images off, only a new page does, whose LSN is zero.
//! * Redo point and setting share a word: who changes one keeps the other, and an inserter sees
//!   both by one load.
//! * Turning images on begins an epoch, as a redo point does: a record that was assembled without
//!   an image and reserved after it becomes void. An image too many harms nobody, so turning them
//!   off, or seeing early that they are on, needs nothing of the kind.
//! * Pages that were changed without an image since the redo point may be torn for ever: so images
//!   protect once a checkpoint is complete whose redo point was fixed after they were turned on.
//! * The setting is not in the log: recovery restores whatever images it finds. (PostgreSQL logs
//!   it for standbys and base backups, which must refuse a stretch of log without images.)
//!
//! # Checked by
//! models `redo_image`, `image_toggle`.

use super::flush::Wal;
use super::ring::Epoch;
use crate::config::FullPageImages;
use crate::lsn::Lsn;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

const SETTING_SHIFT: u32 = 62;
const REDO_MASK: u64 = (1 << SETTING_SHIFT) - 1;

/// What decides about images.
pub(super) struct Images {
    word: AtomicU64,
    /// Where images were last turned on. Held by whoever changes the setting.
    on_since: Mutex<Lsn>,
}

/// The word, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Snapshot(u64);

/// How the pages of one record are to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageRule {
    /// As long as it lasts, the rule holds.
    pub epoch: Epoch,
    /// Pages with an LSN up to here go in as images.
    pub upto: Lsn,
    /// Whether to compress these.
    pub is_compressed: bool,
}

impl Images {
    /// Images are on.
    pub(super) fn new(redo: Lsn) -> Self {
        Self { word: AtomicU64::new(redo.0), on_since: Mutex::new(Lsn::ZERO) }
    }

    /// What holds now, or did a moment ago.
    pub(super) fn load(&self) -> Snapshot {
        // Relaxed: ordered by the acquiring load of the epoch, which comes before. It may be newer
        // than the epoch: then the record gets more images than it needs, or is void.
        Snapshot(self.word.load(Ordering::Relaxed))
    }

    /// Replaces the redo point.
    pub(super) fn set_redo(&self, redo: Lsn) {
        self.update(|Snapshot(word)| word & !REDO_MASK | redo.0);
    }

    /// Replaces the setting; returns the old one.
    fn set(&self, images: FullPageImages) -> FullPageImages {
        let setting = match images {
            FullPageImages::On => 0,
            FullPageImages::Compressed => 1,
            FullPageImages::Off => 2,
        };
        self.update(|Snapshot(word)| word & REDO_MASK | setting << SETTING_SHIFT).setting()
    }

    fn update(&self, change: impl Fn(Snapshot) -> u64) -> Snapshot {
        // Relaxed: published by the exchange in Ring::begin_epoch.
        let (relaxed, changed) = (Ordering::Relaxed, |word| Some(change(Snapshot(word))));
        let (Ok(before) | Err(before)) = self.word.try_update(relaxed, relaxed, changed);
        Snapshot(before)
    }
}

impl Snapshot {
    /// The redo point.
    pub(super) fn redo(self) -> Lsn {
        Lsn(self.0 & REDO_MASK)
    }

    fn setting(self) -> FullPageImages {
        match self.0 >> SETTING_SHIFT {
            0 => FullPageImages::On,
            1 => FullPageImages::Compressed,
            _ => FullPageImages::Off,
        }
    }
}

impl Wal {
    /// The rule for a record that is to be assembled now.
    pub fn image_rule(&self) -> ImageRule {
        let (epoch, _) = self.ring.reserved_now();
        let images = self.images.load();
        let (upto, is_compressed) = match images.setting() {
            FullPageImages::On => (images.redo(), false),
            FullPageImages::Compressed => (images.redo(), true),
            FullPageImages::Off => (Lsn::ZERO, false),
        };
        ImageRule { epoch, upto, is_compressed }
    }

    /// Changes the setting. `None` if images are off now. Else every record from now on has the
    /// images that it needs, and a torn page is repaired once a checkpoint is complete whose redo
    /// point is not before the position that is returned.
    pub fn set_full_page_images(&self, images: FullPageImages) -> Option<Lsn> {
        let mut on_since = self.images.on_since.lock();
        let before = self.images.set(images);
        if images == FullPageImages::Off {
            return None;
        }
        if before == FullPageImages::Off {
            *on_since = self.ring.begin_epoch(|_| ());
        }
        Some(*on_since)
    }

    /// The setting.
    pub fn full_page_images(&self) -> FullPageImages {
        self.images.load().setting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redo_point_and_setting_are_changed_without_each_other() {
        let images = Images::new(Lsn(800));
        let seen = || (images.load().redo(), images.load().setting());
        assert_eq!(seen(), (Lsn(800), FullPageImages::On));
        assert_eq!(images.set(FullPageImages::Off), FullPageImages::On);
        images.set_redo(Lsn(1 << 50));
        assert_eq!(seen(), (Lsn(1 << 50), FullPageImages::Off));
        assert_eq!(images.set(FullPageImages::Compressed), FullPageImages::Off);
        assert_eq!(seen(), (Lsn(1 << 50), FullPageImages::Compressed));
        images.set_redo(Lsn(8));
        assert_eq!(seen(), (Lsn(8), FullPageImages::Compressed));
    }

    #[test]
    fn images_are_on_since_they_were_turned_on_and_not_since_they_were_asked_for_again() {
        let (_, wal) = crate::wal::bed::wal(&std::sync::Arc::default());
        let set = |images| wal.set_full_page_images(images);
        assert_eq!(set(FullPageImages::Compressed), Some(Lsn::ZERO), "they always were");
        let insert = || crate::wal::bed::insert(&wal);
        insert();
        assert_eq!(set(FullPageImages::Off), None);
        assert_eq!(wal.image_rule().upto, Lsn::ZERO);
        let (before, on_since) = (wal.redo().0, insert());
        assert_eq!(set(FullPageImages::On), Some(on_since));
        assert_ne!(wal.redo().0, before, "what was assembled without images is void");
        let (before, _) = (wal.redo().0, insert());
        for images in [FullPageImages::On, FullPageImages::Compressed, FullPageImages::On] {
            assert_eq!(set(images), Some(on_since));
        }
        assert_eq!(wal.redo().0, before);
    }
}
