//! The burst of full-page images after a redo point, and how it decays.
//!
//! Commits of a 100-byte change hit random pages, half full of rows of text. The interval between
//! two checkpoints is cut into tenths; for each, the bytes of log that a commit takes. The settings
//! alternate, so that what the machine does meanwhile falls on all of them. Then what an image
//! itself costs: every page is changed once after a checkpoint.

use seawall::{Config, FullPageImages, PageId, WalStats};
use seawall_benches::{BenchStore, Random};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const PAGES: u32 = 2048;
/// Commits between two checkpoints: ten for each page.
const COMMITS: usize = 10 * PAGES as usize;
const ROUNDS: usize = 5;

const SETTINGS: [FullPageImages; 3] =
    [FullPageImages::Off, FullPageImages::On, FullPageImages::Compressed];

/// What some commits took, over all rounds.
#[derive(Clone, Copy, Default)]
struct Cost {
    wal: WalStats,
    /// In the fastest round.
    time: Option<Duration>,
}

fn main() {
    let bench = BenchStore::new(
        PAGES,
        Config {
            buffers: 2 * PAGES as usize,
            wal_buffer_bytes: 64 << 20,
            wal_writer_delay: Duration::from_secs(10),
            checkpoint_timeout: Duration::from_secs(3600),
            ..Config::default()
        },
    );
    fill(&bench);
    let mut tenths = [[Cost::default(); 10]; SETTINGS.len()];
    let mut images = [Cost::default(); SETTINGS.len()];
    for round in 0..ROUNDS {
        for (setting, images_are) in SETTINGS.into_iter().enumerate() {
            let config = Config { full_page_images: images_are, ..bench.store.config() };
            bench.store.configure(config).expect("a checkpoint");
            bench.store.checkpoint().expect("a checkpoint");
            let seed = 2 * round as u64 + 1;
            let (mut random, mut values) = (Random::new(seed), Random::new(seed + 1));
            for tenth in &mut tenths[setting] {
                let pages = (0..COMMITS / 10).map(|_| random.pick(&bench.pages));
                tenth.add(measure(&bench, pages, &mut values));
            }
            bench.store.checkpoint().expect("a checkpoint");
            images[setting].add(measure(&bench, bench.pages.iter().copied(), &mut values));
        }
    }
    print_tenths(&tenths);
    print_images(&images);
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.wal.records += other.wal.records;
        self.wal.fpi += other.wal.fpi;
        self.wal.bytes += other.wal.bytes;
        self.wal.fpi_bytes += other.wal.fpi_bytes;
        self.time = self.time.into_iter().chain(other.time).min();
    }

    fn bytes_per_commit(&self) -> f64 {
        self.wal.bytes as f64 / self.wal.records as f64
    }

    fn us_per_commit(&self) -> f64 {
        let time = self.time.unwrap_or_default();
        time.as_secs_f64() * 1e6 * ROUNDS as f64 / self.wal.records as f64
    }
}

/// Changes these pages, one after the other; the log is emptied off the clock.
fn measure(bench: &BenchStore, pages: impl Iterator<Item = PageId>, values: &mut Random) -> Cost {
    let before = bench.store.wal_stats();
    let begun = Instant::now();
    pages.for_each(|page| bench.change(page, values.number() % 4000));
    let time = Some(begun.elapsed());
    bench.drain();
    Cost { wal: bench.store.wal_stats().since(&before), time }
}

/// Fills half of every page with rows.
fn fill(bench: &BenchStore) {
    const WORDS: [&str; 8] = ["open", "paid", "Oslo", "Lima", "blue", "large", "Weber", "Tanaka"];
    let mut random = Random::new(7);
    for (number, page) in bench.pages.iter().enumerate() {
        let mut operation = bench.store.operation();
        let mut page = operation.page(*page).expect("a page");
        let mut rows = String::new();
        while rows.len() < page.body().len() / 2 {
            let (name, city) = (random.pick(&WORDS), random.pick(&WORDS));
            let (cents, minute) = (random.number() % 1_000_000, random.number() % 60);
            write!(
                rows,
                "{number:08}|{name}|{name}.{city}@example.org|2026-03-0{}",
                minute % 9 + 1
            )
            .and_then(|()| writeln!(rows, " 12:{minute:02}:00|{}.{:02}", cents / 100, cents % 100))
            .expect("text");
        }
        let half = page.body().len() / 2;
        page.write(0, &rows.as_bytes()[..half]).expect("inside");
        bench.store.commit_async(operation).expect("a commit");
    }
    bench.drain();
}

fn print_tenths(tenths: &[[Cost; 10]; SETTINGS.len()]) {
    println!("{PAGES} pages of 8 KiB, {COMMITS} commits to a checkpoint, {ROUNDS} rounds");
    println!("bytes of WAL per commit (µs, fastest round) in each tenth of the interval:");
    println!("tenth {:>19} {:>19} {:>19}", "Off", "On", "Compressed");
    for tenth in 0..10 {
        let cell = |costs: &[Cost; 10]| {
            let cost = costs[tenth];
            format!("{:.0} ({:.1})", cost.bytes_per_commit(), cost.us_per_commit())
        };
        let [off, on, compressed] = tenths.each_ref().map(cell);
        println!("{:5} {off:>19} {on:>19} {compressed:>19}", tenth + 1);
    }
    let [off, on, compressed] = tenths.each_ref().map(|costs| {
        let mean = |part: fn(&Cost) -> f64| costs.iter().map(part).sum::<f64>() / 10.0;
        format!("{:.0} ({:.1})", mean(Cost::bytes_per_commit), mean(Cost::us_per_commit))
    });
    println!("whole {off:>19} {on:>19} {compressed:>19}");
}

fn print_images(images: &[Cost; SETTINGS.len()]) {
    println!("an image, every page changed once after a checkpoint:");
    for (setting, cost) in SETTINGS.iter().zip(images).skip(1) {
        let bytes = cost.wal.fpi_bytes as f64 / cost.wal.fpi as f64;
        let more = cost.us_per_commit() - images[0].us_per_commit();
        println!("  {setting:?}: {bytes:.0} bytes, {more:.1} µs more than a commit without");
    }
}
