//! Opening a store of whatever format it has.

use crate::args::OpenArgs;
use crate::exit::Failure;
use seawall::seawall_core::control::{Control, ControlFile};
use seawall::seawall_core::disk::Disk;
use seawall::seawall_core::poison::Poison;
use seawall::{Config, Error, Format, LinuxDisk, Store};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// The format of the store in `dir`, `None` if it holds no store. Changes nothing, takes no lock.
pub(crate) fn stored_format(dir: &Path) -> Result<Option<Format>, Failure> {
    match control(&LinuxDisk::read_only(dir)) {
        Ok(control) => Ok(Some(control.format)),
        Err(Error::NotAStore { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The disk of a store that is only looked at: what is there is a directory.
pub(crate) fn for_looking(dir: &Path) -> Result<LinuxDisk, Failure> {
    std::fs::read_dir(dir).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::from(Error::NotAStore { found: "no directory".to_owned() }),
        _ => Failure::io("the store's directory", &error),
    })?;
    Ok(LinuxDisk::read_only(dir))
}

/// What the control file of a store says. Changes nothing, takes no lock.
pub(crate) fn control(disk: &dyn Disk) -> Result<Control, Error> {
    Ok(*ControlFile::open(disk, Arc::new(Poison::new()))?.latest())
}

/// Opens an existing store, after recovery.
pub(crate) fn open(args: &OpenArgs) -> Result<Store, Failure> {
    // Without a store, the format does not matter: opening tells what is missing.
    let format = stored_format(&args.dir)?.unwrap_or_default();
    let mut config = Config { format, buffers: args.buffers as usize, ..Config::default() };
    fit(&mut config);
    Ok(Store::open(&args.dir, config)?)
}

/// Raises what a default may be too low for, with large segments of the log.
pub(crate) fn fit(config: &mut Config) {
    let two_segments = u64::from(config.format.wal_segment_bytes) * 2;
    config.wal_max_bytes = config.wal_max_bytes.max(two_segments);
}
