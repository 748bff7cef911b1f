//! Completion of the path of a file that is to be sent.

use std::fs;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kabar_std::text::clean_line;

/// Entries of a folder that are read.
const MAX_READ: usize = 100_000;
/// Completions at most.
const MAX_PATHS: usize = 200;
/// How long a person waits for the completions of a folder. It is read in any case, and displayed
/// when they ask again.
const PATIENCE: Duration = Duration::from_millis(100);
/// Folders that are being read at once. A disk that does not answer keeps a thread.
const MAX_READING: usize = 4;

/// Completes paths on separate threads: what is typed is displayed meanwhile, also if a disk is
/// slow or does not answer.
#[derive(Clone, Debug, Default)]
pub struct Completer(Arc<Mutex<Vec<Reading>>>);

/// A folder that is being read, for what was typed.
#[derive(Debug)]
struct Reading {
    typed: String,
    found: Receiver<Vec<String>>,
}

impl Completer {
    /// Returns the paths that begin with `typed`; none if that takes longer.
    #[must_use]
    pub fn complete(&self, typed: &str) -> Vec<String> {
        self.complete_with(typed, completions)
    }

    fn complete_with(&self, typed: &str, read: impl FnOnce(&str) -> Vec<String> + Send + 'static) -> Vec<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody asks for any longer makes room once it is read.
        all.retain(|other| other.typed == typed || matches!(other.found.try_recv(), Err(TryRecvError::Empty)));
        let at = match all.iter().position(|reading| reading.typed == typed) {
            Some(at) => at,
            None if all.len() >= MAX_READING => return Vec::new(),
            None => {
                let Some(reading) = begin(typed, read) else { return Vec::new() };
                all.push(reading);
                all.len() - 1
            }
        };
        match all[at].found.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            found => {
                all.swap_remove(at);
                found.unwrap_or_default()
            }
        }
    }
}

/// Begins to read; `None`: the system gives no thread.
fn begin(typed: &str, read: impl FnOnce(&str) -> Vec<String> + Send + 'static) -> Option<Reading> {
    let (sender, found) = mpsc::channel();
    let of = typed.to_owned();
    let run = move || {
        // Nobody may wait for it any longer.
        let _ = sender.send(read(&of));
    };
    std::thread::Builder::new().name("kabar-paths".to_owned()).spawn(run).ok()?;
    Some(Reading { typed: typed.to_owned(), found })
}

/// Returns the paths that begin with `typed`, sorted, as they are typed: folders end with a
/// separator. A name that is hidden is among them only if its dot is typed.
fn completions(typed: &str) -> Vec<String> {
    let (folder, part) = typed.split_at(typed.rfind(std::path::is_separator).map_or(0, |at| at + 1));
    let read = if folder.is_empty() { PathBuf::from(".") } else { expanded(folder) };
    let Ok(entries) = fs::read_dir(&read) else { return Vec::new() };
    let matching = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_hidden = name.starts_with('.') && !part.starts_with('.');
        // What cannot be typed, or would look different, is left out.
        (!is_hidden && name.starts_with(part) && clean_line(&name) == name).then_some(name)
    };
    let mut names: Vec<_> = entries.take(MAX_READ).filter_map(|entry| matching(entry.ok()?)).collect();
    names.sort_unstable();
    names.truncate(MAX_PATHS);
    let completion = |name: String| {
        // Follows links.
        let is_folder = fs::metadata(read.join(&name)).is_ok_and(|metadata| metadata.is_dir());
        let end = if is_folder { MAIN_SEPARATOR.to_string() } else { String::new() };
        format!("{folder}{name}{end}")
    };
    names.into_iter().map(completion).collect()
}

/// Returns the path that was typed, without a shell that knows `~`.
#[must_use]
pub fn expanded(typed: &str) -> PathBuf {
    let home = typed.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    home.unwrap_or_else(|| typed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_names_in_the_folder_that_was_typed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["report.pdf", "report 2.pdf", ".hidden", "other"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("reports")).unwrap();
        let at = |part: &str| format!("{}{MAIN_SEPARATOR}{part}", dir.path().display());
        let expected = ["report 2.pdf", "report.pdf", &format!("reports{MAIN_SEPARATOR}")].map(at);
        assert_eq!(completions(&at("rep")), expected);
        assert_eq!((completions(&at("")).len(), completions(&at("."))), (4, vec![at(".hidden")]));
        assert!(completions(&at("none/")).is_empty() && completions(&at("other/")).is_empty());
    }

    #[test]
    fn a_disk_that_does_not_answer_is_not_waited_for() {
        let (completer, (answer, wait)) = (Completer::default(), mpsc::channel::<()>());
        let wait = Arc::new(Mutex::new(wait));
        let read = || {
            let wait = Arc::clone(&wait);
            move |typed: &str| {
                let _ = wait.lock().unwrap().recv();
                vec![format!("{typed}!")]
            }
        };
        let folders: Vec<_> = (0..MAX_READING + 3).map(|number| number.to_string()).collect();
        for folder in &folders {
            assert!(completer.complete_with(folder, read()).is_empty());
        }
        assert_eq!(completer.0.lock().unwrap().len(), MAX_READING, "bounds the threads");
        // The disk answers: what was asked for is there, and nothing is read for it again.
        drop(answer);
        let ask = || completer.complete_with(&folders[0], |_| unreachable!("it is being read"));
        let found = std::iter::repeat_with(ask).take(600).find(|found| !found.is_empty());
        assert_eq!(found, Some(vec!["0!".to_owned()]));
        let ask = || completer.complete_with("other", |_| vec!["new".to_owned()]);
        let found = std::iter::repeat_with(ask).take(600).find(|found| !found.is_empty());
        assert_eq!(found, Some(vec!["new".to_owned()]), "the others make room");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_cannot_be_typed_are_left_out_and_their_number_is_bounded() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"a\x1b[2J"[..], b"a\xff", b"ab"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let folder = format!("{}/", dir.path().display());
        assert_eq!(completions(&folder), [format!("{folder}ab")]);
        (0..MAX_PATHS + 50).for_each(|number| fs::write(dir.path().join(number.to_string()), "").unwrap());
        assert_eq!(completions(&folder).len(), MAX_PATHS);
    }
}
