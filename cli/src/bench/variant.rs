//! Ways to keep a checkpoint from stalling commits, as settings.

use seawall::Config;

/// A way, and what it sets.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(super) set: fn(&mut Config),
}

pub(crate) const VARIANTS: [Variant; 5] = [
    Variant {
        name: "no-control",
        about: "through the page cache; the kernel writes back when it likes, or a sync does",
        set: no_control,
    },
    Variant {
        name: "method-1",
        about: "the same, but before its syncs a checkpoint waits for the writeback of what others \
                wrote meanwhile, and at once for that of its own",
        set: method_1,
    },
    Variant {
        name: "method-2",
        about: "the same as no-control, but every writer starts writeback after so many bytes",
        set: method_2,
    },
    Variant { name: "both", about: "method-1 and method-2", set: both },
    Variant { name: "ours", about: "the defaults: past the page cache", set: |_| {} },
];

pub(super) const DEFAULT: &str = "ours";

const FLUSH_AFTER_BYTES: u32 = 256 << 10;

fn no_control(config: &mut Config) {
    config.data_direct = false;
    config.checkpoint_flush_after_bytes = 0;
    config.background_writer_flush_after_bytes = 0;
    config.backend_flush_after_bytes = 0;
}

fn method_1(config: &mut Config) {
    no_control(config);
    config.checkpoint_flush_after_bytes = FLUSH_AFTER_BYTES;
    config.checkpoint_flush_waits = true;
    config.evict_sync_rounds = 10;
}

fn method_2(config: &mut Config) {
    no_control(config);
    config.checkpoint_flush_after_bytes = FLUSH_AFTER_BYTES;
    config.background_writer_flush_after_bytes = FLUSH_AFTER_BYTES;
    config.backend_flush_after_bytes = FLUSH_AFTER_BYTES;
}

fn both(config: &mut Config) {
    method_1(config);
    config.background_writer_flush_after_bytes = FLUSH_AFTER_BYTES;
    config.backend_flush_after_bytes = FLUSH_AFTER_BYTES;
}

/// The one with a name.
pub(super) fn parse(name: &str) -> Result<&'static Variant, String> {
    let found = VARIANTS.iter().find(|variant| variant.name == name);
    let names = || VARIANTS.iter().map(|variant| variant.name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("expected one of {}", names()))
}
