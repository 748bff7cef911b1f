//! Takes a firmware image from the room into a slot of flash.
//!
//! ```text
//! anna posts probe-2.fw      an entry that names a content; only a member that the device is told
//!                            to trust, and only names that end in .fw
//! ->  probe: update: 25 % of 262144 bytes          and 50 %, 75 %
//! ->  probe: update: complete, 262144 bytes, root 0c5a7bc07b14ac1e
//! ```
//!
//! A group is written to flash as it arrives, read back and proven; then it counts. After a lost
//! connection or a restart of the device the download continues with the first group that does not
//! count. At the end the root of all that the flash holds is computed again. A product checks the
//! signature of its maker then, before it starts the image: that a member posted it is not enough.
//!
//! * [`Update`]: one image after another.
//! * [`Updater`]: a probe that also takes updates.
//! * [`flash`]: the flash of a product, and a simulated one. [`slot`]: what is kept in it.

pub mod flash;
pub mod slot;

use heapless::String;
use kabar_core::chat::{EntryKind, File, MAX_NAME_LEN};
use kabar_core::client::{Download, DownloadError, DownloadRequest, DownloadStep, Event, PostError, RoomSlot};
use kabar_core::content::{Root, StorageHasher};
use kabar_core::time::Instant;
use kabar_core::transport::BufferProvider;
use kabar_device::text::Text;
use kabar_device::{Application, DeviceClient, DeviceEvent};

pub use flash::{Backing, Flash, SimulatedError, SimulatedFlash};
pub use slot::{Record, Slot};

use crate::probe::{Board, Probe};

/// Names of images end like this.
pub const SUFFIX: &str = ".fw";
/// Levels of the tree of the longest image: 4 MiB.
const DEPTH: usize = 8;

/// See the module's documentation.
#[derive(Debug)]
pub struct Update<F: Flash> {
    slot: Slot<F>,
    /// The member whose images are taken.
    from: String<MAX_NAME_LEN>,
    phase: Phase,
    /// What is in progress, or was.
    image: Image,
    /// The image that was posted last, until it is begun.
    wanted: Option<Image>,
    /// The number of the last transfer.
    transfer: u32,
    /// What is to be posted.
    report: Option<Report>,
    /// When there is something to do although nothing arrived.
    due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Image {
    root: Root,
    size: u32,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Downloading(Download<DEPTH>),
    /// It has failed or was given up, and the server is to be told.
    Ending(Download<DEPTH>),
    Verifying(StorageHasher<DEPTH>),
}

/// A line for the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    /// This percentage is proven.
    Progress(u32),
    Complete,
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Size,
    NotSupported,
    Refused(u8),
    Protocol,
    NotProven(u64),
    Flash,
    Root,
}

