//! What was measured, as a table or as JSON.

use super::advice::{Advice, advise, suspects};
use super::measure::{Cell, Measured, Times};
use super::method::Method;
use crate::exit::Failure;
use crate::output::Output;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Prints everything about some sizes of blocks.
pub(super) fn print(cells: &[Cell], block_bytes: &[u32], as_json: bool) -> Result<(), Failure> {
    let mut output = Output::new();
    let of_size =
        |bytes| -> Vec<_> { cells.iter().filter(|cell| cell.block_bytes == bytes).collect() };
    if as_json {
        let sizes = block_bytes.iter().map(|bytes| size_json(*bytes, &of_size(*bytes)));
        output.line(json!({ "block_sizes": sizes.collect::<Vec<_>>() }))?;
    } else {
        for bytes in block_bytes {
            print_size(*bytes, &of_size(*bytes), &mut output)?;
        }
    }
    output.finish()
}

fn print_size(bytes: u32, cells: &[&Cell], output: &mut Output) -> Result<(), Failure> {
    output.line(format!("blocks of {bytes} bytes, times in us"))?;
    output.line(format!(
        "{:<21} {:>9} {:>9} {:>9} {:>9}  {:>11} {:>10}",
        "", "writes/s", "p50", "p99", "max", "rewrite p50", "append p50"
    ))?;
    for cell in cells {
        let name = cell.method.name;
        match &cell.measured {
            Measured::Unsupported(reason) => {
                output.line(format!("{name:<21} not supported here: {reason}"))?;
            }
            Measured::Times(times) => output.line(format!("{name:<21} {}", row(times)))?,
        }
    }
    if let Some(Advice { method, equals }) = advise(cells) {
        output.line(format!("choose: {}", method.settings().unwrap_or_default()))?;
        if !equals.is_empty() {
            let equals = names(&equals);
            output.line(format!("        within the noise of it: {equals}"))?;
        }
    }
    for method in suspects(cells) {
        output.line(format!(
            "warning: {} costs less than two plain writes: the device or the virtual machine may \
             lie about what is durable",
            method.name
        ))?;
    }
    output.line("")
}

fn row(times: &Times) -> String {
    let all = times.all();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| micros(&all, quantile));
    let (rewrite, append) = (micros(&times.rewrite, 0.5), micros(&times.append, 0.5));
    let rate = writes_per_second(&all);
    format!("{rate:>9.0} {p50:>9.1} {p99:>9.1} {max:>9.1}  {rewrite:>11.1} {append:>10.1}")
}

fn size_json(bytes: u32, cells: &[&Cell]) -> Value {
    let advice = advise(cells).map(|Advice { method, equals }| {
        json!({
            "wal_sync": method.durable.map(|durable| format!("{:?}", durable.sync)),
            "wal_direct": method.open_mode().direct,
            "within_noise": equals.iter().map(|method| method.name).collect::<Vec<_>>(),
        })
    });
    json!({
        "block_bytes": bytes,
        "methods": cells.iter().map(|cell| cell_json(cell)).collect::<Vec<_>>(),
        "choose": advice,
        "may_lie": suspects(cells).iter().map(|method| method.name).collect::<Vec<_>>(),
    })
}

fn cell_json(cell: &Cell) -> Value {
    let name = cell.method.name;
    let times = match &cell.measured {
        Measured::Unsupported(reason) => return json!({ "method": name, "unsupported": reason }),
        Measured::Times(times) => times,
    };
    let all = times.all();
    json!({
        "method": name,
        "writes": all.len(),
        "writes_per_s": writes_per_second(&all),
        "p50_us": micros(&all, 0.5),
        "p99_us": micros(&all, 0.99),
        "max_us": micros(&all, 1.0),
        "rewrite_p50_us": micros(&times.rewrite, 0.5),
        "append_p50_us": micros(&times.append, 0.5),
    })
}

fn micros(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1000.0
}

fn writes_per_second(times: &Histogram<u64>) -> f64 {
    1e9 / times.mean()
}

fn names(methods: &[Method]) -> String {
    methods.iter().map(|method| method.name).collect::<Vec<_>>().join(", ")
}
