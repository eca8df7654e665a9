//! The laboratory: experiments on devices that are made slow, for root, and on paper.

mod pace;
mod stall;

use crate::exit::{EXIT_CODES, Failure};
use clap::Subcommand;
use pace::PaceArgs;
use stall::args::StallArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// How checkpoints stall commits on slow devices: ways of seawall beside PostgreSQL
    #[command(after_help = EXIT_CODES)]
    Stall(Box<StallArgs>),
    /// How a checkpoint's writes are paced, simulated: what is written beside an even rate
    #[command(after_help = EXIT_CODES)]
    Pace(PaceArgs),
}

pub(crate) fn run(command: &LabCommand) -> Result<(), Failure> {
    match command {
        LabCommand::Stall(args) => stall::run(args),
        LabCommand::Pace(args) => pace::run(args),
    }
}
