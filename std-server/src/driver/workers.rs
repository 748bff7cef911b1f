//! The threads that run the hub's jobs: public-key work, password checks, the store.
//!
//! Every queue is as long as the hub's own bound of outstanding jobs of that kind, so that queueing never waits and nobody waits
//! behind another kind.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kabar_core::crypto::Provider;
use kabar_core::crypto::rsa::PrivateKey;
use mio::Waker;

use crate::hub::{AcceptJob, Done, HubLimits, Job, PasswordJob, PasswordVerifier, StoreJob};
use crate::store::Store;

/// Threads for public-key work: more would only take time from the one that serves.
const MAX_ACCEPT_THREADS: usize = 2;
/// Appends and reloads outstanding beside reads.
const STORE_EXTRA: usize = 4;

/// The worker threads of one server. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Workers<P: Provider> {
    accept: SyncSender<AcceptJob<P>>,
    password: SyncSender<PasswordJob>,
    store: SyncSender<StoreJob>,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
}

/// A thread ended although it should not have: what it had to do will never be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkerDied;

impl<P: Provider + 'static> Workers<P> {
    pub(super) fn start(
        limits: &HubLimits,
        key: impl PrivateKey + Send + Sync + 'static,
        verifier: impl PasswordVerifier + Send + 'static,
        mut store: impl Store + Send + 'static,
        waker: &Arc<Waker>,
    ) -> std::io::Result<Self> {
        let (accept, accept_jobs) = mpsc::sync_channel::<AcceptJob<P>>(limits.accept_jobs);
        let (password, password_jobs) = mpsc::sync_channel::<PasswordJob>(1);
        let (store_sender, store_jobs) = mpsc::sync_channel::<StoreJob>(limits.page_reads + STORE_EXTRA);
        let (report, done) = mpsc::sync_channel(limits.accept_jobs + limits.page_reads + STORE_EXTRA + 1);
        let report = Report { done: report, waker: Arc::clone(waker) };
        let mut threads = Vec::new();

        let (key, accept_jobs) = (Arc::new(key), Arc::new(Mutex::new(accept_jobs)));
        let accept_threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_ACCEPT_THREADS));
        for _ in 0..accept_threads {
            let (key, jobs, report) = (Arc::clone(&key), Arc::clone(&accept_jobs), report.clone());
            let next = move || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
            threads.push(spawn("kabar-accept", next, move |job| Done::Accept(job.run(&*key)), report)?);
        }
        let run = move |job: PasswordJob| Done::Password(job.run(&verifier));
        threads.push(spawn("kabar-password", move || password_jobs.recv().ok(), run, report.clone())?);
        let run = move |job: StoreJob| Done::Store(job.run(&mut store));
        threads.push(spawn("kabar-store", move || store_jobs.recv().ok(), run, report)?);
        Ok(Self { accept, password, store: store_sender, done, threads })
    }

    /// Gives a job to its thread. Never waits.
    pub(super) fn queue(&self, job: Job<P>) -> Result<(), WorkerDied> {
        let queued = match job {
            Job::Accept(job) => self.accept.try_send(*job).is_ok(),
            Job::Password(job) => self.password.try_send(job).is_ok(),
            Job::Store(job) => self.store.try_send(job).is_ok(),
        };
        if queued { Ok(()) } else { Err(WorkerDied) }
    }

    /// A finished job, if there is one.
    pub(super) fn poll_done(&self) -> Result<Option<Done>, WorkerDied> {
        match self.done.try_recv() {
            Ok(done) => Ok(Some(done)),
            Err(_) if self.threads.iter().any(JoinHandle::is_finished) => Err(WorkerDied),
            Err(_) => Ok(None),
        }
    }

    /// Ends the threads after what they are doing.
    pub(super) fn stop(self) {
        let Self { accept, password, store, done, threads } = self;
        drop((accept, password, store, done));
        for thread in threads {
            drop(thread.join());
        }
    }
}

/// Where results go.
#[derive(Clone, Debug)]
struct Report {
    done: SyncSender<Done>,
    waker: Arc<Waker>,
}

/// Also when the thread panics: the loop is to find out.
impl Drop for Report {
    fn drop(&mut self) {
        drop(self.waker.wake());
    }
}

fn spawn<J>(
    name: &str,
    next: impl Fn() -> Option<J> + Send + 'static,
    mut run: impl FnMut(J) -> Done + Send + 'static,
    report: Report,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Some(job) = next() {
            if report.done.send(run(job)).is_err() {
                return;
            }
            drop(report.waker.wake());
        }
    })
}
