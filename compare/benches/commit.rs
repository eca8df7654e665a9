//! Durable commits beside peers and beside what the disk can do, by 1 to 64 committers.
//!
//! Who is compared, and how, is in the documentation of the library's `commit`. Arguments choose
//! the entrants whose names contain one of them; the first one always takes part.
//! `SEAWALL_COMMITTERS=4,16` chooses the numbers of committers.

use seawall_compare::commit::rounds::{ROUND, ROUNDS, run};
use seawall_compare::commit::tables::{Measured, print_ratios};
use seawall_compare::commit::{ENTRANTS, Entrant, RECORD_BYTES};

const COMMITTERS: &str = "1,2,4,8,16,32,64";

fn main() {
    let chosen: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let committers = committers();
    let entrants = entrants(&chosen);
    // What was written to make them ready is not written back in anybody's round.
    rustix::fs::sync();

    println!("durable commits of {RECORD_BYTES} bytes, {ROUNDS} alternating rounds of {ROUND:?};");
    println!("commits per second: median of the rounds; latencies: of all rounds");
    let running: Vec<_> = entrants.iter().map(|(_, entrant)| &**entrant).collect();
    let mut tables = Vec::with_capacity(committers.len());
    for committers in committers {
        let names = entrants.iter().map(|(name, _)| *name);
        let rows = names.zip(run(&running, committers)).collect();
        let table = Measured { committers, rows };
        table.print();
        tables.push(table);
    }
    print_ratios(&tables);
}

fn committers() -> Vec<usize> {
    let listed = std::env::var("SEAWALL_COMMITTERS").unwrap_or_else(|_| COMMITTERS.to_owned());
    let numbers = listed.split(',').map(|number| match number.trim().parse() {
        Ok(number) if (1..=64).contains(&number) => number,
        _ => panic!("SEAWALL_COMMITTERS has {number:?}, expected numbers of 1 to 64"),
    });
    numbers.collect()
}

/// Those whose names contain one of `chosen`, or all; who cannot take part is told of.
fn entrants(chosen: &[String]) -> Vec<(&'static str, Box<dyn Entrant>)> {
    let is_chosen = |name: &str| {
        name == ENTRANTS[0].0 || chosen.is_empty() || chosen.iter().any(|part| name.contains(part))
    };
    let mut entrants = Vec::new();
    for (name, enter) in ENTRANTS.into_iter().filter(|(name, _)| is_chosen(name)) {
        match enter() {
            Ok(entrant) => entrants.push((name, entrant)),
            Err(why) => println!("skipped {name}: {why}"),
        }
    }
    entrants
}
