//! The runner: the models of the bank over either checker.
//!
//! `cargo run --release -p own-engine-explore` explores them; `... -- run NAME` a planted bug.

use seawall_models::Models;
use std::process::ExitCode;

#[path = "."]
mod loom {
    use own_engine_loom as own_engine;
    use seawall_core_loom as seawall_core;

    #[path = "models.rs"]
    pub(super) mod models;
}

#[path = "."]
mod shuttle {
    use own_engine_shuttle as own_engine;
    use seawall_core_shuttle as seawall_core;

    #[expect(clippy::duplicate_mod, reason = "a model is one source over two compilations")]
    #[path = "models.rs"]
    pub(super) mod models;
}

fn main() -> ExitCode {
    seawall_models::main(Models { loom: loom::models::SUITE, shuttle: shuttle::models::SUITE })
}
