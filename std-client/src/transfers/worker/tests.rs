//! Files through the thread, in both directions.

use std::fs;
use std::path::Path;

use kabar_core::content::GROUP_LEN;

use super::*;
use crate::transfers::READ_LEN;

const ID: TransferId = TransferId(7);
const SENT: TransferId = TransferId(1);
const GROUP: u64 = GROUP_LEN as u64;

/// A worker, and its reports.
struct Bench {
    worker: Worker,
    reports: Receiver<Report>,
    home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let (sender, reports) = mpsc::channel();
        Self { worker: Worker::new(sender, || ()), reports, home: tempfile::tempdir().unwrap() }
    }

    fn give(&mut self, id: TransferId, job: Job) {
        self.worker.give(id, 0, job).unwrap();
    }

    /// The next report about anything but progress.
    fn done(&self) -> Done {
        loop {
            match self.reports.recv_timeout(std::time::Duration::from_secs(60)).unwrap().done {
                Done::Hashing { .. } | Done::Checking => {}
                done => return done,
            }
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn folder(&self) -> Destination {
        Destination::Folder { folder: self.home.path().join("in"), name: "file.bin".to_owned() }
    }

    /// Hashes a file.
    fn hash(&mut self, path: &Path) -> Result<(Root, u64), FileFailure> {
        self.give(SENT, Job::Hash(path.to_owned()));
        match self.done() {
            Done::Hashed { root, size, .. } => Ok((root, size)),
            Done::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    /// The encoding of a file that was hashed, in pieces.
    fn encode(&mut self, mut from: Option<u64>) -> Result<Vec<Vec<u8>>, FileFailure> {
        let mut pieces = Vec::new();
        loop {
            self.give(
                SENT,
                Job::Encode { from: from.take().or(if pieces.is_empty() { Some(0) } else { None }), max: 9_000 },
            );
            match self.done() {
                Done::Encoded { bytes, is_last, .. } => {
                    pieces.push(bytes);
                    if is_last {
                        return Ok(pieces);
                    }
                }
                Done::Failed(failure) => return Err(failure),
                other => panic!("{other:?}"),
            }
        }
    }

    fn open(&mut self, id: TransferId, root: Root, size: u64) -> Result<u64, FileFailure> {
        let destination = self.folder();
        self.give(id, Job::Open { destination, root, size });
        match self.done() {
            Done::Opened(offset) => Ok(offset),
            Done::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, pieces: Vec<Vec<u8>>) -> Result<u64, FileFailure> {
        self.give(ID, Job::Begin);
        let mut stored = 0;
        for piece in pieces {
            self.give(ID, Job::Write(piece));
            match self.done() {
                Done::Written { offset, .. } => stored = offset,
                Done::Failed(failure) => return Err(failure),
                other => panic!("{other:?}"),
            }
        }
        Ok(stored)
    }

    fn finish(&mut self) -> Result<PathBuf, FileFailure> {
        self.give(ID, Job::Finish);
        match self.done() {
            Done::Stored(path) => Ok(path),
            Done::Failed(failure) => Err(failure),
            other => panic!("{other:?}"),
        }
    }

    fn in_folder(&self) -> Vec<String> {
        let files = fs::read_dir(self.home.path().join("in")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at / 3) ^ (at >> 9)) as u8).collect()
}

#[test]
fn hashing_reports_how_far_it_is() {
    let mut bench = Bench::new();
    let path = bench.write("large.bin", &vec![7; 3 * READ_LEN]);
    bench.give(SENT, Job::Hash(path));
    let mut reports = std::iter::from_fn(|| bench.reports.recv().ok());
    for done in 1..=3 {
        let (done, size) = (done * READ_LEN as u64, 3 * READ_LEN as u64);
        let report = reports.next().unwrap().done;
        assert!(matches!(report, Done::Hashing { done: of, size: all } if (of, all) == (done, size)), "{report:?}");
    }
    assert!(matches!(reports.next().unwrap().done, Done::Hashed { .. }));
}

#[test]
fn files_of_any_length_arrive_and_none_is_replaced() {
    let mut bench = Bench::new();
    for (copy, len) in [0, 1, GROUP_LEN, GROUP_LEN + 1, 700_001].into_iter().enumerate() {
        let content = content(len);
        let path = bench.write("sent", &content);
        let (root, size) = bench.hash(&path).unwrap();
        assert_eq!((root, size), (Root::of(&content), len as u64));
        let pieces = bench.encode(None).unwrap();
        assert_eq!(bench.open(ID, root, size).unwrap(), 0);
        bench.receive(pieces).unwrap();
        let stored = bench.finish().unwrap();
        assert_eq!(fs::read(&stored).unwrap(), content);
        let name = if copy == 0 { "file.bin".to_owned() } else { format!("file ({copy}).bin") };
        assert_eq!(stored.file_name().unwrap().to_str(), Some(&*name));
    }
    assert_eq!(bench.in_folder().len(), 5, "no partial file remains");
}

#[cfg(unix)]
#[test]
fn a_received_file_is_private_and_no_program() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::new();
    let root = Root::of(b"");
    bench.open(ID, root, 0).unwrap();
    bench.receive(Vec::new()).unwrap();
    let stored = bench.finish().unwrap();
    assert_eq!(fs::metadata(stored).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_download_goes_on_after_its_last_whole_group() {
    let mut bench = Bench::new();
    let content = content(300_000);
    let path = bench.write("sent", &content);
    let (root, size) = bench.hash(&path).unwrap();
    bench.open(ID, root, size).unwrap();
    let mut pieces = bench.encode(None).unwrap();
    pieces.truncate(12);
    let stored = bench.receive(pieces).unwrap();
    assert!(stored >= 5 * GROUP && stored.is_multiple_of(GROUP), "{stored}");
    bench.give(ID, Job::Close { removes: false });
    // Something after the last whole group, as a process that is killed may leave it.
    let part = part_of(&bench, root);
    let mut bytes = fs::read(&part).unwrap();
    assert_eq!(bytes.len() as u64, stored);
    bytes.extend([9; 77]);
    fs::write(&part, bytes).unwrap();
    assert_eq!(bench.open(ID, root, size).unwrap(), stored);
    let rest = bench.encode(Some(stored)).unwrap();
    bench.receive(rest).unwrap();
    let path = bench.finish().unwrap();
    assert_eq!(fs::read(path).unwrap(), content);
}

fn part_of(bench: &Bench, root: Root) -> PathBuf {
    super::super::part_path(&bench.folder(), root)
}

#[test]
fn a_damaged_partial_file_is_found_and_emptied() {
    let mut bench = Bench::new();
    let content = content(100_000);
    let path = bench.write("sent", &content);
    let (root, size) = bench.hash(&path).unwrap();
    let mut damaged = content[..2 * GROUP_LEN].to_vec();
    damaged[5] ^= 1;
    fs::create_dir(bench.home.path().join("in")).unwrap();
    fs::write(part_of(&bench, root), damaged).unwrap();
    assert_eq!(bench.open(ID, root, size).unwrap(), 2 * GROUP);
    let rest = bench.encode(Some(2 * GROUP)).unwrap();
    bench.receive(rest).unwrap();
    assert!(matches!(bench.finish(), Err(FileFailure::Damaged)));
    assert_eq!(bench.open(ID, root, size).unwrap(), 0);
    assert!(!bench.home.path().join("in/file.bin").exists());
}

#[test]
fn a_group_that_does_not_prove_is_not_written() {
    let mut bench = Bench::new();
    let path = bench.write("sent", &content(100_000));
    let (root, size) = bench.hash(&path).unwrap();
    let mut pieces = bench.encode(None).unwrap();
    pieces[8][0] ^= 1;
    bench.open(ID, root, size).unwrap();
    let Err(FileFailure::NotProven { offset }) = bench.receive(pieces) else { panic!("proven") };
    assert_eq!(fs::metadata(part_of(&bench, root)).unwrap().len(), offset);
}

#[test]
fn more_than_the_encoding_is_an_error() {
    let mut bench = Bench::new();
    let path = bench.write("sent", b"content");
    let (root, size) = bench.hash(&path).unwrap();
    let mut pieces = bench.encode(None).unwrap();
    pieces.push(vec![1]);
    bench.open(ID, root, size).unwrap();
    assert!(matches!(bench.receive(pieces), Err(FileFailure::NotProven { .. })));
}

#[test]
fn a_file_that_is_changed_while_it_is_sent_is_not_sent() {
    let mut bench = Bench::new();
    let mut bytes = content(100_000);
    let path = bench.write("sent", &bytes);
    bench.hash(&path).unwrap();
    bytes[70_000] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(bench.encode(None), Err(FileFailure::Changed)));
    bench.write("sent", &bytes[..50_000]);
    assert!(matches!(bench.encode(Some(65_536)), Err(FileFailure::Changed)));
}

#[test]
fn only_regular_files_are_sent() {
    let mut bench = Bench::new();
    let home = bench.home.path().to_owned();
    assert!(matches!(bench.hash(&home), Err(FileFailure::Directory)));
    assert!(matches!(bench.hash(&home.join("missing")), Err(FileFailure::File(_))));
    #[cfg(unix)]
    {
        let pipe = home.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(matches!(bench.hash(&pipe), Err(FileFailure::NotAFile)));
        assert!(matches!(bench.hash(Path::new("/dev/null")), Err(FileFailure::NotAFile)));
    }
}

#[test]
fn a_path_that_exists_is_not_replaced() {
    let mut bench = Bench::new();
    let path = bench.write("there", b"mine");
    let open = Job::Open { destination: Destination::Path(path.clone()), root: Root::of(b"x"), size: 1 };
    bench.give(ID, open);
    assert!(matches!(bench.done(), Done::Failed(FileFailure::Exists)));
    assert_eq!(fs::read(path).unwrap(), b"mine");
}

#[test]
fn one_content_is_received_by_one_process_at_a_time() {
    let mut bench = Bench::new();
    let root = Root::of(b"x");
    bench.open(ID, root, 1).unwrap();
    assert!(matches!(bench.open(TransferId(8), root, 1), Err(FileFailure::Busy)));
    bench.give(ID, Job::Close { removes: true });
    assert_eq!(bench.open(TransferId(8), root, 1).unwrap(), 0);
    assert_eq!(bench.in_folder().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_partial_file_is_not_followed() {
    let mut bench = Bench::new();
    let root = Root::of(b"x");
    let victim = bench.write("victim", b"precious");
    fs::create_dir(bench.home.path().join("in")).unwrap();
    std::os::unix::fs::symlink(&victim, part_of(&bench, root)).unwrap();
    assert!(matches!(bench.open(ID, root, 1), Err(FileFailure::File(_))));
    assert_eq!(fs::read(victim).unwrap(), b"precious");
}
