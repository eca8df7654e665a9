//! A whole engine, with transactions, on a simulated disk whose power is cut at every moment.

use super::seawall_core::engine::Engine;
use super::seawall_core::error::{Error, Result};
use super::seawall_core::lsn::Lsn;
use super::seawall_core::page::{FileId, PageId};
use super::seawall_core::sim::{NoClock, SimDisk, SplitMix64, smallest_config};
use crate::crash::{Power, PowerCut, Verdict};
use crate::small_store::{self, MARKS, Marks};
use std::sync::Arc;

/// The pages that each transaction marks: the n-th one the n-th byte of their bodies, and the n-th
/// of the last eight.
pub(crate) type Transactions = &'static [&'static [u32]];

/// The file that a store begins with.
const FILE: FileId = FileId(1);

/// An engine whose pages are in the pool.
pub(crate) struct EngineBed {
    pub(crate) disk: SimDisk,
    pub(crate) engine: Engine,
    transactions: Transactions,
    power: Power<SimDisk, Marks>,
}

impl EngineBed {
    /// An engine over `blocks` pages of 4096 bytes; from now on the power may be cut at any moment.
    /// A crash tears what is larger than a sector.
    pub(crate) fn new(sector_bytes: usize, blocks: u32, transactions: Transactions) -> Arc<Self> {
        let disk = SimDisk::mount(&small_store::store(blocks), sector_bytes);
        let on_disk = Arc::new(disk.clone());
        let engine = Engine::open(on_disk, smallest_config(), Arc::new(NoClock));
        let engine = engine.expect("a good disk");
        for block in 0..blocks {
            drop(engine.read(page(block)).expect("a good page"));
        }
        let check = move |marks: &Marks, acknowledged| check(transactions, marks, acknowledged);
        let power = Power::over(&disk, small_store::recover, check);
        Arc::new(Self { disk, engine, transactions, power })
    }

    /// Fills so much of the log, and a little more, durably. A segment has 2048 bytes.
    pub(crate) fn fill_log(&self, bytes: usize) {
        let mut operation = self.engine.operation();
        let mut page = operation.page(page(0)).expect("a good page");
        let mut random = SplitMix64::new(1);
        let filling: Vec<u8> = (0..bytes).map(|_| random.below(256) as u8).collect();
        page.write(MARKS, &filling).expect("it is long enough");
        self.engine.commit(operation).expect("a good disk");
    }

    /// Has dirty pages evicted by reading others, from `block` on; reads those before it back in.
    pub(crate) fn evict_before(&self, block: u32) {
        let read = |block| drop(self.engine.read(page(block)).expect("a good page"));
        while self.engine.pool_stats().written_by_evictions == 0 {
            (block..self.engine.blocks(FILE).expect("it is there")).for_each(read);
        }
        (0..block).for_each(read);
    }

    /// Runs a transaction, but for its flush; where its record ends.
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub(crate) fn change(&self, transaction: usize) -> Result<Lsn> {
        let mut operation = self.engine.operation();
        for block in self.transactions[transaction] {
            let mut page = operation.page(page(*block))?;
            page.write(transaction, &[1])?;
            page.write(page.body().len() - MARKS + transaction, &[1])?;
        }
        self.engine.commit_async(operation)
    }

    /// Runs a transaction; where its record ends, if it is acknowledged. Only a poisoned store may
    /// refuse it.
    pub(crate) fn commit(&self, transaction: usize) -> Option<Lsn> {
        let end = unless_poisoned(self.change(transaction))?;
        unless_poisoned(self.engine.wait_durable(end))?;
        self.acknowledge(transaction);
        Some(end)
    }

    /// From now on the transaction survives every crash.
    pub(crate) fn acknowledge(&self, transaction: usize) {
        self.power.promise(1 << transaction);
    }

    /// The end of the execution: the power is cut at every moment that it had.
    pub(crate) fn end(&self) {
        self.power.end();
    }
}

/// R7: every acknowledged transaction is there, and none is half there.
fn check(transactions: Transactions, marks: &Marks, acknowledged: u64) -> Verdict {
    let mut survivors = Vec::new();
    for (transaction, pages) in transactions.iter().enumerate() {
        let found = pages.iter().flat_map(|page| marks[*page as usize].map(|end| end[transaction]));
        let (count, all) = (found.filter(|mark| *mark == 1).count(), 2 * pages.len());
        if count > 0 && count < all {
            return Err(format!("transaction {transaction} is there by {count} of {all} marks"));
        }
        if count == 0 && acknowledged & (1 << transaction) != 0 {
            return Err(format!("transaction {transaction} is lost"));
        }
        if count == all {
            survivors.push(transaction);
        }
    }
    Ok(format!("{survivors:?} survived, acknowledged {acknowledged:b}"))
}

/// What was done; only a poisoned store may refuse it.
pub(crate) fn unless_poisoned<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(Error::Poisoned(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn page(block: u32) -> PageId {
    PageId::new(FILE, block)
}
