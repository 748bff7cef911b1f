//! Keys and pasted text.

use super::completion::{Completion, Context, typed_path};
use super::editor::Motion;
use super::keys::{Action, Code, Key};
use super::question::Question;
use super::search::Search;
use super::span::Role;
use super::text::invites::invite;
use super::transcript::source::Entry;
use super::transfers::{Item, Move};
use super::{Effect, View, quote};
use crate::engine::Command;
use crate::language::message;
use kabar_std::text::clean_line;

/// Files that are completed.
const MAX_FILES: usize = 100;

impl View {
    pub(super) fn handle_key(&mut self, key: Key) {
        let action = self.config.bindings.action(key);
        if action != Some(Action::Complete) && action != Some(Action::CompleteBack) {
            self.completion = None;
        }
        if !self.questions.is_empty() {
            return self.answer(key, action);
        }
        match (action, key) {
            (Some(action), _) => self.act(action),
            (None, Key { code: Code::Char(c), ctrl: false, alt: false, .. }) => {
                self.handle_text(c.encode_utf8(&mut [0; 4]));
            }
            (None, _) => {}
        }
    }

    /// Inserts text that was typed or pasted.
    pub(super) fn handle_text(&mut self, text: &str) {
        if let Some(question) = self.questions.front_mut() {
            return question.type_text(text);
        }
        if let Some(search) = &mut self.search {
            search.word.insert(&text.replace(['\n', '\r', '\t'], " "));
            return self.update_search();
        }
        self.recall.leave();
        if !self.editor_mut().insert(text) {
            self.notice(Role::Error, message!("screen-text-cut"));
        }
    }

    fn act(&mut self, action: Action) {
        if self.search.is_some() && self.act_in_search(action) {
            return;
        }
        if self.shows_transfers && self.act_on_transfers(action) {
            return;
        }
        match action {
            Action::Help => {
                self.help = if self.help.is_some() { None } else { Some(0) };
                self.shows_transfers = false;
            }
            Action::Cancel => {
                (self.help, self.selected_entry) = (None, None);
            }
            Action::Transfers => self.show_transfers(),
            Action::PageUp => self.scroll_pages(-1),
            Action::PageDown => self.scroll_pages(1),
            Action::Top => {
                let (transcript, source) = self.transcript();
                transcript.scroll_to_start(source);
            }
            Action::Bottom => self.transcript().0.scroll_to_end(),
            Action::NextRoom => self.choose_room(|list| list.select_next(false)),
            Action::PreviousRoom => self.choose_room(|list| list.select_next(true)),
            Action::NextActive => self.choose_room(super::RoomList::select_active),
            Action::Room(number) => self.choose_room(|list| list.select_number(number.into())),
            Action::Search => {
                self.shows_transfers = false;
                self.search = self.list.selected().map(Search::open);
            }
            Action::Members => self.shows_members = !self.shows_members,
            Action::Copy => self.copy(),
            Action::Bare => self.show_bare(),
            Action::SelectUp => self.select_entry(true),
            Action::SelectDown => self.select_entry(false),
            Action::Quote => self.quote(),
            Action::Complete => self.complete(false),
            Action::CompleteBack => self.complete(true),
            Action::Send => self.send(),
            Action::Interrupt => self.interrupt(),
            Action::EndOfInput if self.editor().text().is_empty() => {
                self.effects.push(Effect::Leave { at_once: false })
            }
            Action::EndOfInput => drop(self.editor_mut().delete(Motion::Right)),
            Action::Redraw => self.effects.push(Effect::Redraw),
            Action::Suspend => self.effects.push(Effect::Suspend),
            action => self.edit(action),
        }
    }

    /// Displays the list of transfers.
    pub(super) fn show_transfers(&mut self) {
        self.close_search();
        (self.help, self.shows_transfers) = (None, true);
        self.transfers.deselect();
        let servers: Vec<_> = self.servers.iter().map(|server| server.id).collect();
        servers.into_iter().for_each(|server| self.command(Command::ListTransfers { server }));
    }

