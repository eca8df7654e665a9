//! How much WAL lies between two redo points, and so how many segments are worth keeping.
//! PostgreSQL: `UpdateCheckPointDistanceEstimate`, `XLOGfileslop`.

use crate::config::Config;
use crate::lsn::Lsn;
use crate::wal::position::Geometry;

/// WAL that is kept beyond what is expected: an estimate that is a little too low costs a commit
/// the filling of a segment.
const MARGIN: f64 = 1.1;

/// What the distance to the next redo point is expected to be: rises at once, falls slowly.
#[derive(Debug, Default)]
pub(super) struct Distance {
    estimate_bytes: f64,
}

impl Distance {
    /// Learns from the distance between the last two redo points.
    pub(super) fn update(&mut self, distance_bytes: u64) {
        let distance = distance_bytes as f64;
        self.estimate_bytes = distance.max(0.9 * self.estimate_bytes + 0.1 * distance);
    }

    /// The distance that is expected.
    pub(super) fn estimate_bytes(&self) -> u64 {
        self.estimate_bytes as u64
    }

    /// The last segment to be kept for reuse, the redo point being `redo`: where the WAL is
    /// expected to end when the next checkpoint is complete, within the bounds of the settings.
    pub(super) fn last_kept(&self, redo: Lsn, config: &Config, geometry: &Geometry) -> u64 {
        let first = geometry.segment(redo);
        let until_complete = 1.0 + config.checkpoint_completion_target;
        let expected = until_complete * self.estimate_bytes * MARGIN;
        let expected = geometry.segment(redo.plus(expected as u64)) + 1;
        let within = |bytes: u64| first + (bytes / geometry.segment_bytes()).saturating_sub(1);
        // The upper bound counts, if they contradict each other.
        expected.max(within(config.wal_min_bytes)).min(within(config.wal_max_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;
    use proptest::prelude::*;

    const SEGMENT: u64 = 16 << 20;

    fn config(min: u64, max: u64) -> Config {
        Config {
            wal_min_bytes: min * SEGMENT,
            wal_max_bytes: max * SEGMENT,
            checkpoint_completion_target: 0.5,
            ..Config::default()
        }
    }

    /// Segments kept after that of the redo point.
    fn ahead(distance: &Distance, config: &Config) -> u64 {
        let geometry = Geometry::new(&Format::default());
        let redo = geometry.segment_start(7).plus(8);
        distance.last_kept(redo, config, &geometry) - 7
    }

    #[test]
    fn the_estimate_rises_at_once_and_sinks_by_a_tenth_of_the_difference() {
        let mut distance = Distance::default();
        let mut estimates = Vec::new();
        for found in [1000, 3000, 1000, 1000] {
            distance.update(found);
            estimates.push(distance.estimate_bytes());
        }
        assert_eq!(estimates, [1000, 3000, 2800, 2620]);
    }

    #[test]
    fn segments_are_kept_for_the_expected_distance_within_the_bounds() {
        let mut distance = Distance::default();
        assert_eq!(ahead(&distance, &config(5, 64)), 4);
        distance.update(10 * SEGMENT);
        // 10 until the next redo point, 5 until its checkpoint is complete, a tenth more.
        assert_eq!(ahead(&distance, &config(5, 64)), 17);
        assert_eq!(ahead(&distance, &config(40, 64)), 39);
        assert_eq!(ahead(&distance, &config(5, 12)), 11);
        assert_eq!(ahead(&distance, &config(40, 12)), 11);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_within_the_bounds_whatever_the_distance(
            distances in prop::collection::vec(0..1u64 << 51, 1..20),
            min in 0..1u64 << 20,
            max in 2..1u64 << 20,
        ) {
            let mut distance = Distance::default();
            distances.iter().for_each(|found| distance.update(*found));
            let kept = ahead(&distance, &config(min, max)) + 1;
            prop_assert!(kept <= max && kept >= min.min(max).max(1), "{kept}");
        }
    }
}
