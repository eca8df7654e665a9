//! Ways to keep a checkpoint from stalling commits, as settings.

use seawall::Config;

/// A way, and what it sets.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(super) set: fn(&mut Config),
}

pub(crate) const VARIANTS: [Variant; 2] = [
    Variant {
        name: "no-control",
        about: "the kernel writes back when it likes, or when a sync makes it",
        set: without_writeback,
    },
    Variant { name: "method-2", about: "writeback is started after so many bytes", set: |_| {} },
];

pub(super) const DEFAULT: &str = "method-2";

fn without_writeback(config: &mut Config) {
    config.checkpoint_flush_after_bytes = 0;
    config.background_writer_flush_after_bytes = 0;
}

/// The one with a name.
pub(super) fn parse(name: &str) -> Result<&'static Variant, String> {
    let found = VARIANTS.iter().find(|variant| variant.name == name);
    let names = || VARIANTS.iter().map(|variant| variant.name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("expected one of {}", names()))
}
