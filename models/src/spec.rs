//! What a model says about itself.

use crate::engine::{Engine, Family};
use crate::profile::Profile;
use crate::{under_loom, under_shuttle};
use std::collections::BTreeSet;

/// A model: a scenario, and everything that the reader of its result needs to know.
#[derive(Debug)]
pub struct Model {
    /// The name of the protocol, and of the file.
    pub name: &'static str,
    /// What holds in every execution, in one line.
    pub property: &'static str,
    /// Threads, the one that starts the others included when it takes part.
    pub threads: usize,
    /// The size of everything else: pages, operations, ring blocks; "none" when there is nothing.
    pub bounds: &'static str,
    /// The engines that end, those that fail fastest first, each with the smallest profile that
    /// has time for it. [`Engine::SAMPLERS`] come on top.
    pub searches: &'static [(Engine, Profile)],
    /// Points passed to [`reach`](crate::record::reach): each of them must be reached in some
    /// execution, and no others.
    pub reach: &'static [&'static str],
    /// Golden: the distinct outcomes of all executions. A complete search must find exactly so
    /// many, a sampled or a bounded one at most.
    pub outcomes: usize,
    /// One execution. It joins every thread that it spawns: shuttle does not report a detached
    /// thread that blocks for ever.
    pub run: fn(),
}

impl Model {
    /// The engines that explore it in a profile.
    pub fn engines(&self, profile: Profile) -> Vec<Engine> {
        let complete = self.searches.iter().filter(|(_, from)| *from <= profile).map(|(e, _)| *e);
        let samplers = if profile == Profile::Quick { &[][..] } else { &Engine::SAMPLERS };
        complete.chain(samplers.iter().copied()).collect()
    }
}

/// The models of a crate, compiled against one checker.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Those that hold.
    pub models: &'static [Model],
    /// Those that do not: each brings a bug back, and shows that the models can fail. A run has
    /// them only if it names them; `searches` are the engines that find the bug.
    pub planted: &'static [Model],
}

/// The same models over either checker: what a runner runs.
#[derive(Clone, Copy, Debug)]
pub struct Models {
    /// Compiled against loom.
    pub loom: Suite,
    /// Compiled against shuttle.
    pub shuttle: Suite,
}

impl Suite {
    fn all(self) -> impl Iterator<Item = &'static Model> {
        self.models.iter().chain(self.planted)
    }
}

impl Models {
    /// The model of that name, compiled for an engine.
    pub fn find(self, name: &str, engine: Engine) -> Result<&'static Model, String> {
        let suite = match engine.family() {
            Family::Loom => self.loom,
            Family::Shuttle => self.shuttle,
        };
        suite.all().find(|model| model.name == name).ok_or_else(|| self.unknown(name))
    }

    /// Those that hold; their names and sizes are the same over either checker.
    pub fn list(self) -> &'static [Model] {
        self.loom.models
    }

    /// Those that do not hold.
    pub fn planted(self) -> &'static [Model] {
        self.loom.planted
    }

    /// Says that there is no such model, and which there are.
    pub fn unknown(self, name: &str) -> String {
        let names: Vec<_> = self.list().iter().map(|model| model.name).collect();
        format!(
            "no model is called {name} or has that in its name; there are: {}",
            names.join(", ")
        )
    }

    /// Fails if the two lists are not of the same models, or two of them have one name.
    pub fn check(self) -> Result<(), String> {
        let names = |suite: Suite| suite.all().map(|model| model.name).collect::<Vec<_>>();
        let (loom, shuttle) = (names(self.loom), names(self.shuttle));
        if loom != shuttle {
            return Err(format!(
                "other models over loom ({loom:?}) than over shuttle ({shuttle:?})"
            ));
        }
        let mut seen = BTreeSet::new();
        match loom.into_iter().find(|name| !seen.insert(*name)) {
            Some(name) => Err(format!("two models are called {name}")),
            None => Ok(()),
        }
    }
}

/// The models of this repository.
pub const SEAWALL: Models = Models { loom: under_loom::SUITE, shuttle: under_shuttle::SUITE };

/// Those of this repository that hold.
pub fn models() -> &'static [Model] {
    SEAWALL.list()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_the_same_models_under_unique_names() {
        assert_eq!(SEAWALL.check(), Ok(()));
        let twice = Suite { models: &SEAWALL.list()[..1], planted: &SEAWALL.list()[..1] };
        let error = Models { loom: twice, shuttle: twice }.check().expect_err("one name");
        assert!(error.contains(SEAWALL.list()[0].name), "{error}");
        let fewer = Models { loom: twice, ..SEAWALL };
        assert!(fewer.check().expect_err("others").contains("other models"));
    }

    /// The tests `passes::*` come from the same list as `MODELS`, so every listed model is tested;
    /// this is about a file that nobody listed.
    #[test]
    fn every_file_under_model_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model");
        for entry in std::fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("readable").path();
            let stem = path.file_stem().and_then(|s| s.to_str()).expect("named in UTF-8");
            let listed = stem == "mod" || models().iter().any(|model| model.name == stem);
            assert!(listed, "{} is missing in models! of model/mod.rs", path.display());
        }
    }

    #[test]
    fn every_model_is_complete_under_dpor_and_under_loom_in_one_form() {
        for model in models() {
            let has = |engine| model.engines(Profile::Nightly).contains(&engine);
            assert!(has(Engine::Dpor), "{}", model.name);
            assert!(has(Engine::Loom) || has(Engine::LoomRmw), "{}", model.name);
            let ends = |(_, from): &(Engine, Profile)| *from < Profile::Nightly;
            assert!(model.searches.iter().any(ends), "{}", model.name);
        }
    }
}
