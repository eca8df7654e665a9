use super::*;
use crate::child::{Order, Search};
use crate::engine::Engine;
use crate::mutants::schemata::VARIABLE;
use crate::schedule::At;
use tempfile::TempDir;

/// A folder that is gone with its guard, and a path in it where there is no file yet.
fn fresh() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a good disk");
    let path = dir.path().join("resume");
    (dir, path)
}

/// Stands for the program; nobody runs it.
fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

fn search<'a>(program: &'a Path, engine: Engine, seed: u64, mutant: Option<&'a str>) -> Search<'a> {
    let order = Order {
        model: "event".to_owned(),
        engine,
        samples: 9,
        seed,
        memory_mib: 9,
        replay: None,
        loose: false,
    };
    let until = Some(Instant::now() + LIMIT);
    let variable = mutant.map(|mutant| (VARIABLE, mutant));
    Search { program, order, variable, until, progress: &|_, _| () }
}

const LIMIT: Duration = Duration::from_secs(60);

fn finished(verdict: Verdict, time: Duration) -> Finished {
    let report = match &verdict {
        Verdict::Failed(_) => Report::of_panic(3, "a check".to_owned(), At::Execution(3)),
        _ => Report::default(),
    };
    Finished { verdict, report, stderr: String::new(), time, is_known: false }
}

fn failed() -> Verdict {
    let report = Report::of_panic(3, "a check".to_owned(), At::Execution(3));
    Verdict::Failed(report.failure.expect("it failed"))
}

fn verdicts() -> [Verdict; 5] {
    let broken = Verdict::Broken("odd".to_owned());
    [Verdict::Passed, failed(), Verdict::TimedOut, Verdict::OutOfMemory, broken]
}

/// What of a search is taken by a second call, after a first one has found this.
fn taken(mutant: Option<&str>, found: &Finished) -> Option<Finished> {
    let ((_dir, path), program) = (fresh(), program());
    let search = search(&program, Engine::Dpor, 1, mutant);
    let first = Resume::open(&path).expect("a new file");
    first.note(&search, found).expect("a good disk");
    drop(first);
    Resume::open(&path).expect("its own file").taken(&search)
}

#[test]
fn only_what_passed_is_taken_without_a_mutant() {
    for verdict in verdicts() {
        let found = finished(verdict, LIMIT);
        let known = (found.verdict == Verdict::Passed)
            .then(|| Finished { is_known: true, ..found.clone() });
        assert_eq!(taken(None, &found), known, "{:?}", found.verdict);
    }
}

#[test]
fn with_a_mutant_a_kill_is_taken_too_and_a_limit_if_it_was_no_shorter() {
    for verdict in verdicts() {
        let is_kept = matches!(verdict, Verdict::Passed | Verdict::Failed(_) | Verdict::TimedOut);
        let found = finished(verdict, LIMIT);
        let known = is_kept.then(|| Finished { is_known: true, ..found.clone() });
        assert_eq!(taken(Some("m"), &found), known, "{:?}", found.verdict);
    }
    let short = finished(Verdict::TimedOut, LIMIT / 2);
    assert_eq!(taken(Some("m"), &short), None);
}

#[test]
fn a_result_of_another_build_engine_seed_or_mutant_is_not_taken() {
    let ((_dir, path), program) = (fresh(), program());
    let noted = search(&program, Engine::Random, 1, None);
    let first = Resume::open(&path).expect("a new file");
    first.note(&noted, &finished(Verdict::Passed, LIMIT)).expect("a good disk");
    drop(first);
    let resume = Resume::open(&path).expect("its own file");
    assert!(resume.taken(&noted).is_some());
    let other_build = path.clone();
    for other in [
        search(&other_build, Engine::Random, 1, None),
        search(&program, Engine::Urw, 1, None),
        search(&program, Engine::Random, 2, None),
        search(&program, Engine::Random, 1, Some("m")),
    ] {
        assert_eq!(resume.taken(&other), None);
    }
}

#[test]
fn the_seed_is_nothing_to_a_search_without_samples() {
    let ((_dir, path), program) = (fresh(), program());
    let first = Resume::open(&path).expect("a new file");
    let noted = search(&program, Engine::Dpor, 1, None);
    first.note(&noted, &finished(Verdict::Passed, LIMIT)).expect("a good disk");
    drop(first);
    let resume = Resume::open(&path).expect("its own file");
    assert!(resume.taken(&search(&program, Engine::Dpor, 2, None)).is_some());
}

#[test]
fn a_torn_last_line_is_cut_off() {
    let ((_dir, path), program) = (fresh(), program());
    let searches = [1, 2].map(|seed| search(&program, Engine::Random, seed, None));
    let first = Resume::open(&path).expect("a new file");
    for search in &searches {
        first.note(search, &finished(Verdict::Passed, LIMIT)).expect("a good disk");
    }
    drop(first);
    let whole = fs::read(&path).expect("it is there");
    let second_row = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1);
    let second_row = second_row.expect("three lines").0 + 1;
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("a good disk");
        let resume = Resume::open(&path).unwrap_or_else(|error| panic!("{length}: {error}"));
        let known = searches.each_ref().map(|search| resume.taken(search).is_some());
        assert_eq!(known, [length >= second_row, false], "{length} bytes");
        resume.note(&searches[1], &finished(Verdict::Passed, LIMIT)).expect("a good disk");
        drop(resume);
        let resume = Resume::open(&path).unwrap_or_else(|error| panic!("{length}: {error}"));
        assert!(resume.taken(&searches[1]).is_some(), "noted behind {length} bytes");
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let torn_row = format!("{HEADER}\nodd\n");
    let other_row = format!("{HEADER}\n{{\"search\":{{}},\"verdict\":\"passed\"}}\n");
    for text in ["odd", "odd\n", "{}\n", "\n", &torn_row, &other_row] {
        let (_dir, path) = fresh();
        fs::write(&path, text).expect("a good disk");
        let error = Resume::open(&path).expect_err(text);
        assert!(error.contains("is no file of --resume"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
    }
}

#[test]
fn one_run_has_the_file_at_a_time() {
    let (_dir, path) = fresh();
    let first = Resume::open(&path).expect("a new file");
    assert!(Resume::open(&path).expect_err("it is held").contains("in use"));
    drop(first);
    Resume::open(&path).expect("it is free again");
}

#[test]
fn the_last_row_of_a_search_counts() {
    let ((_dir, path), program) = (fresh(), program());
    let search = search(&program, Engine::Dpor, 1, None);
    let first = Resume::open(&path).expect("a new file");
    first.note(&search, &finished(Verdict::TimedOut, LIMIT)).expect("a good disk");
    drop(first);
    let second = Resume::open(&path).expect("its own file");
    assert_eq!(second.stopped_after(&search), LIMIT);
    second.note(&search, &finished(Verdict::Passed, LIMIT)).expect("a good disk");
    drop(second);
    let third = Resume::open(&path).expect("its own file");
    assert_eq!(third.stopped_after(&search), Duration::ZERO);
    assert!(third.taken(&search).is_some());
}
