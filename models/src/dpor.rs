//! Source-DPOR with sleep sets: every sequentially consistent interleaving, up to the order of
//! operations that do not notice each other. (Abdulla, Aronsson, Jonsson, Sagonas, POPL 2014.)
//!
//! Two executions that differ only in the order of independent operations end alike; of each class
//! of them one is explored. After each operation it is asked with which earlier ones of other
//! threads it is in a *race*: dependent, not ordered by anything in between, able to come first.
//! Then the search will go back to the earlier one and try a thread there with which the later one
//! can come first. *Sleep sets* keep it from exploring the same class twice; where only sleeping
//! threads are left the execution is redundant, and is run to its end without being looked at.
//!
//! # Rules
//! * An event is one announced operation ([`step::Op`]); what a thread does between two is its own.
//! * A node is a state with all threads announced; node i is where event i was chosen.
//! * Taking a lock races with the last taking of it, not with the giving back in between, which
//!   only enables it. The same holds for a wake after its notification.
//! * A try is never disabled: it may fail. So it races with the giving back as well, and a try to
//!   take a lock exclusively with the giving back of a shared one: done before, it finds it held.
//!
//! # Completeness
//! All classes of executions of the closure are explored, or a deadlock is reported, within the
//! bound of steps. The closure must be deterministic apart from its threads. [`crate::audit`]
//! compares the outcomes of random programs with those of a brute-force oracle.

use crate::happened::{Clock, Clocks, any_pair, comes_before, roles};
use crate::record;
use seawall_core_shuttle::sync::step::{self, Object, Op, Task};
use shuttle::scheduler::{Schedule, Scheduler, Task as ShuttleTask, TaskId};
use std::collections::{BTreeSet, HashMap};

/// The search.
#[derive(Default)]
pub struct DporScheduler {
    nodes: Vec<Node>,
    /// At first those of the last execution that this one repeats.
    events: Vec<Event>,
    /// The events on each object, by index.
    touching: HashMap<Object, Vec<usize>>,
    clocks: Clocks,
    /// How many events there have been in this execution.
    depth: usize,
    is_redundant: bool,
    has_begun: bool,
}

struct Node {
    enabled: Vec<(Task, Op)>,
    chosen: Task,
    backtrack: BTreeSet<Task>,
    /// Threads whose next operation need not be explored from here, those explored included.
    sleep: Vec<(Task, Op)>,
}

struct Event {
    task: Task,
    op: Op,
    /// Number among the events of the thread, from 1.
    number: u32,
    clock: Clock,
}

impl Scheduler for DporScheduler {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.has_begun && !self.go_back() {
            return None;
        }
        self.has_begun = true;
        // The last node has another choice now.
        let repeated = self.nodes.len().saturating_sub(1);
        self.events.truncate(repeated);
        for events in self.touching.values_mut() {
            events.truncate(events.partition_point(|event| *event < repeated));
        }
        self.clocks.clear();
        self.depth = 0;
        self.is_redundant = false;
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        enabled: &[&ShuttleTask],
        current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        let tasks: Vec<Task> = enabled.iter().map(|task| usize::from(task.id())).collect();
        self.clocks.meet_new_tasks();
        if !self.is_redundant && self.depth == self.nodes.len() {
            self.push_node(&tasks, current.map(usize::from));
        }
        if self.is_redundant {
            return Some(TaskId::from(tasks[0]));
        }
        let chosen = self.nodes[self.depth].chosen;
        match self.events.get(self.depth) {
            Some(repeated) => self.clocks.set(chosen, &repeated.clock),
            None => self.push_event(chosen, step::next(chosen).expect("announced")),
        }
        self.depth += 1;
        Some(TaskId::from(chosen))
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a model must not draw random numbers")
    }
}

impl DporScheduler {
    /// Goes back to the last node at which something is left to be explored.
    fn go_back(&mut self) -> bool {
        while let Some(node) = self.nodes.last_mut() {
            node.sleep.push(node.entry(node.chosen));
            let next = node.backtrack.iter().find(|task| !node.sleeps(**task)).copied();
            if let Some(task) = next {
                node.chosen = task;
                return true;
            }
            self.nodes.pop();
        }
        false
    }

    fn push_node(&mut self, tasks: &[Task], current: Option<Task>) {
        let sleep = match (self.nodes.last(), self.events.last()) {
            (Some(node), Some(event)) => {
                let awake = |(_, op): &&(Task, Op)| {
                    !comes_before(&event.op, op) && !comes_before(op, &event.op)
                };
                node.sleep.iter().filter(awake).copied().collect()
            }
            _ => Vec::new(),
        };
        let announced = |task: &Task| (*task, step::next(*task).expect("announced"));
        let enabled: Vec<_> = tasks.iter().map(announced).collect();
        let sleeps = |task: Task| sleep.iter().any(|(sleeping, _)| *sleeping == task);
        // Staying with the thread that runs gives traces that are easy to read.
        let preferred = current.filter(|task| tasks.contains(task) && !sleeps(*task));
        let Some(chosen) = preferred.or_else(|| tasks.iter().copied().find(|t| !sleeps(*t))) else {
            self.is_redundant = true;
            record::redundant();
            return;
        };
        self.nodes.push(Node { enabled, chosen, backtrack: BTreeSet::from([chosen]), sleep });
    }

