//! A workload: what is done to a store, on which disk, with which settings.

use super::common::{config, small};
use seawall_core::config::{Config, FullPageImages};
use seawall_core::sim::{SimDisk, SplitMix64};
use seawall_core::wal::segment::WalSync;

/// A workload. Its steps mean something in any selection, so that it can be shortened.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) sector_bytes: usize,
    pub(crate) stale_tails: bool,
    pub(crate) config: Config,
    pub(crate) steps: Vec<Step>,
}

/// One step. A `file` is the one in this place of the list of files, begun again at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Create,
    Extend {
        file: u8,
        pages: u8,
    },
    Truncate {
        file: u8,
        blocks: u8,
    },
    Drop {
        file: u8,
    },
    /// The number draws the pages and the bytes.
    Change {
        number: u64,
        waits: bool,
    },
    Checkpoint(Method),
    Images(FullPageImages),
    /// A round of the background writer and of the WAL writer.
    Background,
}

/// The two ways of the posts to leave little for the syncs of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    /// Wait for the writeback of what others have written.
    One,
    /// Start writeback early.
    Two,
}

impl Method {
    pub(crate) fn set(self, config: Config) -> Config {
        let waits = self == Self::One;
        Config {
            checkpoint_flush_after_bytes: 4096,
            checkpoint_flush_waits: waits,
            backend_flush_after_bytes: if waits { 4096 } else { 0 },
            evict_sync_rounds: if waits { 3 } else { 0 },
            evict_sync_threshold_pages: 1,
            ..config
        }
    }
}

/// Five pages in the pool, through the page cache: both methods have something to do.
fn buffered() -> Config {
    Config { data_direct: false, ..small() }
}

impl Plan {
    /// One that has everything.
    pub(crate) fn full() -> Self {
        use FullPageImages::{Compressed, On};
        use Step::{Background, Change, Checkpoint, Create, Drop, Extend, Images, Truncate};
        let change = |number| Change { number, waits: number % 3 != 0 };
        let mut steps = vec![Create, Extend { file: 0, pages: 5 }, Create];
        steps.push(Extend { file: 1, pages: 4 });
        steps.extend((1..=7).map(change));
        steps.extend([Checkpoint(Method::One), Images(Compressed)]);
        steps.extend((8..=13).map(change));
        steps.extend([Truncate { file: 0, blocks: 3 }, Background]);
        steps.extend((14..=19).map(change));
        steps.extend([Checkpoint(Method::Two), Images(On), Create]);
        steps.extend([Extend { file: 2, pages: 2 }, Extend { file: 0, pages: 1 }]);
        steps.extend((20..=25).map(change));
        steps.push(Drop { file: 1 });
        steps.extend((26..=29).map(change));
        steps.extend([Checkpoint(Method::Two), change(31), change(32)]);
        Self { sector_bytes: 512, stale_tails: false, config: buffered(), steps }
    }

    /// The same without images, where no page tears: from some time on, up to another.
    pub(crate) fn without_images() -> Self {
        use FullPageImages::{Compressed, Off};
        let mut plan = Self { sector_bytes: 4096, ..Self::full() };
        for step in &mut plan.steps {
            if let Step::Images(images @ Compressed) = step {
                *images = Off;
            }
        }
        plan
    }

    /// One by chance.
    pub(crate) fn drawn(seed: u64) -> Self {
        let random = &mut SplitMix64::new(seed);
        let tears = random.below(4) > 0;
        let methods =
            [WalSync::Fdatasync, WalSync::Fsync, WalSync::OpenDatasync, WalSync::OpenSync];
        let config = Config {
            buffers: [5, 8][random.below(2)],
            data_direct: random.coin(),
            wal_sync: methods[random.below(4)],
            sync_queue_capacity: [1, 1024][random.below(2)],
            write_combine_bytes: [0, 128 << 10][random.below(2)],
            ..config()
        };
        let len = 16 + random.below(48) as u64;
        let mut steps = vec![Step::Create, Step::Extend { file: 0, pages: 3 }];
        steps.extend((1..=len).map(|number| Step::drawn(random, number, tears)));
        let sector_bytes = if tears { 512 } else { 4096 };
        Self { sector_bytes, stale_tails: random.coin(), config, steps }
    }

    /// An empty disk for it.
    pub(crate) fn disk(&self) -> SimDisk {
        let disk = SimDisk::with_sector_bytes(self.sector_bytes);
        if self.stale_tails { disk.with_stale_tails() } else { disk }
    }
}

impl Step {
    fn drawn(random: &mut SplitMix64, number: u64, tears: bool) -> Self {
        let (file, some) = (random.below(256) as u8, random.below(256) as u8);
        match random.below(20) {
            0 => Self::Create,
            1 | 2 => Self::Extend { file, pages: 1 + some % 5 },
            3 => Self::Truncate { file, blocks: some },
            4 if some < 128 => Self::Drop { file },
            5 => Self::Checkpoint(Method::One),
            6 => Self::Checkpoint(Method::Two),
            7 => Self::Images(match some % 3 {
                0 => FullPageImages::On,
                1 if !tears => FullPageImages::Off,
                _ => FullPageImages::Compressed,
            }),
            8 => Self::Background,
            _ => Self::Change { number, waits: some < 160 },
        }
    }
}
