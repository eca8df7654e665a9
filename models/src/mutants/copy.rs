//! The mutated copy of the sources: a small workspace with `core` and `models`, built once.
//!
//! It keeps the layout of the repository, so every relative path still holds, and files that do
//! not change are not written again, so the next run builds nothing. What it depends on is compiled
//! where the repository's own build compiles it, once for both; its own packages have another
//! version, so that cargo does not compile them over those of the repository.

use super::schemata::SWITCH;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folders that are copied; `models` needs no other package of the workspace.
const COPIED: [&str; 2] = ["core", "models"];

/// The members of the copy's workspace.
const MEMBERS: &str = r#"members = ["models", "models/loom-core", "models/shuttle-core"]"#;

/// Code behind a switch makes the compiler complain of things that are no fault here.
const LINTS: &str = "[workspace.lints.rust]\nwarnings = \"allow\"\n";

/// A mutated copy.
#[derive(Debug)]
pub struct Copy {
    folder: PathBuf,
    /// The target directory of the repository.
    target: PathBuf,
    /// Held while the copy is in use, so that two runs do not build over one another.
    _lock: File,
}

impl Copy {
    /// Writes the copy of the repository at `root` into the folder `name` of its `target`
    /// directory, with the `woven` texts of files below `core/src`.
    pub fn write(
        root: &Path,
        target: &Path,
        name: &str,
        mut woven: BTreeMap<String, String>,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = target.join(name);
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join(".lock"))?;
        lock.lock()?;
        let core_src = root.join("core/src");
        let lib = woven.remove("lib.rs").map_or_else(|| read(&core_src.join("lib.rs")), Ok)?;
        woven.insert("lib.rs".to_owned(), lib + SWITCH);

        for package in COPIED {
            mirror(&root.join(package), &folder.join(package), &|file| {
                let inside = file.strip_prefix(&core_src).ok()?.to_str()?;
                woven.get(inside).cloned().map(String::into_bytes)
            })?;
        }
        let manifest = workspace_manifest(&read(&root.join("Cargo.toml"))?, name);
        update(&folder.join("Cargo.toml"), manifest.as_bytes())?;
        update(&folder.join("Cargo.lock"), read(&root.join("Cargo.lock"))?.as_bytes())?;
        Ok(Self { folder, target: target.to_owned(), _lock: lock })
    }

    /// Builds the runner over the mutated sources; the path of its binary.
    pub fn build(&self) -> Result<PathBuf, Box<dyn Error>> {
        self.cargo(&["build", "--release", "--quiet", "-p", "seawall-models"])?;
        Ok(self.programs().join("release/seawall-models"))
    }

    /// Builds the tests of the mutated `core`, as they are when somebody runs them; the name and
    /// the path of each binary.
    pub fn build_tests(&self) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
        let arguments = ["test", "--no-run", "-p", "seawall-core", "--message-format=json"];
        let output = self.cargo(&arguments)?;
        let lines = str::from_utf8(&output.stdout)?.lines();
        let messages = lines.map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        let binary = |message: &Value| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        };
        Ok(messages.iter().filter_map(binary).collect())
    }

    /// The folder of the mutated `core`, where its tests expect to be run.
    pub fn core(&self) -> PathBuf {
        self.folder.join("core")
    }

    fn programs(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Runs cargo, at first without asking any registry.
    fn cargo(&self, arguments: &[&str]) -> Result<Output, Box<dyn Error>> {
        let offline = self.cargo_once(arguments, &["--offline"])?;
        if offline.status.success() {
            return Ok(offline);
        }
        let online = self.cargo_once(arguments, &[])?;
        if online.status.success() {
            return Ok(online);
        }
        let stderr = String::from_utf8_lossy(&online.stderr);
        Err(format!("the mutated copy does not build:\n{stderr}").into())
    }

    fn cargo_once(&self, arguments: &[&str], more: &[&str]) -> io::Result<Output> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Command::new(cargo)
            .args(arguments)
            .args(more)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.programs())
            .env("CARGO_BUILD_BUILD_DIR", &self.target)
            // Would put the binary elsewhere.
            .env_remove("CARGO_BUILD_TARGET")
            .output()
    }
}

/// Makes `to` a copy of the folder `from`, with other contents for the files that `change` names.
fn mirror(
    from: &Path,
    to: &Path,
    change: &impl Fn(&Path) -> Option<Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            // To a folder of the copy, then: a relative one, as `loom-core/src`.
            link(&fs::read_link(&source)?, &copy)?;
        } else if kind.is_dir() {
            if entry.file_name() == OsStr::new("target") {
                continue;
            }
            mirror(&source, &copy, change)?;
        } else {
            let bytes = match change(&source) {
                Some(bytes) => bytes,
                None => fs::read(&source)?,
            };
            update(&copy, &bytes)?;
        }
        names.insert(entry.file_name());
    }
    remove_others(to, &names)
}

fn remove_others(
    folder: &Path,
    names: &BTreeSet<std::ffi::OsString>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if names.contains(&entry.file_name()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file unless it has these contents already: cargo goes by the time of the change.
fn update(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) { Ok(()) } else { fs::write(path, bytes) }
}

/// Makes a symbolic link, unless it is there.
fn link(to: &Path, path: &Path) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|old| old == to) {
        return Ok(());
    }
    std::os::unix::fs::symlink(to, path)
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// The root manifest with other members and lints, and `name` as metadata of the version: of its
/// tables only those of the workspace and of the profiles, and of `[workspace]` no list.
fn workspace_manifest(root: &str, name: &str) -> String {
    let mut text = String::new();
    let mut table = "";
    let mut in_list = false;
    for line in root.lines() {
        if line.starts_with('[') {
            table = line.trim_end();
        }
        let list = ["members", "default-members", "exclude"]
            .iter()
            .any(|key| line.split('=').next().is_some_and(|word| word.trim() == *key));
        if table == "[workspace]" && list {
            in_list = true;
        }
        let is_lints = table.starts_with("[workspace.lints");
        let keep = table.starts_with("[workspace") && !is_lints || table.starts_with("[profile");
        if keep && !in_list {
            match line.strip_suffix('"') {
                Some(start) if table == "[workspace.package]" && line.starts_with("version") => {
                    text += &format!("{start}+{name}\"");
                }
                _ => text.push_str(line),
            }
            text.push('\n');
            if line.trim_end() == "[workspace]" {
                text.push_str(MEMBERS);
                text.push('\n');
            }
        }
        if in_list && line.contains(']') {
            in_list = false;
        }
    }
    text + LINTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_the_copy_has_members_of_its_own() {
        let root = "[package]\nname = \"x\"\n\n[workspace]\nresolver = \"3\"\nmembers = [\n  \
            \"a\",\n]\ndefault-members = [\"a\"]\nexclude = [\"b\"]\n\n[workspace.package]\n\
            version = \"0.1.0\"\n\n[workspace.dependencies]\nloom = \"0.7\"\n\n\
            [workspace.lints.rust]\nmissing_docs = \"warn\"\n\n[dependencies]\nc = \"1\"\n\n\
            [profile.dev.package.\"*\"]\nopt-level = 2\n";
        let expected = format!(
            "[workspace]\n{MEMBERS}\nresolver = \"3\"\n\n[workspace.package]\n\
             version = \"0.1.0+orderings\"\n\n[workspace.dependencies]\nloom = \"0.7\"\n\n\
             [profile.dev.package.\"*\"]\nopt-level = 2\n{LINTS}"
        );
        assert_eq!(workspace_manifest(root, "orderings"), expected);
    }
}
