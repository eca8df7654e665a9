//! A shorter workload that fails as well.

use super::plan::Plan;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many shorter ones are tried.
const ATTEMPTS: usize = 400;

/// What a check says, also if it panics.
pub(crate) fn caught<T>(check: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("with something else than text")))
    })
}

/// Leaves steps out, first many at a time and then one, as long as the rest still fails. Returns
/// what is left, with its failure.
pub(crate) fn shrink(
    plan: &Plan,
    what: String,
    fails: impl Fn(&Plan) -> Option<String>,
) -> (Plan, String) {
    let (mut plan, mut what) = (plan.clone(), what);
    let mut attempts = 0;
    let mut size = plan.steps.len() / 2;
    while size > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < plan.steps.len() && attempts < ATTEMPTS {
            attempts += 1;
            let mut candidate = plan.clone();
            candidate.steps.drain(start..plan.steps.len().min(start + size));
            match fails(&candidate) {
                Some(failure) => (plan, what, shorter) = (candidate, failure, true),
                None => start += size,
            }
        }
        if !shorter || attempts == ATTEMPTS {
            size /= 2;
        }
    }
    (plan, what)
}

#[test]
fn what_is_left_of_a_failing_workload_is_what_makes_it_fail() {
    use super::plan::Step;
    let fails = |plan: &Plan| {
        let is_drop = |step: &Step| matches!(step, Step::Drop { .. });
        let is_cut = |step: &Step| matches!(step, Step::Truncate { .. });
        let cut = plan.steps.iter().position(is_cut)?;
        plan.steps[cut..].iter().any(is_drop).then(|| format!("{} steps", plan.steps.len()))
    };
    let plan = Plan::full();
    let (shrunk, what) = shrink(&plan, fails(&plan).expect("it has both"), fails);
    assert_eq!((shrunk.steps.len(), what.as_str()), (2, "2 steps"));
}
