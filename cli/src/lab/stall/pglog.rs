//! Checkpoints in the log of a PostgreSQL server with `log_checkpoints` and the line prefix `%n `:
//! seconds since 1970, with milliseconds.

use crate::bench::line::{Checkpoint, Phases};

/// Those that were started, in order.
pub(super) fn checkpoints(log: &str) -> Vec<Checkpoint> {
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for line in log.lines() {
        let Some((time, rest)) = line.split_once(' ') else { continue };
        if rest.contains("checkpoint starting:") {
            let start_epoch_ms = millis(time);
            let start =
                start_epoch_ms.map(|start_epoch_ms| Checkpoint { start_epoch_ms, phases: None });
            checkpoints.extend(start);
        } else if let Some((_, complete)) = rest.split_once("checkpoint complete: ")
            && let Some(last) = checkpoints.last_mut()
        {
            last.phases = phases(complete);
        }
    }
    checkpoints
}

/// Of `wrote 5 buffers (0.1%); … write=0.1 s, sync=0.2 s, total=0.3 s; … longest=0.1 s, …`.
fn phases(complete: &str) -> Option<Phases> {
    let value = |name: &str| millis(complete.split_once(name)?.1.split_once(" s")?.0);
    let buffers = complete.strip_prefix("wrote ")?.split_once(' ')?.0;
    Some(Phases {
        buffers_written: buffers.parse().ok()?,
        write_ms: value("write=")?,
        sync_ms: value("sync=")?,
        sync_longest_ms: value("longest=")?,
        total_ms: value("total=")?,
    })
}

/// Of seconds with a decimal point.
fn millis(seconds: &str) -> Option<u64> {
    seconds.parse().ok().map(|seconds: f64| (seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
1700000000.250 LOG:  database system is ready to accept connections
1700000030.500 LOG:  checkpoint starting: time
1700000058.125 LOG:  checkpoint complete: wrote 20480 buffers (35.7%); 0 WAL file(s) added, \
0 removed, 4 recycled; write=26.941 s, sync=0.512 s, total=27.600 s; sync files=12, \
longest=0.498 s, average=0.043 s; distance=409600 kB, estimate=409600 kB
1700000060.500 LOG:  checkpoint starting: time
";

    #[test]
    fn checkpoints_have_their_start_and_phases_and_the_last_may_be_running() {
        let phases = Phases {
            buffers_written: 20480,
            write_ms: 26941,
            sync_ms: 512,
            sync_longest_ms: 498,
            total_ms: 27600,
        };
        let expected = [
            Checkpoint { start_epoch_ms: 1_700_000_030_500, phases: Some(phases) },
            Checkpoint { start_epoch_ms: 1_700_000_060_500, phases: None },
        ];
        assert_eq!(checkpoints(LOG), expected);
    }

    #[test]
    fn lines_of_something_else_are_passed_over() {
        assert_eq!(checkpoints("no time\n\nx checkpoint starting: time\n"), []);
    }
}
