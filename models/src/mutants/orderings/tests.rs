//! Tests of the weakenings.

use super::*;
use crate::mutants::found::{assert_can_be_woven, core_src, select};

/// A source with orderings in every sort of place.
const SOURCE: &str = r#"
//! Ordering::SeqCst in words.
use a::Ordering::{self, Acquire};
impl<T> fmt::Debug for Word<'_, T> where T: Copy {
    fn get(&self) -> impl Iterator<Item = u64> {
        // Ordering::SeqCst
        log("Ordering::SeqCst", '"');
        self.words[1].load(atomic::Ordering::SeqCst)
    }
    fn put(&self) {
        self.flag.store(true, Ordering::Release);
        self.flag.store(false, Ordering::Release);
        self.0.try_update(Ordering::SeqCst, Ordering::SeqCst, |old| f(old, Ordering::AcqRel));
        let relaxed = Ordering::Relaxed;
        let order = Ordering::Acquire;
        atomic::fence(Ordering::Acquire);
    }
}
#[cfg(all(test, not(loom)))]
mod tests {
    fn get() { flag.load(Ordering::SeqCst); }
}
#[cfg(not(test))]
fn real() -> bool { flag.load(Ordering::Acquire) }
"#;

fn of_source() -> Vec<Found> {
    let places = scan::places(SOURCE).expect("it can be read");
    assert!(places[..9].iter().all(|place| place.owner == "Word"));
    let mut all: Vec<_> =
        places.iter().flat_map(|place| weaken(SOURCE, "a.rs", "a.rs", place)).collect();
    number_namesakes(&mut all);
    all
}

fn of_core() -> Vec<Found> {
    all(&core_src()).expect("the sources are there")
}

#[test]
fn orderings_are_found_by_function_and_word_and_weakened_as_the_operation_allows() {
    let all = of_source();
    let names: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.line)).collect();
    let expected = [
        ("a.rs:get:words:SeqCst->Acquire", 8),
        ("a.rs:put:flag:Release->Relaxed", 11),
        ("a.rs:put:flag:Release->Relaxed#2", 12),
        ("a.rs:put:0:SeqCst->AcqRel", 13),
        ("a.rs:put:0:SeqCst->Acquire", 13),
        ("a.rs:put:AcqRel->Acquire", 13),
        ("a.rs:put:AcqRel->Release", 13),
        ("a.rs:put:Acquire->Relaxed", 15),
        ("a.rs:put:Acquire->Relaxed#2", 16),
        ("a.rs:real:flag:Acquire->Relaxed", 24),
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_place_becomes_a_choice_of_orderings_and_a_fence_goes() {
    let replaced = |name: &str| {
        let all = of_source();
        let found = all.into_iter().find(|weakening| weakening.name == name).expect("as above");
        (SOURCE[found.range].to_owned(), found.replace)
    };
    let pair = |find: &str, replace: &str| (find.to_owned(), replace.to_owned());
    let load = pair("atomic::Ordering::SeqCst", "atomic::Ordering::Acquire");
    assert_eq!(replaced("a.rs:get:words:SeqCst->Acquire"), load);
    let fence = pair("atomic::fence(Ordering::Acquire)", "()");
    assert_eq!(replaced("a.rs:put:Acquire->Relaxed#2"), fence);
}

#[test]
fn the_orderings_of_core_have_unique_names_and_can_be_woven() {
    assert_can_be_woven(&of_core());
}

#[test]
fn every_survivor_that_is_listed_exists_once() {
    HUNT.assert_list_is_of(&of_core());
}

/// The checkers have words of their own that are waited for; what the models say about their
/// orderings is about production's if those are the same.
#[test]
fn the_words_of_the_facade_have_the_orderings_of_production() {
    let orderings = |file: &str, word: &str| {
        let source = fs::read_to_string(core_src().join(file)).expect("the sources are there");
        let places = scan::places(&source).expect("it can be read");
        let of_word = places.into_iter().filter(|place| place.owner == word);
        let mut orderings: Vec<_> = of_word.map(|place| (place.function, place.ordering)).collect();
        orderings.sort();
        orderings
    };
    for Word { name, file, .. } in FACADE {
        let production = orderings("sync/native.rs", name);
        assert_eq!(production.len(), 2, "{name}");
        assert_eq!(orderings(file, name), production, "{name}");
    }
}

#[test]
fn a_pattern_that_matches_nothing_is_told_what_there_is() {
    let error = select(&of_core(), Some("no such name")).expect_err("none");
    assert!(error.contains("wal/ring.rs:reserve:"), "{error}");
}
