//! The control file: where recovery starts. PostgreSQL: `pg_control`.
//!
//! # Layout: two slots, at 0 and at 4096 (little-endian)
//! ```text
//! offset  bytes  field
//!      0      8  magic               "SEAWALL" and a zero
//!      8      4  format version      1
//!     12      4  checksum            CRC32C of bytes 0..12 and 16..80
//!     16      8  sequence            counts the writes, modulo 2^64; the slot is sequence % 2
//!     24      8  system id           drawn when the store was created
//!     32      4  page bytes
//!     36      4  WAL block bytes
//!     40      4  WAL segment bytes
//!     44      4  data segment bytes
//!     48      8  checkpoint lsn      start of the last checkpoint's record
//!     56      8  checkpoint end      end of it; equal to its start where there is no record:
//!                                    before the first checkpoint and after a salvage
//!     64      8  redo lsn            where recovery starts
//!     72      4  state               1 in production, 2 closed
//!     76      4  last file           the greatest number that any file has had; 0 before the first
//! ```
//! A slot is within one sector. The two are written in turns, so one of them is whole whatever
//! happens to the other (R6), and both when the state changes, so both say it. The later of two
//! that are valid counts.

use crate::config::Format;
use crate::disk::{Disk, DiskFile};
use crate::error::{ControlFault, Error, Result};
use crate::files::{failed, remove_if_present, sync_dir};
use crate::lsn::{LSN_LIMIT, Lsn};
use crate::page::{AlignedBytes, FileId, le_u32, le_u64};
use crate::poison::Poison;
use std::io;
use std::sync::Arc;

/// The control file's path.
pub const CONTROL_FILE: &str = "control";

const NEW_CONTROL_FILE: &str = "control.new";
const MAGIC: u64 = u64::from_le_bytes(*b"SEAWALL\0");
/// The version of the on-disk format.
pub const FORMAT_VERSION: u32 = 1;
const SLOT_BYTES: usize = 4096;
/// Bytes of the control file.
pub(crate) const CONTROL_BYTES: u64 = 2 * SLOT_BYTES as u64;
const CONTENT_BYTES: usize = 80;

/// Whether the store was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreState {
    /// Open, or not closed properly.
    InProduction,
    /// Closed after a checkpoint with nothing behind it.
    Closed,
}

/// What the control file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Counts the writes, modulo 2^64.
    pub sequence: u64,
    /// Drawn when the store was created; in every WAL block.
    pub system_id: u64,
    /// Sizes on disk.
    pub format: Format,
    /// Start of the last checkpoint's record.
    pub checkpoint: Lsn,
    /// End of it.
    pub checkpoint_end: Lsn,
    /// Where recovery starts.
    pub redo: Lsn,
    /// Whether the store was closed.
    pub state: StoreState,
    /// The greatest number that any file has had, those that are dropped included; 0 if there was
    /// none. What was created since is in its directory, and what was dropped is in the log.
    pub last_file: FileId,
}

impl Control {
    fn encode(&self) -> AlignedBytes {
        let mut slot = AlignedBytes::zeroed(SLOT_BYTES);
        let mut put = |offset: usize, bytes: &[u8]| {
            slot[offset..offset + bytes.len()].copy_from_slice(bytes);
        };
        put(0, &MAGIC.to_le_bytes());
        put(8, &FORMAT_VERSION.to_le_bytes());
        put(16, &self.sequence.to_le_bytes());
        put(24, &self.system_id.to_le_bytes());
        put(32, &self.format.page_bytes.to_le_bytes());
        put(36, &self.format.wal_block_bytes.to_le_bytes());
        put(40, &self.format.wal_segment_bytes.to_le_bytes());
        put(44, &self.format.data_segment_bytes.to_le_bytes());
        put(48, &self.checkpoint.0.to_le_bytes());
        put(56, &self.checkpoint_end.0.to_le_bytes());
        put(64, &self.redo.0.to_le_bytes());
        let state: u32 = match self.state {
            StoreState::InProduction => 1,
            StoreState::Closed => 2,
        };
        put(72, &state.to_le_bytes());
        put(76, &self.last_file.0.to_le_bytes());
        let checksum = checksum(&slot);
        slot[12..16].copy_from_slice(&checksum.to_le_bytes());
        slot
    }

