//! A run of PostgreSQL: a new cluster, loaded, then driven by pgbench.

use super::args::StallArgs;
use super::bed::Bed;
use super::engine::PostgresSettings;
use super::pgbench;
use super::pglog;
use super::program::{Program, TICK, tool};
use super::results::Measured;
use super::watch::{Watch, epoch_ms};
use crate::exit::{Failure, note};
use crate::interrupt::Interrupt;
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Who runs the server: it refuses to be root.
const USER: &str = "postgres";
const INSTALLATIONS: &str = "/usr/lib/postgresql";
const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_isready", "psql", "pgbench"];

/// What a row of `filler` takes in its page besides it: line pointer, header, id, length byte, and
/// what aligns it.
const ROW_OVERHEAD_BYTES: u32 = 4 + 24 + 4 + 1 + 4;

/// What is missing for a run.
pub(super) fn missing(args: &StallArgs) -> Option<String> {
    let Some(bin) = bin(args) else {
        return Some(format!("{INSTALLATIONS} holds no PostgreSQL"));
    };
    let is_there = |name: &&str| bin.join(name).is_file();
    if let Some(name) = PROGRAMS.iter().find(|name| !is_there(name)) {
        return Some(format!("{} has no {name}", bin.display()));
    }
    let user = tool("id", &["-u", USER]).and_then(|_| tool("setpriv", &["--version"]));
    user.err().map(|failure| failure.to_string())
}

/// Where its programs are.
fn bin(args: &StallArgs) -> Option<PathBuf> {
    if args.postgres_bin.is_some() {
        return args.postgres_bin.clone();
    }
    let versions = fs::read_dir(INSTALLATIONS).ok()?.flatten().map(|entry| entry.path());
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    versions.filter(|path| number(path).is_some()).max_by_key(number).map(|path| path.join("bin"))
}

pub(super) fn run(
    args: &StallArgs,
    bed: &Bed,
    settings: &PostgresSettings,
    watch: &mut Watch<'_>,
    interrupt: &Interrupt,
) -> Result<Measured, Failure> {
    let cluster = Cluster::init(args, bed, interrupt)?;
    let server = cluster.start("postgres-load", args, settings, interrupt)?;
    let began = Instant::now();
    cluster.load(args, interrupt)?;
    let load_ms = began.elapsed().as_millis() as u64;
    note!("   loaded in {load_ms} ms");
    // As `bench` does: the pool is empty, and checkpoints come at the same times in all runs.
    // SIGINT: a fast shutdown, with a checkpoint.
    server.end(Signal::INT, interrupt)?;
    // Declared first: ended when the limits are gone, even if something fails. It could not end
    // while its writes wait.
    let server;
    let limits = bed.limit(args, interrupt)?;
    server = cluster.start("postgres", args, settings, interrupt)?;
    let start_epoch_ms = epoch_ms() + args.warmup_seconds * 1000;
    cluster.drive(args, watch, interrupt)?;
    drop(limits);
    let log = server.log().to_owned();
    drop(server);
    let log = fs::read_to_string(&log).map_err(|error| Failure::io("the server's log", &error))?;
    let timeline = pgbench::timeline(&cluster.logs, start_epoch_ms, args.seconds as usize)?;
    Ok(Measured {
        load_ms,
        start_epoch_ms,
        seconds: timeline.seconds(),
        summary: timeline.summary(),
        checkpoints: pglog::checkpoints(&log),
    })
}

struct Cluster<'b> {
    bed: &'b Bed,
    bin: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    /// Of pgbench.
    logs: PathBuf,
}

impl<'b> Cluster<'b> {
    fn init(args: &StallArgs, bed: &'b Bed, interrupt: &Interrupt) -> Result<Self, Failure> {
        let bin = bin(args).ok_or_else(|| Failure::Usage("no PostgreSQL".to_owned()))?;
        let (data, wal) = (bed.data.path().join("cluster"), bed.wal.path().join("wal"));
        let (socket, logs) = (bed.dir().join("socket"), bed.dir().join("transactions"));
        for dir in [&data, &wal, &socket] {
            bed.make_dir_for(dir, USER)?;
        }
        fs::create_dir(&logs).map_err(|error| Failure::io("directory for logs", &error))?;
        let mut initdb = as_user(Command::new("setpriv"), &bin.join("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--username", USER, "--encoding=UTF8"]);
        initdb.arg("--locale=C").arg("--pgdata").arg(&data).arg("--waldir").arg(&wal);
        initdb.current_dir(bed.data.path()).stdout(Stdio::null());
        Program::start("initdb", &mut initdb, bed.dir())?.finish(interrupt, || Ok(()))?;
        Ok(Self { bed, bin, data, socket, logs })
    }

