//! Tests of the pipeline: each part that `join` gives, and whom each step wakes.

use super::*;
use crate::config::Format;
use crate::poison::Poison;
use crate::wal::position::Geometry;
use crate::wal::ring::Ring;
use std::sync::Arc;

const START: Lsn = Lsn(64);

fn pipeline() -> Pipeline {
    let (_, reader) = Ring::new(1024, START, Arc::new(Poison::new()));
    Pipeline::new(Stager::new(reader, Geometry::new(&Format::default()), 1, &[]), START)
}

fn flushed(bytes: u64) -> Goal {
    Goal::Flushed(START.plus(bytes))
}

fn staged(bytes: u64) -> Goal {
    Goal::Staged(START.plus(bytes))
}

/// Somebody leads; nobody has, before.
fn lead(pipeline: &mut Pipeline, goal: Goal) -> Box<Stager> {
    match pipeline.join(goal) {
        Join::Lead(stager) => stager,
        _ => panic!("somebody else leads"),
    }
}

/// What somebody sleeps on: the sort of it, and the number that it has to come to.
fn sleep(pipeline: &mut Pipeline, goal: Goal) -> (&'static str, u32) {
    match pipeline.join(goal) {
        Join::Lead(_) => panic!("two lead"),
        Join::Await { turn } => ("turn", turn),
        Join::Follow { group } => ("group", group),
        Join::AwaitRoom { room } => ("room", room),
    }
}

/// Who is woken: a turn, a group, those who wait for room.
fn numbers(wake: &Wake) -> (Option<u32>, Option<u32>, Option<u32>) {
    (wake.turn, wake.group, wake.room)
}

fn begin(pipeline: &mut Pipeline, bytes: u64, is_durable: bool) -> bool {
    let (is_durable, wake) = pipeline.begin(START.plus(bytes), is_durable);
    assert_eq!(numbers(&wake), (None, None, None));
    is_durable
}

#[test]
fn who_comes_while_a_group_is_formed_is_in_it() {
    let mut pipeline = pipeline();
    let stager = lead(&mut pipeline, flushed(8));
    assert_eq!(sleep(&mut pipeline, flushed(16)), ("group", 1));
    assert!(begin(&mut pipeline, 16, false), "one of them wants it durable");
    assert_eq!(numbers(&pipeline.end(stager, None)), (None, Some(1), None));
}

#[test]
fn who_is_in_the_group_that_is_synced_follows_it_and_another_is_the_candidate() {
    let mut pipeline = pipeline();
    let stager = lead(&mut pipeline, flushed(8));
    begin(&mut pipeline, 8, true);
    assert_eq!(sleep(&mut pipeline, flushed(8)), ("group", 1));
    assert_eq!(sleep(&mut pipeline, flushed(16)), ("turn", 1));
    assert_eq!(sleep(&mut pipeline, flushed(16)), ("group", 2));
    assert_eq!(numbers(&pipeline.end(stager, None)), (Some(1), Some(1), None));
    assert_eq!(sleep(&mut pipeline, flushed(16)), ("group", 2), "behind the candidate");
    let stager = pipeline.take_turn().expect("nobody else leads");
    begin(&mut pipeline, 16, true);
    assert_eq!(sleep(&mut pipeline, flushed(24)), ("turn", 2));
    assert_eq!(numbers(&pipeline.end(stager, None)), (Some(2), Some(2), None));
    let _ = pipeline.take_turn();
    assert!(pipeline.take_turn().is_none(), "one leads");
}

#[test]
fn a_wish_for_a_sync_is_for_the_next_group_alone() {
    let mut pipeline = pipeline();
    let mut stager = lead(&mut pipeline, staged(8));
    assert!(!begin(&mut pipeline, 8, false));
    assert_eq!(sleep(&mut pipeline, flushed(8)), ("turn", 1), "this one is not synced");
    assert_eq!(numbers(&pipeline.end(stager, None)), (Some(1), None, None));
    stager = pipeline.take_turn().expect("nobody else leads");
    assert!(begin(&mut pipeline, 8, false));
    assert_eq!(sleep(&mut pipeline, flushed(8)), ("group", 2), "and needs no third");
    assert_eq!(numbers(&pipeline.end(stager, None)), (None, Some(2), None));
    stager = lead(&mut pipeline, staged(16));
    assert!(!begin(&mut pipeline, 16, false));
    assert_eq!(numbers(&pipeline.end(stager, None)), (None, None, None));
}

#[test]
fn who_waits_for_room_is_woken_when_a_group_begins_and_when_it_ends() {
    let mut pipeline = pipeline();
    let stager = lead(&mut pipeline, flushed(8));
    assert_eq!(sleep(&mut pipeline, staged(8)), ("room", 1));
    assert!(!pipeline.is_staged(START.plus(8)));
    let (_, wake) = pipeline.begin(START.plus(8), true);
    assert_eq!(numbers(&wake), (None, None, Some(1)));
    assert!(pipeline.is_staged(START.plus(8)) && !pipeline.is_staged(START.plus(16)));
    assert_eq!(sleep(&mut pipeline, staged(16)), ("turn", 1));
    assert_eq!(sleep(&mut pipeline, staged(16)), ("room", 2));
    assert_eq!(numbers(&pipeline.end(stager, None)), (Some(1), None, Some(2)));
}

#[test]
fn everybody_is_woken_when_no_goal_will_be_reached() {
    let mut pipeline = pipeline();
    let _stager = lead(&mut pipeline, flushed(8));
    begin(&mut pipeline, 8, true);
    assert_eq!(sleep(&mut pipeline, flushed(16)), ("turn", 1));
    assert_eq!(sleep(&mut pipeline, staged(16)), ("room", 1));
    let _key = pipeline.tasks.enter(START.plus(8), Waker::noop().clone());
    let wake = pipeline.give_up(false);
    assert_eq!((numbers(&wake), wake.tasks.len()), ((Some(1), Some(1), Some(1)), 1));
    let wake = pipeline.give_up(true);
    assert_eq!((numbers(&wake), wake.tasks.len()), ((Some(2), Some(2), None), 0));
}
