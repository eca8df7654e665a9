//! Which searches a run has: models by name, engines by profile, a part of them.

use crate::engine::Engine;
use crate::profile::Profile;
use crate::spec::{Model, Models};
use std::str::FromStr;

/// Some models under some engines.
pub type Selection = Vec<(&'static Model, Engine)>;

/// One of so many equal parts of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        let shard = parsed.filter(|shard| (1..=shard.of).contains(&shard.number));
        shard.ok_or_else(|| format!("expected I/N with I from 1 to N, found {text}"))
    }
}

impl Shard {
    /// Of `all`, every N-th from the I-th on. An error if there is none.
    pub fn part<T>(self, all: Vec<T>) -> Result<Vec<T>, String> {
        let Self { number, of } = self;
        let count = all.len();
        let part: Vec<T> = all.into_iter().skip(number - 1).step_by(of).collect();
        if part.is_empty() {
            return Err(format!("shard {number}/{of} of {count} has none"));
        }
        Ok(part)
    }
}

/// Of `models` those whose name is `pattern`, or else contains it, under `engines`, or those of the
/// profile if there are none. An error says what there is to choose from.
pub fn select(
    models: Models,
    pattern: Option<&str>,
    engines: &[Engine],
    profile: Profile,
) -> Result<Selection, String> {
    let searches = named(models, pattern.unwrap_or_default())?.into_iter().flat_map(|model| {
        let engines = if engines.is_empty() { model.engines(profile) } else { engines.to_vec() };
        engines.into_iter().map(move |engine| (model, engine))
    });
    Ok(searches.collect())
}

fn named(models: Models, pattern: &str) -> Result<Vec<&'static Model>, String> {
    let exact = models.list().iter().any(|model| model.name == pattern);
    let matches = |name: &str| if exact { name == pattern } else { name.contains(pattern) };
    let mut chosen: Vec<_> = models.list().iter().filter(|model| matches(model.name)).collect();
    // They fail: only who names one gets it.
    chosen.extend(models.planted().iter().filter(|model| model.name == pattern));
    if chosen.is_empty() { Err(models.unknown(pattern)) } else { Ok(chosen) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SEAWALL;

    #[test]
    fn a_pattern_selects_by_name_and_a_whole_name_selects_one() {
        let some = select(SEAWALL, Some("eve"), &[], Profile::Quick).expect("event");
        assert!(!some.is_empty() && some.iter().all(|(model, _)| model.name.contains("eve")));
        let one = select(SEAWALL, Some("redo_image"), &[Engine::Loom], Profile::Quick)
            .expect("redo_image");
        assert_eq!(one.len(), 1);
        let error =
            select(SEAWALL, Some("nothing"), &[], Profile::Quick).expect_err("no such model");
        assert!(error.contains("event"), "{error}");
    }

    #[test]
    fn a_larger_profile_has_the_searches_of_a_smaller_one() {
        let of = |profile| select(SEAWALL, None, &[], profile).expect("all");
        for (small, large) in [(Profile::Quick, Profile::Ci), (Profile::Ci, Profile::Nightly)]
            .map(|(a, b)| (of(a), of(b)))
        {
            let is_in = |&(model, engine): &(&Model, Engine)| {
                large.iter().any(|(other, e)| other.name == model.name && *e == engine)
            };
            assert!(small.iter().all(is_in));
        }
    }

    #[test]
    fn shards_are_all_of_it_without_overlap() {
        let part = |shard: &str| {
            let shard: Shard = shard.parse().expect("a shard");
            shard.part(select(SEAWALL, None, &[], Profile::Ci).expect("all")).expect("not empty")
        };
        let all = select(SEAWALL, None, &[], Profile::Ci).expect("all");
        let parts = [part("1/3"), part("2/3"), part("3/3")].concat();
        assert_eq!(parts.len(), all.len());
        let names = |selection: &Selection| {
            let mut names: Vec<_> = selection.iter().map(|(m, e)| (m.name, *e)).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(&parts), names(&all));
        for wrong in ["0/3", "4/3", "1", "1/0", "x/2"] {
            assert!(wrong.parse::<Shard>().expect_err(wrong).contains(wrong));
        }
        let second: Shard = "2/2".parse().expect("a shard");
        assert!(second.part(vec!["one"]).expect_err("one is not two").contains("2/2"));
    }
}
