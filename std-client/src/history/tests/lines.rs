//! The durable outbox.

use super::*;
use crate::history::outbox::{MAX_WAITING, Outbox, OutboxError, OutboxLine, Resumption, SLOTS};

struct Process {
    writer: Writer,
    outbox: Outbox,
    room: RoomRow,
}

impl Process {
    fn start(dir: &DataDir) -> Self {
        let mut writer = open(dir);
        let room = writer.room(&key(7), "lobby").unwrap();
        let outbox = Outbox::take(&writer).unwrap().unwrap();
        Self { writer, outbox, room }
    }

    fn push(&mut self, text: &str) -> u64 {
        self.outbox.push(&mut self.writer, self.room, &[(EntryKind::TEXT, text.as_bytes())]).unwrap()
    }

    fn push_all(&mut self, texts: &[&str]) {
        for text in texts {
            self.push(text);
        }
    }

    fn assign(&mut self, instance: u64) {
        self.outbox.assign(&mut self.writer, self.room, instance).unwrap();
    }

    fn settle(&mut self, number: u64) {
        self.outbox.settle(&mut self.writer, self.room, number).unwrap();
    }

    fn refuse(&mut self, number: u64) {
        self.outbox.refuse(&mut self.writer, self.room, number).unwrap();
    }

    fn resume(&mut self) -> (u64, u64) {
        let Resumption { instance, settled } = self.outbox.resumption(self.room);
        (instance, settled)
    }

