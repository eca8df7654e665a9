//! The runs as tables for other programs. No value holds a comma or a quote.

use super::results::Run;
use crate::bench::timeline::Written;
use std::fmt::Write as _;

pub(super) fn runs(runs: &[Run]) -> String {
    let mut text = "engine,repeat,load_ms,seconds,commits,commits_per_s_median,\
                    seconds_below_50_percent,seconds_below_10_percent,seconds_without_commits,\
                    p50_us,p99_us,p999_us,max_us\n"
        .to_owned();
    for run in runs {
        let summary = &run.measured.summary;
        let numbers = [
            u64::from(run.repeat),
            run.measured.load_ms,
            summary.seconds as u64,
            summary.commits,
            summary.commits_per_s_median,
            summary.seconds_below_50_percent as u64,
            summary.seconds_below_10_percent as u64,
            summary.seconds_without_commits as u64,
            summary.p50_us,
            summary.p99_us,
            summary.p999_us,
            summary.max_us,
        ];
        line(&mut text, &run.name, numbers.map(Some));
    }
    text
}

pub(super) fn seconds(runs: &[Run]) -> String {
    let mut text = "engine,repeat,second,commits,p50_us,p99_us,max_us,dirty_bytes,\
                    writeback_bytes,data_writes,wal_writes,pages_by_checkpoints,\
                    pages_by_background,pages_by_evictions,page_writes\n"
        .to_owned();
    for run in runs {
        for second in &run.measured.seconds {
            let (now, before) = run.kernel_at(second.second);
            let numbers = [
                u64::from(run.repeat),
                second.second as u64,
                second.commits,
                second.p50_us,
                second.p99_us,
                second.max_us,
                now.unwritten.dirty_bytes,
                now.unwritten.writeback_bytes,
                now.data_writes - before.data_writes,
                now.wal_writes - before.wal_writes,
            ];
            let written = second.written.map_or([None; 4], |written| {
                let Written { by_checkpoints, by_background, by_evictions, writes } = written;
                [by_checkpoints, by_background, by_evictions, writes].map(Some)
            });
            line(&mut text, &run.name, numbers.map(Some).into_iter().chain(written));
        }
    }
    text
}

pub(super) fn checkpoints(runs: &[Run]) -> String {
    let mut text = "engine,repeat,start_s,buffers_written,write_ms,sync_ms,sync_longest_ms,\
                    total_ms\n"
        .to_owned();
    for run in runs {
        for checkpoint in &run.measured.checkpoints {
            let start_s = run.seconds_to(checkpoint.start_epoch_ms);
            let phases = checkpoint.phases.map_or(",,,,".to_owned(), |phases| {
                let numbers = [
                    phases.buffers_written,
                    phases.write_ms,
                    phases.sync_ms,
                    phases.sync_longest_ms,
                    phases.total_ms,
                ];
                numbers.map(|number| number.to_string()).join(",")
            });
            let _ = writeln!(text, "{},{},{start_s:.3},{phases}", run.name, run.repeat);
        }
    }
    text
}

/// What has no number is left empty.
fn line(text: &mut String, name: &str, numbers: impl IntoIterator<Item = Option<u64>>) {
    let numbers =
        numbers.into_iter().map(|number| number.map_or_else(String::new, |n| n.to_string()));
    let numbers = numbers.collect::<Vec<_>>().join(",");
    // Writing to a string does not fail.
    let _ = writeln!(text, "{name},{numbers}");
}
