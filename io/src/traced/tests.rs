use super::*;
use seawall_core::sim::{EIO, Fault, OpKind, SimDisk};

/// What a trace has written so far.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn traced() -> (SimDisk, TracedDisk, Paper, Paper) {
    let (sim, lines, bytes) = (SimDisk::new(), Paper::default(), Paper::default());
    let trace = Trace::with_bytes(lines.clone(), bytes.clone());
    let disk = TracedDisk::new(Arc::new(sim.clone()), trace);
    (sim, disk, lines, bytes)
}

/// Lines without the thread, which is the test's.
fn told(paper: &Paper) -> Vec<String> {
    let name = thread_name();
    let thread = format!(",\"thread\":\"{name}\"");
    paper.lines().iter().map(|line| line.replace(&thread, "")).collect()
}

fn thread_name() -> String {
    std::thread::current().name().unwrap().to_owned()
}

#[test]
fn an_operation_has_a_line_before_it_and_one_after_it_with_its_outcome() {
    let (sim, disk, lines, bytes) = traced();
    let file = disk.create("a").unwrap();
    file.write_vectored_at(&[b"sea", b"wall"], 5).unwrap();
    sim.fail_at(1, Fault::once(EIO).only(OpKind::SyncData));
    file.sync_data().unwrap_err();
    file.read_at(&mut [0; 100], 8).unwrap();
    disk.rename("a", "b\"\n").unwrap();
    let hash = |bytes| format!("\"crc32c\":\"{:08x}\"", crc32c::crc32c(bytes));
    let expected = [
        r#"{"seq":1,"op":"create","file":"a"}"#,
        r#"{"seq":2,"of":1}"#,
        &format!(
            r#"{{"seq":3,"op":"write","file":"a","handle":1,"offset":5,"len":7,{},"at":0}}"#,
            hash(b"seawall")
        ),
        r#"{"seq":4,"of":3}"#,
        r#"{"seq":5,"op":"sync_data","file":"a","handle":1}"#,
        r#"{"seq":6,"of":5,"errno":5,"error":"Input/output error (os error 5)"}"#,
        r#"{"seq":7,"op":"read","file":"a","handle":1,"offset":8,"len":100}"#,
        &format!(r#"{{"seq":8,"of":7,"read":4,{}}}"#, hash(b"wall")),
        r#"{"seq":9,"op":"rename","file":"a","to":"b\"\u000a"}"#,
        r#"{"seq":10,"of":9}"#,
    ];
    assert_eq!(told(&lines), expected);
    assert_eq!(bytes.0.lock()[..], *b"seawall");
}

#[test]
fn the_first_line_is_there_while_the_operation_is_under_way() {
    /// Looks at the lines when a file is synced.
    struct Looking(SimDisk, Paper, Arc<Mutex<Vec<String>>>);
    impl Write for Looking {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.2.lock().push(format!("{} operations before", self.0.operations()));
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (sim, seen) = (SimDisk::new(), Arc::default());
    let trace = Trace::new(Looking(sim.clone(), Paper::default(), Arc::clone(&seen)));
    let before = sim.operations();
    let disk = TracedDisk::new(Arc::new(sim), trace);
    disk.sync_dir("").unwrap();
    let expected = [before, before + 1].map(|count| format!("{count} operations before"));
    assert_eq!(*seen.lock(), expected);
}

#[test]
fn a_trace_that_cannot_be_written_fails_no_operation_and_tells_at_the_end() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let trace = Trace::with_bytes(Paper::default(), Full);
    let disk = TracedDisk::new(Arc::new(SimDisk::new()), Arc::clone(&trace));
    disk.create("a").unwrap().write_at(b"seawall", 0).unwrap();
    assert_eq!(trace.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn an_acknowledgement_stands_between_the_operations() {
    let (_sim, disk, lines, _) = traced();
    disk.trace.acknowledge(7, Lsn(0x1_0000_0010));
    assert_eq!(told(&lines), [r#"{"seq":1,"op":"ack","number":7,"lsn":"1/00000010"}"#]);
    disk.trace.finish().unwrap();
}
