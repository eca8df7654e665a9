//! The binary `seawall`: a demo that kills itself, a torture workload with its verification, the
//! commands that a store needs from outside, `init`, `recover` and, when its log is damaged,
//! `salvage`; those that look, `check` at all of a store, `wal`, `page` and `control` at its parts
//! and `testfsync` at the disk; and two that measure commits through checkpoints: `bench` in a
//! directory, `lab` on limited devices beside PostgreSQL.
//!
//! Results go to stdout, everything else to stderr. Exit codes are in [`exit`].

mod args;
mod bench;
mod check;
mod control;
mod demo;
mod exit;
mod interrupt;
mod lab;
mod open;
mod output;
mod page;
mod recover;
mod salvage;
mod testfsync;
mod torture;
mod trace;
mod verify;
mod wal;

use args::{Cli, Command, InitArgs};
use clap::Parser;
use exit::{Failure, note, result};
use seawall::{Config, Store};
use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::survive_size_limits();
    let done = match Cli::parse().command.unwrap_or_default() {
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Control(args) => control::run(&args),
        Command::Page(command) => page::run(&command),
        Command::Salvage(args) => salvage::run(&args),
        Command::Torture(args) => torture::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Wal(command) => wal::run(&command),
        Command::TestFsync(args) => testfsync::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Lab(command) => lab::run(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note!("seawall: {failure}");
            failure.code()
        }
    }
}

fn init(args: &InitArgs) -> Result<(), Failure> {
    let mut config = Config::default();
    config.format = args.format.over(config.format);
    open::fit(&mut config);
    let created = Store::init(&args.dir, &config).map_err(Failure::from);
    created.map_err(|failure| failure.within(&args.dir))?;
    result(&format!("created an empty store in {}", args.dir.display()))
}
