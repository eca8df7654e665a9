//! One line of a trace: a JSON object, put together field by field.

use seawall_core::disk::OnWrite;
use std::fmt::Write as _;
use std::io;
use std::thread;

/// The fields behind the first one, which is the line's number.
pub(super) struct Line(String);

impl Line {
    /// The first line of an operation, or the only one.
    pub(super) fn of(op: &str) -> Self {
        let thread = thread::current();
        let id = || format!("{:?}", thread.id());
        let name = thread.name().map_or_else(id, str::to_owned);
        Self(String::new()).text("thread", &name).text("op", op)
    }

    /// The first line of an operation on a file or a directory.
    pub(super) fn on(op: &str, path: &str) -> Self {
        Self::of(op).text("file", path)
    }

    /// The last line of the operation whose first one has this number.
    pub(super) fn end(of: u64) -> Self {
        Self(String::new()).number("of", of)
    }

    pub(super) fn number(mut self, name: &str, value: u64) -> Self {
        let _ = write!(self.0, ",\"{name}\":{value}");
        self
    }

    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.0, ",\"{name}\":\"");
        for char in value.chars() {
            let _ = match char {
                '"' | '\\' => write!(self.0, "\\{char}"),
                '\0'..='\x1f' => write!(self.0, "\\u{:04x}", u32::from(char)),
                _ => write!(self.0, "{char}"),
            };
        }
        self.0.push('"');
        self
    }

    /// A field that is there if it is true.
    pub(super) fn flag(mut self, name: &str, value: bool) -> Self {
        if value {
            let _ = write!(self.0, ",\"{name}\":true");
        }
        self
    }

    pub(super) fn range(self, offset: u64, len: u64) -> Self {
        self.number("offset", offset).number("len", len)
    }

    /// What a write makes durable, if anything.
    pub(super) fn durable(self, on_write: OnWrite) -> Self {
        match on_write {
            OnWrite::Nothing => self,
            OnWrite::SyncData => self.text("durable", "data"),
            OnWrite::SyncAll => self.text("durable", "all"),
        }
    }

    /// The hash of bytes in several parts.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Self {
        let hash = parts.iter().fold(0, |hash, part| crc32c::crc32c_append(hash, part));
        self.text("crc32c", &format!("{hash:08x}"))
    }

    pub(super) fn error(self, error: &io::Error) -> Self {
        let line = match error.raw_os_error() {
            Some(errno) => self.number("errno", errno.unsigned_abs().into()),
            None => self,
        };
        line.text("error", &error.to_string())
    }

    pub(super) fn finish(self, number: u64) -> String {
        format!("{{\"seq\":{number}{}}}\n", self.0)
    }
}