    fn start(
        &self,
        name: &str,
        args: &StallArgs,
        settings: &PostgresSettings,
        interrupt: &Interrupt,
    ) -> Result<Program, Failure> {
        let mut command = as_user(self.bed.group.command("setpriv"), &self.bin.join("postgres"));
        command.arg("-D").arg(&self.data).stdin(Stdio::null()).stdout(Stdio::null());
        command.arg("-c").arg(format!("unix_socket_directories={}", self.socket.display()));
        for setting in common(args) {
            command.arg("-c").arg(setting);
        }
        for setting in settings.settings {
            command.arg("-c").arg(setting);
        }
        // SIGQUIT: an immediate shutdown, which takes all of its processes along.
        let program = Program::start(name, &mut command, self.bed.dir())?;
        let mut server = program.ended_by(Signal::QUIT);
        while !self.is_ready() {
            interrupt.check()?;
            server.is_running()?;
            std::thread::sleep(TICK);
        }
        Ok(server)
    }

    fn is_ready(&self) -> bool {
        let mut command = self.client("pg_isready");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn load(&self, args: &StallArgs, interrupt: &Interrupt) -> Result<(), Failure> {
        let (rows, filler_bytes) = (args.rows, args.row_bytes - ROW_OVERHEAD_BYTES);
        let statements = [
            "create table rows (id int not null, filler text not null)".to_owned(),
            format!(
                "insert into rows select id, lpad(id::text, {filler_bytes}, 'x')
                 from generate_series(1, {rows}) id"
            ),
            "alter table rows add primary key (id)".to_owned(),
            "vacuum (freeze, analyze) rows".to_owned(),
            "checkpoint".to_owned(),
        ];
        let mut psql = self.client("psql");
        psql.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]).stdout(Stdio::null());
        for statement in statements {
            psql.arg("--command").arg(statement);
        }
        Program::start("psql", &mut psql, self.bed.dir())?.finish(interrupt, || Ok(()))
    }

    fn drive(
        &self,
        args: &StallArgs,
        watch: &mut Watch<'_>,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let script = self.bed.dir().join("upsert.sql");
        fs::write(&script, upsert(args)).map_err(|error| Failure::io("pgbench script", &error))?;
        let mut pgbench = self.client("pgbench");
        let clients = args.clients.to_string();
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--client", &clients]);
        pgbench.args(["--jobs", &clients, "--time", &args.work_seconds().to_string()]);
        pgbench.arg("--file").arg(&script).arg("--log");
        pgbench.arg("--log-prefix").arg(self.logs.join("log")).stdout(Stdio::null());
        Program::start("pgbench", &mut pgbench, self.bed.dir())?.finish(interrupt, || watch.look())
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.arg("--host").arg(&self.socket).args(["--username", USER]);
        command.env("PGDATABASE", USER).env("PGCONNECT_TIMEOUT", "10").stdin(Stdio::null());
        command
    }
}

/// The settings of all runs.
fn common(args: &StallArgs) -> Vec<String> {
    let sized = [
        format!("shared_buffers={}MB", args.pool_mib),
        format!("checkpoint_timeout={}ms", args.checkpoint_every.as_millis()),
    ];
    let fixed = [
        "listen_addresses=",
        "synchronous_commit=on",
        "fsync=on",
        "full_page_writes=on",
        // So much that the time paces the checkpoints, not the log; as `bench` does.
        "max_wal_size=6GB",
        "min_wal_size=2GB",
        "log_checkpoints=on",
        "log_line_prefix=%n ",
        "huge_pages=off",
    ];
    sized.into_iter().chain(fixed.map(str::to_owned)).collect()
}

fn as_user(mut setpriv: Command, program: &Path) -> Command {
    setpriv.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
    setpriv
}

fn upsert(args: &StallArgs) -> String {
    let (rows, filler_bytes) = (args.rows, args.row_bytes - ROW_OVERHEAD_BYTES);
    format!(
        "\\set id random(1, {rows})\n\
         \\set value random(1, 1000000000)\n\
         insert into rows values (:id, lpad(:value::text, {filler_bytes}, 'x')) \
         on conflict (id) do update set filler = excluded.filler;\n"
    )
}
