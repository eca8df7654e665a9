//! The report: one page that needs nothing else.

use super::args::StallArgs;
use super::chart::{self, Axis, Line};
use super::engine;
use super::results::Run;
use crate::bench::table::ms;
use crate::bench::timeline::{Second, Summary};
use crate::exit::Failure;
use plotters::style::RGBColor;

const BLUE: RGBColor = RGBColor(31, 90, 170);
const RED: RGBColor = RGBColor(190, 40, 40);
const GREEN: RGBColor = RGBColor(40, 140, 70);

const STYLE: &str = "body{font:14px sans-serif;margin:2em;max-width:1120px}\
table{border-collapse:collapse}\
td,th{padding:2px 10px;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}svg{display:block}code{white-space:pre-wrap}\
.write{background:#d6e4f5}.sync{background:#f5a096}";

/// The page.
pub(super) fn page(
    args: &StallArgs,
    runs: &[Run],
    medians: &[(String, Summary)],
) -> Result<String, Failure> {
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>seawall lab stall</title><style>{STYLE}</style></head><body>\n\
         <h1>seawall lab stall</h1>\n{}\n<h2>Runs</h2>\n{}",
        setting(args),
        table(runs.iter().map(|run| (title(run), run.measured.summary)))
    );
    if args.repeats > 1 {
        text += &format!("<h2>Medians over the repeats</h2>\n{}", table(medians.iter().cloned()));
    }
    text += "<h2>Timelines</h2>\n<p>Behind the lines: checkpoints \
             <span class=\"write\">writing</span> and <span class=\"sync\">syncing</span>. \
             Scales are the same in all runs, those of latencies logarithmic; a second without \
             commits has no latency.</p>\n";
    let scales = Scales::of(runs);
    for run in runs {
        text += &timelines(run, &scales)?;
    }
    Ok(text + "</body></html>\n")
}

/// What was set up.
fn setting(args: &StallArgs) -> String {
    let limit = |iops: u32, mb: u32| match (iops, mb) {
        (0, 0) => "no limit".to_owned(),
        (iops, 0) => format!("{iops} writes/s"),
        (0, mb) => format!("{mb} MB/s written"),
        (iops, mb) => format!("{iops} writes/s and {mb} MB/s written"),
    };
    let about = |engine: engine::Engine| format!("<li>{}: {}</li>", engine.name(), engine.about());
    let command: Vec<_> = std::env::args().map(|argument| escape(&argument)).collect();
    format!(
        "<p>{} clients upsert random rows, each durably: {} rows of {} bytes, a pool of {} MiB, \
         {} MiB for engine and page cache together. Data on a device of {}, log on one of {}, \
         ext4. A checkpoint every {} s; {} s measured after {} s of warm-up.</p>\
         <p><code>{}</code></p>\n<ul>{}</ul>",
        args.clients,
        args.rows,
        args.row_bytes,
        args.pool_mib,
        args.memory_mib,
        limit(args.data_iops, args.data_mb_per_s),
        limit(args.wal_iops, args.wal_mb_per_s),
        args.checkpoint_every.as_secs_f64(),
        args.seconds,
        args.warmup_seconds,
        command.join(" "),
        args.engines().into_iter().map(about).collect::<String>()
    )
}

fn title(run: &Run) -> String {
    format!("{} #{}", run.name, run.repeat + 1)
}

fn table(rows: impl Iterator<Item = (String, Summary)>) -> String {
    let mut text = "<table><tr><th>engine</th><th>commits</th><th>median/s</th><th>p50 ms</th>\
                    <th>p99 ms</th><th>p99.9 ms</th><th>max ms</th><th>seconds below 50 %</th>\
                    <th>below 10 %</th><th>without commits</th></tr>\n"
        .to_owned();
    for (name, summary) in rows {
        text += &format!(
            "<tr><td>{name}</td><td>{}</td><td>{}</td><td>{:.2}</td><td>{:.2}</td><td>{:.1}</td>\
             <td>{:.1}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            summary.commits,
            summary.commits_per_s_median,
            ms(summary.p50_us),
            ms(summary.p99_us),
            ms(summary.p999_us),
            ms(summary.max_us),
            summary.seconds_below_50_percent,
            summary.seconds_below_10_percent,
            summary.seconds_without_commits
        );
    }
    text + "</table>\n"
}

/// The highest values of all runs.
struct Scales {
    commits: f64,
    latency_ms: f64,
    unwritten_mib: f64,
    writes: f64,
    pages: f64,
}

impl Scales {
    fn of(runs: &[Run]) -> Self {
        let seconds = || runs.iter().flat_map(|run| &run.measured.seconds);
        let of_kernel = |values: fn(&Run) -> [Vec<f64>; 2]| {
            runs.iter().flat_map(values).flatten().fold(0.0, f64::max)
        };
        Self {
            commits: seconds().map(|second| second.commits as f64).fold(0.0, f64::max),
            latency_ms: seconds().map(|second| ms(second.max_us)).fold(0.0, f64::max),
            unwritten_mib: of_kernel(unwritten_mib),
            writes: of_kernel(writes),
            pages: runs.iter().flat_map(pages).flatten().fold(0.0, f64::max),
        }
    }
}

