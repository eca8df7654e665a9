//! Stores that are mutated at random: whatever the files hold, each tool ends with a documented
//! code, and none panics. `SEAWALL_MUTATED_STORES` says how many.

mod support;

use seawall::{Config, FileOptions, Format, PageId, Store};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::{objects_or_text, tool};

/// Numbers from a seed: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// A crashed store with two logged files and an unlogged one.
fn make(dir: &Path) {
    let config = Config {
        format: Format {
            page_bytes: 4096,
            wal_segment_bytes: 32 << 10,
            data_segment_bytes: 16 << 10,
            ..Format::default()
        },
        wal_buffer_bytes: 16 << 10,
        wal_min_bytes: 1 << 20,
        wal_max_bytes: 1 << 20,
        checkpoint_timeout: Duration::from_secs(3600),
        ..Config::default()
    };
    let store = Store::create(dir, config).unwrap();
    let unlogged = FileOptions { unlogged: true, ..FileOptions::default() };
    store.extend(store.create_file(unlogged).unwrap(), 2).unwrap();
    let files = [0, 1].map(|_| store.create_file(FileOptions::default()).unwrap());
    for file in files {
        store.extend(file, 6).unwrap();
    }
    store.checkpoint().unwrap();
    for number in 0..40_u32 {
        let mut operation = store.operation();
        let page = PageId::new(files[number as usize % 2], number % 6);
        operation.page(page).unwrap().write(16, &[number as u8; 900]).unwrap();
        store.commit(operation).unwrap();
    }
    store.truncate(files[1], 4).unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["", "wal", "data"]
        .iter()
        .flat_map(|name| fs::read_dir(dir.join(name)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("lock"))
        .collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for dir in ["", "wal", "data"] {
        fs::create_dir_all(to.join(dir)).unwrap();
    }
    for path in files(from) {
        fs::copy(&path, to.join(path.strip_prefix(from).unwrap())).unwrap();
    }
}

/// What a file holds, if it is not gigantic.
fn content(path: &Path) -> Option<Vec<u8>> {
    let len = fs::metadata(path).unwrap().len();
    (len < 1 << 20).then(|| fs::read(path).unwrap())
}

/// Damages a few places.
fn mutate(dir: &Path, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let all = files(dir);
        let path = &all[random.below(all.len())];
        let Some(bytes) = content(path) else { continue };
        let file = File::options().write(true).open(path).unwrap();
        let at = random.below(bytes.len().max(1)) as u64;
        match random.below(8) {
            0 | 1 => file.write_all_at(&[random.below(256) as u8], at).unwrap(),
            2 => file.write_all_at(&[0; 512], at / 512 * 512).unwrap(),
            3 => file.set_len(at).unwrap(),
            4 => {
                let garbage: Vec<u8> =
                    (0..1 + random.below(9000)).map(|_| random.below(256) as u8).collect();
                file.write_all_at(&garbage, bytes.len() as u64).unwrap();
            }
            // Sparse: costs nothing, and would cost much if it was read or allocated.
            5 => file.set_len(1 << (30 + random.below(12))).unwrap(),
            6 => {
                let other = &all[random.below(all.len())];
                let Some(theirs) = content(other) else { continue };
                fs::write(path, theirs).unwrap();
                fs::write(other, bytes).unwrap();
            }
            _ => fs::remove_file(path).unwrap(),
        }
    }
}

#[test]
fn every_tool_ends_with_a_documented_code_whatever_the_files_hold() {
    let stores = std::env::var("SEAWALL_MUTATED_STORES").map_or(40, |text| text.parse().unwrap());
    let parent = tempfile::tempdir().unwrap();
    let base = parent.path().join("base");
    make(&base);
    let end = {
        let printed = tool(&["recover", "--dry-run", "--json"], &base, &[]).fine();
        let dry: serde_json::Value = serde_json::from_str(&printed).unwrap();
        dry["redo_lsn"].as_str().unwrap().to_owned()
    };
    let tools: [(&[&str], &[&str]); 9] = [
        (&["check", "--json"], &[]),
        (&["check"], &[]),
        (&["control", "--json"], &[]),
        (&["page", "dump", "--json"], &["2", "1"]),
        (&["page", "dump"], &["3", "5"]),
        (&["recover", "--dry-run", "--json"], &[]),
        (&["wal", "dump", "--json"], &["--from", "start"]),
        (&["salvage", "--json"], &["--until", &end]),
        (&["salvage", "--yes", "--keep-newer-pages"], &["--until", &end]),
    ];
    let mut ended = [0; 4];
    for seed in 0..stores {
        let dir = parent.path().join(format!("mutated-{seed}"));
        copy(&base, &dir);
        mutate(&dir, &mut Random(seed));
        for (words, options) in tools {
            let ran = tool(words, &dir, options);
            let say = format!("SEAWALL_MUTATED_STORES={} seed {seed} {words:?}", seed + 1);
            let code = ran.code.unwrap_or_else(|| panic!("{say}: {ran:?}"));
            assert!((0..=3).contains(&code), "{say}: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{say}: {ran:?}");
            objects_or_text(&ran, words, &say);
            ended[code as usize] += 1;
        }
        fs::remove_dir_all(&dir).unwrap();
    }
    println!("ended with 0, 1, 2, 3: {ended:?}");
    assert!(ended[0] > 0 && ended[1] > 0, "{ended:?}");
}
