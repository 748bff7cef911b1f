//! The threads that run the hub's jobs: public-key work, password checks, the store.
//!
//! Every queue is as long as the hub's limit of outstanding jobs of that kind, so that queueing
//! never waits and no job waits for one of another kind. Pages of the log are read on their own
//! thread: they do not wait for a commit.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kabar_core::crypto::Provider;
use kabar_core::crypto::rsa::PrivateKey;
use mio::Waker;
use tracing::{debug, trace};

use super::worker_metrics::WorkerMetrics;
use crate::contents::ContentStore;
use crate::hub::{
    AcceptJob, ContentJob, Done, HubEvent, HubLimits, INDEX_JOBS, Job, PasswordJob, PasswordVerifier, ReadJob,
    StoreDone, StoreJob,
};
use crate::store::{LogReader, Store};

/// Maximum number of threads for public-key work; more would only slow down the serving thread.
const MAX_ACCEPT_THREADS: usize = 2;
/// Maximum number of outstanding appends, reloads, surveys and sweeps. Loads of rooms are counted
/// apart.
const STORE_JOBS: usize = 4;
/// Maximum number of queued events of the store's thread.
const STORE_EVENTS: usize = 4;
/// Maximum number of outstanding removals of contents.
const REMOVALS: usize = 1;
/// How long the store must be idle before maintenance starts.
const MAINTAIN_AFTER: Duration = Duration::from_millis(100);
/// How long it waits for work between steps of maintenance.
const MAINTAIN_GAP: Duration = Duration::from_millis(5);

/// The worker threads of one server. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Workers<P: Provider> {
    accept: SyncSender<AcceptJob<P>>,
    password: SyncSender<PasswordJob>,
    store: SyncSender<StoreJob>,
    read: SyncSender<ReadJob>,
    content: SyncSender<ContentJob>,
    done: Receiver<Done>,
    events: Receiver<HubEvent>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads work on.
#[derive(Debug)]
pub(super) struct Resources<K, V, S, R, C> {
    pub(super) key: K,
    pub(super) verifier: V,
    pub(super) store: S,
    pub(super) reader: R,
    pub(super) contents: C,
}

/// A thread ended unexpectedly, so its jobs will never be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkerFailed;

impl<P: Provider + 'static> Workers<P> {
    pub(super) fn start(
        limits: &HubLimits,
        resources: Resources<
            impl PrivateKey + Send + Sync + 'static,
            impl PasswordVerifier + Send + 'static,
            impl Store + Send + 'static,
            impl LogReader + Send + 'static,
            impl ContentStore + Send + 'static,
        >,
        waker: &Arc<Waker>,
        metrics: &Arc<WorkerMetrics>,
    ) -> std::io::Result<Self> {
        let Resources { key, verifier, store, mut reader, mut contents } = resources;
        let (accept, accept_jobs) = mpsc::sync_channel::<AcceptJob<P>>(limits.accept_jobs);
        let (password, password_jobs) = mpsc::sync_channel::<PasswordJob>(1);
        let (store_sender, store_jobs) = mpsc::sync_channel::<StoreJob>(STORE_JOBS + INDEX_JOBS + limits.room_loads);
        let (read, read_jobs) = mpsc::sync_channel::<ReadJob>(limits.page_reads);
        let content_limit = limits.transfers + REMOVALS;
        let (content, content_jobs) = mpsc::sync_channel::<ContentJob>(content_limit);
        let store_limit = STORE_JOBS + INDEX_JOBS + limits.room_loads;
        let jobs = limits.accept_jobs + limits.page_reads + store_limit + content_limit + 1;
        let (report, done) = mpsc::sync_channel(jobs);
        let report = DoneSender { done: report, waker: Arc::clone(waker) };
        let (tell, events) = mpsc::sync_channel(STORE_EVENTS);
        let mut threads = Vec::new();

        let (key, accept_jobs) = (Arc::new(key), Arc::new(Mutex::new(accept_jobs)));
        let accept_threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_ACCEPT_THREADS));
        for _ in 0..accept_threads {
            let (key, jobs, report) = (Arc::clone(&key), Arc::clone(&accept_jobs), report.clone());
            let next = move || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
            let metrics = Arc::clone(metrics);
            let run = move |job: AcceptJob<P>| {
                let begun = Instant::now();
                let done = Done::Accept(job.run(&*key));
                let seconds = begun.elapsed().as_secs_f64();
                metrics.handshake_time.observe(seconds);
                trace!(seconds, "handshake");
                done
            };
            threads.push(spawn("kabar-accept", next, run, report)?);
        }
        let run = move |job: PasswordJob| Done::Password(job.run(&verifier));
        threads.push(spawn("kabar-password", move || password_jobs.recv().ok(), run, report.clone())?);
        let run = move |job: ReadJob| Done::Store(job.run(&mut reader));
        threads.push(spawn("kabar-read", move || read_jobs.recv().ok(), run, report.clone())?);
        let run = move |job: ContentJob| Done::Content(job.run(&mut contents));
        threads.push(spawn("kabar-contents", move || content_jobs.recv().ok(), run, report.clone())?);
        threads.push(spawn_store(store, store_jobs, report, tell, Arc::clone(metrics))?);
        Ok(Self { accept, password, store: store_sender, read, content, done, events, threads })
    }

    /// Queues a job for its thread; never waits.
    pub(super) fn queue(&self, job: Job<P>) -> Result<(), WorkerFailed> {
        let queued = match job {
            Job::Accept(job) => self.accept.try_send(*job).is_ok(),
            Job::Password(job) => self.password.try_send(job).is_ok(),
            Job::Content(job) => self.content.try_send(job).is_ok(),
            Job::Store(StoreJob::Read(job)) => self.read.try_send(job).is_ok(),
            Job::Store(job) => self.store.try_send(job).is_ok(),
        };
        if queued { Ok(()) } else { Err(WorkerFailed) }
    }

    /// Returns a finished job, if there is one.
    pub(super) fn poll_done(&self) -> Result<Option<Done>, WorkerFailed> {
        match self.done.try_recv() {
            Ok(done) => Ok(Some(done)),
            Err(_) if self.threads.iter().any(JoinHandle::is_finished) => Err(WorkerFailed),
            Err(_) => Ok(None),
        }
    }

    /// Returns an event that a worker reported, if there is one.
    pub(super) fn poll_event(&self) -> Option<HubEvent> {
        self.events.try_recv().ok()
    }

    /// Stops the threads after their current jobs.
    pub(super) fn stop(self) {
        let Self { accept, password, store, read, content, done, events, threads } = self;
        drop((accept, password, store, read, content, done, events));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Sends results to the serving thread and wakes it.
#[derive(Clone, Debug)]
struct DoneSender {
    done: SyncSender<Done>,
    waker: Arc<Waker>,
}

/// Wakes the loop also when the thread panics, so that the loop notices.
impl Drop for DoneSender {
    fn drop(&mut self) {
        let _ = self.waker.wake();
    }
}

fn spawn<J>(
    name: &str,
    next: impl Fn() -> Option<J> + Send + 'static,
    mut run: impl FnMut(J) -> Done + Send + 'static,
    report: DoneSender,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Some(job) = next() {
            if report.done.send(run(job)).is_err() {
                return;
            }
            let _ = report.waker.wake();
        }
    })
}