fn timelines(run: &Run, scales: &Scales) -> Result<String, Failure> {
    let seconds = &run.measured.seconds;
    let of = |value: fn(&Second) -> f64| seconds.iter().map(value).collect();
    let line = |name, color, values| Line { name, color, values };
    let [dirty, writeback] = unwritten_mib(run);
    let [data, wal] = writes(run);
    let [checkpoints, background, evictions] = pages(run);
    let axis = |name, max| Axis { name, max, is_logarithmic: false };
    let latency = Axis { is_logarithmic: true, ..axis("latency, ms", scales.latency_ms) };
    let mut charts = vec![
        chart::svg(
            run,
            axis("commits/s", scales.commits),
            vec![line("commits", BLUE, of(|second| second.commits as f64))],
        )?,
        chart::svg(
            run,
            latency,
            vec![
                line("max", RED, of(|second| latency_ms(second, second.max_us))),
                line("p99", BLUE, of(|second| latency_ms(second, second.p99_us))),
            ],
        )?,
        chart::svg(
            run,
            axis("MiB", scales.unwritten_mib),
            vec![line("dirty", BLUE, dirty), line("writeback", RED, writeback)],
        )?,
        chart::svg(
            run,
            axis("writes/s", scales.writes),
            vec![line("data device", BLUE, data), line("log's device", RED, wal)],
        )?,
    ];
    if seconds.iter().any(|second| second.written.is_some()) {
        charts.push(chart::svg(
            run,
            axis("pages/s", scales.pages),
            vec![
                line("checkpoints", BLUE, checkpoints),
                line("background writer", GREEN, background),
                line("evictions", RED, evictions),
            ],
        )?);
    }
    Ok(format!("<h3>{}</h3>\n{}", title(run), charts.concat()))
}

/// A second without commits has none.
fn latency_ms(second: &Second, us: u64) -> f64 {
    if second.commits == 0 { f64::NAN } else { ms(us) }
}

/// Dirty and under writeback, at the end of each second.
fn unwritten_mib(run: &Run) -> [Vec<f64>; 2] {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let seconds = 0..run.measured.seconds.len();
    let samples: Vec<_> = seconds.map(|second| run.kernel_at(second).0.unwritten).collect();
    [
        samples.iter().map(|unwritten| mib(unwritten.dirty_bytes)).collect(),
        samples.iter().map(|unwritten| mib(unwritten.writeback_bytes)).collect(),
    ]
}

/// Of the devices of data and log.
fn writes(run: &Run) -> [Vec<f64>; 2] {
    let seconds = 0..run.measured.seconds.len();
    let samples: Vec<_> = seconds.map(|second| run.kernel_at(second)).collect();
    [
        samples.iter().map(|(now, before)| (now.data_writes - before.data_writes) as f64).collect(),
        samples.iter().map(|(now, before)| (now.wal_writes - before.wal_writes) as f64).collect(),
    ]
}

/// Pages by who wrote them: checkpoints, background writer, evictions.
fn pages(run: &Run) -> [Vec<f64>; 3] {
    let written: Vec<_> = run.measured.seconds.iter().filter_map(|second| second.written).collect();
    [
        written.iter().map(|written| written.by_checkpoints as f64).collect(),
        written.iter().map(|written| written.by_background as f64).collect(),
        written.iter().map(|written| written.by_evictions as f64).collect(),
    ]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use crate::bench::line::{Checkpoint, Phases};
    use crate::bench::timeline::Timeline;
    use crate::lab::LabCommand;
    use crate::lab::stall::results::Measured;
    use clap::Parser;
    use std::time::Duration;

    fn run(name: &str) -> Run {
        let mut timeline = Timeline::new(3);
        timeline.add(Duration::from_millis(1500), 800_000);
        let phases = Phases {
            buffers_written: 1,
            write_ms: 700,
            sync_ms: 300,
            sync_longest_ms: 1,
            total_ms: 1,
        };
        let checkpoints = vec![
            Checkpoint { start_epoch_ms: 9_500, phases: Some(phases) },
            Checkpoint { start_epoch_ms: 12_000, phases: None },
        ];
        let measured = Measured {
            load_ms: 1,
            start_epoch_ms: 10_000,
            seconds: timeline.seconds(),
            summary: timeline.summary(),
            checkpoints,
        };
        Run { name: name.to_owned(), repeat: 0, measured, kernel: Vec::new() }
    }

    #[test]
    fn the_report_has_the_timelines_of_every_run_and_refers_to_nothing_outside() {
        let cli = Cli::parse_from(["seawall", "lab", "stall"]);
        let Some(Command::Lab(LabCommand::Stall(args))) = cli.command else { unreachable!() };
        let page = page(&args, &[run("one"), run("two")], &[]).unwrap();
        assert_eq!(page.matches("<svg").count(), 8);
        assert!(page.contains("<h3>one #1</h3>") && page.contains("<td>two #1</td>"));
        for reference in ["href", "src=", "url(", "@import", "<link", "<script", "<img", "<iframe"]
        {
            assert!(!page.contains(reference), "{reference}");
        }
        let without_namespace = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!without_namespace.contains("://"));
    }
}