    /// An action while the list of transfers is displayed. Returns `false` if it is done as usual.
    fn act_on_transfers(&mut self, action: Action) -> bool {
        let page = usize::max(self.areas().transcript.height / 2, 1);
        match action {
            Action::Up | Action::SelectUp => self.transfers.select(Move::Up(1)),
            Action::Down | Action::SelectDown => self.transfers.select(Move::Down(1)),
            Action::PageUp => self.transfers.select(Move::Up(page)),
            Action::PageDown => self.transfers.select(Move::Down(page)),
            Action::Top => self.transfers.select(Move::First),
            Action::Bottom => self.transfers.select(Move::Last),
            Action::Cancel | Action::Transfers => self.shows_transfers = false,
            Action::Interrupt if self.editor().text().is_empty() => self.shows_transfers = false,
            Action::DeleteRight if self.editor().text().is_empty() => {
                if let Some(item) = self.transfers.selected().filter(|item| !item.is_ended()) {
                    let (server, transfer) = (item.transfer.room.server, item.transfer.id);
                    let name = clean_line(&item.transfer.name);
                    self.questions.push_front(Question::CancelTransfer { server, transfer, name });
                }
            }
            _ => return false,
        }
        true
    }

    fn edit(&mut self, action: Action) {
        let width = self.size.width.saturating_sub(super::text::width(&self.prompt()));
        let Self { recall, rooms, list, console_editor, .. } = self;
        let room = list.selected().and_then(|room| rooms.get_mut(&room));
        let editor = room.map_or(console_editor, |room| &mut room.editor);
        let is_recall = matches!(action, Action::Up | Action::Down);
        let killed = match action {
            Action::Up => {
                if !editor.go_rows(width, -1) {
                    editor.recall_earlier(recall);
                }
                None
            }
            Action::Down => {
                if !editor.go_rows(width, 1) {
                    editor.recall_later(recall);
                }
                None
            }
            Action::KillWordLeft => Some(editor.delete(Motion::WordLeft)),
            Action::KillWordRight => Some(editor.delete(Motion::WordRight)),
            Action::KillToStart => Some(editor.delete(Motion::LineStart)),
            Action::KillToEnd => Some(editor.delete(Motion::LineEnd)),
            action => {
                match action {
                    Action::Left => editor.go(Motion::Left),
                    Action::Right => editor.go(Motion::Right),
                    Action::WordLeft => editor.go(Motion::WordLeft),
                    Action::WordRight => editor.go(Motion::WordRight),
                    Action::LineStart => editor.go(Motion::LineStart),
                    Action::LineEnd => editor.go(Motion::LineEnd),
                    Action::DeleteLeft => drop(editor.delete(Motion::Left)),
                    Action::DeleteRight => drop(editor.delete(Motion::Right)),
                    Action::NewLine => drop(editor.insert("\n")),
                    Action::Yank => drop(editor.insert(&self.killed)),
                    Action::Undo => drop(editor.undo()),
                    _ => {}
                }
                None
            }
        };
        if !is_recall {
            self.recall.leave();
        }
        if let Some(killed) = killed.filter(|killed| !killed.is_empty()) {
            self.killed = killed;
        }
    }

    fn interrupt(&mut self) {
        if self.editor().text().is_empty() {
            let unsent = self.unsent();
            self.questions.push_front(Question::Leave { unsent });
        } else {
            self.recall.leave();
            // It can be undone.
            let _ = self.editor_mut().take();
        }
    }

