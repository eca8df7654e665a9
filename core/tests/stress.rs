//! Eight threads, eight buffers, a thousand pages: no increment is lost, and no half of a transfer.
//!
//! Each page has a counter at both ends of its body, and a balance. An operation increments the
//! counters of up to three pages and moves an amount from the balance of the first to that of the
//! last: so the balances of all pages add up to nothing in every state that a crash may leave.
//! Readers, a checkpointer, a background writer and a WAL writer run meanwhile.
//!
//! With as many buffers as threads, an operation of several pages often finds none: then it is
//! dropped, which undoes it, and tried again.
//!
//! # Environment
//! * `SEAWALL_STRESS_OPERATIONS`: operations and reads of all threads together, 40,000 if it is
//!   not set. 1,200,000 with `--release` take about a minute.
//! * `SEAWALL_STRESS_SEED`: what a failure has printed. It gives every thread the same work again;
//!   how the threads interleave is up to the machine.
#![expect(clippy::disallowed_types, reason = "real threads, real time")]
#![expect(clippy::disallowed_methods, reason = "real threads, real time")]

mod common;

use common::{BODY_BYTES, TestClock, config, create};
use seawall_core::buffer::{Access, PageRead, Ring};
use seawall_core::checkpoint::Urgency;
use seawall_core::config::{Config, Format};
use seawall_core::engine::Engine;
use seawall_core::error::{Error, Result};
use seawall_core::files::FileOptions;
use seawall_core::operation::Operation;
use seawall_core::page::{FileId, PageId};
use seawall_core::sim::{CrashImage, SimDisk, SplitMix64};
use seawall_core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use seawall_core::wal::background::WalWriter;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const WORKERS: usize = 8;
const BUFFERS: usize = 8;
const PAGES: u32 = 1000;
const FILE: FileId = FileId(1);

/// Pages that every second access is to.
const HOT_PAGES: u32 = 12;

/// Crash images that are recovered while the threads run.
const IMAGES: u64 = 16;

/// Without progress for so long, the threads wait for each other.
const HANG: Duration = Duration::from_secs(60);

const COUNTERS: [Range<usize>; 2] = [0..8, BODY_BYTES - 8..BODY_BYTES];
const BALANCE: Range<usize> = 8..16;

fn stress_config() -> Config {
    let format =
        Format { wal_segment_bytes: 64 << 10, data_segment_bytes: 256 << 10, ..config().format };
    Config {
        format,
        buffers: BUFFERS,
        wal_buffer_bytes: 16 << 10,
        wal_min_bytes: 1 << 20,
        wal_max_bytes: 1 << 20,
        wal_writer_delay: Duration::from_millis(1),
        ..config()
    }
}

/// What all threads share.
struct Bed {
    disk: SimDisk,
    engine: Engine,
    /// Operations and reads that each worker has done.
    progress: [AtomicU64; WORKERS],
    retries: AtomicU64,
    stop: AtomicBool,
    pages: Vec<Expected>,
}

/// What a page's counter may be. Relaxed everywhere: each bound is noted before, or after, what it
/// bounds, with locks in between, or in the thread that looks.
#[derive(Default)]
struct Expected {
    /// Increments that were committed.
    made: AtomicU64,
    /// The greatest count that a commit was begun with.
    begun: AtomicU64,
    /// The greatest count that a commit has made durable.
    durable: AtomicU64,
}

impl Bed {
    fn new() -> Self {
        let disk = SimDisk::new();
        create(&disk, &stress_config()).unwrap();
        let engine = open(&disk);
        assert_eq!(engine.create_file(FileOptions::default()).unwrap(), FILE);
        engine.extend(FILE, PAGES).unwrap();
        engine.checkpoint(Urgency::Immediate).unwrap();
        Self {
            disk,
            engine,
            progress: Default::default(),
            retries: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            pages: (0..PAGES).map(|_| Expected::default()).collect(),
        }
    }

    fn expected(&self, page: PageId) -> &Expected {
        &self.pages[page.block() as usize]
    }

    fn bounds(&self, bound: impl Fn(&Expected) -> &AtomicU64) -> Vec<u64> {
        self.pages.iter().map(|page| bound(page).load(Ordering::Relaxed)).collect()
    }