impl<F: Flash> Update<F> {
    /// Takes images that the member `from` posts. Continues what `flash` has the beginning of.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn new(flash: F, from: &str) -> Result<Self, F::Error> {
        let mut slot = Slot::new(flash);
        let record = slot.record()?;
        let image = record.map_or(Image { root: Root([0; 32]), size: 0 }, |it| Image { root: it.root, size: it.size });
        Ok(Self {
            slot,
            // A name that is too long belongs to nobody.
            from: String::try_from(from).unwrap_or_default(),
            phase: Phase::Idle,
            image,
            wanted: record.filter(|it| !it.is_verified).map(|_| image),
            transfer: 0,
            report: None,
            due: None,
        })
    }

    /// Whether nothing is in progress and nothing is to be posted.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.wanted.is_none() && self.report.is_none()
    }

    /// Notes an image that an entry names.
    pub fn on_event(&mut self, event: &Event<'_>) {
        if let Event::Entry { header, body, .. } = event
            && header.kind == EntryKind::FILE
            && !self.from.is_empty()
            && header.author == self.from
            && let Ok(file) = File::decode(body)
            && file.name().ends_with(SUFFIX)
        {
            match u32::try_from(file.size()) {
                Ok(size) if (1..=self.slot.capacity()).contains(&size) => {
                    self.wanted = Some(Image { root: file.root(), size });
                }
                _ => self.report = Some(Report::Failed(Failure::Size)),
            }
        }
    }

    /// Takes a step: at most a few groups. Returns whether it called the client.
    pub fn run<M: BufferProvider>(&mut self, now: Instant, client: &mut DeviceClient<M>) -> bool {
        self.due = None;
        self.begin_wanted();
        let has_called = match &mut self.phase {
            Phase::Idle => false,
            Phase::Downloading(download) => {
                let before = download.proven();
                let step = download.poll(now, client, &mut self.slot);
                self.due = download.poll_timeout(now);
                self.on_step(now, before, step)
            }
            Phase::Ending(download) => {
                let step = download.poll(now, client, &mut self.slot);
                if download.is_over() {
                    (self.phase, self.due) = (Phase::Idle, Some(now));
                }
                !matches!(step, Ok(DownloadStep::Waiting))
            }
            Phase::Verifying(hasher) => {
                self.due = Some(now);
                match hasher.step(&mut self.slot) {
                    Ok(None) => {}
                    Ok(Some(root)) => self.on_root(root),
                    Err(_) => self.fail(Failure::Flash),
                }
                false
            }
        };
        self.post(|body| client.post(RoomSlot::FIRST, EntryKind::TEXT, body)) || has_called
    }

    /// When [`Update::run`] is due although nothing arrived.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Begins the image that was posted last; gives up another one that is in progress.
    fn begin_wanted(&mut self) {
        let Some(wanted) = self.wanted else { return };
        match &mut self.phase {
            Phase::Idle => {}
            Phase::Downloading(download) => {
                if wanted == self.image {
                    self.wanted = None;
                } else {
                    download.cancel();
                    self.phase = Phase::Ending(download.clone());
                }
                return;
            }
            // Both end soon.
            Phase::Ending(_) | Phase::Verifying(_) => return,
        }
        self.wanted = None;
        self.image = wanted;
        if let Err(failure) = self.begin() {
            self.fail(failure);
        }
    }

    fn begin(&mut self) -> Result<(), Failure> {
        let Image { root, size } = self.image;
        let record = self.slot.record().map_err(|_| Failure::Flash)?;
        let offset = match record.filter(|it| (it.root, it.size) == (root, size)) {
            Some(Record { is_verified: true, .. }) => {
                self.report = Some(Report::Complete);
                return Ok(());
            }
            Some(record) => record.proven,
            None => {
                self.slot.begin(root, size).map_err(|_| Failure::Flash)?;
                0
            }
        };
        self.transfer = self.transfer.wrapping_add(1);
        let request = DownloadRequest {
            slot: RoomSlot::FIRST,
            transfer: self.transfer,
            root,
            size: size.into(),
            offset: offset.into(),
        };
        self.phase = Phase::Downloading(Download::new(request).map_err(|_| Failure::Size)?);
        Ok(())
    }

    /// What a step of the download means. Returns whether it called the client.
    fn on_step(&mut self, now: Instant, before: u64, step: Result<DownloadStep, DownloadError<F::Error>>) -> bool {
        match step {
            Ok(DownloadStep::Waiting) => return false,
            Ok(DownloadStep::Working) => {}
            Ok(DownloadStep::Proven { offset }) => {
                if self.slot.mark_proven(offset).is_err() {
                    self.fail(Failure::Flash);
                }
                self.report_progress(before, offset);
            }
            Ok(DownloadStep::Complete) => match StorageHasher::new(self.image.size.into()) {
                Ok(hasher) => self.phase = Phase::Verifying(hasher),
                Err(_) => self.fail(Failure::Size),
            },
            Err(error) => self.fail(match error {
                DownloadError::NotSupported => Failure::NotSupported,
                DownloadError::Refused(code) => Failure::Refused(code.0),
                DownloadError::SizeMismatch { .. } => Failure::Size,
                DownloadError::NotProven(error) => Failure::NotProven(error.offset),
                DownloadError::Storage(_) => Failure::Flash,
                _ => Failure::Protocol,
            }),
        }
        self.due = Some(now);
        true
    }

    /// Each quarter once; the last one is reported when the root is proven.
    fn report_progress(&mut self, before: u64, proven: u64) {
        let size = u64::from(self.image.size).max(1);
        let quarter = |offset: u64| offset.saturating_mul(4) / size;
        if (1..4).contains(&quarter(proven)) && quarter(proven) > quarter(before) {
            self.report = Some(Report::Progress(quarter(proven) as u32 * 25));
        }
    }

    /// The root of what the flash holds.
    fn on_root(&mut self, root: Root) {
        self.phase = Phase::Idle;
        if root != self.image.root {
            // Flash that has changed since it was read back. All of it is fetched again next time.
            let _ = self.slot.clear();
            self.fail(Failure::Root);
        } else if self.slot.mark_verified().is_err() {
            self.fail(Failure::Flash);
        } else {
            self.report = Some(Report::Complete);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.report = Some(Report::Failed(failure));
        self.phase = match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Downloading(mut download) => {
                download.cancel();
                Phase::Ending(download)
            }
            Phase::Idle | Phase::Ending(_) | Phase::Verifying(_) => Phase::Idle,
        };
    }

    /// Posts the report. Without room, later: a newer one replaces it.
    fn post(&mut self, post: impl FnOnce(&[u8]) -> Result<u64, PostError>) -> bool {
        let Some(report) = self.report else { return false };
        let mut text = Text::new();
        text.push("update: ");
        match report {
            Report::Progress(percent) => {
                text.push_number(percent);
                text.push(" % of ");
                text.push_number(self.image.size);
                text.push(" bytes");
            }
            Report::Complete => {
                text.push("complete, ");
                text.push_number(self.image.size);
                text.push(" bytes, root ");
                let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
                for byte in self.image.root.0.iter().take(8) {
                    text.push(digit(byte >> 4).encode_utf8(&mut [0; 4]));
                    text.push(digit(*byte).encode_utf8(&mut [0; 4]));
                }
            }
            Report::Failed(failure) => failure.write(&mut text),
        }
        let is_posted = post(text.as_str().as_bytes()).is_ok();
        if is_posted {
            self.report = None;
        }
        is_posted
    }
}

