//! stub
use crate::exit::Failure;
use clap::Subcommand;
#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    Stall,
}
pub(crate) fn run(_: &LabCommand) -> Result<(), Failure> {
    Ok(())
}
