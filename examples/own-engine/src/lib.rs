//! A bank on seawall: somebody's own engine, as small as can be.
//!
//! An account is a page; a transfer is one atomic operation over two of them, and is acknowledged
//! when it is durable. What the bank adds to the store is the check that an account is not
//! overdrawn, and a count of its own in memory. Threads share a [`Bank`].
//!
//! Its atomics come from `seawall_core::sync`, and its disk and clock are passed in: that is all
//! that a checker needs. The [`Bug`]s are there to show that its models can fail.

use seawall_core::checkpoint::Urgency;
use seawall_core::clock::Clock;
use seawall_core::config::Config;
use seawall_core::disk::Disk;
use seawall_core::engine::Engine;
use seawall_core::error::Result;
use seawall_core::files::FileOptions;
use seawall_core::operation::Operation;
use seawall_core::page::{FileId, PageId};
use seawall_core::sync::atomic::{AtomicU64, Ordering};
use seawall_core::wal::background::WalWriter;
use std::sync::Arc;

/// A bank; its accounts have numbers from 0.
pub struct Bank {
    engine: Engine,
    settled: AtomicU64,
    bug: Bug,
}

/// Something that the bank does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Nothing.
    None,
    /// It looks whether there is enough money before it has locked the account.
    ChecksEarly,
    /// It acknowledges a transfer that is in the log, and not yet durable.
    AcknowledgesEarly,
    /// It takes the money in one operation and gives it in another.
    SplitsTransfers,
}

/// The one file.
const FILE: FileId = FileId(1);

/// A balance is the first bytes of a page.
const BALANCE_BYTES: usize = size_of::<i64>();

impl Bank {
    /// Creates a store with so much money in each account.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn create(
        disk: &Arc<dyn Disk>,
        config: &Config,
        clock: Arc<dyn Clock>,
        balances: &[i64],
    ) -> Result<()> {
        Engine::create(disk, config, 1)?;
        let engine = Engine::open(Arc::clone(disk), *config, clock)?;
        engine.create_file(FileOptions::default())?;
        engine.extend(FILE, balances.len() as u32)?;
        for (account, balance) in (0..).zip(balances) {
            let mut operation = engine.operation();
            set(&mut operation, account, *balance)?;
            engine.commit(operation)?;
        }
        engine.checkpoint(Urgency::Immediate)?;
        engine.close().map(drop)
    }

    /// Opens it again, after recovery.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Arc<dyn Clock>,
        bug: Bug,
    ) -> Result<Self> {
        let engine = Engine::open(disk, config, clock)?;
        Ok(Self { engine, settled: AtomicU64::new(0), bug })
    }

    /// The balances of all accounts, one after another.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn balances(&self) -> Result<Vec<i64>> {
        (0..self.engine.blocks(FILE)?).map(|account| self.balance(account)).collect()
    }

    /// The balance of an account.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn balance(&self, account: u32) -> Result<i64> {
        Ok(balance_in(&self.engine.read(page(account))?))
    }

    /// How many transfers were acknowledged since the bank was opened.
    pub fn settled(&self) -> u64 {
        // Acquire: pairs with the Release in transfer; what it counts can be seen.
        self.settled.load(Ordering::Acquire)
    }

    /// A round of the thread that makes the log durable in the background.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn wal_writer_round(&self, writer: &mut WalWriter) -> Result<bool> {
        self.engine.wal_writer_round(writer)
    }

    /// Moves money, durably, if there is enough of it. Whether it was.
    ///
    /// # Errors
    /// As those of the engine.
    pub fn transfer(&self, from: u32, to: u32, amount: i64) -> Result<bool> {
        let was_enough = self.bug == Bug::ChecksEarly && self.balance(from)? >= amount;
        let mut operation = self.engine.operation();
        // Ascending, so that no two transfers wait for each other.
        for account in [from.min(to), from.max(to)] {
            operation.page(page(account))?;
        }
        let rest = balance_of(&mut operation, from)? - amount;
        if rest < 0 && !was_enough {
            return Ok(false);
        }
        set(&mut operation, from, rest)?;
        if self.bug == Bug::SplitsTransfers {
            self.engine.commit_async(operation)?;
            operation = self.engine.operation();
        }
        let sum = balance_of(&mut operation, to)? + amount;
        set(&mut operation, to, sum)?;
        match self.bug {
            Bug::AcknowledgesEarly => self.engine.commit_async(operation)?,
            _ => self.engine.commit(operation)?,
        };
        // Release: pairs with the Acquire in settled.
        self.settled.fetch_add(1, Ordering::Release);
        Ok(true)
    }
}

fn page(account: u32) -> PageId {
    PageId::new(FILE, account)
}

fn balance_in(body: &[u8]) -> i64 {
    i64::from_le_bytes(*body.first_chunk::<BALANCE_BYTES>().expect("a body is longer"))
}

fn balance_of(operation: &mut Operation<'_>, account: u32) -> Result<i64> {
    Ok(balance_in(operation.page(page(account))?.body()))
}

fn set(operation: &mut Operation<'_>, account: u32, balance: i64) -> Result<()> {
    operation.page(page(account))?.write(0, &balance.to_le_bytes())
}
