//! Tests of the simulated disk, and what they share.

mod crashes;
mod cuts;
mod damage;
mod durability;
mod errors;
mod faults;
mod junk;
mod reads;
mod space;

use super::{CrashImage, CrashOptions, SimDisk, SplitMix64};
use crate::disk::{Disk, DiskFile};
use std::collections::BTreeSet;
use std::sync::Arc;

const SECTOR: usize = 512;

/// A disk with a durable file `f` of `sectors` sectors full of ones.
fn disk_with_file(sectors: usize) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new();
    disk.write_file("f", &vec![1; sectors * SECTOR]);
    let file = disk.open("f").unwrap();
    (disk, file)
}

fn images(disk: &SimDisk) -> Vec<CrashImage> {
    disk.crash_images(&CrashOptions::default()).collect()
}

/// The states after a crash, each a list of the files with the first byte of every sector.
fn outcomes(disk: &SimDisk) -> BTreeSet<String> {
    images(disk).iter().map(|image| summary(&image.mount())).collect()
}

fn summary(disk: &SimDisk) -> String {
    let names = disk.list("").unwrap();
    let files = names.iter().map(|name| format!("{name}={}", sectors_of(disk, name)));
    files.collect::<Vec<_>>().join(" ")
}

/// The first byte of every sector, and the length where it is no multiple of a sector.
fn sectors_of(disk: &SimDisk, path: &str) -> String {
    let bytes = disk.read_file(path);
    let mut text: String = bytes.chunks(SECTOR).map(|sector| sector[0].to_string()).collect();
    if !bytes.len().is_multiple_of(SECTOR) {
        text += &format!(":{}", bytes.len());
    }
    text
}

fn set<const N: usize>(outcomes: [&str; N]) -> BTreeSet<String> {
    outcomes.map(str::to_owned).into()
}

/// `sectors` sectors full of `byte`.
fn full(byte: u8, sectors: usize) -> Vec<u8> {
    vec![byte; sectors * SECTOR]
}
