//! The bank holds under every engine that its models name, and each planted bug is found.

use std::process::{Command, Output};

fn explore(arguments: &[&str]) -> (Option<i32>, String) {
    let runner = Command::new(env!("CARGO_BIN_EXE_own-engine-explore")).args(arguments).output();
    let Output { status, stdout, stderr } = runner.expect("the runner starts");
    let text = |bytes| String::from_utf8(bytes).expect("the runner prints UTF-8");
    (status.code(), text(stdout) + &text(stderr))
}

#[test]
fn the_bank_holds_in_every_interleaving_and_after_every_crash() {
    let (code, shown) = explore(&["run"]);
    assert_eq!(code, Some(0), "{shown}");
    for model in ["overdraft", "power_cut"] {
        let is_complete = |line: &str| {
            line.starts_with(&format!("{model} "))
                && line.contains(" dpor ")
                && line.contains("complete[1]")
        };
        assert!(shown.lines().any(is_complete), "{model}: {shown}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    let (code, shown) = explore(&["planted"]);
    assert_eq!(code, Some(0), "{shown}");
    for words in ["an overdraft", "an acknowledged transfer is lost", "half a transfer"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let docs = read("docs/verification.md");
    for row in shown.lines().filter(|line| line.contains(" dpor ")) {
        let executions = row.split_whitespace().nth(3).expect("a count");
        assert!(docs.contains(&format!("| {executions} |")), "docs/verification.md: {row}");
    }
}

#[test]
fn the_recipe_in_the_docs_is_this_runner() {
    let (docs, runner) = (read("models/src/lib.rs"), include_str!("../src/main.rs"));
    let from = docs.find("```ignore").expect("a recipe");
    let recipe: Vec<&str> = docs[from..]
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches("//!").trim())
        .take_while(|line| *line != "```")
        .filter(|line| !line.is_empty())
        .collect();
    let mut rest = runner.lines().map(str::trim);
    for line in recipe {
        assert!(rest.any(|there| there == line), "the runner has no such line here: {line}");
    }
}

/// A file of the repository.
fn read(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../");
    std::fs::read_to_string(root.to_owned() + path).expect("it is in the repository")
}

#[test]
fn a_bug_that_was_found_is_replayed_by_the_command_that_is_printed() {
    let (code, shown) = explore(&["run", "overdraft_checks_early"]);
    assert_eq!(code, Some(1), "{shown}");
    let command = shown.lines().find_map(|line| line.trim().strip_prefix("replay: "));
    let execution = command.and_then(|command| command.split(' ').next_back());
    let (code, shown) = explore(&["replay", execution.expect("a command")]);
    assert_eq!(code, Some(1), "{shown}");
    // The lock of the page, by its name in the sources of the core.
    assert!(shown.contains("an overdraft") && shown.contains("content"), "{shown}");
}
