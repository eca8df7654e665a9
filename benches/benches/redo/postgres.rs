//! PostgreSQL's redo of a like workload: the server is crashed with `pg_ctl stop -m immediate`, and
//! its log says from where to where it replays, and in which time.
//!
//! One row of about 100 bytes is updated by each transaction, within its page (HOT). The server has
//! as much memory for pages as the store has, and checkpoints by itself only after the redo.

use super::Workload;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The programs of a server.
pub(crate) struct Postgres {
    bin: PathBuf,
    /// Who runs it, if we are root: it refuses to.
    user: Option<(u32, u32)>,
}

/// A cluster that has crashed, to be recovered as often as one likes.
pub(crate) struct Cluster {
    programs: Postgres,
    dir: TempDir,
}

impl Postgres {
    /// The programs in `SEAWALL_BENCH_PG_BIN`, or the newest where Debian puts them.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("SEAWALL_BENCH_PG_BIN").map(PathBuf::from);
        let bin = named.or_else(|| {
            let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
            versions.map(|version| version.path().join("bin")).max()
        })?;
        let is_root = id("-u", None)? == 0;
        let user = if is_root {
            Some((id("-u", Some("postgres"))?, id("-g", Some("postgres"))?))
        } else {
            None
        };
        bin.join("initdb").exists().then_some(Self { bin, user })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let path = self.bin.join(program);
        let mut command = match self.user {
            None => Command::new(&path),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}"));
                command.arg("--clear-groups").arg(&path);
                command
            }
        };
        let output = command.args(arguments).env("LC_ALL", "C").current_dir("/").output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A cluster that has crashed after the workload, and the MB of log that it replays.
    pub(crate) fn crashed(&self, workload: &Workload) -> (Cluster, f64) {
        let dir = seawall_benches::temp_dir();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let home = dir.path().join("home");
        fs::create_dir(&home).expect("a directory");
        if let Some((user, group)) = self.user {
            chown(&home, Some(user), Some(group)).expect("root");
        }
        let programs = Self { bin: self.bin.clone(), user: self.user };
        let cluster = Cluster { programs, dir };
        let data = cluster.path("crashed");
        self.run("initdb", &["-D", &data, "-U", "bench", "-A", "trust", "-N"]);
        fs::write(format!("{data}/postgresql.auto.conf"), settings(&cluster.path(""), workload))
            .expect("settings");
        cluster.start("crashed");
        cluster.fill(workload);
        cluster.stop("crashed");
        let (_, megabytes) = cluster.recover();
        (cluster, megabytes)
    }
}

fn id(option: &str, user: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(option).args(user).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn settings(sockets: &str, workload: &Workload) -> String {
    let full_page_writes = if workload.full_page_writes { "on" } else { "off" };
    format!(
        "listen_addresses = ''\nunix_socket_directories = '{sockets}'\n\
         shared_buffers = 250MB\nfull_page_writes = {full_page_writes}\n\
         synchronous_commit = off\nautovacuum = off\nmax_wal_size = 20GB\n\
         checkpoint_timeout = 1h\nlog_min_messages = log\nlc_messages = 'C'\n"
    )
}

impl Cluster {
    pub(crate) fn version(&self) -> String {
        let version = self.programs.run("postgres", &["--version"]);
        let number = version.split_whitespace().nth(2).unwrap_or("");
        format!("PostgreSQL {number}")
    }

    fn path(&self, name: &str) -> String {
        let path = self.dir.path().join("home").join(name);
        path.to_str().expect("UTF-8").trim_end_matches('/').to_owned()
    }

    fn start(&self, data: &str) {
        let (data, log) = (self.path(data), self.path("log"));
        self.programs.run("pg_ctl", &["-D", &data, "-l", &log, "-w", "-s", "-t", "600", "start"]);
    }

    fn stop(&self, data: &str) {
        let data = self.path(data);
        self.programs.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "-s", "stop"]);
    }

    /// Pages half full of rows, a checkpoint, then updates, each committed.
    fn fill(&self, workload: &Workload) {
        // 30 rows of 36 bytes and 100 in half of a page.
        let rows = workload.pages * 30;
        let changes = workload.changes;
        let make = format!(
            "create table t (id int primary key, filler text) with (fillfactor = 50);\n\
             insert into t select i, repeat('a', 100) from generate_series(1, {rows}) i;\n\
             create procedure change(n int) language plpgsql as $$ \
             declare k int; begin \
             for i in 1..n loop \
             k := 1 + floor(random() * {rows})::int; \
             update t set filler = repeat(chr(65 + i % 26), 100) \
             where id = k; commit; end loop; end $$;"
        );
        let statements =
            [&make, "vacuum analyze t", "checkpoint", &format!("call change({changes})")];
        for statement in statements {
            let sockets = self.path("");
            let options = ["-h", &sockets, "-U", "bench", "-d", "postgres", "-q", "-c", statement];
            self.programs.run("psql", &options);
        }
    }

    /// MB of log replayed in a second.
    pub(crate) fn redo(&self) -> f64 {
        let (seconds, megabytes) = self.recover();
        megabytes / seconds
    }

    /// Recovers a copy: seconds of its redo, and the MB.
    fn recover(&self) -> (f64, f64) {
        let (crashed, copy, log) = (self.path("crashed"), self.path("copy"), self.path("log"));
        if let Err(error) = fs::remove_file(&log) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{log}");
        }
        let copied = Command::new("cp").args(["-a", &crashed, &copy]).status();
        assert!(copied.expect("cp").success());
        self.start("copy");
        self.stop("copy");
        let said = fs::read_to_string(&log).expect("a log");
        fs::remove_dir_all(Path::new(&copy)).expect("removed");
        let after = |words: &str| {
            let rest = said.split(words).nth(1).unwrap_or_else(|| panic!("{words} in {said}"));
            rest.split_whitespace().next().expect("a word").to_owned()
        };
        let (from, to) = (lsn(&after("redo starts at ")), lsn(&after("redo done at ")));
        (after("elapsed: ").parse().expect("seconds"), (to - from) as f64 / 1e6)
    }
}

fn lsn(text: &str) -> u64 {
    let (high, low) = text.split_once('/').expect("a position");
    let hex = |digits| u64::from_str_radix(digits, 16).expect("hexadecimal");
    (hex(high) << 32) + hex(low)
}