    fn decode(slot: &[u8]) -> Result<Self, ControlFault> {
        let magic = le_u64(slot, 0);
        if magic != MAGIC {
            return Err(ControlFault::BadMagic { found: magic, expected: MAGIC });
        }
        let version = le_u32(slot, 8);
        if version != FORMAT_VERSION {
            return Err(ControlFault::Version { found: version, supported: FORMAT_VERSION });
        }
        let (stored, computed) = (le_u32(slot, 12), checksum(slot));
        if stored != computed {
            return Err(ControlFault::Checksum { stored, computed });
        }
        let control = Self {
            sequence: le_u64(slot, 16),
            system_id: le_u64(slot, 24),
            format: Format {
                page_bytes: le_u32(slot, 32),
                wal_block_bytes: le_u32(slot, 36),
                wal_segment_bytes: le_u32(slot, 40),
                data_segment_bytes: le_u32(slot, 44),
            },
            checkpoint: Lsn(le_u64(slot, 48)),
            checkpoint_end: Lsn(le_u64(slot, 56)),
            redo: Lsn(le_u64(slot, 64)),
            state: match le_u32(slot, 72) {
                1 => StoreState::InProduction,
                2 => StoreState::Closed,
                found => return Err(bad(format!("state {found}, expected 1 or 2"))),
            },
            last_file: FileId(le_u32(slot, 76)),
        };
        control.check()?;
        Ok(control)
    }

    /// Whether this was written after `other`: sequences go round.
    fn is_after(&self, other: &Self) -> bool {
        self.sequence.wrapping_sub(other.sequence) < 1 << 63
    }

    /// Whether the store was closed, and its log, which ends at `end`, has nothing behind that.
    pub(crate) fn ends_closed(&self, end: Lsn) -> bool {
        self.state == StoreState::Closed && end == self.checkpoint_end
    }

    /// What a checksum does not exclude: a file made by somebody else.
    fn check(&self) -> Result<(), ControlFault> {
        if let Err(error) = self.format.validate() {
            return Err(bad(error.to_string()));
        }
        let positions = [self.redo, self.checkpoint, self.checkpoint_end];
        let aligned = positions.iter().all(|lsn| lsn.0.is_multiple_of(8));
        if !aligned || !positions.is_sorted() || self.checkpoint_end.0 >= LSN_LIMIT {
            return Err(bad(format!(
                "redo point {}, checkpoint {} to {}: expected ascending multiples of 8 below {}",
                self.redo,
                self.checkpoint,
                self.checkpoint_end,
                Lsn(LSN_LIMIT)
            )));
        }
        Ok(())
    }
}

fn bad(reason: String) -> ControlFault {
    ControlFault::BadContent { reason }
}

fn checksum(slot: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&slot[0..12]), &slot[16..CONTENT_BYTES])
}

/// The open control file.
pub struct ControlFile {
    file: Arc<dyn DiskFile>,
    poison: Arc<Poison>,
    latest: Control,
}

