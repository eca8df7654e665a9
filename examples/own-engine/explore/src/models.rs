//! The models of the bank, one source over either checker.

use super::own_engine::{Bank, Bug};
use super::seawall_core::sim::{NoClock, SimDisk, smallest_config};
use super::seawall_core::sync::thread;
use super::seawall_core::wal::background::WalWriter;
use seawall_models::crash::{Power, PowerCut, Verdict};
use seawall_models::native::sim::{self, Tree};
use seawall_models::{Engine, Model, Profile, Suite, outcome, reach};
use std::sync::{Arc, OnceLock};

/// The models, and the same with bugs that they find.
pub(crate) const SUITE: Suite = Suite {
    models: &[OVERDRAFT, POWER_CUT],
    planted: &[
        Model {
            name: "overdraft_checks_early",
            run: || overdraft(Bug::ChecksEarly),
            searches: FOUND_BY,
            ..OVERDRAFT
        },
        Model {
            name: "power_cut_acknowledges_early",
            run: || power_cut(Bug::AcknowledgesEarly),
            searches: FOUND_BY,
            ..POWER_CUT
        },
        Model {
            name: "power_cut_splits_transfers",
            run: || power_cut(Bug::SplitsTransfers),
            searches: FOUND_BY,
            ..POWER_CUT
        },
    ],
};

const FOUND_BY: &[(Engine, Profile)] = &[(Engine::Dpor, Profile::Quick)];

const OVERDRAFT: Model = Model {
    name: "overdraft",
    property: "an account is never overdrawn, whoever draws at the same time",
    threads: 2,
    bounds: "two transfers of 60 out of 100",
    searches: &[(Engine::Dpor, Profile::Quick), (Engine::LoomBounded(2), Profile::Quick)],
    reach: &["the first was refused", "the second was refused"],
    outcomes: 2,
    run: || overdraft(Bug::None),
};

const POWER_CUT: Model = Model {
    name: "power_cut",
    property: "no crash undoes an acknowledged transfer, or makes half of one",
    threads: 2,
    bounds: "a transfer; a round of the WAL writer and a look at the count; every crash",
    searches: &[(Engine::Dpor, Profile::Quick), (Engine::LoomBounded(2), Profile::Quick)],
    reach: &["seen before the end", "not seen"],
    outcomes: 5,
    run: || power_cut(Bug::None),
};

fn overdraft(bug: Bug) {
    let bank = Arc::new(open(disk(), bug));
    let theirs = Arc::clone(&bank);
    let second = thread::spawn(move || theirs.transfer(0, 1, 60).expect("a good disk"));
    let first = bank.transfer(0, 1, 60).expect("a good disk");
    let second = second.join().expect("no panic");

    let balances = bank.balances().expect("a good disk");
    assert_eq!(balances, [40, 60], "an overdraft");
    assert_eq!((first != second, bank.settled()), (true, 1), "one is acknowledged");
    reach(if first { "the second was refused" } else { "the first was refused" });
    outcome(format_args!("{first} {second}"));
}

fn power_cut(bug: Bug) {
    let disk = disk();
    let bank = Arc::new(open(disk.clone(), bug));
    let power = Power::over(&disk, recover, check);
    let theirs = Arc::clone(&bank);
    let other = thread::spawn(move || theirs.transfer(0, 1, 60).expect("a good disk"));
    let mut writer = WalWriter::default();
    bank.wal_writer_round(&mut writer).expect("a good disk");
    // Whoever sees the count relies on what it counts.
    let is_settled = bank.settled() == 1;
    if is_settled {
        power.promise(TRANSFER);
    }
    assert!(other.join().expect("no panic"), "there is enough");
    power.promise(TRANSFER);
    power.end();
    reach(if is_settled { "seen before the end" } else { "not seen" });
    outcome(format_args!("seen: {is_settled}"));
}

/// A disk with a bank of two accounts.
fn disk() -> SimDisk {
    static BANK: OnceLock<Tree> = OnceLock::new();
    SimDisk::mount(BANK.get_or_init(|| create().expect("a good disk")), 512)
}

/// A bank whose pages are in the pool: how they come there is explored by seawall's own models.
fn open(disk: SimDisk, bug: Bug) -> Bank {
    let bank = Bank::open(Arc::new(disk), smallest_config(), Arc::new(NoClock), bug);
    let bank = bank.expect("a good disk");
    assert_eq!(bank.balances().expect("a good disk"), [100, 0]);
    bank
}

/// Native, once: no part of an execution.
fn create() -> seawall_models::native::error::Result<Tree> {
    let disk = sim::SimDisk::new();
    let on_disk: Arc<dyn seawall_models::native::disk::Disk> = Arc::new(disk.clone());
    let (config, clock) = (sim::smallest_config(), Arc::new(sim::NoClock));
    ::own_engine::Bank::create(&on_disk, &config, clock, &[100, 0])?;
    Ok(disk.durable_image().tree())
}

/// The balances that recovery finds: native, too.
fn recover(disk: sim::SimDisk) -> Result<Vec<i64>, String> {
    let (config, clock) = (sim::smallest_config(), Arc::new(sim::NoClock));
    let bank = ::own_engine::Bank::open(Arc::new(disk), config, clock, ::own_engine::Bug::None);
    bank.and_then(|bank| bank.balances()).map_err(|error| error.to_string())
}

/// The promise that the transfer is there.
const TRANSFER: u64 = 1;

/// Whether the balances keep it.
fn check(balances: &Vec<i64>, promised: u64) -> Verdict {
    match (balances.as_slice(), promised) {
        ([40, 60], _) => Ok(format!("there, promised {promised}")),
        ([100, 0], 0) => Ok("not there".to_owned()),
        ([100, 0], _) => Err("an acknowledged transfer is lost".to_owned()),
        _ => Err(format!("half a transfer: {balances:?}")),
    }
}
