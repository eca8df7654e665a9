//! Every mutant is killed by the models that it names. Builds the mutated copy: half a minute.

use std::process::{Command, Output};

fn mutants(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seawall-models"))
        .arg("mutants")
        .args(arguments)
        .output()
        .expect("the runner starts")
}

#[test]
fn every_mutant_is_killed() {
    let output = mutants(&["--first-kill"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    println!("{stdout}{stderr}");
    assert_eq!(output.status.code(), Some(0), "a mutant survived, or the copy does not build");
    assert!(stdout.contains(" 0 survived"));
}

#[test]
fn the_table_has_a_row_for_each_mutant_of_the_shard_and_is_resumed() {
    let dir = tempfile::tempdir().expect("a good disk");
    let file = dir.path().join("resume");
    let table = |shard: &str| {
        let file = file.to_str().expect("a path in UTF-8");
        let output = mutants(&["sync_cycle", "--shard", shard, "--resume", file]);
        let stdout = String::from_utf8(output.stdout).expect("the runner prints UTF-8");
        assert_eq!(output.status.code(), Some(0), "{stdout}");
        let from = stdout.find("executions until").expect("a legend");
        let rows = stdout[from..].lines().skip(2).map(str::to_owned);
        rows.take_while(|line| !line.starts_with("killed, of")).collect::<Vec<_>>()
    };
    let first = table("1/2");
    let again = table("1/2");
    assert!(!first.is_empty());
    assert!(first.iter().all(|row| !row.contains('*')), "{first:?}");
    assert!(again.iter().all(|row| row.contains('*')), "{again:?}");
    let text = |rows: &[String]| rows.join("\n").replace(['*', ' '], "");
    assert_eq!(text(&first), text(&again), "the rows are as they were");
    let names = |rows: &[String]| {
        let first_word = |row: &String| row.split_whitespace().next().map(str::to_owned);
        rows.iter().filter_map(first_word).collect::<Vec<_>>()
    };
    let second = names(&table("2/2"));
    assert!(names(&first).iter().all(|name| !second.contains(name)), "shards do not overlap");
}
