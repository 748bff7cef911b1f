//! The way of a content into the cache: a page requests it, the engine receives it.

use kabar_core::chat::{File, MAX_FILE_BODY_LEN};
use kabar_core::content::Root;

use super::Front;
use super::contents::{Contents, Wanted};
use crate::engine::event::{Event, Transfer, TransferFailure, TransferState};
use crate::engine::{Command, RoomId, WantedFile};
use crate::messages::web;
use crate::transfers::FileFailure;
use crate::web::cache::parse_root;
use crate::web::protocol::{ContentState, Entry, Membership, Place, ToPage};
use crate::web::server::input::PageId;

impl Front {
    /// A page displays a picture, or saves a file.
    pub(super) fn fetch(&mut self, page: PageId, id: RoomId, place: Place, is_picture: bool) {
        let Some(entry) = self.entry_at(id, place) else {
            // It is neither kept here nor stored.
            if !is_picture {
                self.answer(page, Some(id), true, &web::no_such_file());
            }
            return;
        };
        let Some(file) = entry.file else { return };
        let Some(root) = parse_root(&file.root) else { return };
        if is_picture && (!self.contents.shows_pictures || !file.is_picture || entry.hidden) {
            return;
        }
        let wanted = Wanted { name: file.name, is_saved: !is_picture };
        if self.contents.cache.has(root) {
            self.note_saved(root, &wanted);
            let (state, size) = self.content(root);
            return self.pages.send(page, &ToPage::Content { root: &file.root, state, size });
        }
        let is_in_room = self.rooms.get(&id).is_some_and(|room| room.membership != Membership::Ended);
        if !is_in_room || self.contents.is_full() {
            let state = if is_in_room { ContentState::Busy } else { ContentState::Failed };
            if !is_in_room && wanted.is_saved {
                self.answer(page, None, true, &web::file_in_no_room(&wanted.name));
            }
            return self.pages.send(page, &ToPage::Content { root: &file.root, state, size: None });
        }
        if self.contents.want(root, wanted) {
            let name = Contents::name(root);
            let mut body = vec![0; MAX_FILE_BODY_LEN];
            let len = File::new(&name, file.size, root, "").and_then(|file| file.encode(&mut body).ok());
            body.truncate(len.unwrap_or(0));
            let to = Some(self.contents.cache.path(root));
            self.config.engine.send(Command::Get { room: id, file: WantedFile::Body(body), to });
        }
    }

    /// Returns the entry at a place, as the user wants to see it now.
    fn entry_at(&self, id: RoomId, place: Place) -> Option<Entry> {
        let room = self.rooms.get(&id)?;
        let own_name = self.servers.get(&id.server).map_or("", |server| &server.name);
        let stored = room.stored.as_ref();
        let Some(entry) = room.entry(place) else { return self.archive.entry(stored?, place, own_name) };
        let is_ignored = stored.is_some_and(|stored| self.archive.ignores(stored, &entry.author));
        Some(Entry { hidden: entry.hidden || is_ignored, ..entry.clone() })
    }

    /// Returns whether a content is in the cache, and its size as a picture.
    fn content(&self, root: Root) -> (ContentState, Option<(u32, u32)>) {
        match self.contents.cache.get(root) {
            Ok(Some(content)) => (ContentState::Ready, content.picture.map(|it| (it.width, it.height))),
            Ok(None) | Err(_) => (ContentState::Failed, None),
        }
    }

    fn note_saved(&mut self, root: Root, wanted: &Wanted) {
        if wanted.is_saved {
            self.contents.keep(root);
        }
    }

    /// The transfer of a content has changed. Returns whether pages list it.
    pub(super) fn on_content(&mut self, root: Root, transfer: &Transfer) -> bool {
        let wanted = self.contents.of(transfer).and_then(|(_, wanted)| wanted.cloned());
        let is_listed = wanted.as_ref().is_some_and(|wanted| wanted.is_saved);
        match &transfer.state {
            // Another process has received it.
            TransferState::Received(_) | TransferState::Failed(TransferFailure::File(FileFailure::Exists)) => {
                if let Some(wanted) = &wanted {
                    self.note_saved(root, wanted);
                }
                self.contents.trim(Some(root));
                self.end_content(root);
            }
            TransferState::Failed(_) => {
                if let Some(Wanted { name, is_saved: true }) = wanted {
                    self.describe(&Event::Transfer(Transfer { name, ..transfer.clone() }));
                }
                self.end_content(root);
            }
            TransferState::Cancelled => self.end_content(root),
            _ => {}
        }
        is_listed
    }

    /// A content is there, or does not come.
    pub(super) fn end_content(&mut self, root: Root) {
        self.contents.end(root);
        let (state, size) = self.content(root);
        self.pages.send_all(&ToPage::Content { root: &root.to_string(), state, size });
    }

    /// Contents that were requested do not come: a server has ended.
    pub(super) fn end_contents(&mut self) {
        for root in self.contents.end_all() {
            self.end_content(root);
        }
    }
}
