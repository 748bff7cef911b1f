//! The server's memory per transfer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::disk::create;
use super::path::{Path, Quality};
use super::person::Person;
use super::{Transfer, without_quotas};
use crate::bench::server::Server;
use crate::bench::usage::resident;
use crate::bench::{Error, Setup};

/// Interval between two looks at the memory.
const SAMPLE: Duration = Duration::from_millis(5);
/// Time for members that have joined to come to rest.
const REST: Duration = Duration::from_millis(500);

/// Parameters.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file and the relay.
    pub transfer: Transfer,
    /// Numbers of transfers at once: a measurement for each.
    pub at_once: Vec<u32>,
}

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    bytes: u64,
    cases: Vec<Case>,
}

/// Results for one number of transfers, each by another member.
#[derive(Clone, Copy, Debug, Serialize)]
struct Case {
    transfers: u32,
    /// Resident memory with all members joined, before the first transfer.
    resident_before_kib: u64,
    /// The most meanwhile.
    uploading_kib: u64,
    downloading_kib: u64,
    upload_kib_per_transfer: u64,
    download_kib_per_transfer: u64,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: &Options) -> Result<Report, Error> {
    let setup = without_quotas(setup);
    let transfer = options.transfer;
    let cases = options.at_once.iter().map(|&number| case(&setup, transfer, number)).collect::<Result<_, _>>()?;
    Ok(Report { mode: "memory", bytes: transfer.bytes, cases })
}

fn case(setup: &Setup, transfer: Transfer, transfers: u32) -> Result<Case, Error> {
    let Transfer { bytes, delay, seed } = transfer;
    let server = Server::start(setup, None)?;
    let target = server.target();
    let relay = Path::start(target.server, Quality { loss: 0.0, delay, seed })?;
    let mut people = Vec::new();
    for number in 0..transfers {
        let person = Person::join(target, relay.address(), &format!("member{number}"))?;
        create(&person.home().join("file"), bytes, seed.wrapping_add(u64::from(number)))?;
        people.push(person);
    }
    std::thread::sleep(REST);
    let before = server.resident()?;
    let uploading = while_sampling(&server, || {
        people.iter().for_each(|person| person.start_sending(person.home().join("file")));
        people.iter().try_for_each(Person::until_sent)
    })?;
    let downloading = while_sampling(&server, || {
        // Each receives the file that somebody sent first.
        for person in &people {
            person.start_receiving(person.next_file()?);
        }
        people.iter().try_for_each(Person::until_received)
    })?;
    let per_transfer = |most: u64| most.saturating_sub(before) / 1024 / u64::from(transfers.max(1));
    Ok(Case {
        transfers,
        resident_before_kib: before / 1024,
        uploading_kib: uploading / 1024,
        downloading_kib: downloading / 1024,
        upload_kib_per_transfer: per_transfer(uploading),
        download_kib_per_transfer: per_transfer(downloading),
    })
}

/// Returns the largest resident memory of the server during `work`, in bytes.
fn while_sampling(server: &Server, work: impl FnOnce() -> Result<(), Error>) -> Result<u64, Error> {
    let is_over = Arc::new(AtomicBool::new(false));
    let sampling = {
        let (process, is_over) = (server.process(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            let mut most = 0;
            while !is_over.load(Ordering::Acquire) {
                most = resident(process).unwrap_or_default().max(most);
                std::thread::sleep(SAMPLE);
            }
            most
        })
    };
    let worked = work();
    is_over.store(true, Ordering::Release);
    let most = sampling.join().map_err(|_| Error::new("the sampling failed"))?;
    worked.map(|()| most)
}
