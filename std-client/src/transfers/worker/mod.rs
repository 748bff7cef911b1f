//! The thread that works on files. Jobs about one transfer are done in order; hashing takes turns
//! with them, so that a long file does not delay the others.
//!
//! The queue is bounded by its users: of one transfer, a session has a fixed number of jobs in it,
//! with a fixed number of bytes.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;

use kabar_core::content::Root;
use kabar_std::content::EarlySync;

use super::download::{Destination, Download};
use super::upload::{Hashing, Upload};
use super::{FileFailure, TransferId};

/// What the thread does for a transfer.
#[derive(Debug)]
pub enum Job {
    /// Hash the file at this path. [`Done::Hashing`] and [`Done::Hashed`] answer.
    Hash(PathBuf),
    /// Encode up to this number of bytes. [`Done::Encoded`] answers.
    Encode {
        /// Begin here; `None`: go on.
        from: Option<u64>,
        /// Number of bytes.
        max: usize,
    },
    /// Open the partial file of a content. [`Done::Opened`] answers.
    Open {
        /// Where the file is stored.
        destination: Destination,
        /// The content.
        root: Root,
        /// Its length in bytes.
        size: u64,
    },
    /// The encoding of the rest follows. Nothing answers.
    Begin,
    /// Prove and write the next bytes of the encoding. [`Done::Written`] answers.
    Write(Vec<u8>),
    /// The encoding has ended. [`Done::Checking`] and [`Done::Stored`] answer.
    Finish,
    /// Close the file. Nothing answers.
    Close {
        /// Whether to remove what was received.
        removes: bool,
    },
}

/// What was done.
#[derive(Clone, Debug)]
pub enum Done {
    /// The file is being hashed.
    Hashing {
        /// Number of bytes that are hashed.
        done: u64,
        /// The length of the file in bytes.
        size: u64,
    },
    /// The file is hashed.
    Hashed {
        /// Its root.
        root: Root,
        /// Its length in bytes.
        size: u64,
        /// Its media type, or nothing.
        media_type: &'static str,
    },
    /// The next part of the encoding.
    Encoded {
        /// The bytes.
        bytes: Vec<u8>,
        /// The offset in the content that they reach.
        offset: u64,
        /// Whether they are the last ones.
        is_last: bool,
    },
    /// The partial file is open, and everything before this offset is in it.
    Opened(u64),
    /// Bytes are proven and written.
    Written {
        /// Number of bytes of the encoding.
        len: usize,
        /// The offset before which everything is stored.
        offset: u64,
    },
    /// The whole file is checked.
    Checking,
    /// The file has this path.
    Stored(PathBuf),
    /// The encoding has ended before the content.
    Incomplete,
    /// The job failed.
    Failed(FileFailure),
}

/// The answer to a job.
#[derive(Clone, Debug)]
pub struct Report {
    /// The transfer.
    pub transfer: TransferId,
    /// The attempt that the job belongs to.
    pub attempt: u32,
    /// What was done.
    pub done: Done,
}

/// A job, and the attempt of a transfer that it belongs to.
type Given = (TransferId, u32, Job);

/// Gives jobs to the thread, which is started with the first one.
#[derive(Debug)]
pub struct Worker {
    jobs: Option<Sender<Given>>,
    thread: Option<JoinHandle<()>>,
    reports: Sender<Report>,
    wake: Wake,
}

/// Called after each report, on the thread.
#[derive(Clone)]
struct Wake(std::sync::Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wake")
    }
}

impl Worker {
    /// A worker that sends its reports to `reports`, and calls `wake` then.
    #[must_use]
    pub fn new(reports: Sender<Report>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { jobs: None, thread: None, reports, wake: Wake(std::sync::Arc::new(wake)) }
    }

    /// Gives a job of this attempt of a transfer to the thread.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn give(&mut self, transfer: TransferId, attempt: u32, job: Job) -> io::Result<()> {
        let jobs = match &self.jobs {
            Some(jobs) => jobs,
            None => {
                let (jobs, thread) = self.start()?;
                self.thread = Some(thread);
                self.jobs.insert(jobs)
            }
        };
        // A thread that has ended was told to.
        let _ = jobs.send((transfer, attempt, job));
        Ok(())
    }

    fn start(&self) -> io::Result<(Sender<Given>, JoinHandle<()>)> {
        let (jobs, from_jobs) = mpsc::channel();
        let (reports, Wake(wake)) = (self.reports.clone(), self.wake.clone());
        let run = move || {
            let report = |report| {
                let _ = reports.send(report);
                wake();
            };
            State::default().run(&from_jobs, &report);
        };
        let thread = std::thread::Builder::new().name("kabar-files".to_owned()).spawn(run)?;
        Ok((jobs, thread))
    }
}

