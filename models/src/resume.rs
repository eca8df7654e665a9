//! What earlier calls have found, so that a later one goes on where they stopped.
//!
//! A file of lines that only grows: first a header, then an object for each search that has
//! ended, however it did.
//!
//! # Rules
//! * `build` is a checksum of the program that searched, the mutated copy or the runner itself. So
//!   a result of other sources, dependencies or another compiler is never taken.
//! * Taken is what would come out again: that a search passed. With a mutant also that it failed,
//!   for that is what it is there for, or came to its limit after no less time.
//! * A last line without its end was torn when its writer died; it is cut off.

use crate::child::{Finished, Verdict};
use crate::report::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The first line.
const HEADER: &str = "{\"seawall-models\":\"resume\",\"version\":1}";

/// Something whose result may be noted: a search, or a run of tests.
pub trait Attempt {
    /// The program that it runs.
    fn program(&self) -> &Path;
    /// All that its result depends on but for the program: an object.
    fn facts(&self) -> Value;
    /// Whether a mutant is active.
    fn has_mutant(&self) -> bool;
    /// When it is stopped.
    fn until(&self) -> Option<Instant>;
    /// Runs it to its end.
    fn run(&self) -> Finished;
}

/// The file, held by one run at a time.
#[derive(Debug)]
pub struct Resume {
    path: PathBuf,
    /// What it held when it was opened: the last row of each search.
    rows: BTreeMap<String, Finished>,
    file: Mutex<File>,
    builds: Mutex<BTreeMap<PathBuf, String>>,
}

impl Resume {
    /// Reads the file, or creates it.
    ///
    /// # Errors
    /// It holds something else, another run has it, or the system refuses; the text says what.
    pub fn open(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let refused = |error: io::Error| format!("cannot resume from {name}: {error}");
        let options = File::options().read(true).append(true).create(true).open(path);
        let mut file = options.map_err(refused)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => format!("{name} is in use by another run"),
            fs::TryLockError::Error(error) => refused(error),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(refused)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (lines, torn) = bytes.split_at(whole);
        let other = |line: usize| format!("{name} is no file of --resume: see its line {line}");
        let is_new = lines.is_empty();
        if is_new && !HEADER.as_bytes().starts_with(torn) {
            return Err(other(1));
        }
        let lines = str::from_utf8(lines).map_err(|_| other(1))?;
        let rows = read_rows(lines).map_err(other)?;
        file.set_len(whole as u64).map_err(refused)?;
        if is_new {
            writeln!(file, "{HEADER}").map_err(refused)?;
        }
        let (path, file, builds) = (path.to_owned(), Mutex::new(file), Mutex::default());
        Ok(Self { path, rows, file, builds })
    }

    /// What an earlier call has found, if it may be taken.
    pub fn taken(&self, search: &impl Attempt) -> Option<Finished> {
        self.known(search).filter(|known| is_taken(search, known)).cloned()
    }

    /// Searches, whatever is known, and notes what is found.
    fn run(&self, search: &impl Attempt) -> Finished {
        let finished = search.run();
        match self.note(search, &finished) {
            Ok(()) => finished,
            Err(error) => {
                let reason = format!("cannot note a result in {}: {error}", self.path.display());
                Finished { verdict: Verdict::Broken(reason), ..finished }
            }
        }
    }

    /// How long the last call has searched this before it was stopped; zero if it was not.
    pub fn stopped_after(&self, search: &impl Attempt) -> Duration {
        let stopped = self.known(search).filter(|known| known.verdict == Verdict::TimedOut);
        stopped.map_or(Duration::ZERO, |known| known.time)
    }

    /// Explains the mark of what was taken.
    pub fn footnote(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "* found by an earlier call, from {}", self.path.display())
    }

    fn known(&self, search: &impl Attempt) -> Option<&Finished> {
        self.rows.get(&self.key(search).ok()?.to_string())
    }

    fn note(&self, search: &impl Attempt, finished: &Finished) -> io::Result<()> {
        let row = json!({
            "search": self.key(search)?,
            "verdict": finished.verdict.to_string(),
            "time_s": finished.time.as_secs_f64(),
            "report": finished.report.to_lines(),
        });
        let mut file = self.file.lock().expect("writing does not panic");
        file.write_all(format!("{row}\n").as_bytes())
    }

    /// All that a result depends on.
    fn key(&self, search: &impl Attempt) -> io::Result<Value> {
        let mut key = search.facts();
        key["build"] = Value::from(self.build(search.program())?);
        Ok(key)
    }

    /// The checksum of a program, and its length.
    fn build(&self, program: &Path) -> io::Result<String> {
        let mut builds = self.builds.lock().expect("reading does not panic");
        if let Some(build) = builds.get(program) {
            return Ok(build.clone());
        }
        let bytes = fs::read(program)?;
        let build = format!("{:08x}-{}", crc32c::crc32c(&bytes), bytes.len());
        builds.insert(program.to_owned(), build.clone());
        Ok(build)
    }
}

/// Searches, whatever is known, and notes what is found if there is such a file.
pub fn run(resume: Option<&Resume>, search: &impl Attempt) -> Finished {
    resume.map_or_else(|| search.run(), |resume| resume.run(search))
}

fn is_taken(search: &impl Attempt, known: &Finished) -> bool {
    let has_mutant = search.has_mutant();
    match known.verdict {
        Verdict::Passed => true,
        Verdict::Failed(_) => has_mutant,
        Verdict::TimedOut => {
            let limit = search.until().map(|until| until.duration_since(Instant::now()));
            has_mutant && limit.is_some_and(|limit| known.time >= limit)
        }
        Verdict::OutOfMemory | Verdict::Broken(_) => false,
    }
}

/// The last row of each search; the number of a line that is none.
fn read_rows(lines: &str) -> Result<BTreeMap<String, Finished>, usize> {
    let mut rows = BTreeMap::new();
    for (index, line) in lines.lines().enumerate() {
        if index == 0 {
            if line != HEADER {
                return Err(1);
            }
        } else if let Some((key, finished)) = read_row(line).ok_or(index + 1)? {
            rows.insert(key, finished);
        }
    }
    Ok(rows)
}

/// The row in a line, if it is one that may be taken; `None` if the line holds something else.
fn read_row(line: &str) -> Option<Option<(String, Finished)>> {
    let row: Value = serde_json::from_str(line).ok()?;
    let key = row.get("search")?.as_object()?;
    let report = Report::parse(row.get("report")?.as_str()?)?;
    let time = Duration::try_from_secs_f64(row.get("time_s")?.as_f64()?).ok()?;
    let verdict = row.get("verdict")?.as_str()?;
    let known = [Some(Verdict::Passed), report.failure.clone().map(Verdict::Failed)];
    let known = known.into_iter().flatten().chain([Verdict::TimedOut]);
    let verdict = known.into_iter().find(|known| known.to_string() == verdict);
    let key = Value::from(key.clone()).to_string();
    let finished =
        |verdict| Finished { verdict, report, stderr: String::new(), time, is_known: true };
    Some(verdict.map(|verdict| (key, finished(verdict))))
}

#[cfg(test)]
mod tests;
