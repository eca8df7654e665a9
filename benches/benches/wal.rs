//! Insertion without a sync beside its ceiling: records of 128 bytes by 1 and 2 threads.
//!
//! `insert` assembles a record and inserts it into a ring that has room, which is emptied off the
//! clock. `ceiling` does with as many bytes what nobody can do without who gives records a place
//! in a common stream: it sums them (CRC32C), reserves the place in a shared counter, and copies
//! them there. Each of its threads copies into a buffer of its own, as large as the ring: no two
//! threads write a cache line of it, as in the ring.
//!
//! The two take turns in rounds, so that their ratio means something where their times do not.

use seawall::Config;
use seawall::seawall_core::wal::record::{RecordBuf, RecordKind};
use seawall_benches::{BenchWal, Random, spread, timed};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const RECORD_BYTES: usize = 128;
const BODY_BYTES: usize = RECORD_BYTES - seawall::seawall_core::wal::record::RECORD_HEADER_BYTES;

const RING_BYTES: usize = 64 << 20;
/// Records of a round: they fill three quarters of the ring, and take long enough for a scheduler
/// to give each thread a processor of its own.
const ROUND_RECORDS: u64 = (RING_BYTES / RECORD_BYTES) as u64 * 3 / 4;
const ROUNDS: usize = 15;

/// Different bodies, together smaller than a processor's nearest cache.
const BODIES: usize = 64;

struct Bodies(Vec<u8>);

impl Bodies {
    fn new() -> Self {
        Self(Random::new(1).bytes(BODIES * RECORD_BYTES))
    }

    /// As many bytes of the one whose turn it is.
    fn get(&self, number: u64, bytes: usize) -> &[u8] {
        &self.0[number as usize % BODIES * RECORD_BYTES..][..bytes]
    }
}

/// The floor of what an insertion costs.
struct Ceiling {
    reserved: AtomicU64,
    buffers: Vec<Mutex<Vec<u8>>>,
}

impl Ceiling {
    fn new(threads: usize) -> Self {
        // Not zeros, which would be mapped when they are first written.
        let buffers = (0..threads).map(|_| Mutex::new(vec![1; RING_BYTES])).collect();
        Self { reserved: AtomicU64::new(0), buffers }
    }

    fn run(&self, bodies: &Bodies, threads: usize) -> Duration {
        timed(threads, ROUND_RECORDS, |thread, share| {
            let mut buffer = self.buffers[thread].lock().expect("no panic");
            for number in 0..share {
                let record = bodies.get(number, RECORD_BYTES);
                black_box(crc32c::crc32c(record));
                // Relaxed: it orders nothing here.
                let place = self.reserved.fetch_add(RECORD_BYTES as u64, Ordering::Relaxed);
                let place = place as usize % RING_BYTES;
                buffer[place..place + RECORD_BYTES].copy_from_slice(record);
            }
            black_box(&mut *buffer);
        })
    }
}

fn insert(wal: &BenchWal, bodies: &Bodies, threads: usize) -> Duration {
    let time = timed(threads, ROUND_RECORDS, |_, share| {
        let mut record = RecordBuf::new(RecordKind::Pages);
        for number in 0..share {
            wal.insert(&mut record, bodies.get(number, BODY_BYTES));
        }
    });
    wal.recycle();
    time
}

fn compare(wal: &BenchWal, ceiling: &Ceiling, bodies: &Bodies, threads: usize) {
    let (mut inserted, mut most, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let millions = |time: Duration| ROUND_RECORDS as f64 / time.as_secs_f64() / 1e6;
    for round in 0..ROUNDS {
        let ceiling_first = round % 2 == 0;
        let before = ceiling_first.then(|| ceiling.run(bodies, threads));
        let insertion = millions(insert(wal, bodies, threads));
        let most_now = millions(before.unwrap_or_else(|| ceiling.run(bodies, threads)));
        inserted.push(insertion);
        most.push(most_now);
        ratios.push(insertion / most_now);
    }
    for (name, values) in [("insert", inserted), ("ceiling", most), ("insert / ceiling", ratios)] {
        let [low, median, high] = spread(values);
        println!("{name:<16}/{threads}  {median:7.2}  ({low:7.2} to {high:7.2})");
    }
}

fn main() {
    let config = Config { wal_buffer_bytes: RING_BYTES, ..Config::default() };
    let (wal, bodies) = (BenchWal::new(&config), Bodies::new());
    println!("records of {RECORD_BYTES} bytes, {ROUNDS} alternating rounds of {ROUND_RECORDS};");
    println!("what/threads, millions per second, median (low to high):");
    for threads in [1, 2] {
        let ceiling = Ceiling::new(threads);
        // The first time the ring's memory is mapped.
        insert(&wal, &bodies, threads);
        compare(&wal, &ceiling, &bodies, threads);
    }
}
