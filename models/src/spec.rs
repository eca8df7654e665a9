//! What a model says about itself.

use crate::engine::{Engine, Family};
use crate::profile::Profile;
use crate::{under_loom, under_shuttle};

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

/// A model that fails, for the audit of the engines.
#[derive(Debug)]
pub struct Planted {
    /// The model.
    pub model: Model,
    /// The engines that cannot find the bug; each of [`Engine::SOME`] but these does.
    pub missed_by: &'static [Engine],
}

/// The planted bugs; their names are the same under every engine.
pub fn planted() -> &'static [Planted] {
    under_loom::PLANTED
}

/// The models; their names and sizes are the same under every engine.
pub fn models() -> &'static [Model] {
    under_loom::MODELS
}

/// The model of that name, compiled for an engine.
pub fn find(name: &str, engine: Engine) -> Result<&'static Model, String> {
    let (models, planted) = match engine.family() {
        Family::Loom => (under_loom::MODELS, under_loom::PLANTED),
        Family::Shuttle => (under_shuttle::MODELS, under_shuttle::PLANTED),
    };
    let mut all = models.iter().chain(planted.iter().map(|planted| &planted.model));
    all.find(|model| model.name == name).ok_or_else(|| unknown(name))
}

/// Says that there is no such model, and which there are.
pub fn unknown(name: &str) -> String {
    let names: Vec<_> = models().iter().map(|model| model.name).collect();
    format!("no model is called {name} or has that in its name; there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_families_have_the_same_models_under_unique_names() {
        let names = |family: &[Model]| family.iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names(under_loom::MODELS), names(under_shuttle::MODELS));
        let unique = names(models()).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(unique.len(), models().len());
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
