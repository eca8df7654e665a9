//! The runner as its users call it.

use std::process::{Command, Output};

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

#[test]
fn a_run_prints_a_row_for_each_engine_and_nothing_on_stderr() {
    let output = runner(&["run", "turn"], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert_eq!(text(&output.stderr), "");
    let row = |engine: &str| stdout.lines().find(|l| l.starts_with("turn ") && l.contains(engine));
    assert!(row("loom 0").expect("a row for loom").contains("complete*"));
    for engine in ["dpor", "shuttle-dfs"] {
        let row = row(engine).expect("a row for each engine on shuttle");
        assert!(row.contains("all sequentially consistent interleavings"), "{row}");
    }
    assert!(stdout.contains("3 of 3 searches passed"));
}

#[test]
fn an_audit_finds_dpor_complete() {
    let output = runner(&["audit", "--programs", "500", "--engine", "dpor"], &[]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    let row = stdout.lines().find(|line| line.starts_with("dpor ")).expect("a row for dpor");
    let columns: Vec<&str> = row.split_whitespace().take(4).collect();
    assert_eq!(columns, ["dpor", "500", "0", "0"]);
}

#[test]
fn the_list_names_the_models_with_their_sizes() {
    let output = runner(&["list"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).lines().any(|line| line.starts_with("event ")));
}

#[test]
fn a_variable_that_bounds_the_search_is_refused() {
    for variable in ["LOOM_MAX_PREEMPTIONS", "LOOM_MAX_DURATION", "SHUTTLE_RANDOM_SEED"] {
        let output = runner(&["run", "turn"], &[(variable, "1")]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(variable));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn unknown_models_engines_and_mutants_are_usage_errors() {
    for arguments in [
        &["run", "no-such-model"][..],
        &["run", "turn", "--engine", "no-such-engine"],
        &["run", "turn", "--engine", "shuttle-pct"],
        &["mutants", "no-such-mutant"],
        &["no-such-command"],
        &["--jobs", "0"],
    ] {
        let output = runner(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