    /// The lines as words: `2:text`, `!2:text` if it was refused.
    fn lines(&self) -> String {
        let lines = self.outbox.lines(&self.writer, self.room, 0, MAX_WAITING).unwrap();
        let show = |line: &OutboxLine| {
            let refused = if line.is_refused { "!" } else { "" };
            format!("{refused}{}:{}", line.number, String::from_utf8_lossy(&line.body))
        };
        lines.iter().map(show).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_process_continues_the_lines_of_an_ended_one() {
    let (_home, dir) = temporary_dir();
    let mut first = Process::start(&dir);
    assert_eq!(first.resume(), (0, 0));
    first.assign(0x77);
    for (number, line) in (1..).zip(["a", "b", "c", "d"]) {
        assert_eq!(first.push(line), number);
    }
    first.settle(2);
    first.settle(1);
    assert_eq!(first.lines(), "3:c 4:d");
    drop(first);
    let mut second = Process::start(&dir);
    assert_eq!(second.resume(), (0x77, 2));
    assert_eq!((second.lines(), second.outbox.waiting()), ("3:c 4:d".into(), vec![second.room]));
    assert_eq!(second.push("e"), 5);
    second.settle(4);
    assert_eq!(second.lines(), "5:e");
    second.settle(5);
    assert_eq!((second.lines(), second.outbox.waiting()), (String::new(), vec![]));
    drop(second);
    assert_eq!(Process::start(&dir).resume(), (0x77, 5), "also without lines");
}

#[test]
fn numbers_continue_under_another_instance_and_begin_with_1_in_it() {
    let (_home, dir) = temporary_dir();
    let mut first = Process::start(&dir);
    first.assign(0x77);
    first.push_all(&["a", "b", "c"]);
    first.settle(1);
    // The server has forgotten the instance.
    first.assign(0x88);
    assert_eq!((first.lines().as_str(), first.push("d")), ("2:b 3:c", 4));
    first.settle(2);
    drop(first);
    let mut second = Process::start(&dir);
    assert_eq!((second.resume(), second.lines().as_str()), ((0x88, 1), "2:c 3:d"));
    second.assign(0x99);
    second.settle(2);
    // The room is joined again by another client of this process.
    assert_eq!((second.resume(), second.lines().as_str()), ((0x99, 1), "2:d"));
    assert_eq!(second.push("e"), 3);
    drop(second);
    let mut third = Process::start(&dir);
    assert_eq!((third.resume(), third.lines().as_str()), ((0x99, 1), "2:d 3:e"));
}

#[test]
fn a_refused_line_keeps_its_number_until_those_before_it_are_settled() {
    let (_home, dir) = temporary_dir();
    let mut first = Process::start(&dir);
    first.assign(0x77);
    first.push_all(&["a", "b", "c", "d"]);
    first.refuse(2);
    first.refuse(3);
    assert_eq!(first.lines(), "1:a !2:b !3:c 4:d");
    drop(first);
    let mut second = Process::start(&dir);
    assert_eq!((second.resume(), second.lines().as_str()), ((0x77, 0), "1:a !2:b !3:c 4:d"));
    second.settle(1);
    assert_eq!((second.lines().as_str(), second.resume()), ("4:d", (0x77, 3)));
    second.refuse(4);
    assert_eq!((second.lines().as_str(), second.resume()), ("", (0x77, 4)));
}

#[test]
fn the_server_may_have_more_than_is_known_here() {
    let (_home, dir) = temporary_dir();
    let mut first = Process::start(&dir);
    first.assign(0x77);
    first.push_all(&["a", "b"]);
    first.settle(9);
    assert_eq!((first.lines().as_str(), first.push("c")), ("", 10));
    drop(first);
    let mut second = Process::start(&dir);
    assert_eq!((second.resume(), second.lines().as_str()), ((0x77, 9), "10:c"));
    second.settle(u64::MAX);
    let next = second.push("d");
    assert_eq!(second.lines(), format!("{next}:d"));
}

#[test]
fn each_process_has_a_slot_and_a_free_one_with_lines_comes_first() {
    let (_home, dir) = temporary_dir();
    let (mut first, mut second, mut third) = (Process::start(&dir), Process::start(&dir), Process::start(&dir));
    for (process, instance) in [(&mut first, 1), (&mut second, 2), (&mut third, 3)] {
        process.assign(instance);
        process.push(&format!("of {instance}"));
    }
    first.settle(1);
    assert_eq!(first.outbox.waiting_elsewhere(&first.writer).unwrap(), 2);
    drop((first, second));
    let mut next = Process::start(&dir);
    assert_eq!((next.resume(), next.lines().as_str()), ((2, 0), "1:of 2"), "the first one has no lines");
    assert_eq!(Process::start(&dir).resume(), (1, 1));
    let others: Vec<_> = (2..SLOTS).map(|_| Process::start(&dir)).collect();
    assert!(Outbox::take(&next.writer).unwrap().is_none(), "all are held");
    drop((others, third));
    assert!(Outbox::take(&next.writer).unwrap().is_some());
}

#[test]
fn a_process_takes_all_free_slots_with_waiting_lines() {
    let (_home, dir) = temporary_dir();
    let mut processes: Vec<_> = (0..4).map(|_| Process::start(&dir)).collect();
    for (process, instance) in processes.iter_mut().zip(1..) {
        process.assign(instance);
        process.push(&format!("of {instance}"));
    }
    processes[0].settle(1);
    let held = processes.pop();
    drop(processes);
    let next = Process::start(&dir);
    let further = Outbox::take_waiting(&next.writer).unwrap();
    let lines = |outbox: &Outbox| outbox.lines(&next.writer, next.room, 0, 9).unwrap()[0].body.clone();
    assert_eq!((lines(&next.outbox), further.len(), lines(&further[0])), (b"of 2".to_vec(), 1, b"of 3".to_vec()));
    assert!(Outbox::take_waiting(&next.writer).unwrap().is_empty());
    drop((held, further));
    assert_eq!(Outbox::take_waiting(&next.writer).unwrap().len(), 2);
}

#[test]
fn lines_are_bounded() {
    let (_home, dir) = temporary_dir();
    let mut process = Process::start(&dir);
    let long = vec![b'x'; kabar_core::chat::MAX_BODY_LEN + 1];
    let push = |process: &mut Process, body: &[u8]| {
        process.outbox.push(&mut process.writer, process.room, &[(EntryKind::DATA, body)])
    };
    assert_eq!(push(&mut process, &long), Err(OutboxError::TooLong));
    process.writer.connection.pragma_update(None, "synchronous", "off").unwrap();
    for number in 1..=MAX_WAITING as u64 {
        assert_eq!(push(&mut process, b"x"), Ok(number));
    }
    assert_eq!(push(&mut process, b"x"), Err(OutboxError::Full));
    process.settle(1);
    assert_eq!(push(&mut process, b"y"), Ok(MAX_WAITING as u64 + 1));
    assert_eq!(process.outbox.discard(&mut process.writer, process.room), Ok(MAX_WAITING));
    assert_eq!((process.lines(), process.resume()), (String::new(), (0, 0)), "numbers are not used again");
}

#[test]
fn a_line_that_was_not_stored_leaves_no_number() {
    let (_home, dir) = temporary_dir();
    let mut process = Process::start(&dir);
    process.assign(0x77);
    assert_eq!(process.push("a"), 1);
    process.writer.limit_pages(Some(1));
    let long = vec![b'x'; 4000];
    let full =
        (0..9).find_map(|_| process.outbox.push(&mut process.writer, process.room, &[(EntryKind::DATA, &long)]).err());
    assert_eq!(full, Some(OutboxError::Storage(StorageError(StoreErrorKind::DiskFull))));
    process.writer.limit_pages(None);
    let next = process.push("b");
    let lines = process.outbox.lines(&process.writer, process.room, next - 1, 9).unwrap();
    assert_eq!((lines.len(), lines[0].body.as_slice()), (1, b"b".as_slice()));
    let all = process.outbox.lines(&process.writer, process.room, 0, 99).unwrap();
    assert_eq!(all.iter().map(|line| line.number).collect::<Vec<_>>(), (1..=next).collect::<Vec<_>>());
}

#[test]
fn a_copy_continues_no_instance() {
    let ((_home, dir), (_other_home, copy)) = (temporary_dir(), temporary_dir());
    let mut process = Process::start(&dir);
    process.assign(9);
    process.push_all(&["one", "two", "three"]);
    process.settle(1);
    drop(process);
    let from = dir.join("history");
    std::fs::create_dir_all(copy.join("history")).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join("history").join(file.file_name())).unwrap();
    }
    let mut original = Process::start(&dir);
    assert_eq!((original.resume(), original.lines().as_str()), ((9, 1), "2:two 3:three"));
    let mut copied = Process::start(&copy);
    assert_eq!((copied.resume(), copied.lines().as_str()), ((0, 0), "1:two 2:three"));
    copied.assign(10);
    drop(copied);
    assert_eq!(Process::start(&copy).resume(), (10, 0), "from now on it continues its own");
}