    fn push_event(&mut self, task: Task, op: Op) {
        let before = self.clocks.of(task).clone();
        for race in self.races(task, &op, &before) {
            self.add_backtrack(race, task, &op, &before);
        }
        let related = self.related(&op);
        let earlier = related.iter().map(|event| &self.events[*event]);
        let earlier = earlier.map(|event| (&event.op, &event.clock));
        let clock = self.clocks.advance(task, &op, earlier).clone();
        let number = clock[task];
        for (object, _) in roles(&op).into_iter().flatten() {
            self.touching.entry(object).or_default().push(self.events.len());
        }
        self.events.push(Event { task, op, number, clock });
    }

    /// The events on an object of `op`, in their order.
    fn related(&self, op: &Op) -> Vec<usize> {
        let lists =
            roles(op).into_iter().flatten().filter_map(|(object, _)| self.touching.get(&object));
        let mut related: Vec<usize> = lists.flatten().copied().collect();
        related.sort_unstable();
        related.dedup();
        related
    }

    /// The events that `op`, the next of `task`, races with: dependent, unordered, reversible, and
    /// with nothing between.
    fn races(&self, task: Task, op: &Op, before: &Clock) -> Vec<usize> {
        let reread_enabled_by = self.enabler(task, op);
        let is_candidate = |index: &usize| {
            let event = &self.events[*index];
            event.task != task
                && !event.is_in(before)
                && can_be_reversed(&event.op, op)
                && reread_enabled_by.is_none_or(|enabler| *index > enabler)
        };
        let candidates: Vec<_> = self.related(op).into_iter().filter(is_candidate).collect();
        let has_one_between = |index: usize| {
            let event = &self.events[index];
            let mut later = candidates.iter().filter(|later| **later > index);
            later.any(|later| self.events[*later].happens_after(event))
        };
        candidates.iter().copied().filter(|index| !has_one_between(*index)).collect()
    }

    /// The event before which a repeated read was disabled: the first write since it was read.
    fn enabler(&self, task: Task, op: &Op) -> Option<usize> {
        let Op::Reread(word) = op else { return None };
        let last_read = self.events.iter().rposition(|event| event.task == task)?;
        let writes = |event: &Event| event.op == Op::Write(*word);
        self.events.iter().skip(last_read).position(writes).map(|n| last_read + n)
    }

    /// Makes the search try, at the node of `race`, a thread with which `op` can come before it.
    fn add_backtrack(&mut self, race: usize, task: Task, op: &Op, before: &Clock) {
        let early = &self.events[race];
        let rest: Vec<&Event> =
            self.events[race + 1..].iter().filter(|event| !event.happens_after(early)).collect();
        // Of each thread the first one: who comes after a later one comes after that too.
        let mut firsts: Vec<&Event> = Vec::new();
        for event in &rest {
            if firsts.iter().all(|first| first.task != event.task) {
                firsts.push(event);
            }
        }
        let waits = |event: &Event| {
            firsts.iter().any(|first| first.task != event.task && event.happens_after(first))
        };
        let mut initials: BTreeSet<Task> =
            firsts.iter().filter(|event| !waits(event)).map(|event| event.task).collect();
        let op_waits = |event: &&Event| event.is_in(before) || comes_before(&event.op, op);
        if !rest.iter().any(op_waits) {
            initials.insert(task);
        }
        let node = &mut self.nodes[race];
        if !initials.is_disjoint(&node.backtrack) {
            return;
        }
        let can_go = |task: &Task| node.enabled.iter().any(|(enabled, _)| enabled == task);
        let first = Some(task).filter(|t| initials.contains(t) && can_go(t));
        match first.or_else(|| initials.iter().copied().find(can_go)) {
            Some(task) => {
                node.backtrack.insert(task);
            }
            // Cannot be told apart here from what does not race: try everything.
            None => node.backtrack.extend(node.enabled.iter().map(|(task, _)| *task)),
        }
    }
}

impl Node {
    fn entry(&self, task: Task) -> (Task, Op) {
        *self.enabled.iter().find(|(enabled, _)| *enabled == task).expect("chosen among them")
    }

    fn sleeps(&self, task: Task) -> bool {
        self.sleep.iter().any(|(sleeping, _)| *sleeping == task)
    }
}

impl Event {
    /// Whether this event is among those before something.
    fn is_in(&self, clock: &Clock) -> bool {
        clock.get(self.task).is_some_and(|number| *number >= self.number)
    }

    /// Whether this event comes after `earlier`, or is it.
    fn happens_after(&self, earlier: &Event) -> bool {
        earlier.is_in(&self.clock)
    }
}

/// Whether `b`, done after a dependent `a` of another thread, could have been done before it.
fn can_be_reversed(a: &Op, b: &Op) -> bool {
    use crate::happened::Role::*;
    any_pair(a, b, |a, b| match a {
        Read => b == Write,
        Write => matches!(b, Read | Write),
        Wait => b == Notify,
        Notify => b == Wait,
        Lock => matches!(b, Lock | LockShared | TryLockShared | TryLock),
        LockShared => matches!(b, Lock | TryLock),
        TryLockShared => matches!(b, Lock | TryLock | Unlock),
        TryLock => true,
        Unlock => matches!(b, TryLockShared | TryLock),
        UnlockShared => b == TryLock,
        Wake => false,
    })
}
