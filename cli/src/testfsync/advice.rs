//! Which method to choose, and whether to believe the disk.

use super::measure::{Cell, Measured, Times};
use super::method::Method;
use seawall::Config;

/// What a store should use.
pub(super) struct Advice {
    pub(super) method: Method,
    /// Others that are as fast, but for noise.
    pub(super) equals: Vec<Method>,
}

/// A sync that costs less than so many plain writes is hardly one.
const WRITES_PER_SYNC_MIN: u64 = 2;

/// A difference of so many percent is none.
const NOISE_PERCENT: u64 = 5;

/// Chooses among cells of one block size: the least median; of those that differ from it by noise,
/// the default, or else the least p99.
pub(super) fn advise(cells: &[&Cell]) -> Option<Advice> {
    let able: Vec<_> = cells.iter().filter_map(|cell| syncing(cell)).collect();
    let (_, fastest) = able.iter().min_by_key(|(_, times)| quantile(times, 0.5))?;
    let mut near: Vec<_> =
        able.iter().filter(|(_, times)| is_noise(fastest, times)).copied().collect();
    near.sort_by_key(|(method, times)| (!is_default(*method), quantile(times, 0.99)));
    let mut methods = near.into_iter().map(|(method, _)| method);
    Some(Advice { method: methods.next()?, equals: methods.collect() })
}

/// The methods of one block size whose sync costs hardly more than a write.
pub(super) fn suspects(cells: &[&Cell]) -> Vec<Method> {
    let plain = cells.iter().find(|cell| cell.method.durable.is_none());
    let Some(Measured::Times(plain)) = plain.map(|cell| &cell.measured) else { return Vec::new() };
    let enough_ns = quantile(plain, 0.5) * WRITES_PER_SYNC_MIN;
    let able = cells.iter().filter_map(|cell| syncing(cell));
    able.filter(|(_, times)| quantile(times, 0.5) < enough_ns).map(|(method, _)| method).collect()
}

fn syncing(cell: &Cell) -> Option<(Method, &Times)> {
    match &cell.measured {
        Measured::Times(times) if cell.method.durable.is_some() => Some((cell.method, times)),
        _ => None,
    }
}

/// Whether a method is nearly as fast as the fastest, or was in a quarter of the rounds at least.
fn is_noise(fastest: &Times, other: &Times) -> bool {
    if quantile(other, 0.5) * 100 <= quantile(fastest, 0.5) * (100 + NOISE_PERCENT) {
        return true;
    }
    let rounds = fastest.round_medians_ns.iter().zip(&other.round_medians_ns);
    let (all, ahead) = (rounds.len(), rounds.filter(|(fastest, other)| other <= fastest).count());
    ahead * 4 >= all
}

fn is_default(method: Method) -> bool {
    let config = Config::default();
    method.durable == Some(config.wal_sync_method())
}

fn quantile(times: &Times, quantile: f64) -> u64 {
    times.all().value_at_quantile(quantile)
}