    /// A key while a question is displayed.
    fn answer(&mut self, key: Key, action: Option<Action>) {
        let Some(question) = self.questions.front_mut() else { return };
        let yes = match key {
            Key { code: Code::Char('y' | 'Y'), ctrl: false, alt: false, .. } => Some(true),
            Key { code: Code::Char('n' | 'N'), ctrl: false, alt: false, .. } => Some(false),
            _ if matches!(action, Some(Action::Cancel | Action::Send)) => Some(false),
            _ => None,
        };
        match question {
            Question::Leave { .. } => {
                let leaves = yes == Some(true) || action == Some(Action::Interrupt);
                if leaves {
                    self.effects.push(Effect::Leave { at_once: action == Some(Action::Interrupt) });
                }
                if leaves || yes.is_some() {
                    self.questions.pop_front();
                }
            }
            Question::CancelTransfer { server, transfer, .. } => {
                let (server, transfer) = (*server, *transfer);
                if yes.is_some() || action == Some(Action::Interrupt) {
                    self.questions.pop_front();
                }
                if yes == Some(true) {
                    self.command(Command::CancelTransfer { server, transfer });
                }
            }
            Question::Key { server, .. } => {
                let server = *server;
                if action == Some(Action::Interrupt) {
                    self.effects.push(Effect::Leave { at_once: true });
                } else if let Some(accept) = yes {
                    self.questions.pop_front();
                    self.command(Command::AnswerKey { server, accept });
                }
            }
            Question::Checking { .. } => {
                if action == Some(Action::Interrupt) {
                    self.effects.push(Effect::Leave { at_once: true });
                }
            }
            Question::Password { server, room, typed, .. } => {
                let (server, typed) = (*server, typed.clone());
                match (action, key) {
                    (Some(Action::Send), _) => {
                        let room = std::mem::take(room);
                        self.questions.pop_front();
                        self.questions.push_front(Question::Checking { server, room });
                        self.command(Command::Password { server, password: Some(typed) });
                    }
                    (Some(Action::Cancel | Action::Interrupt), _) => {
                        self.questions.pop_front();
                        self.command(Command::Password { server, password: None });
                    }
                    (Some(Action::DeleteLeft), _) => question.erase(false),
                    (Some(Action::KillToStart), _) => question.erase(true),
                    (None, Key { code: Code::Char(c), ctrl: false, alt: false, .. }) => {
                        question.type_text(c.encode_utf8(&mut [0; 4]));
                    }
                    _ => {}
                }
            }
        }
    }

    /// An action while a search is open. Returns `false` if it is done as usual.
    fn act_in_search(&mut self, action: Action) -> bool {
        let motion = match action {
            Action::Up | Action::Search | Action::PreviousRoom => return self.step_search(true),
            Action::Down | Action::NextRoom => return self.step_search(false),
            Action::Send => {
                self.search = None;
                return true;
            }
            Action::Cancel | Action::Interrupt => {
                self.close_search();
                self.transcript().0.scroll_to_end();
                return true;
            }
            Action::DeleteLeft => Motion::Left,
            Action::KillToStart => Motion::LineStart,
            Action::KillWordLeft => Motion::WordLeft,
            Action::Help
            | Action::Transfers
            | Action::PageUp
            | Action::PageDown
            | Action::Redraw
            | Action::Suspend
            | Action::Members => return false,
            Action::Room(_) | Action::NextActive => {
                self.close_search();
                return false;
            }
            _ => return true,
        };
        if let Some(search) = &mut self.search {
            let _ = search.word.delete(motion);
        }
        self.update_search();
        true
    }

    fn update_search(&mut self) {
        if let (Some(search), Some(room)) =
            (&mut self.search, self.list.selected().and_then(|room| self.rooms.get_mut(&room)))
        {
            search.update(&mut room.transcript, self.source.as_ref());
        }
    }

    fn step_search(&mut self, is_earlier: bool) -> bool {
        if let (Some(search), Some(room)) =
            (&mut self.search, self.list.selected().and_then(|room| self.rooms.get_mut(&room)))
        {
            search.step(is_earlier, &mut room.transcript, self.source.as_ref());
        }
        true
    }

