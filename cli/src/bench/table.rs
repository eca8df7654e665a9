//! Summaries as the rows of a table.

use super::timeline::Summary;

/// The line above the rows.
pub(crate) fn header() -> String {
    format!(
        "{:<22} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6} {:>6} {:>5}",
        "",
        "commits",
        "median/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "s<50%",
        "s<10%",
        "s=0"
    )
}

pub(crate) fn row(name: &str, summary: &Summary) -> String {
    let [p50, p99, p999, max] =
        [summary.p50_us, summary.p99_us, summary.p999_us, summary.max_us].map(ms);
    format!(
        "{name:<22} {:>9} {:>8} {p50:>9.2} {p99:>9.2} {p999:>9.1} {max:>9.1} {:>6} {:>6} {:>5}",
        summary.commits,
        summary.commits_per_s_median,
        summary.seconds_below_50_percent,
        summary.seconds_below_10_percent,
        summary.seconds_without_commits
    )
}

pub(crate) fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}
