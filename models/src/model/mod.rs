//! The models: one file each, compiled once against loom and once against shuttle.

use super::{engine_bed, fixture, seawall_core};

mod all_pinned;
mod background_checkpoint;
mod background_sleep;
mod background_stop;
mod checkpoint_requests;
mod cleanup;
mod cleanup_after;
mod cleanup_waiters;
mod combine;
mod combine_both;
mod delay_guard;
mod dirty_flag;
mod drop_flush;
mod drop_redo;
mod drop_twice;
mod engine_checkpoint;
mod engine_commits;
mod engine_small;
mod engine_sync_fails;
mod event;
mod evict_checkpoint;
mod evict_dirty;
mod evicted_lists;
mod extend_read;
mod extend_redo;
mod flush_fails;
mod flush_no_space;
mod flush_task;
mod flush_two_dirtiers;
mod flush_written;
mod group_flush;
mod group_follow;
mod image_toggle;
mod lengths;
mod load_read;
mod mark_flush;
mod mark_write;
mod pin_evict;
mod poison_room;
mod poison_task;
mod read_evict;
mod read_fails;
mod read_filled;
mod read_in;
mod redo_image;
mod segment_fill;
mod shutdown;
mod slot_removal;
mod sync_cycle;
mod sync_early;
mod sync_phases;
mod truncate_commit;
mod truncate_extend;
mod truncate_flush;
mod truncate_redo;
mod wal_crossing;
mod wal_insert;
mod wal_positions;
mod wal_room;
mod wal_room_both;
mod wal_writer_sleep;

models! {
    event, dirty_flag, flush_two_dirtiers, pin_evict, all_pinned, cleanup, cleanup_waiters,
    cleanup_after, read_in, read_evict, read_filled, read_fails, load_read, mark_flush, mark_write,
    evict_dirty, background_checkpoint, background_sleep, background_stop, extend_read, extend_redo,
    truncate_commit, truncate_extend, truncate_flush, truncate_redo, drop_flush, drop_redo,
    drop_twice, lengths, wal_insert, wal_crossing, wal_room, wal_room_both, wal_positions,
    group_flush, group_follow, flush_written, flush_fails, flush_no_space, flush_task,
    wal_writer_sleep, segment_fill, slot_removal, redo_image, image_toggle, sync_cycle, sync_early,
    sync_phases, evicted_lists, combine, combine_both, evict_checkpoint, delay_guard,
    checkpoint_requests, poison_room, poison_task, shutdown, engine_commits, engine_checkpoint,
    engine_small, engine_sync_fails,
}
