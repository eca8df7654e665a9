//! Every mutant is killed by the models that it names. Builds the mutated copy: half a minute.

use std::process::Command;

#[test]
fn every_mutant_is_killed() {
    let output = Command::new(env!("CARGO_BIN_EXE_seawall-models"))
        .args(["mutants", "--first-kill"])
        .output()
        .expect("the runner starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    println!("{stdout}{stderr}");
    assert_eq!(output.status.code(), Some(0), "a mutant survived, or the copy does not build");
    assert!(stdout.contains(" 0 survived"));
}
