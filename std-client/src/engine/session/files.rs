//! Files that are sent and received: commands, and the posts of their entries.

use std::path::{Path, PathBuf};

use kabar_core::chat::{EntryKind, File};
use kabar_core::client::RoomSlot;

use super::state::{Phase, Session};
use super::transfers::{Context, Transfers, Wanted};
use crate::engine::command::{Command, WantedFile};
use crate::engine::event::{Event, RoomId, TransferFailure};
use crate::history::outbox::OutboxLine;
use crate::transfers::worker::Report;
use crate::transfers::{Destination, names};

impl Session {
    /// Executes a command about files.
    pub(super) fn execute_on_files(&mut self, command: Command) {
        let id = self.id;
        match command {
            Command::Send { room, path, name } => {
                self.with_transfers(|transfers, context| transfers.send(room, path, name, &context));
            }
            Command::Get { room, file, to } => self.get(room, file, to),
            Command::CancelTransfer { transfer, .. } => {
                self.with_transfers(|transfers, context| transfers.cancel(transfer, &context));
            }
            Command::ListTransfers { .. } => self.with_transfers(|transfers, context| {
                let transfers = transfers.reports(context.now);
                context.sink.send(Event::Transfers { server: id, transfers });
            }),
            _ => {}
        }
    }

    fn get(&mut self, room: RoomId, file: WantedFile, to: Option<PathBuf>) {
        let downloads = self.environment.files.downloads.clone();
        let (name, body) = match file {
            WantedFile::Body(body) => (String::new(), Some(body)),
            WantedFile::Entry(entry) => {
                (entry.to_string(), self.history.file_entry(room, &entry).map(|(_, body)| body))
            }
        };
        let file = body.as_deref().and_then(|body| File::decode(body).ok());
        self.with_transfers(|transfers, context| {
            let failed = |why| context.sink.send(Event::TransferNotStarted { room, name, why });
            let Some(file) = file else { return failed(TransferFailure::NoSuchFile) };
            let Some(destination) = destination(to, downloads, &file) else { return failed(TransferFailure::NoFolder) };
            transfers.get(room, Wanted { file, destination }, &context);
        });
    }

    /// Takes what was done with a file. Returns whether it is one of this session.
    pub(in crate::engine) fn take_report(&mut self, report: &Report) -> bool {
        self.with_transfers(|transfers, context| transfers.on_report(report, &context))
    }

    /// A room was joined at first.
    pub(super) fn resume_transfers(&mut self, room: RoomId) {
        self.with_transfers(|transfers, context| transfers.resume(room, &context));
    }

    pub(super) fn advance_transfers(&mut self) {
        if matches!(self.phase, Phase::Online(_)) {
            self.with_transfers(|transfers, mut context| transfers.advance(&mut context));
        }
    }

    /// Posts up to this one are stored.
    pub(super) fn files_stored(&mut self, room: RoomId, number: u64, seq: u64) {
        self.with_transfers(|transfers, context| transfers.stored(room, number, seq, &context));
    }

    /// Posts the entries of the files that the server has. Each is stored in the outbox in the
    /// transaction that ends its upload.
    pub(super) fn post_files(&mut self) {
        let Self { rooms, history, driver, transfers, .. } = self;
        for room in rooms.iter_mut() {
            let (id, Some(slot)) = (room.id, room.slot) else { continue };
            for (transfer, body) in transfers.entries_of(id) {
                let number = match &mut room.durable {
                    Some(durable) => match history.space_for_posts(id) {
                        Some(1..) => history.push(id, &[(EntryKind::FILE, &body)]).inspect(|&number| {
                            let kind = EntryKind::FILE;
                            durable.unsent.push_back(OutboxLine { number, kind, body, is_refused: false });
                        }),
                        // Its file was lost.
                        None if durable.unsent.is_empty() => driver.client.post(slot, EntryKind::FILE, &body).ok(),
                        Some(0) | None => None,
                    },
                    None => driver.client.post(slot, EntryKind::FILE, &body).ok(),
                };
                // The others wait for space.
                let Some(number) = number else { break };
                let before = room.durable.as_ref().map_or(0, |durable| durable.before);
                room.numbers.add_file(number.saturating_sub(before));
                transfers.posted(transfer, number, history);
            }
        }
    }

    /// A post is refused. Returns whether it is the entry of a file.
    pub(super) fn file_refused(
        &mut self,
        slot: RoomSlot,
        number: u64,
        code: kabar_core::chat::PostRefusedCode,
    ) -> bool {
        let Some(room) = self.rooms.id_at(slot) else { return false };
        self.with_transfers(|transfers, context| transfers.refused(room, number, code, &context))
    }

    fn with_transfers<T>(&mut self, work: impl FnOnce(&mut Transfers, Context<'_>) -> T) -> T {
        let now = self.driver.now();
        let Self { transfers, rooms, history, sink, driver, .. } = self;
        work(transfers, Context { client: &mut driver.client, rooms, history, sink, now })
    }
}

/// Returns where a file is stored: `to`, if it was requested.
fn destination(to: Option<PathBuf>, downloads: Option<PathBuf>, file: &File<'_>) -> Option<Destination> {
    let name = names::safe_name(file.name());
    let is_folder =
        |path: &Path| path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    Some(match to {
        Some(path) if is_folder(&path) => Destination::Folder { folder: absolute(path), name },
        Some(path) => Destination::Path(absolute(path)),
        None => Destination::Folder { folder: absolute(downloads?), name },
    })
}
