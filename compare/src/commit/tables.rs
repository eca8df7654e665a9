//! What is printed.

use super::SEAWALL_WAL;
use super::rounds::Summary;

/// What was measured with one number of committers: a name and a summary for each entrant.
pub struct Measured {
    /// Threads that commit.
    pub committers: usize,
    /// In the order of the table.
    pub rows: Vec<(&'static str, Summary)>,
}

impl Measured {
    /// Prints a line for each entrant, with the ratio of its median to the first one's.
    pub fn print(&self) {
        println!();
        println!(
            "{:<20}  {:>9}  ({:>9} to {:>9})  {:>7}  {:>9}  {:>9}  {:>9}",
            format!("{} committers", self.committers),
            "commits/s",
            "low",
            "high",
            format!("/ {}", self.rows[0].0),
            "p50 µs",
            "p99 µs",
            "max µs"
        );
        let first = self.rows[0].1.median();
        for (name, summary) in &self.rows {
            let ([low, median, high], [p50, p99, max]) =
                (summary.per_second(), summary.latency_us());
            println!(
                "{name:<20}  {median:9.0}  ({low:9.0} to {high:9.0})  {:7.2}  \
                 {p50:9.0}  {p99:9.0}  {max:9.0}",
                median / first
            );
        }
    }

    fn median(&self, name: &str) -> Option<f64> {
        let (_, summary) = self.rows.iter().find(|(found, _)| *found == name)?;
        Some(summary.median())
    }
}

/// Prints by how many times seawall's log is ahead of each entrant, for each number of committers.
pub fn print_ratios(tables: &[Measured]) {
    let Some(Measured { rows, .. }) = tables.first() else { return };
    if tables[0].median(SEAWALL_WAL).is_none() {
        return;
    }
    println!();
    print!("{:<20}", format!("{SEAWALL_WAL} /"));
    tables.iter().for_each(|table| print!("  {:>7}", table.committers));
    println!();
    for (name, _) in rows {
        print!("{name:<20}");
        for table in tables {
            let [ours, theirs] = [SEAWALL_WAL, name].map(|name| table.median(name));
            let ratio = ours.expect("in all tables") / theirs.expect("in all tables");
            print!("  {ratio:7.2}");
        }
        println!();
    }
}