impl ControlFile {
    /// Creates the control file, durably: the last step in the creation of a store.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(disk: &dyn Disk, mut control: Control) -> Result<()> {
        let error = |op, source| failed(op, NEW_CONTROL_FILE, 0, source);
        remove_if_present(disk, NEW_CONTROL_FILE)?;
        let file = disk.create(NEW_CONTROL_FILE).map_err(|e| error("create", e))?;
        for sequence in [1, 2] {
            control.sequence = sequence;
            file.write_at(&control.encode(), slot_offset(sequence))
                .map_err(|e| error("write", e))?;
        }
        file.sync_all().map_err(|e| error("sync", e))?;
        disk.rename(NEW_CONTROL_FILE, CONTROL_FILE).map_err(|e| error("rename", e))?;
        sync_dir(disk, "")
    }

    /// Opens and reads the control file.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if there is none; [`Error::Control`]; [`Error::Io`].
    pub fn open(disk: &dyn Disk, poison: Arc<Poison>) -> Result<Self> {
        let file = open_file(disk, CONTROL_FILE)?;
        let (_, latest) = Slots::read_from(&*file)?.latest()?;
        Ok(Self { file, poison, latest })
    }

    /// What was read or written last.
    pub fn latest(&self) -> &Control {
        &self.latest
    }

    /// Writes the next version, durably, over the older slot, and if it changes the state over
    /// both: so what is left where one is lost does not say of a store in use that it was closed,
    /// nor of one that was closed that it may have been in use. The sequence is counted on.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`]: then the last version is the valid one, or both are.
    pub fn write(&mut self, next: Control) -> Result<()> {
        let is_change = next.state != self.latest.state;
        self.write_slot(next)?;
        if is_change { self.write_slot(next) } else { Ok(()) }
    }

    fn write_slot(&mut self, mut next: Control) -> Result<()> {
        self.poison.check()?;
        next.sequence = self.latest.sequence.wrapping_add(1);
        let offset = slot_offset(next.sequence);
        self.file
            .write_at(&next.encode(), offset)
            .map_err(|source| failed("write", CONTROL_FILE, offset, source))?;
        self.file.sync_data().map_err(|e| self.poison.poison("sync", CONTROL_FILE, &e))?;
        self.latest = next;
        Ok(())
    }
}

/// Where the slot of a sequence is in the file.
pub fn slot_offset(sequence: u64) -> u64 {
    sequence % 2 * SLOT_BYTES as u64
}

/// What the two slots say, each for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots(pub [Result<Control, ControlFault>; 2]);

impl Slots {
    /// Reads the slots of a store.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if there is no control file; [`Error::Control`] if it is too short;
    /// [`Error::Io`].
    pub fn read(disk: &dyn Disk) -> Result<Self> {
        Self::read_at(disk, CONTROL_FILE)
    }

    /// Reads the slots of a control file in another place.
    pub(crate) fn read_at(disk: &dyn Disk, path: &str) -> Result<Self> {
        Self::read_from(&*open_file(disk, path)?)
    }

    fn read_from(file: &dyn DiskFile) -> Result<Self> {
        let mut bytes = AlignedBytes::zeroed(2 * SLOT_BYTES);
        let read = file
            .read_at(&mut bytes, 0)
            .map_err(|source| failed("read", CONTROL_FILE, 0, source))?;
        if read < bytes.len() {
            let (bytes, expected_bytes) = (read as u64, bytes.len() as u64);
            return Err(Error::Control(ControlFault::Truncated { bytes, expected_bytes }));
        }
        Ok(Self(
            [0, 1].map(|slot| decode_in_place(slot, &bytes[slot * SLOT_BYTES..][..SLOT_BYTES])),
        ))
    }

    /// Which slot counts, and what it says.
    ///
    /// # Errors
    /// [`Error::Control`] if none is valid, or if one is of another version: that version may know
    /// better.
    pub fn latest(&self) -> Result<(usize, Control)> {
        let Self([first, second]) = self;
        match (first, second) {
            (Ok(first), Ok(second)) => {
                Ok(if first.is_after(second) { (0, *first) } else { (1, *second) })
            }
            (Err(fault @ ControlFault::Version { .. }), _)
            | (_, Err(fault @ ControlFault::Version { .. }))
            | (Err(fault), Err(_)) => Err(Error::Control(fault.clone())),
            (Ok(first), Err(_)) => Ok((0, *first)),
            (Err(_), Ok(second)) => Ok((1, *second)),
        }
    }
}