    /// Closes the search, and marks nothing any longer.
    pub(super) fn close_search(&mut self) {
        if self.search.take().is_some() {
            self.rooms.values_mut().for_each(|room| room.transcript.mark(None));
        }
    }

    fn scroll_pages(&mut self, pages: isize) {
        if self.help.is_some() {
            let height = isize::try_from(self.areas().transcript.height).unwrap_or(isize::MAX);
            return self.scroll(pages.saturating_mul(height));
        }
        let (transcript, source) = self.transcript();
        transcript.scroll_pages(source, pages);
    }

    fn complete(&mut self, is_back: bool) {
        match &mut self.completion {
            Some(completion) => completion.cycle(is_back),
            None => {
                let names = self.room().map(|room| room.members.names(self.own_name())).unwrap_or_default();
                let rooms: Vec<_> = self.list.rooms().iter().map(|room| room.name.clone()).collect();
                let server = self.current_server().and_then(|server| self.server(server));
                let others = server.map_or(&[][..], |server| &server.other_rooms);
                let room = self.list.selected();
                let files = room.map(|room| self.source.files(room, MAX_FILES)).unwrap_or_default();
                let transfers: Vec<_> = self.transfers.open().map(Item::label).collect();
                let editor = self.editor();
                let before = &editor.text()[..editor.cursor()];
                let paths = typed_path(before).map(|typed| (self.config.paths)(typed)).unwrap_or_default();
                let (names, rooms, files, transfers, paths) = (&names, &rooms, &files, &transfers, &paths);
                let context = Context { names, rooms, others, files, transfers, paths };
                self.completion = Completion::begin(before, &context, is_back);
            }
        }
        if let Some(completion) = self.completion.clone() {
            self.editor_mut().complete(completion.start(), completion.text());
        }
    }

    /// Selects the text before the selected one, or after it.
    fn select_entry(&mut self, is_up: bool) {
        let selected = self.selected_entry;
        let Some(room) = self.room() else { return };
        let mut seqs: Vec<_> = room.transcript.messages().map(|entry| entry.seq).collect();
        seqs.sort_unstable();
        let next = match (selected, is_up) {
            (None, true) => seqs.last(),
            (None, false) => None,
            (Some(seq), true) => seqs.iter().rev().find(|other| **other < seq).or(seqs.first()),
            (Some(seq), false) => seqs.iter().find(|other| **other > seq),
        };
        self.selected_entry = next.copied();
        if let Some(seq) = self.selected_entry {
            let (transcript, source) = self.transcript();
            if !transcript.is_visible(seq) {
                transcript.scroll_to(source, seq);
            }
        }
    }

    /// Copies the selected text, or the last invite of the room: one in a notice before one that a
    /// member has written.
    fn copy(&mut self) {
        let transcript = self.room().map_or(&self.console, |room| &room.transcript);
        let text = match self.selected_entry {
            Some(seq) => transcript.entry(seq).and_then(Entry::text),
            None => {
                let written = transcript.messages().filter_map(Entry::text);
                let mut texts = transcript.notices().map(str::to_owned).chain(written);
                texts.find_map(|text| invite(&text).map(str::to_owned))
            }
        };
        match text {
            Some(text) => {
                self.notice(Role::Notice, message!("screen-copied", text = clean_line(&text)));
                self.effects.push(Effect::Copy(text));
            }
            None => self.notice(Role::Error, message!("screen-nothing-to-copy")),
        }
    }

    /// Quotes the selected text, or the last one of somebody else.
    fn quote(&mut self) {
        let Some(room) = self.room() else { return };
        let entry = match self.selected_entry {
            Some(seq) => room.transcript.entry(seq),
            None => room.transcript.messages().find(|entry| !entry.is_own && entry.text().is_some()),
        };
        if let Some((author, text)) = entry.and_then(|entry| Some((entry.author.clone(), entry.text()?))) {
            self.selected_entry = None;
            self.editor_mut().insert(&quote::quote(&author, &text));
        }
    }
}
