//! What a person ignores and hides on a server.

use std::sync::Arc;

use kabar_core::session::Fingerprint;
use kabar_std::names::Name;

use super::LocalHistory;
use super::file::HistoryFile;
use crate::command::Notify;
use crate::engine::event::{HistoryError, RoomId};
use crate::history::{ChangeError, NOTIFY, ServerRow, StorageError, Writer};

/// What a person ignores and hides on a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Choices {
    pub(in crate::engine) ignored: Vec<Name>,
    pub(in crate::engine) hides_joins: bool,
}

/// A change of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Choice<'a> {
    Ignore(&'a Name),
    Unignore(&'a Name),
    /// A member has another name: if it is ignored, it stays ignored.
    Renamed {
        from: &'a Name,
        to: &'a Name,
    },
    HideJoins(bool),
}

impl LocalHistory {
    /// Loads what is stored. Takes over what an earlier version stored in a file.
    pub(in crate::engine) fn choices(&self, server: &Fingerprint) -> Result<Choices, Arc<HistoryError>> {
        let mut file = self.file();
        let import = |writer: &mut Writer| storage(writer.import_preferences(server)).map(Option::transpose);
        if let Some(Err(error)) = file.write(import) {
            return Err(Arc::new(HistoryError::File(error)));
        }
        file.choices(server)
    }

    /// Stores a change. Returns what is stored now, with the changes of other processes.
    pub(in crate::engine) fn choose(
        &self,
        server: &Fingerprint,
        choice: Choice<'_>,
    ) -> Result<Choices, Arc<HistoryError>> {
        let mut file = self.file();
        file.write(|writer| {
            let server = writer.server(server)?;
            storage(choice.store(writer, server))
        });
        file.choices(server)
    }
}

impl LocalHistory {
    /// Stores which entries of a room are announced.
    pub(in crate::engine) fn set_notify(&self, room: RoomId, notify: Notify) -> Result<(), Arc<HistoryError>> {
        let mut file = self.file();
        let row = file.rooms.get(&room).map(|room| room.row);
        let stored = row.and_then(|row| file.write(|writer| storage(writer.set(row, NOTIFY, Some(notify)))));
        stored.map(drop).ok_or_else(|| file.error())
    }
}

impl Choice<'_> {
    fn store(self, writer: &mut Writer, server: ServerRow) -> Result<(), ChangeError> {
        match self {
            Self::Ignore(name) => writer.ignore(server, name).map(drop),
            Self::Unignore(name) => Ok(writer.unignore(server, name).map(drop)?),
            Self::Renamed { from, to } => Ok(writer.renamed(server, from, to).map(drop)?),
            Self::HideJoins(hides) => Ok(writer.hide_joins(server, hides)?),
        }
    }
}

impl HistoryFile {
    fn choices(&mut self, server: &Fingerprint) -> Result<Choices, Arc<HistoryError>> {
        let row = self.write(|writer| writer.server(server));
        let read = row.and_then(|row| {
            let reader = self.reader()?;
            let ignored = reader.ignored(row);
            Some(ignored.and_then(|ignored| Ok(Choices { ignored, hides_joins: reader.hides_joins(row)? })))
        });
        match read {
            Some(Ok(choices)) => return Ok(choices),
            Some(Err(error)) => self.fail(error.into()),
            None => {}
        }
        Err(self.error())
    }
}

/// The error of the file. A change that is not possible is none: what is stored stays.
fn storage<T>(changed: Result<T, ChangeError>) -> Result<Option<T>, StorageError> {
    match changed {
        Ok(done) => Ok(Some(done)),
        Err(ChangeError::Storage(error)) => Err(error),
        Err(ChangeError::TooLong | ChangeError::TooMany) => Ok(None),
    }
}
