//! Calls that must be refused with the right error, and leave no record in the log.

use super::bed::Bed;
use super::common::BODY_BYTES;
use super::steps::{ACCESSES, Misuse};
use seawall_core::buffer::Access;
use seawall_core::error::{Error, Result};
use seawall_core::files::{FileOptions, TablespaceId};
use seawall_core::lsn::Lsn;
use seawall_core::page::{FileId, PageId};

impl Bed {
    /// Makes a call that must be refused, and checks how.
    pub(super) fn misuse(&mut self, misuse: Misuse, pick: u32) {
        let (reserved, ..) = self.engine().wal_positions();
        match misuse {
            Misuse::BeyondEnd => self.reach_beyond_end(pick),
            Misuse::BeyondLength => self.cut_beyond_end(pick),
            Misuse::NoFile => self.reach_no_file(pick),
            Misuse::NoTablespace => self.use_no_tablespace(pick),
            Misuse::OutsideBody => self.write_outside(pick as u8),
            Misuse::BeyondWal => {
                let asked = Lsn(reserved.0 + 1 + u64::from(pick));
                let error = self.engine().wait_durable(asked).unwrap_err();
                let is_right = matches!(
                    error,
                    Error::BeyondWal { lsn, end } if lsn == asked && end == reserved
                );
                assert!(is_right, "{error}");
            }
        }
        assert_eq!(self.engine().wal_positions().0, reserved, "it was logged");
    }

    /// Every way to a page that is not there.
    fn reach(&mut self, page: PageId, refused: impl Fn(Error) -> bool) {
        let engine = self.engine();
        let ring = self.ring(ACCESSES[page.block() as usize % 3]);
        let mut operation = engine.operation();
        let errors = [
            engine.read(page).err(),
            engine.read_through(page, ring).err(),
            operation.page(page).err(),
            operation.page_through(page, ring).err(),
        ];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{page} is there"));
            assert!(refused(error.clone()), "{page}: {error}");
        }
        assert_eq!(engine.commit(operation).unwrap(), Lsn::ZERO, "it goes on, with nothing");
    }

    fn use_no_tablespace(&mut self, pick: u32) {
        let asked = TablespaceId(self.tablespaces + 1 + pick);
        let options = FileOptions { tablespace: asked, unlogged: pick < 128 };
        let error = self.engine().create_file(options).unwrap_err();
        let is_right =
            matches!(error, Error::NoSuchTablespace { tablespace } if tablespace == asked);
        assert!(is_right, "{error}");
    }

    fn reach_beyond_end(&mut self, pick: u32) {
        let Some(file) = self.file(pick as u8) else { return };
        let end = self.pages(file).len() as u32;
        for block in [end, end + pick, u32::MAX - pick] {
            let asked = PageId::new(file, block);
            let refused = |error| is_beyond_end(&error, asked, end);
            self.reach(asked, refused);
        }
    }

    fn cut_beyond_end(&mut self, pick: u32) {
        let Some(file) = self.file(pick as u8) else { return };
        let end = self.pages(file).len() as u32;
        for blocks in [end + 1 + pick, u32::MAX] {
            let error = self.engine().truncate(file, blocks).unwrap_err();
            assert!(is_beyond_end(&error, PageId::new(file, blocks), end), "{error}");
        }
        if end > 0 {
            let error = self.engine().extend(file, u32::MAX).unwrap_err();
            assert!(matches!(error, Error::Config { .. }), "{error}");
        }
    }

    fn reach_no_file(&mut self, pick: u32) {
        let mut free = (0..=self.last_file.0 + 2).map(FileId).collect::<Vec<_>>();
        free.retain(|file| !self.model.newest().0.contains_key(file));
        let asked = free[pick as usize % free.len()];
        let refused = |error: Error| matches!(error, Error::NoSuchFile { file } if file == asked);
        self.reach(PageId::new(asked, pick % 3), refused);
        let engine = self.engine();
        let errors: [Result<()>; 5] = [
            engine.extend(asked, 1 + pick).map(drop),
            engine.extend_through(asked, 1, self.ring(Access::BulkWrite)).map(drop),
            engine.truncate(asked, pick % 2),
            engine.drop_file(asked),
            engine.blocks(asked).map(drop),
        ];
        for result in errors {
            let error = result.unwrap_err();
            assert!(refused(error.clone()), "{asked}: {error}");
        }
    }

    fn write_outside(&mut self, pick: u8) {
        let Some(asked) = self.page(pick, pick) else { return };
        let engine = self.engine();
        let mut operation = engine.operation();
        let offset = BODY_BYTES - usize::from(pick) % 2;
        let error = operation.page(asked).unwrap().write(offset, &[1; 2]).unwrap_err();
        assert!(
            matches!(error, Error::OutsideBody { page, start, end, body_bytes: BODY_BYTES }
                if page == asked && start == offset && end == offset + 2),
            "{error}"
        );
        assert_eq!(engine.commit(operation).unwrap(), Lsn::ZERO, "it goes on, with nothing");
        self.check_page(asked, None);
    }
}

fn is_beyond_end(error: &Error, asked: PageId, end: u32) -> bool {
    matches!(error, Error::BeyondEnd { page, blocks } if *page == asked && *blocks == end)
}