    fn done(&self) -> [u64; WORKERS] {
        std::array::from_fn(|worker| self.progress[worker].load(Ordering::Relaxed))
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn open(disk: &SimDisk) -> Engine {
    let clock = Arc::new(TestClock::default());
    Engine::open(Arc::new(disk.clone()), stress_config(), clock).unwrap()
}

fn word(body: &[u8], range: Range<usize>) -> u64 {
    u64::from_le_bytes(body[range].try_into().expect("8 bytes"))
}

/// A page's counter, which is the same at both ends.
fn counter(page: PageId, body: &[u8]) -> u64 {
    let [first, last] = COUNTERS.map(|range| word(body, range));
    assert_eq!(first, last, "{page} is torn");
    first
}

/// A page: every second time one of the hot ones.
fn any_page(random: &mut SplitMix64) -> PageId {
    let among = if random.below(2) == 0 { HOT_PAGES } else { PAGES };
    PageId::new(FILE, random.below(among as usize) as u32)
}

/// One of the threads that do the work.
struct Worker<'b> {
    bed: &'b Bed,
    random: SplitMix64,
    scan: Ring,
    maintenance: Ring,
    /// Where the scan is.
    block: u32,
    /// The greatest count that this thread has met, by page.
    met: Vec<u64>,
}

impl<'b> Worker<'b> {
    fn new(bed: &'b Bed, seed: u64) -> Self {
        Self {
            bed,
            random: SplitMix64::new(seed),
            scan: bed.engine.ring(Access::BulkRead),
            maintenance: bed.engine.ring(Access::Maintenance),
            block: 0,
            met: vec![0; PAGES as usize],
        }
    }

