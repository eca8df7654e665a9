//! What pgbench notes of each transaction: files of lines as
//! `client number latency_us script epoch_s epoch_us`, the time being that of the end.

use crate::bench::timeline::Timeline;
use crate::exit::Failure;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// The transactions of all files in a directory, from a moment on.
pub(super) fn timeline(
    dir: &Path,
    start_epoch_ms: u64,
    seconds: usize,
) -> Result<Timeline, Failure> {
    let mut timeline = Timeline::new(seconds);
    let start = Duration::from_millis(start_epoch_ms);
    let failed = |error: io::Error| Failure::io("pgbench's log", &error);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let file = File::open(entry.map_err(failed)?.path()).map_err(failed)?;
        for line in BufReader::new(file).lines() {
            let line = line.map_err(failed)?;
            let Some((at, latency_us)) = parse(&line) else {
                let expected = "client, number, latency, script, seconds and microseconds";
                let what = format!("pgbench's log: found {line:?}, expected {expected}");
                return Err(Failure::Finding(what));
            };
            if let Some(at) = at.checked_sub(start) {
                timeline.add(at, latency_us);
            }
        }
    }
    Ok(timeline)
}

/// When a transaction ended, and its latency in microseconds.
fn parse(line: &str) -> Option<(Duration, u64)> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [_, _, latency_us, _, epoch_s, epoch_us, ..] = fields[..] else { return None };
    let micros = epoch_us.parse().ok().filter(|us| *us < 1_000_000)?;
    let at = Duration::from_secs(epoch_s.parse().ok()?) + Duration::from_micros(micros);
    Some((at, latency_us.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_has_a_latency_and_an_end() {
        let (at, latency_us) = parse("0 199 2241 0 1175850568 995598").unwrap();
        assert_eq!((at, latency_us), (Duration::new(1_175_850_568, 995_598_000), 2241));
        assert!(parse("0 199 2241 0 1175850568 995598 10").is_some(), "with a schedule lag");
        for bad in ["", "0 199 2241 0 1175850568", "0 199 skipped 0 1175850568 995598", "a b"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn files_of_all_threads_are_one_timeline_without_the_warm_up() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("log.1"), "0 1 500 0 99 999999\n0 2 500 0 100 0\n").unwrap();
        fs::write(dir.path().join("log.1.1"), "1 1 700 0 101 500000\n").unwrap();
        let timeline = timeline(dir.path(), 100_000, 2).unwrap();
        let commits: Vec<_> = timeline.seconds().iter().map(|second| second.commits).collect();
        assert_eq!(commits, [1, 1]);
        assert_eq!(timeline.summary().max_us, 700);
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("log.1"), "interval 3\n").unwrap();
        let failure = timeline(dir.path(), 0, 1).err().unwrap();
        assert!(failure.to_string().contains("found \"interval 3\", expected client"), "{failure}");
    }
}