/// What was given to it is done before it ends: a part that was cancelled is removed.
impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The files that are open.
#[derive(Debug, Default)]
struct State {
    uploads: HashMap<TransferId, Upload>,
    downloads: HashMap<TransferId, Download>,
    /// Takes turns: the next step is of the first one.
    steps: VecDeque<(TransferId, u32, Step)>,
    sync: EarlySync,
}

/// Work in several steps.
#[derive(Debug)]
enum Step {
    Hash(Hashing),
    Finish,
}

impl State {
    /// Works until nobody gives jobs any more.
    fn run(mut self, jobs: &Receiver<Given>, report: &impl Fn(Report)) {
        loop {
            let next = match self.steps.is_empty() {
                true => jobs.recv().map_err(|_| TryRecvError::Disconnected),
                false => jobs.try_recv(),
            };
            match next {
                Ok((transfer, attempt, job)) => {
                    if let Some(done) = self.work(transfer, attempt, job) {
                        report(Report { transfer, attempt, done });
                    }
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
            if let Some((transfer, attempt, step)) = self.steps.pop_front() {
                let done = self.step(transfer, attempt, step);
                report(Report { transfer, attempt, done });
            }
        }
    }

    fn work(&mut self, transfer: TransferId, attempt: u32, job: Job) -> Option<Done> {
        let done = match job {
            Job::Hash(path) => match Hashing::open(&path) {
                Ok(hashing) => {
                    self.steps.push_back((transfer, attempt, Step::Hash(hashing)));
                    return None;
                }
                Err(failure) => Err(failure),
            },
            Job::Encode { from, max } => {
                let upload = self.uploads.get_mut(&transfer)?;
                match from {
                    Some(offset) if !upload.begin(offset) => Ok(Done::Incomplete),
                    _ => upload.encode(max).map(|(bytes, offset, is_last)| Done::Encoded { bytes, offset, is_last }),
                }
            }
            Job::Open { destination, root, size } => {
                // A lock is not taken twice.
                self.downloads.remove(&transfer);
                Download::open(destination, root, size).map(|download| {
                    let offset = download.offset();
                    self.downloads.insert(transfer, download);
                    Done::Opened(offset)
                })
            }
            Job::Begin => match self.downloads.get_mut(&transfer)?.begin() {
                true => return None,
                false => Ok(Done::Incomplete),
            },
            Job::Write(bytes) => {
                let download = self.downloads.get_mut(&transfer)?;
                download.write(&bytes, &mut self.sync).map(|offset| Done::Written { len: bytes.len(), offset })
            }
            Job::Finish => match self.downloads.get_mut(&transfer)?.end() {
                Ok(true) => {
                    self.steps.push_back((transfer, attempt, Step::Finish));
                    return None;
                }
                Ok(false) => Ok(Done::Incomplete),
                Err(failure) => Err(failure),
            },
            Job::Close { removes } => {
                self.steps.retain(|(of, ..)| *of != transfer);
                self.uploads.remove(&transfer);
                let download = self.downloads.remove(&transfer);
                download.into_iter().filter(|_| removes).for_each(Download::remove);
                return None;
            }
        };
        Some(done.unwrap_or_else(Done::Failed))
    }

    fn step(&mut self, transfer: TransferId, attempt: u32, step: Step) -> Done {
        match step {
            Step::Hash(mut hashing) => match hashing.step() {
                Ok(false) => {
                    let done = Done::Hashing { done: hashing.done(), size: hashing.len() };
                    self.steps.push_back((transfer, attempt, Step::Hash(hashing)));
                    done
                }
                Ok(true) => {
                    let upload = hashing.finish();
                    let done =
                        Done::Hashed { root: upload.root(), size: upload.len(), media_type: upload.media_type() };
                    self.uploads.insert(transfer, upload);
                    done
                }
                Err(failure) => Done::Failed(failure),
            },
            Step::Finish => match self.downloads.get_mut(&transfer).map(Download::finish) {
                Some(Ok(Some(path))) => {
                    self.downloads.remove(&transfer);
                    Done::Stored(path)
                }
                Some(Ok(None)) => {
                    self.steps.push_back((transfer, attempt, Step::Finish));
                    Done::Checking
                }
                Some(Err(failure)) => Done::Failed(failure),
                None => Done::Incomplete,
            },
        }
    }
}

#[cfg(test)]
mod tests;