impl Failure {
    fn write(self, text: &mut Text) {
        text.push("failed: ");
        match self {
            Self::Size => text.push("its length is not possible"),
            Self::NotSupported => text.push("this server sends no files"),
            Self::Refused(code) => {
                text.push("the server refuses it, code ");
                text.push_number(code.into());
            }
            Self::Protocol => text.push("the server does not follow the protocol"),
            Self::NotProven(offset) => {
                text.push("what arrived at offset ");
                text.push_number(u32::try_from(offset).unwrap_or(u32::MAX));
                text.push(" is not part of it");
            }
            Self::Flash => text.push("the flash does not work"),
            Self::Root => text.push("the flash does not hold what was written; post it again"),
        }
    }
}

/// A probe that takes updates. It works in any memory; without buffers for files, it reports that.
#[derive(Debug)]
pub struct Updater<B, F: Flash> {
    probe: Probe<B>,
    update: Option<Update<F>>,
}

impl<B: Board, F: Flash> Updater<B, F> {
    /// Without `update`, it is a probe.
    pub const fn new(probe: Probe<B>, update: Option<Update<F>>) -> Self {
        Self { probe, update }
    }

    /// The probe.
    pub const fn probe(&mut self) -> &mut Probe<B> {
        &mut self.probe
    }

    /// The updates.
    pub const fn update(&mut self) -> Option<&mut Update<F>> {
        self.update.as_mut()
    }
}

impl<B: Board, F: Flash, M: BufferProvider> Application<M> for Updater<B, F> {
    fn on_event(&mut self, event: DeviceEvent<'_>) {
        if let (Some(update), DeviceEvent::Room(event)) = (&mut self.update, &event) {
            update.on_event(event);
        }
        self.probe.handle_event(event);
    }

    fn run(&mut self, now: Instant, client: &mut DeviceClient<M>) -> bool {
        let has_posted = self.probe.post_due(now, |kind, body| client.post(RoomSlot::FIRST, kind, body));
        self.update.as_mut().is_some_and(|update| update.run(now, client)) || has_posted
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.probe.due(), self.update.as_ref().and_then(Update::due)].into_iter().flatten().min()
    }
}

#[cfg(all(test, feature = "host"))]
mod tests;
