//! The threads that keep a store moving: checkpointer, WAL writer, flusher, background writer.
//!
//! # Rules
//! * Each ends when it is told to, and when the store is poisoned.
//! * One that panics poisons the store: others rely on it, and would wait for ever.

use crate::SystemClock;
use seawall_core::checkpoint::Urgency;
use seawall_core::clock::Clock;
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::wal::background::WalWriter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The threads.
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    clock: Arc<SystemClock>,
    threads: Vec<JoinHandle<()>>,
}

/// How often the checkpointer looks whether a checkpoint is due.
const CHECKPOINTER_ROUND: Duration = Duration::from_millis(100);

impl Background {
    pub(crate) fn start(engine: &Arc<Engine>, clock: Arc<SystemClock>) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut background = Self { stop, clock, threads: Vec::new() };
        let started = background
            .spawn("seawall-checkpointer", engine, run_checkpointer)
            .and_then(|()| background.spawn("seawall-walwriter", engine, run_wal_writer))
            .and_then(|()| background.spawn("seawall-flusher", engine, run_flusher))
            .and_then(|()| background.spawn("seawall-bgwriter", engine, run_background_writer));
        if let Err(source) = started {
            background.stop(engine);
            let (file, source) = ("thread".into(), Arc::new(source));
            return Err(Error::Io { op: "start", page: None, file, offset: 0, source });
        }
        Ok(background)
    }

    fn spawn(
        &mut self,
        name: &str,
        engine: &Arc<Engine>,
        run: fn(&Engine, &SystemClock, &AtomicBool),
    ) -> std::io::Result<()> {
        let (engine, clock) = (Arc::clone(engine), Arc::clone(&self.clock));
        let stop = Arc::clone(&self.stop);
        let thread = std::thread::Builder::new().name(name.to_owned());
        self.threads.push(thread.spawn(move || {
            let thread = std::thread::current();
            let _relied_on = engine.on_panic("run", thread.name().unwrap_or_default());
            run(&engine, &clock, &stop);
        })?);
        Ok(())
    }

    /// Ends the threads and waits for them. A checkpoint that is running stops resting.
    pub(crate) fn stop(&mut self, engine: &Engine) {
        // Release and Acquire are not needed: each wake passes through a lock, or the word that
        // the background writer waits for.
        self.stop.store(true, Ordering::Relaxed);
        engine.hurry();
        engine.wake_background_writer();
        engine.wake_wal_threads();
        self.clock.wake();
        for thread in self.threads.drain(..) {
            // A thread that panicked has reported itself, and has poisoned the store.
            let _ = thread.join();
        }
    }
}

fn run_checkpointer(engine: &Engine, clock: &SystemClock, stop: &AtomicBool) {
    let mut last = clock.now();
    while !stop.load(Ordering::Relaxed) && engine.poisoned().is_none() {
        let config = engine.config();
        let left = config.checkpoint_timeout.saturating_sub(clock.now().saturating_sub(last));
        if !left.is_zero() && engine.wal_since_redo() < config.checkpoint_wal_bytes() {
            clock.nap(left.min(CHECKPOINTER_ROUND));
            continue;
        }
        last = clock.now();
        if engine.is_idle() {
            continue;
        }
        // An error is in the history.
        let _ = engine.checkpoint(Urgency::Spread);
    }
}

fn run_wal_writer(engine: &Engine, clock: &SystemClock, stop: &AtomicBool) {
    let mut writer = WalWriter::default();
    while !stop.load(Ordering::Relaxed) {
        match engine.wal_writer_round(&mut writer) {
            Ok(false) => engine.wal_writer_sleep(&writer),
            Err(Error::Poisoned(_)) => return,
            // Any other error is met again by whoever waits for the log.
            Ok(true) | Err(_) => clock.nap(engine.config().wal_writer_delay),
        }
    }
}

fn run_flusher(engine: &Engine, _: &SystemClock, stop: &AtomicBool) {
    let mut flusher = engine.flusher();
    while !stop.load(Ordering::Relaxed) {
        // An error is the futures'.
        if let Err(Error::Poisoned(_)) = engine.flusher_serve(&mut flusher) {
            return;
        }
    }
}

fn run_background_writer(engine: &Engine, clock: &SystemClock, stop: &AtomicBool) {
    let mut writer = engine.background_writer();
    while !stop.load(Ordering::Relaxed) {
        let config = engine.config();
        if config.background_writer_max_pages == 0 {
            clock.nap(config.background_writer_delay);
            continue;
        }
        match engine.background_writer_round(&mut writer) {
            Ok(round) if round.is_idle => engine.background_writer_sleep(&writer),
            Err(Error::Poisoned(_)) => return,
            // Any other error is met again by whoever evicts the page.
            Ok(_) | Err(_) => clock.nap(config.background_writer_delay),
        }
    }
}