/// As [`spawn`], and does maintenance while there are no jobs.
fn spawn_store(
    mut store: impl Store + Send + 'static,
    jobs: Receiver<StoreJob>,
    report: DoneSender,
    tell: SyncSender<HubEvent>,
    metrics: Arc<WorkerMetrics>,
) -> std::io::Result<JoinHandle<()>> {
    let run = move || {
        let mut is_held = false;
        // An event that does not fit into the queue is reported at the next call.
        let mut look = |store: &dyn Store| {
            let figures = store.figures();
            metrics.set_store(figures);
            let figures = figures.unwrap_or_default();
            let event = match (is_held, figures.is_log_held) {
                (false, true) => HubEvent::StoreLogHeld { bytes: figures.log_bytes },
                (true, false) => HubEvent::StoreLogFreed,
                _ => return false,
            };
            let is_taken = tell.try_send(event).is_ok();
            is_held ^= is_taken;
            is_taken
        };
        look(&store);
        // The previous run may have left maintenance to do.
        let mut patience = Some(MAINTAIN_AFTER);
        loop {
            let next = match patience {
                Some(patience) => jobs.recv_timeout(patience),
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(job) => {
                    let done = run_measured(job, &mut store, &metrics);
                    // Before the result, so that the figures include the commit when it is
                    // reported.
                    look(&store);
                    if report.done.send(Done::Store(done)).is_err() {
                        return;
                    }
                    let _ = report.waker.wake();
                    patience = Some(MAINTAIN_AFTER);
                }
                Err(RecvTimeoutError::Timeout) => {
                    patience = store.maintain().then_some(MAINTAIN_GAP);
                    if look(&store) {
                        let _ = report.waker.wake();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    };
    std::thread::Builder::new().name("kabar-store".to_owned()).spawn(run)
}

/// Runs a job, and records the duration of a successful commit.
fn run_measured(job: StoreJob, store: &mut impl Store, metrics: &WorkerMetrics) -> StoreDone {
    let entries = match &job {
        StoreJob::Append { commit } => Some(commit.rooms.iter().map(|batch| batch.entries.len()).sum()),
        StoreJob::Read(_) | StoreJob::Load { .. } | StoreJob::Reload { .. } => None,
        StoreJob::Survey { .. } | StoreJob::Sweep { .. } | StoreJob::Index(_) => None,
    };
    let begun = Instant::now();
    let done = job.run(store);
    if let (Some(entries), StoreDone::Append { result }) = (entries, &done) {
        let took = begun.elapsed();
        match result {
            Ok(()) => {
                metrics.record_commit(took, entries);
                debug!(entries, seconds = took.as_secs_f64(), "committed");
            }
            Err(error) => debug!(entries, %error, "commit failed"),
        }
    }
    done
}
