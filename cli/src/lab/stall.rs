//! `lab stall`: data on a device with few write operations per second, the log on another, little
//! memory for engine and page cache, random durable upserts of a table that is larger than the
//! pool, and checkpoints: who stalls, and for how long?
//!
//! # Steps of a run
//! 1. Two loop devices with new ext4 file systems, a memory control group.
//! 2. The engine starts in the group and loads the table at full speed.
//! 3. All is synced, the page cache dropped, the devices are limited.
//! 4. Clients work; after the warm-up each second is noted, and what the kernel has to write.
//! 5. Limits, engine, file systems, devices and group go away, also after an error or a signal.
//!
//! Engines take turns, each repeat in the opposite order: a slow minute of the host hits no one
//! alone.

pub(super) mod args;
mod bed;
mod chart;
mod csv;
mod device;
mod engine;
mod group;
mod html;
mod limit;
mod needs;
mod pgbench;
mod pglog;
mod postgres;
mod program;
mod results;
mod seawall;
mod watch;

use crate::bench::table;
use crate::exit::{Failure, note, result};
use crate::interrupt::Interrupt;
use args::StallArgs;
use bed::Bed;
use engine::Engine;
use results::{Results, Run};

pub(super) fn run(args: &StallArgs) -> Result<(), Failure> {
    let engines = args.engines();
    needs::check(args, &engines)?;
    let interrupt = Interrupt::install()?;
    let mut results = Results::new(args)?;
    result(&table::header())?;
    for repeat in 0..args.repeats {
        for engine in order(&engines, repeat) {
            note!("{} of {}: {}", repeat + 1, args.repeats, engine.name());
            let run = run_one(args, engine, repeat, &interrupt);
            let run = run.map_err(|failure| failure.named(&engine.name()))?;
            result(&table::row(&run.name, &run.measured.summary))?;
            results.add(run)?;
        }
    }
    if args.repeats > 1 {
        result("medians")?;
        for (name, summary) in results.medians() {
            result(&table::row(&name, &summary))?;
        }
    }
    note!("the report is {}", results.report().display());
    Ok(())
}

/// There and back.
fn order(engines: &[Engine], repeat: u32) -> Vec<Engine> {
    let mut order = engines.to_vec();
    if repeat % 2 == 1 {
        order.reverse();
    }
    order
}

fn run_one(
    args: &StallArgs,
    engine: Engine,
    repeat: u32,
    interrupt: &Interrupt,
) -> Result<Run, Failure> {
    let bed = Bed::make(args, interrupt)?;
    let mut watch = bed.watch();
    let measured = match engine {
        Engine::Postgres(settings) => postgres::run(args, &bed, settings, &mut watch, interrupt)?,
        Engine::Seawall(variant) => seawall::run(args, &bed, variant, &mut watch, interrupt)?,
    };
    Ok(Run { name: engine.name(), repeat, measured, kernel: watch.into_samples() })
}