/// What a slot says, if that was written there: a copy of the other one says nothing, and would
/// pass for the latest where that is lost.
fn decode_in_place(slot: usize, bytes: &[u8]) -> Result<Control, ControlFault> {
    let control = Control::decode(bytes)?;
    if slot_offset(control.sequence) == (slot * SLOT_BYTES) as u64 {
        return Ok(control);
    }
    let found = format!("sequence {} in slot {slot}", control.sequence);
    Err(bad(format!("{found}, expected one whose remainder by 2 is {slot}")))
}

fn open_file(disk: &dyn Disk, path: &str) -> Result<Arc<dyn DiskFile>> {
    match disk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::NotAStore { found: "there is no control file".to_owned() })
        }
        other => other.map_err(|source| failed("open", path, 0, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimDisk;

    fn control() -> Control {
        Control {
            sequence: 7,
            system_id: 0x0102_0304_0506_0708,
            format: Format::default(),
            checkpoint: Lsn(0x1000),
            checkpoint_end: Lsn(0x1028),
            redo: Lsn(0x0F00),
            state: StoreState::InProduction,
            last_file: FileId(9),
        }
    }

    #[test]
    fn a_slot_round_trips_and_stands_where_the_byte_map_says() {
        let slot = control().encode();
        assert_eq!(Control::decode(&slot), Ok(control()));
        assert_eq!(&slot[0..8], b"SEAWALL\0");
        assert_eq!(le_u32(&slot, 8), 1);
        assert_eq!(le_u64(&slot, 16), 7);
        assert_eq!(le_u64(&slot, 64), 0x0F00);
        assert_eq!((le_u32(&slot, 72), le_u32(&slot, 76)), (1, 9));
        assert!(slot[CONTENT_BYTES..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_log_ends_closed_if_the_store_was_closed_and_it_ends_there() {
        let closed = Control { state: StoreState::Closed, ..control() };
        assert!(closed.ends_closed(closed.checkpoint_end));
        assert!(!closed.ends_closed(closed.checkpoint_end.plus(8)));
        assert!(!closed.ends_closed(closed.checkpoint));
        assert!(!control().ends_closed(control().checkpoint_end));
    }

    #[test]
    fn a_slot_in_the_place_of_the_other_is_not_valid() {
        let disk = SimDisk::new();
        let closed = Control { sequence: 6, state: StoreState::Closed, ..control() };
        let mut bytes = vec![0; 2 * SLOT_BYTES];
        for half in bytes.chunks_exact_mut(SLOT_BYTES) {
            half.copy_from_slice(&closed.encode());
        }
        disk.write_file(CONTROL_FILE, &bytes);
        let slots = Slots::read(&disk).unwrap();
        let Err(ControlFault::BadContent { reason }) = &slots.0[1] else { panic!("{slots:?}") };
        assert_eq!(reason, "sequence 6 in slot 1, expected one whose remainder by 2 is 1");
        assert_eq!(slots.latest().unwrap(), (0, closed));
    }

    #[test]
    fn a_state_that_changes_is_in_both_slots_and_one_that_stays_needs_one_write() {
        let disk = SimDisk::new();
        ControlFile::create(&disk, control()).unwrap();
        let mut file = ControlFile::open(&disk, Arc::new(Poison::new())).unwrap();
        let (mut sequence, mut operations) = (file.latest().sequence, disk.operations());
        let closed = Control { state: StoreState::Closed, ..control() };
        for (next, writes) in [(control(), 1), (closed, 2), (closed, 1), (control(), 2)] {
            file.write(next).unwrap();
            sequence += writes;
            assert_eq!(file.latest().sequence, sequence);
            assert_eq!(disk.operations(), operations + 2 * writes, "a write and a sync each");
            operations = disk.operations();
            let states = Slots::read(&disk).unwrap().0.map(|slot| slot.unwrap().state);
            assert_eq!(states, [next.state; 2]);
        }
    }

    #[test]
    fn whatever_the_sequence_is_the_next_one_counts() {
        for sequence in [u64::MAX, u64::MAX - 1, (1 << 63) - 1, 1 << 63, 0, 1] {
            let disk = SimDisk::new();
            let mut bytes = vec![0; 2 * SLOT_BYTES];
            for (sequence, redo) in [(sequence, Lsn(0x0F00)), (sequence.wrapping_sub(1), Lsn(0))] {
                let slot = Control { sequence, redo, ..control() }.encode();
                bytes[slot_offset(sequence) as usize..][..SLOT_BYTES].copy_from_slice(&slot);
            }
            disk.write_file(CONTROL_FILE, &bytes);
            let mut file = ControlFile::open(&disk, Arc::new(Poison::new())).unwrap();
            assert_eq!(file.latest().sequence, sequence);
            file.write(Control { redo: Lsn(0x0F08), ..*file.latest() }).unwrap();
            let (slot, latest) = Slots::read(&disk).unwrap().latest().unwrap();
            assert_eq!((latest.sequence, latest.redo), (sequence.wrapping_add(1), Lsn(0x0F08)));
            assert_eq!((slot * SLOT_BYTES) as u64, slot_offset(latest.sequence));
        }
    }

    #[test]
    fn a_slot_of_another_version_is_refused_whatever_else_it_says() {
        let mut slot = control().encode();
        slot[8..12].copy_from_slice(&9u32.to_le_bytes());
        let refused = ControlFault::Version { found: 9, supported: FORMAT_VERSION };
        assert_eq!(Control::decode(&slot), Err(refused.clone()));
        let sum = checksum(&slot);
        slot[12..16].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Control::decode(&slot), Err(refused));
    }

    #[test]
    fn a_file_that_is_not_there_cannot_be_read_or_is_too_short_is_named_as_such() {
        let disk = SimDisk::new();
        assert!(matches!(Slots::read(&disk), Err(Error::NotAStore { .. })));
        disk.write_file(CONTROL_FILE, &[0; 2 * SLOT_BYTES - 1]);
        let (bytes, expected_bytes) = (2 * SLOT_BYTES as u64 - 1, 2 * SLOT_BYTES as u64);
        let Err(Error::Control(fault)) = Slots::read(&disk) else { panic!("it was read") };
        assert_eq!(fault, ControlFault::Truncated { bytes, expected_bytes });
        disk.create_dir("directory").unwrap();
        assert!(matches!(Slots::read_at(&disk, "directory"), Err(Error::Io { .. })));
    }

    #[test]
    fn a_poisoned_store_writes_no_control_file() {
        let disk = SimDisk::new();
        ControlFile::create(&disk, control()).unwrap();
        let poison = Arc::new(Poison::new());
        let mut file = ControlFile::open(&disk, Arc::clone(&poison)).unwrap();
        file.write(control()).unwrap();
        poison.poison("sync", "a file", &io::Error::other("broken"));
        let (before, done) = (disk.read_file(CONTROL_FILE), disk.operations());
        assert!(matches!(file.write(control()), Err(Error::Poisoned(_))));
        assert_eq!((disk.read_file(CONTROL_FILE), disk.operations()), (before, done));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = control().encode();
        for bit in 0..CONTENT_BYTES * 8 {
            let mut slot = good.clone();
            slot[bit / 8] ^= 1 << (bit % 8);
            assert!(Control::decode(&slot).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn positions_that_make_no_sense_are_refused_though_the_checksum_is_right() {
        let is_refused = |control: Control| {
            let found = Control::decode(&control.encode());
            matches!(found, Err(ControlFault::BadContent { .. }))
        };
        for redo in [Lsn(u64::MAX - 7), Lsn(0x1030), Lsn(0x0F01)] {
            assert!(is_refused(Control { redo, ..control() }), "{redo}");
        }
        let ending_at = |end| Control { checkpoint_end: Lsn(end), ..control() };
        assert!(is_refused(ending_at(LSN_LIMIT)));
        assert!(!is_refused(ending_at(LSN_LIMIT - 8)));
    }
}
