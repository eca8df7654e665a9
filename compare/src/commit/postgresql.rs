//! A PostgreSQL server of our own: made in a temporary directory, reached by a Unix socket only,
//! stopped when dropped.

use super::{Committer, Entered, Entrant, Record, TempDir, each, temp_dir};
use ::postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian and its like install the versions.
const VERSIONS_DIR: &str = "/usr/lib/postgresql";
/// Who runs it if we are root, whom it refuses.
const USER: &str = "postgres";
const START_TIMEOUT: Duration = Duration::from_secs(30);

struct Server {
    process: Child,
    // Last: removed when the server is gone.
    dir: TempDir,
}

pub(super) fn postgresql() -> Entered {
    let bin = newest_version()?;
    let dir = temp_dir();
    let user = user_to_be(dir.path())?;
    let data = dir.path().join("data");
    let log = File::create(dir.path().join("log")).expect("a log");
    let command = |program: &str| {
        let mut command = Command::new(bin.join(program));
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        let to_log = || Stdio::from(log.try_clone().expect("a descriptor"));
        command.current_dir("/").arg("-D").arg(&data).stdout(to_log()).stderr(to_log());
        command
    };
    if let Some((uid, gid)) = user {
        chown(dir.path(), Some(uid), Some(gid)).expect("we are root");
    }
    let made = command("initdb").args(["--auth=trust", "--username", USER]).status();
    if !made.as_ref().is_ok_and(|status| status.success()) {
        return Err(format!("initdb: {made:?}\n{}", log_of(dir.path())));
    }
    let process = command("postgres")
        .args(["-c", "listen_addresses=", "-c", "synchronous_commit=on", "-k"])
        .arg(dir.path())
        .spawn()
        .map_err(|error| format!("postgres: {error}"))?;
    let server = Server { process, dir };
    server.create_table()?;
    Ok(Box::new(server))
}

/// The programs of the newest version that is installed.
fn newest_version() -> Result<PathBuf, String> {
    let versions = fs::read_dir(VERSIONS_DIR).map_err(|e| format!("{VERSIONS_DIR}: {e}"))?;
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .map(|version| (version, Path::new(VERSIONS_DIR).join(format!("{version}/bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .max();
    newest.map(|(_, bin)| bin).ok_or_else(|| format!("no server in {VERSIONS_DIR}"))
}

/// Whom the server runs as, if not as ourselves: known by the owner of what we have made.
fn user_to_be(ours: &Path) -> Result<Option<(u32, u32)>, String> {
    if fs::metadata(ours).expect("just made").uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
    let ids = |line: &str| {
        let fields: Vec<_> = line.split(':').collect();
        let [USER, _, uid, gid, ..] = fields[..] else { return None };
        Some((uid.parse().ok()?, gid.parse().ok()?))
    };
    let found = users.lines().find_map(ids);
    found.map(Some).ok_or_else(|| format!("we are root, and there is no user {USER}"))
}

fn log_of(dir: &Path) -> String {
    fs::read_to_string(dir.join("log")).unwrap_or_default()
}

impl Server {
    fn connect(&self) -> Result<Client, ::postgres::Error> {
        ::postgres::Config::new()
            .host_path(self.dir.path())
            .user(USER)
            .dbname("postgres")
            .connect(NoTls)
    }

    /// Waits until the server is up, and creates the table.
    fn create_table(&self) -> Result<(), String> {
        let give_up = Instant::now() + START_TIMEOUT;
        loop {
            match self.connect() {
                Ok(mut client) => {
                    return client
                        .batch_execute("CREATE TABLE records (payload bytea)")
                        .map_err(|error| format!("the table: {error}"));
                }
                Err(error) if Instant::now() > give_up => {
                    return Err(format!("no connection: {error}\n{}", log_of(self.dir.path())));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Entrant for Server {
    fn committers(&self, count: usize) -> Vec<Committer<'_>> {
        each(count, |_| {
            let mut client = self.connect().expect("a connection");
            let insert = client.prepare("INSERT INTO records VALUES ($1)").expect("a statement");
            move |record: &Record| {
                let inserted = client.execute(&insert, &[&record.as_slice()]).expect("a commit");
                assert_eq!(inserted, 1);
            }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT: a fast shutdown, which waits for no client. It may be gone already.
        let _ = kill_process(Pid::from_child(&self.process), Signal::INT);
        let _ = self.process.wait();
    }
}
