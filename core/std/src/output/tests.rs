//! Outputs that are slow, go away, fill up and come back.

use std::sync::Mutex;

use super::*;

/// A disk or a screen: its text, its capacity, and its error when it is full.
#[derive(Clone)]
struct TestSink(Arc<Mutex<SinkState>>);

struct SinkState {
    text: String,
    room: usize,
    full: io::ErrorKind,
    permits: Option<Receiver<()>>,
}

impl TestSink {
    fn new(room: usize) -> Self {
        let state = SinkState { text: String::new(), room, full: io::ErrorKind::StorageFull, permits: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Writes one piece per permit.
    fn slow(permits: Receiver<()>) -> Self {
        let sink = Self::new(usize::MAX);
        sink.0.lock().unwrap().permits = Some(permits);
        sink
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().text.clone()
    }

    fn set_room(&self, room: usize) {
        self.0.lock().unwrap().room = room;
    }
}

impl Write for TestSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        if let Some(permits) = &state.permits {
            let _ = permits.recv();
        }
        let len = bytes.len().min(state.room - state.text.len());
        if len == 0 {
            return Err(state.full.into());
        }
        state.text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn blocked_output_never_waits_and_reports_skipped_lines() {
    let (permit, permits) = mpsc::channel();
    let (screen, err) = (TestSink::slow(permits), TestSink::new(usize::MAX));
    let output = Output::apart("server", screen.clone(), err.clone()).unwrap();
    let sender = output.sender();
    for number in 0..3 * QUEUE_LEN {
        sender.line(format!("line {number}"));
    }
    sender.remark("standard error goes on".to_owned());
    while !err.text().contains("goes on") {
        std::thread::yield_now();
    }
    drop(permit);
    assert_eq!(output.finish(), Lost::default());
    let shown = screen.text();
    let lines = shown.lines().filter(|line| line.starts_with("line ")).count();
    let missed: usize =
        shown.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<usize>().ok()).sum();
    assert!(shown.starts_with("line 0\nline 1\n") && missed > 0);
    assert_eq!(lines + missed, 3 * QUEUE_LEN);
}

#[test]
fn closed_output_is_not_a_loss() {
    let (gone, err) = (TestSink::new(0), TestSink::new(usize::MAX));
    gone.0.lock().unwrap().full = io::ErrorKind::BrokenPipe;
    let output = Output::apart("server", gone, err.clone()).unwrap();
    for _ in 0..3 * QUEUE_LEN {
        output.sender().line("hello".to_owned());
    }
    assert_eq!(output.finish(), Lost::default());
    assert_eq!(err.text(), "");
}

#[test]
fn lines_of_both_streams_in_one_file_are_whole_and_in_order() {
    let screen = TestSink::new(usize::MAX);
    let output = Output::shared("server", screen.clone(), screen.clone()).unwrap();
    let sender = output.sender();
    let mut expected = String::new();
    for number in 0..1_000 {
        if number % 3 == 0 {
            sender.remark(number.to_string())
        } else {
            sender.line(number.to_string())
        }
        expected.push_str(&format!("{number}\n"));
    }
    assert_eq!(output.finish(), Lost::default());
    assert_eq!(screen.text(), expected);
}

#[test]
fn full_disk_is_reported_once_and_skipped_lines_are_counted_later() {
    let (mut disk, room) = (Target::new(TestSink::new(10)), 1_000);
    assert_eq!(disk.line("hello"), None);
    assert!(disk.line("world").unwrap().contains("cannot write to standard output"));
    assert_eq!((disk.line("three"), disk.line("four")), (None, None), "said once");
    disk.to.set_room(room);
    assert_eq!(disk.line("five"), None);
    assert_eq!(disk.to.text(), "hello\nworl\n(3 lines skipped: they could not be written)\nfive\n");
    assert_eq!(disk.finish(), 0);
    disk.to.set_room(disk.to.text().len());
    assert!(disk.line("six").is_some(), "said again");
    assert_eq!(disk.finish(), 1);
}

#[test]
fn losses_at_the_end_are_reported_on_standard_error() {
    for is_shared in [true, false] {
        let (out, err) = (TestSink::new(3), TestSink::new(usize::MAX));
        let output = if is_shared {
            Output::shared("server", out, err.clone())
        } else {
            Output::apart("server", out, err.clone())
        };
        let output = output.unwrap();
        output.sender().line("hello".to_owned());
        assert_eq!(output.finish(), Lost { out: 1, err: 0 });
        let said = err.text();
        assert!(said.starts_with("server: cannot write to standard output: "), "{said}");
        assert!(is_shared || said.ends_with("server: 1 line could not be written to standard output\n"), "{said}");
    }
}

#[test]
fn waits_for_a_non_blocking_descriptor() {
    struct Busy(u32, Vec<u8>);
    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 < 3 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut target = Target::new(Busy(0, Vec::new()));
    assert_eq!(target.line("hello"), None);
    assert_eq!(target.to.1, b"hello\n");
    let mut patient = Patient(Busy(0, Vec::new()));
    patient.write_all(b"hello").unwrap();
    assert_eq!(patient.0.1, b"hello");
}
