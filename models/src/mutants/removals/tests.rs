//! Tests of the removals.
