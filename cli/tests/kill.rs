//! kill -9 at random moments, of torture and of recovery: every acknowledged commit is there.
//!
//! `SEAWALL_KILL_ROUNDS` is the number of rounds, `SEAWALL_KILL_SEED` replays their parameters;
//! the moments in the process's life that the kills hit are the machine's.

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use support::{check_acks, command, last, run};

const DEFAULT_ROUNDS: u64 = 12;

/// Rounds that a store lives. The next one has another format.
const ROUNDS_PER_STORE: u64 = 6;

const TORTURE_MS_MAX: u64 = 300;
const RECOVERY_MS_MAX: u64 = 40;

#[test]
fn every_acknowledged_commit_survives_kills_also_while_recovering() {
    let rounds = from_env("SEAWALL_KILL_ROUNDS").unwrap_or(DEFAULT_ROUNDS);
    let seed = from_env("SEAWALL_KILL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEAWALL_KILL_SEED={seed} SEAWALL_KILL_ROUNDS={rounds}");
    let mut random = Random(seed);
    let mut counts = Counts::default();
    let mut round = 0;
    while round < rounds {
        let parent = tempfile::tempdir().unwrap();
        let mut store = Store::new(parent.path().join("store"), &mut random);
        println!("store {:?}", store.format);
        for _ in 0..ROUNDS_PER_STORE.min(rounds - round) {
            round += 1;
            if let Err(what) = store.round(&mut random, &mut counts) {
                let kept = parent.keep();
                panic!("round {round}: {what}\nseed {seed}, the store is kept in {kept:?}");
            }
        }
    }
    println!("{rounds} rounds: {counts:?}");
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// What was hit, to be seen with `--nocapture`.
#[derive(Debug, Default)]
struct Counts {
    before_the_store_existed: u64,
    before_the_first_ack: u64,
    recoveries_killed: u64,
    recoveries_ended: u64,
    acks: u64,
    survivors_without_ack: u64,
}

struct Store {
    dir: PathBuf,
    format: Vec<String>,
    /// Operations that verify has found.
    last: u64,
}

impl Store {
    fn new(dir: PathBuf, random: &mut Random) -> Self {
        let format = [
            ("--page-bytes", random.of(&["4096", "8192", "16384"])),
            ("--wal-block-bytes", random.of(&["1024", "4096", "8192"])),
            ("--wal-segment-bytes", random.of(&["16384", "65536", "1048576"])),
            ("--data-segment-bytes", random.of(&["65536", "1048576", "1073741824"])),
            ("--pages", random.of(&["20", "200", "1000"])),
        ];
        let format = format.iter().flat_map(|(name, value)| [*name, *value]);
        Self { dir, format: format.map(str::to_owned).collect(), last: 0 }
    }

    /// Torture, kill, perhaps kills while recovering, verify.
    fn round(&mut self, random: &mut Random, counts: &mut Counts) -> Result<(), String> {
        let threads = [1, 4, 4, 4, 8][random.below(5) as usize];
        let acked = self.torture(threads, random, counts)?;
        for _ in 0..random.below(3) {
            self.kill_recovery(random, counts);
        }
        let verified = run("verify", &self.dir, &[]);
        if !self.dir.join("control").exists() {
            counts.before_the_store_existed += 1;
            // The promise: nothing was acknowledged by a store that does not exist yet.
            return if acked == 0 { Ok(()) } else { Err(format!("{acked} acks, {verified:?}")) };
        }
        if verified.code != Some(0) {
            return Err(format!("verify after ack {acked}: {verified:?}"));
        }
        self.last = last(&verified.stdout);
        counts.survivors_without_ack += self.last.saturating_sub(acked);
        if self.last < acked {
            return Err(format!("ack {acked} was seen, verify has found {}", self.last));
        }
        // Each thread waits for its commit before it begins the next.
        if self.last > acked + threads {
            return Err(format!("{} found, {acked} acks, {threads} threads", self.last));
        }
        Ok(())
    }

    /// Returns the highest acknowledgement, of this or an earlier run.
    fn torture(
        &self,
        threads: u64,
        random: &mut Random,
        counts: &mut Counts,
    ) -> Result<u64, String> {
        let threads = threads.to_string();
        let mut options: Vec<&str> = self.format.iter().map(String::as_str).collect();
        options.extend(["--threads", &threads, "--buffers", random.of(&["16", "16", "64", "512"])]);
        options.extend(["--checkpoint-every", random.of(&["0", "0", "5ms", "100ms", "1s"])]);
        options.extend(["--wal-buffer-bytes", random.of(&["4096", "65536", "1048576"])]);
        options.extend(["--sync-queue", random.of(&["1", "16", "1024"])]);
        let after = Duration::from_micros(random.below(TORTURE_MS_MAX * 1000));
        println!("torture killed after {after:?}: {options:?}");
        let (told, errors) = killed(command("torture", &self.dir, &options), after);
        let acked = check_acks(&told, self.last)?;
        counts.acks += acked - self.last;
        counts.before_the_first_ack += u64::from(acked == self.last);
        match errors.lines().find(|line| line.starts_with("seawall:")) {
            Some(failure) => Err(format!("torture has failed: {failure}")),
            None => Ok(acked),
        }
    }

    fn kill_recovery(&self, random: &mut Random, counts: &mut Counts) {
        let name = random.of(&["verify", "recover"]);
        let after = Duration::from_micros(random.below(RECOVERY_MS_MAX * 1000));
        let (told, _) = killed(command(name, &self.dir, &[]), after);
        println!("{name} killed after {after:?}, had ended: {}", !told.is_empty());
        let count = if told.is_empty() {
            &mut counts.recoveries_killed
        } else {
            &mut counts.recoveries_ended
        };
        *count += 1;
    }
}

/// Runs a command, kills it after a while; returns what it had said on stdout and stderr.
fn killed(mut command: Command, after: Duration) -> (String, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut told, mut errors) = (String::new(), String::new());
    thread::scope(|scope| {
        scope.spawn(|| stdout.read_to_string(&mut told).unwrap());
        scope.spawn(|| stderr.read_to_string(&mut errors).unwrap());
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    (told, errors)
}

/// A linear congruential generator with its high bits mixed down: enough for parameters.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

#[test]
fn an_interrupted_creation_is_begun_anew() {
    let parent = tempfile::tempdir().unwrap();
    let dir: &Path = parent.path();
    fs::create_dir(dir.join("wal")).unwrap();
    fs::write(dir.join("wal/0000000000000001"), [0; 4096]).unwrap();
    fs::write(dir.join("control.new"), b"half a control file").unwrap();
    run("torture", dir, &["--ops", "10"]).fine();
    assert_eq!(run("verify", dir, &[]).fine(), "last=10\n");
}
