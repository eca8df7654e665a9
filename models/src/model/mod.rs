//! The models: one file each, compiled once against loom and once against shuttle.

use super::{fixture, seawall_core};

mod all_pinned;
mod background_checkpoint;
mod background_sleep;
mod cleanup;
mod cleanup_waiters;
mod dirty_flag;
mod drop_flush;
mod event;
mod evict_dirty;
mod extend_read;
mod flush_two_dirtiers;
mod group_flush;
mod load_read;
mod mark_flush;
mod mark_write;
mod pin_evict;
mod read_evict;
mod read_fails;
mod read_filled;
mod read_in;
mod redo_image;
mod sync_cycle;
mod truncate_commit;
mod truncate_flush;
mod wal_insert;
mod wal_room;

models! {
    event, dirty_flag, flush_two_dirtiers, pin_evict, all_pinned, cleanup, cleanup_waiters,
    read_in, read_evict, read_filled, read_fails, load_read, mark_flush, mark_write, evict_dirty,
    background_checkpoint, background_sleep, extend_read, truncate_commit, truncate_flush,
    drop_flush, wal_insert, wal_room, group_flush, redo_image, sync_cycle,
}
