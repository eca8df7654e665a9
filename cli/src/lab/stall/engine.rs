//! Who takes part.

use crate::bench::variant::{VARIANTS, Variant};

/// An engine with settings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Engine {
    Postgres(&'static PostgresSettings),
    Seawall(&'static Variant),
}

#[derive(Debug)]
pub(super) struct PostgresSettings {
    name: &'static str,
    about: &'static str,
    pub(super) settings: &'static [&'static str],
}

const POSTGRES: [PostgresSettings; 3] = [
    PostgresSettings {
        name: "flush-off",
        about: "all of its *_flush_after are 0",
        settings: &["checkpoint_flush_after=0", "bgwriter_flush_after=0", "backend_flush_after=0"],
    },
    PostgresSettings { name: "defaults", about: "as it comes", settings: &[] },
    PostgresSettings {
        name: "tuned",
        about: "its background writer does more, and every write is followed by writeback soon",
        settings: &[
            "checkpoint_flush_after=256kB",
            "bgwriter_flush_after=256kB",
            "backend_flush_after=256kB",
            "bgwriter_delay=50ms",
            "bgwriter_lru_maxpages=400",
            "bgwriter_lru_multiplier=4",
        ],
    },
];

impl Engine {
    pub(super) fn name(self) -> String {
        match self {
            Engine::Postgres(settings) => format!("postgresql-{}", settings.name),
            Engine::Seawall(variant) => format!("seawall-{}", variant.name),
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Engine::Postgres(settings) => settings.about,
            Engine::Seawall(variant) => variant.about,
        }
    }

    pub(super) fn is_postgres(self) -> bool {
        matches!(self, Engine::Postgres(_))
    }
}

pub(super) fn all() -> Vec<Engine> {
    let postgres = POSTGRES.iter().map(Engine::Postgres);
    postgres.chain(VARIANTS.iter().map(Engine::Seawall)).collect()
}

pub(super) fn parse(name: &str) -> Result<Engine, String> {
    let found = all().into_iter().find(|engine| engine.name() == name);
    let names = || all().into_iter().map(Engine::name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("expected one of {}", names()))
}

/// All of them, for the help.
pub(super) fn help() -> String {
    let line = |engine: Engine| format!("{}: {}", engine.name(), engine.about());
    let lines: Vec<_> = all().into_iter().map(line).collect();
    format!("Only this engine; may be given several times:\n{}", lines.join("\n"))
}
