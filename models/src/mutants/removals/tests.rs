//! Tests of the removals.

use super::scan::places;
use super::*;
use crate::mutants::found::{assert_can_be_woven, core_src};
use crate::mutants::schemata::weave;

/// A source with steps in every sort of place.
const SOURCE: &str = r#"
impl Word {
    fn steps(&self) {
        self.ask(1)?;
        self.sum += 1;
        let value = self.load();
        let _ = self.store(value);
        let _lock = self.lock();
        let _span = span!("macro");
        assert!(value > 0 && self.holds());
        self.counters.note(1);
        if value > 1 && self.holds() {
            return;
        }
        if value > 2 && let Some(one) = self.one() {
            drop(one);
        }
        while self.holds() {
            self.wait()
        }
        match value {
            1 if self.holds() => self.wake(),
            2 => return,
            _ => Err(self.sum),
        };
        self.wake()
    }
    fn result(&self) -> io::Result<()> {
        let found = (self.sum == 0 || self.holds()).then_some(1);
        match found {
            Some(one) => self.put(one),
            None => Ok(()),
        }
    }
    fn value(&self) -> u32 {
        self.other()
    }
    const fn constant(&self) -> bool {
        self.a && self.b
    }
}
impl Debug for Word {
    fn fmt(&self) {
        self.print();
    }
}
#[cfg(all(test, not(loom)))]
mod tests {
    fn get() { set(); }
}
#[cfg(not(test))]
fn real() { set(); }
"#;

fn of_source() -> Vec<Found> {
    let places = places(SOURCE).expect("it can be read");
    places.into_iter().map(|place| found(SOURCE, "a.rs", place)).collect()
}

fn of_core() -> Vec<Found> {
    all(&core_src()).expect("the sources are there")
}

#[test]
fn steps_are_found_by_what_they_do_and_where() {
    let names: Vec<_> = of_source().into_iter().map(|found| found.name).collect();
    let expected = [
        "a.rs:steps:self.ask(1)?->nothing",
        "a.rs:steps:self.sum += 1->nothing",
        "a.rs:steps:let _ = self.store(value)->nothing",
        "a.rs:steps:let _lock = self.lock()->let go",
        "a.rs:steps:value > 1->true",
        "a.rs:steps:value > 1 && self.holds()->true",
        "a.rs:steps:value > 1 && self.holds()->false",
        "a.rs:steps:self.holds()->true",
        "a.rs:steps:value > 2->true",
        "a.rs:steps:value > 2->false",
        "a.rs:steps:drop(one)->nothing",
        "a.rs:steps:self.holds()->false",
        "a.rs:steps:self.wait()->nothing",
        "a.rs:steps:match value { 1 if self.holds() => self.wake…->nothing",
        "a.rs:steps:self.holds()->true",
        "a.rs:steps:self.holds()->false",
        "a.rs:steps:self.wake()->nothing",
        "a.rs:result:(self.sum == 0 || self.holds())->true",
        "a.rs:result:(self.sum == 0 || self.holds())->false",
        "a.rs:result:self.sum == 0->false",
        "a.rs:result:self.holds()->false",
        "a.rs:result:self.put(one)->Ok(())",
        "a.rs:real:set()->nothing",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_step_becomes_a_choice_and_what_is_held_is_let_go_behind_it() {
    let names = ["sum += 1->nothing", "let go", "value > 1->true"];
    let some: Vec<_> = of_source()
        .into_iter()
        .filter(|found| names.iter().any(|name| found.name.ends_with(name)))
        .collect();
    let changes: Vec<_> = some.iter().map(Found::change).collect();
    let woven = weave(SOURCE, &changes).expect("no places cross");
    let active = |what: &str| format!("if crate::mutant::active(\"a.rs:steps:{what}\")");
    let sum = format!("{} {{  }} else {{ self.sum += 1; }}", active("self.sum += 1->nothing"));
    let lock = active("let _lock = self.lock()->let go");
    let lock = format!("let _lock = self.lock();{lock} {{ drop(_lock); }} else {{  }}");
    let part = format!("({} {{ true }} else {{ value > 1 }})", active("value > 1->true"));
    for text in [sum, lock, format!("if {part} && self.holds() {{")] {
        assert!(woven.contains(&text), "{text}\n{woven}");
    }
}

#[test]
fn the_removals_of_core_have_unique_names_and_can_be_woven() {
    assert_can_be_woven(&of_core());
}

#[test]
fn every_survivor_that_is_listed_exists_once() {
    HUNT.assert_list_is_of(&of_core());
}

#[test]
fn the_files_that_are_named_exist() {
    for name in PROTOCOLS.iter().chain(NO_PROTOCOLS) {
        assert!(core_src().join(name).exists(), "{name}");
    }
}
