use std::sync::Mutex;

use kabar_core::chat::EntryKind;

use super::*;

fn entry(seq: u64, text: &str) -> HubEvent {
    let (author, kind, body) = ("Farhan".to_owned(), EntryKind::TEXT, text.as_bytes().to_vec());
    HubEvent::Entry { seq, time_ms: 1_730_457_430_000, author, from: Some(([127, 0, 0, 1], 1).into()), kind, body }
}

/// The number of bytes that fit.
#[derive(Clone, Default)]
struct Disk {
    written: Arc<Mutex<(String, usize)>>,
    permits: Option<Arc<Mutex<Receiver<()>>>>,
}

impl Appendable for Disk {
    fn follow(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(permits) = &self.permits {
            let _ = permits.lock().unwrap().recv();
        }
        let (text, room) = &mut *self.written.lock().unwrap();
        let len = bytes.len().min(*room - text.len());
        text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
        if len == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(len) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn goes_on_at_the_end_and_repeats_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("chat_history.txt");
    for run in 0..2 {
        let transcript = Transcript::open(&path, |on_warning| panic!("{on_warning:?}")).unwrap();
        transcript.take(&entry(run, &format!("run {run}\nsecond line")));
        transcript.take(&HubEvent::StoreRecovered);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("[2024-1") && lines[0].ends_with("] Farhan: run 0"), "{text}");
    assert_eq!(lines[1], "    second line");
    assert!(lines[2].ends_with("] Farhan: run 1"), "{text}");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_opened_is_named_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let error = Transcript::open(home.path(), drop).unwrap_err().to_string();
    assert!(error.contains(home.path().to_str().unwrap()) && !error.contains('\n'), "{error}");
}

/// A writer to `to`, and its warnings.
fn writer<W: Appendable>(to: W) -> (Writer<W, impl Fn(TranscriptWarning)>, Receiver<String>) {
    let (remarks, remarked) = mpsc::channel();
    let on_warning = move |warning: TranscriptWarning| drop(remarks.send(warning.to_string()));
    let (path, lines) = (PathBuf::from("/transcript"), LineFormatter::new());
    (Writer { to, path, lines, missing: 0, is_torn: false, state: FileState::None, on_warning }, remarked)
}

fn append<W: Appendable>(writer: &mut Writer<W, impl Fn(TranscriptWarning)>, entries: &[HubEvent]) {
    let mut batch = Batch::default();
    entries.iter().for_each(|entry| batch.push(&writer.format(entry)));
    writer.append(&batch);
}

#[test]
fn a_full_disk_is_reported_once_and_missing_lines_are_counted() {
    let disk = Disk::default();
    // Room for one line and a part of the next.
    disk.written.lock().unwrap().1 = 60;
    let (mut writer, remarked) = writer(disk.clone());
    append(&mut writer, &[entry(1, "hello"), entry(2, "hello")]);
    append(&mut writer, &[entry(3, "hello")]);
    append(&mut writer, &[entry(4, "hello")]);
    assert!(remarked.recv().unwrap().contains("lines will be missing"));
    assert!(remarked.try_recv().is_err(), "said once");
    disk.written.lock().unwrap().1 = 1_000;
    append(&mut writer, &[entry(5, "last")]);
    assert!(remarked.recv().unwrap().contains("can be written again"));
    let text = disk.written.lock().unwrap().0.clone();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("Farhan: hello"), "{text}");
    assert_eq!(lines[lines.len() - 2], "(3 lines are missing here; the history has them)", "{text}");
    assert!(lines[lines.len() - 1].ends_with("Farhan: last"), "{text}");
    let len = disk.written.lock().unwrap().0.len();
    disk.written.lock().unwrap().1 = len;
    append(&mut writer, &[entry(6, "hello")]);
    assert!(remarked.recv().unwrap().contains("lines will be missing"), "said again");
}

#[test]
fn lines_missing_at_the_end_are_reported() {
    let (remarks, remarked) = mpsc::channel();
    let on_warning = move |warning: TranscriptWarning| drop(remarks.send(warning.to_string()));
    let transcript =
        Transcript::start(Disk::default(), Path::new("/transcript"), LineFormatter::new(), on_warning).unwrap();
    transcript.take(&entry(1, "hello"));
    drop(transcript);
    assert!(remarked.recv().unwrap().contains("lines will be missing"));
    assert!(remarked.recv().unwrap().starts_with("1 line is missing at the end of the transcript /transcript"));
}

#[cfg(unix)]
#[test]
fn a_file_that_was_moved_or_deleted_is_left_and_its_path_opened_again() {
    let home = tempfile::tempdir().unwrap();
    let (path, moved) = (home.path().join("chat.txt"), home.path().join("chat.txt.1"));
    let (mut writer, remarked) = writer(TranscriptFile::open(&path).unwrap());
    let mut say = |text: &str, is_demanded| {
        writer.follow(is_demanded);
        append(&mut writer, &[entry(1, text)]);
    };
    say("one", false);
    std::fs::rename(&path, &moved).unwrap();
    say("two", false);
    std::fs::remove_file(&path).unwrap();
    say("three", false);
    // As a log rotation with copy and truncate does.
    std::fs::write(&path, "").unwrap();
    say("four", false);
    say("five", true);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert!(read(&moved).ends_with("Farhan: one\n") && read(&moved).lines().count() == 1);
    let text = read(&path);
    assert!(text.lines().count() == 2 && text.contains("Farhan: four\n") && text.ends_with("Farhan: five\n"), "{text}");
    // The path cannot be created: writing continues in the moved file, and this is reported
    // once.
    std::fs::rename(&path, &moved).unwrap();
    std::fs::create_dir(&path).unwrap();
    say("six", false);
    say("seven", false);
    assert!(read(&moved).contains("Farhan: six\n") && read(&moved).ends_with("Farhan: seven\n"));
    assert!(remarked.recv().unwrap().contains("cannot open the transcript again"));
    assert!(remarked.try_recv().is_err(), "said once");
    std::fs::remove_dir(&path).unwrap();
    say("eight", false);
    assert!(read(&path).ends_with("Farhan: eight\n"));
}

#[cfg(unix)]
#[test]
fn opens_its_file_again_when_it_is_demanded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("chat.txt");
    let transcript = Transcript::open(&path, |on_warning| panic!("{on_warning:?}")).unwrap();
    let reopener = transcript.reopener();
    std::fs::remove_file(&path).unwrap();
    reopener.reopen();
    drop(transcript);
    assert!(path.exists());
    reopener.reopen();
}

#[test]
fn a_disk_that_hangs_blocks_no_caller() {
    let (permit, permits) = mpsc::channel::<()>();
    let disk = Disk { permits: Some(Arc::new(Mutex::new(permits))), ..Disk::default() };
    disk.written.lock().unwrap().1 = 10_000_000;
    let transcript = Transcript::start(disk.clone(), Path::new("/transcript"), LineFormatter::new(), drop).unwrap();
    let total = 3 * QUEUE_LEN as u64;
    for seq in 1..=total {
        transcript.take(&entry(seq, "hello"));
    }
    drop(permit);
    drop(transcript);
    let text = disk.written.lock().unwrap().0.clone();
    let written = text.lines().filter(|line| line.ends_with("hello")).count() as u64;
    let missing: u64 =
        text.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<u64>().ok()).sum();
    assert!(missing > 0 && written + missing == total, "{written} and {missing} of {total}");
}