    fn work(&mut self, operations: u64, progress: &AtomicU64) {
        for _ in 0..operations {
            if self.bed.is_stopped() {
                return;
            }
            match self.random.below(16) {
                0..8 => self.transfer(),
                8 => self.think_better_of_it(),
                9..13 => self.read(),
                _ => self.scan(),
            }
            progress.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Does something until there are buffers for it.
    fn insist<R>(&mut self, mut act: impl FnMut(&mut Self) -> Result<R>) -> R {
        loop {
            match act(self) {
                Ok(done) => return done,
                Err(Error::NoUnpinnedBuffers { buffers: BUFFERS }) => {
                    self.bed.retries.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn transfer(&mut self) {
        let pages = self.pages();
        let amount = self.random.below(1000) as u64;
        let through = self.random.below(4) == 0;
        let (operation, counts) = self.insist(|worker| worker.lock(&pages, amount, through));
        let expected = |page: &PageId| self.bed.expected(*page);
        for (page, count) in &counts {
            expected(page).begun.fetch_max(*count, Ordering::Relaxed);
        }
        if self.random.below(4) == 0 {
            let end = self.bed.engine.commit(operation).unwrap();
            assert!(self.bed.engine.wal_positions().2 >= end, "acknowledged, and not durable");
            for (page, count) in &counts {
                expected(page).durable.fetch_max(*count, Ordering::Relaxed);
            }
        } else {
            self.bed.engine.commit_async(operation).unwrap();
        }
        for (page, count) in counts {
            expected(&page).made.fetch_add(1, Ordering::Relaxed);
            self.note(page, count);
        }
    }

    /// An operation that is dropped: nobody may see what it did.
    fn think_better_of_it(&mut self) {
        let pages = self.pages();
        drop(self.insist(|worker| worker.lock(&pages, 1, false)));
    }

    /// Up to three pages, in the order in which they are to be locked.
    fn pages(&mut self) -> Vec<PageId> {
        let mut pages: Vec<_> =
            (0..1 + self.random.below(3)).map(|_| any_page(&mut self.random)).collect();
        pages.sort_unstable();
        pages.dedup();
        pages
    }

    /// Makes the changes, with the counts that they lead to.
    fn lock(
        &mut self,
        pages: &[PageId],
        amount: u64,
        through: bool,
    ) -> Result<(Operation<'b>, Vec<(PageId, u64)>)> {
        let mut operation = self.bed.engine.operation();
        let mut counts = Vec::new();
        for page in pages {
            let mut held = match through {
                true => operation.page_through(*page, &mut self.maintenance)?,
                false => operation.page(*page)?,
            };
            let count = counter(*page, held.body()) + 1;
            for range in COUNTERS {
                held.write(range.start, &count.to_le_bytes())?;
            }
            counts.push((*page, count));
        }
        for (page, change) in [(pages[0], amount.wrapping_neg()), (pages[pages.len() - 1], amount)]
        {
            let mut held = operation.page(page)?;
            let balance = word(held.body(), BALANCE).wrapping_add(change);
            held.write(BALANCE.start, &balance.to_le_bytes())?;
        }
        Ok((operation, counts))
    }

    fn read(&mut self) {
        let page = any_page(&mut self.random);
        let read = self.insist(|worker| worker.bed.engine.read(page));
        self.check(page, &read);
    }

    /// A few pages of a scan of all of them.
    fn scan(&mut self) {
        for _ in 0..4 {
            let page = PageId::new(FILE, self.block);
            self.block = (self.block + 1) % PAGES;
            let read = self.insist(|worker| worker.bed.engine.read_through(page, &mut worker.scan));
            self.check(page, &read);
        }
    }

    fn check(&mut self, page: PageId, read: &PageRead<'_>) {
        let count = counter(page, read);
        let begun = self.bed.expected(page).begun.load(Ordering::Relaxed);
        assert!(count <= begun, "{page} has count {count}, which nobody committed");
        self.note(page, count);
    }

    fn note(&mut self, page: PageId, count: u64) {
        let met = &mut self.met[page.block() as usize];
        assert!(count >= *met, "{page} went back from {met} to {count}");
        *met = count;
    }
}

/// Checks what a crash at some moment left: each count at least `durable`, at most `begun`.
fn check_image(image: &CrashImage, durable: &[u64], begun: &[u64]) {
    let (counts, sum) = counts(&open(&image.mount()));
    for (block, count) in counts.iter().enumerate() {
        let (durable, begun) = (durable[block], begun[block]);
        assert!(
            (durable..=begun).contains(count),
            "{count} of {durable}..={begun} increments of block {block} survived"
        );
    }
    assert_eq!(sum, 0, "the balances add up to nothing");
}

/// The counters of all pages, and the sum of their balances.
fn counts(engine: &Engine) -> (Vec<u64>, u64) {
    let mut sum: u64 = 0;
    let page = |block| {
        let page = PageId::new(FILE, block);
        let read = engine.read(page).unwrap();
        sum = sum.wrapping_add(word(&read, BALANCE));
        counter(page, &read)
    };
    ((0..PAGES).map(page).collect(), sum)
}

/// The threads, and what goes on meanwhile.
struct Run {
    bed: Arc<Bed>,
    operations: u64,
    seed: u64,
}

impl Run {
    /// Starts a thread that repeats something until it is stopped.
    fn start_service(&self, mut round: impl FnMut(&Bed) + Send + 'static) -> JoinHandle<()> {
        let bed = Arc::clone(&self.bed);
        thread::spawn(move || {
            while !bed.is_stopped() {
                round(&bed);
                thread::sleep(Duration::from_millis(1));
            }
        })
    }

    fn start_services(&self) -> Vec<JoinHandle<()>> {
        let (mut urgency, mut next) = (Urgency::Spread, Urgency::Immediate);
        let mut background_writer = self.bed.engine.background_writer();
        let mut wal_writer = WalWriter::default();
        vec![
            self.start_service(move |Bed { engine, .. }| {
                if engine.wal_since_redo() >= engine.config().checkpoint_wal_bytes() {
                    engine.checkpoint(urgency).unwrap();
                    std::mem::swap(&mut urgency, &mut next);
                }
            }),
            self.start_service(move |Bed { engine, .. }| {
                engine.background_writer_round(&mut background_writer).unwrap();
            }),
            self.start_service(move |Bed { engine, .. }| {
                engine.wal_writer_round(&mut wal_writer).unwrap();
            }),
        ]
    }

    fn start_workers(&self) -> Vec<JoinHandle<()>> {
        let start = |number: usize| {
            let bed = Arc::clone(&self.bed);
            let seed = self.seed.wrapping_add(number as u64);
            let operations = self.operations / WORKERS as u64;
            move || Worker::new(&bed, seed).work(operations, &bed.progress[number])
        };
        (0..WORKERS).map(|number| thread::spawn(start(number))).collect()
    }

    /// Waits for threads, with `meanwhile` called all the time. Fails when one has, and when
    /// `progress` stands still: a thread that hangs is not waited for.
    fn join(
        &self,
        mut threads: Vec<JoinHandle<()>>,
        progress: impl Fn(&Bed) -> u64,
        mut meanwhile: impl FnMut(),
    ) {
        let mut last = (progress(&self.bed), Instant::now());
        while !threads.is_empty() {
            for thread in threads.extract_if(.., |thread| thread.is_finished()) {
                if thread.join().is_err() {
                    self.fail("a thread has failed");
                }
            }
            meanwhile();
            let now = progress(&self.bed);
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > HANG {
                self.fail("no progress");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn fail(&self, what: &str) -> ! {
        self.bed.stop.store(true, Ordering::Relaxed);
        panic!(
            "{what}; done by each thread: {:?}; {} checkpoints; again with SEAWALL_STRESS_SEED={} \
             SEAWALL_STRESS_OPERATIONS={}",
            self.bed.done(),
            self.bed.engine.checkpoints().done,
            self.seed,
            self.operations
        );
    }

    /// Takes and checks a crash image each time that another part of the work is done.
    fn check_images(&self) -> impl FnMut() {
        let mut taken = 0;
        move || {
            let done: u64 = self.bed.done().iter().sum();
            if done <= taken * self.operations / IMAGES {
                return;
            }
            taken += 1;
            let durable = self.bed.bounds(|page| &page.durable);
            let image = self.bed.disk.crash_image(self.seed.wrapping_add(taken));
            check_image(&image, &durable, &self.bed.bounds(|page| &page.begun));
        }
    }

    fn print(&self, time: Duration) {
        let retries = self.bed.retries.load(Ordering::Relaxed);
        println!(
            "{} operations in {:.1} s, {:?} by thread; {} pages read in, {} disk operations, {} \
             checkpoints, {retries} times without buffers",
            self.operations,
            time.as_secs_f64(),
            self.bed.done(),
            self.bed.disk.reads(),
            self.bed.disk.operations(),
            self.bed.engine.checkpoints().done
        );
    }
}

/// Checks that everything is there: live, after crashes, after a close.
fn check_end(bed: Bed) {
    let made = bed.bounds(|page| &page.made);
    assert_eq!(counts(&bed.engine), (made.clone(), 0), "an update was lost");
    bed.engine.wait_durable(bed.engine.wal_positions().0).unwrap();
    let nothing_survives = bed.disk.durable_image();
    check_image(&nothing_survives, &made, &made);
    (0..3).for_each(|seed| check_image(&bed.disk.crash_image(seed), &made, &made));
    bed.engine.close().unwrap();
    let Bed { disk, engine, .. } = bed;
    drop(engine);
    assert_eq!(counts(&open(&disk)), (made, 0), "after a close");
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn no_update_is_lost_and_every_thread_gets_on_with_as_many_buffers_as_threads() {
    let run = Run {
        bed: Arc::new(Bed::new()),
        operations: setting("SEAWALL_STRESS_OPERATIONS").unwrap_or(40_000),
        seed: setting("SEAWALL_STRESS_SEED").unwrap_or_else(|| RandomState::new().hash_one(0)),
    };
    println!("SEAWALL_STRESS_SEED={}", run.seed);
    let started = Instant::now();
    let services = run.start_services();
    let by_workers = |bed: &Bed| bed.done().iter().sum();
    run.join(run.start_workers(), by_workers, run.check_images());
    run.print(started.elapsed());
    run.bed.stop.store(true, Ordering::Relaxed);
    run.join(services, |_| 0, || ());
    let Run { bed, .. } = run;
    check_end(Arc::into_inner(bed).expect("the threads have ended"));
}
