//! The runner as its users call it.

use std::process::{Command, Output};
use tempfile::TempDir;

fn runner(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seawall-models"))
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .expect("the runner starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the runner prints UTF-8")
}

/// The line of a row.
fn row<'a>(stdout: &'a str, model: &str, engine: &str) -> &'a str {
    let mut lines = stdout.lines();
    let found = lines.find(|l| {
        let mut words = l.split_whitespace();
        words.next() == Some(model) && words.next() == Some(engine)
    });
    found.unwrap_or_else(|| panic!("no row for {model} under {engine} in\n{stdout}"))
}

#[test]
fn a_run_prints_a_row_for_each_engine_and_nothing_on_stderr() {
    let output = runner(&["run", "sync_cycle", "--profile", "ci"], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert_eq!(text(&output.stderr), "");
    for engine in ["dpor", "dfs", "loom", "loom-rmw"] {
        assert!(row(&stdout, "sync_cycle", engine).contains("complete["), "{stdout}");
    }
    for engine in ["random", "pct-3", "urw"] {
        assert!(
            row(&stdout, "sync_cycle", engine).contains("5000 samples, seed 20260701"),
            "{stdout}"
        );
    }
    assert!(stdout.contains("complete[1]: all sequentially consistent interleavings"));
    assert!(stdout.contains("7 of 7 searches passed"));
}

#[test]
fn the_cost_that_a_model_states_is_what_it_costs() {
    let output = runner(&["run", "--profile", "quick", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let stdout = text(&output.stdout);
    let rows = stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line"));
    let costs: Vec<(String, String)> = rows
        .filter(|row: &serde_json::Value| {
            row["engine"].as_str().is_some_and(|engine| engine.starts_with("dpor"))
        })
        .filter_map(|row: serde_json::Value| {
            let model = row["model"].as_str()?;
            let source = format!("{}/src/model/{model}.rs", env!("CARGO_MANIFEST_DIR"));
            let header = std::fs::read_to_string(&source).expect("each model has its file");
            let cost = header.lines().find(|line| line.starts_with("//! cost"));
            let stated = cost.and_then(|line| line.split_whitespace().nth(2));
            let stated = stated.unwrap_or("nothing").replace(',', "");
            Some((format!("{model}: {stated}"), format!("{model}: {}", row["executions"])))
        })
        .collect();
    assert!(costs.len() > 20, "every model is searched under dpor: {stdout}");
    let (stated, found): (Vec<_>, Vec<_>) = costs.into_iter().unzip();
    assert_eq!(stated, found);
}

#[test]
fn json_has_an_object_for_each_search_and_one_for_the_run() {
    let arguments =
        ["run", "sync_cycle", "--engine", "dpor", "--engine", "random", "--samples", "9"];
    let output = runner(&[&arguments[..], &["--seed", "4", "--json"]].concat(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let objects: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let [dpor, random, run] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!((&dpor["model"], &dpor["engine"]), (&"sync_cycle".into(), &"dpor".into()));
    assert_eq!((&dpor["complete"], &random["complete"]), (&true.into(), &false.into()));
    assert_eq!((&random["samples"], &random["seed"]), (&9.into(), &4.into()));
    assert_eq!(random["executions"], 9);
    assert_eq!((&run["searches"], &run["passed"]), (&2.into(), &2.into()));
}

#[test]
fn a_failing_execution_is_shown_and_replayed_by_the_command_that_is_printed() {
    for (engine, shown) in [("random", "store  count  1"), ("loom", "store  count  1")] {
        let output = runner(&["run", "lost_update", "--engine", engine], &[]);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{stdout}");
        assert!(stdout.contains("an update is lost") && stdout.contains(shown), "{stdout}");
        let command = stdout.lines().find_map(|line| line.trim().strip_prefix("replay: "));
        let execution = command.and_then(|c| c.split_whitespace().last()).expect("a command");
        let again = runner(&["replay", execution], &[]);
        let stdout = text(&again.stdout);
        assert_eq!(again.status.code(), Some(1), "{stdout}");
        assert!(stdout.contains("an update is lost") && stdout.contains(shown), "{stdout}");
    }
}

#[test]
fn a_replay_of_another_model_is_a_usage_error() {
    let output = runner(&["run", "lost_update", "--engine", "dpor"], &[]);
    let stdout = text(&output.stdout);
    let execution = stdout.split_whitespace().find(|word| word.starts_with("lost_update:"));
    let execution = execution.expect("a replay");
    for wrong in [
        execution.replace("lost_update", "early_ack"),
        execution.replace("lost_update", "no-such-model"),
        execution.replace("dpor", "no-such-engine"),
        execution.replace(":b", ":bz"),
        "odd".to_owned(),
    ] {
        let output = runner(&["replay", &wrong], &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(text(&output.stderr).starts_with("error: "), "{wrong}");
    }
}

#[test]
fn what_does_not_end_in_its_time_or_memory_has_not_passed() {
    let output = runner(&["run", "mark_write", "--engine", "loom", "--budget", "300ms"], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(row(&stdout, "mark_write", "loom").contains("STOPPED: time"), "{stdout}");
    let output = runner(&["run", "sync_cycle", "--engine", "dpor", "--memory-mib", "1"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn an_audit_finds_dpor_complete_and_each_planted_bug_found_by_the_engines_that_can() {
    let arguments = ["audit", "--programs", "500", "--engine", "dpor"];
    let output = runner(&arguments, &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    let rows: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.first() == Some(&"dpor"))
        .collect();
    let programs: u64 = rows.iter().map(|row| row[1].parse::<u64>().expect("a count")).sum();
    assert_eq!(programs, 500, "{stdout}");
    assert!(rows.iter().all(|row| row[2] == "0" && row[4] == "0"), "{stdout}");
}

#[test]
fn every_planted_bug_is_found_by_the_engines_that_it_names() {
    let output = runner(&["planted"], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("3 of 3 searches found their bug"), "{stdout}");
    assert!(!stdout.contains("NOT FOUND"), "{stdout}");
}

#[test]
fn the_list_names_the_models_with_their_sizes() {
    let output = runner(&["list"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).lines().any(|line| line.starts_with("event ")));
}

#[test]
fn shards_are_parts_of_the_searches() {
    let of = |shard| {
        let output = runner(&["run", "sync_cycle", "--shard", shard], &[]);
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout).lines().filter(|line| line.starts_with("sync_cycle ")).count()
    };
    assert_eq!(of("1/3") + of("2/3") + of("3/3"), of("1/1"));
}

/// A folder that is gone with its guard, and a path in it where there is no file yet.
fn fresh() -> (TempDir, String) {
    let dir = TempDir::new().expect("a good disk");
    let path = dir.path().join("resume");
    (dir, path.into_os_string().into_string().expect("a path in UTF-8"))
}

fn objects(output: &Output) -> Vec<serde_json::Value> {
    let lines = text(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

#[test]
fn a_resumed_run_prints_what_was_found_and_searches_the_rest() {
    let (_dir, file) = fresh();
    let run = |engines: &[&str]| {
        let mut arguments = vec!["run", "sync_cycle", "--json", "--resume", &file];
        arguments.extend(engines.iter().flat_map(|engine| ["--engine", engine]));
        let output = runner(&arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        objects(&output)
    };
    let first = run(&["dpor"]);
    let mut second = run(&["dpor", "dfs"]);
    let known = |row: &serde_json::Value| row["known"].as_bool().expect("a row says so");
    assert_eq!((known(&first[0]), known(&second[0]), known(&second[1])), (false, true, false));
    assert_eq!((&second[2]["passed"], &second[2]["known"]), (&2.into(), &1.into()));
    second[0]["known"] = false.into();
    assert_eq!(first[0], second[0], "it is printed as it was");
}

#[test]
fn a_search_that_failed_is_run_again() {
    let (_dir, file) = fresh();
    for _ in 0..2 {
        let arguments = ["run", "lost_update", "--engine", "dpor", "--json", "--resume", &file];
        let output = runner(&arguments, &[]);
        assert_eq!(output.status.code(), Some(1));
        let objects = objects(&output);
        assert_eq!((&objects[0]["passed"], &objects[0]["known"]), (&false.into(), &false.into()));
    }
}

#[test]
fn a_run_with_a_budget_goes_on_where_the_last_one_stopped() {
    let (_dir, file) = fresh();
    let run = |arguments: &[&str], expected: i32| {
        let arguments = [&["run", "mark_write", "--resume", &file], arguments].concat();
        let output = runner(&arguments, &[]);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(expected), "{stdout}");
        stdout
    };
    // Loom takes minutes.
    let stdout = run(&["--engine", "loom", "--budget", "5s"], 4);
    assert!(stdout.contains("0 of 1 searches passed, 0 failed, 1 left"), "{stdout}");
    run(&["--engine", "dpor"], 0);
    let stdout = run(&["--engine", "loom", "--engine", "dpor", "--budget", "0s"], 4);
    assert!(stdout.contains("1 of 2 searches passed, 1 of them earlier, 0 failed, 1 left"));
    assert!(row(&stdout, "mark_write", "dpor").contains("complete[1]"), "{stdout}");
    let place = |engine| stdout.find(row(&stdout, "mark_write", engine));
    assert!(place("dpor") < place("loom"), "what was stopped comes last: {stdout}");
}

#[test]
fn a_file_of_something_else_is_no_file_to_resume_from() {
    let (_dir, file) = fresh();
    std::fs::write(&file, "a letter\n").expect("a good disk");
    for command in ["run", "mutants", "orderings"] {
        let output = runner(&[command, "--resume", &file], &[]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("is no file of --resume"), "{command}");
        assert_eq!(text(&output.stdout), "", "{command}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "a letter\n");
}

#[test]
fn a_variable_that_bounds_the_search_is_refused() {
    for variable in ["LOOM_MAX_PREEMPTIONS", "LOOM_MAX_DURATION", "SHUTTLE_RANDOM_SEED"] {
        let output = runner(&["run", "sync_cycle"], &[(variable, "1")]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(variable));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn bad_arguments_are_usage_errors() {
    for arguments in [
        &["run", "no-such-model"][..],
        &["run", "sync_cycle", "--engine", "no-such-engine"],
        &["run", "sync_cycle", "--engine", "pct-0"],
        &["run", "sync_cycle", "--engine", "loom-x"],
        &["run", "sync_cycle", "--profile", "no-such-profile"],
        &["run", "sync_cycle", "--engine", "dpor", "--samples", "7"],
        &["run", "sync_cycle", "--engine", "loom", "--seed", "7"],
        &["run", "sync_cycle", "--engine", "random", "--samples", "0"],
        &["run", "sync_cycle", "--shard", "3/2"],
        &["run", "sync_cycle", "--engine", "dpor", "--shard", "2/2"],
        &["run", "sync_cycle", "--budget", "soon"],
        &["run", "sync_cycle", "--json", "--counts"],
        &["run", "--resume", "no/such/folder/file"],
        &["mutants", "no-such-mutant"],
        &["mutants", "event", "--shard", "9/9"],
        &["orderings", "no-such-ordering"],
        &["orderings", "--shard", "0/9"],
        &["no-such-command"],
        &["--jobs", "0"],
    ] {
        let output = runner(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
