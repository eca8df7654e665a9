//! The runner: the models of the bank over either checker.
//!
//! `cargo run --release -p own-engine-explore` explores them, `... -- planted` the same with bugs,
//! and `... -- run NAME` shows one of those.

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
    #[expect(clippy::duplicate_mod, reason = "one source over two compilations")]
    #[path = "models.rs"]
    pub(super) mod models;
}

const MODELS: Models = Models { loom: loom::models::SUITE, shuttle: shuttle::models::SUITE };

fn main() -> ExitCode {
    seawall_models::main(MODELS)
}

#[cfg(test)]
mod tests {
    use super::MODELS;
    use seawall_models::Profile;

    #[test]
    fn the_bank_holds() {
        MODELS.assert_passes("", Profile::Quick);
    }

    #[test]
    #[should_panic(expected = "an overdraft")]
    fn a_bank_that_checks_early_does_not() {
        MODELS.assert_passes("overdraft_checks_early", Profile::Quick);
    }
}
