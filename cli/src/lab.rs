//! The laboratory: experiments on devices that are made slow, for root.

mod stall;

use crate::exit::{EXIT_CODES, Failure};
use clap::Subcommand;
use stall::args::StallArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// How checkpoints stall commits on slow devices: ways of seawall beside PostgreSQL
    #[command(after_help = EXIT_CODES)]
    Stall(Box<StallArgs>),
}

pub(crate) fn run(command: &LabCommand) -> Result<(), Failure> {
    match command {
        LabCommand::Stall(args) => stall::run(args),
    }
}
