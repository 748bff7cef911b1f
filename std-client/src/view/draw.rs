//! What the screen displays.

use kabar_std::text::clean_line;

use super::frame::{Area, Areas, Frame, Rect};
use super::room::RoomState;
use super::span::{Role, Row, Span};
use super::status::{Connection, Status};
use super::{View, text, transfers, wrap};
use crate::language::message;
use crate::messages::screen::{placeholder, placeholder_without_room};

/// The narrowest help in which descriptions are below each other, and the width of the keys.
const HELP_COLUMNS_FROM: usize = 64;
const KEYS_WIDTH: usize = 28;

/// The widest prompt is a third of the screen.
const PROMPT_PARTS: usize = 3;

impl View {
    pub(super) fn draw(&self) -> Frame {
        let areas = self.areas();
        let Areas { rooms, topic, transcript, unsent, transfers, members, status, input } = areas;
        let (input_rows, cursor) = self.input_rows(input);
        let mut drawn = vec![
            Area { rect: transcript, rows: self.transcript_rows(transcript) },
            Area { rect: unsent, rows: self.unsent_rows(unsent) },
            Area { rect: transfers, rows: self.transfer_rows(transfers) },
            Area { rect: status, rows: vec![self.status_row(&areas)] },
            Area { rect: input, rows: input_rows },
            Area { rect: topic, rows: vec![self.topic_row(topic.width)] },
        ];
        if rooms.width > 0 {
            let rows = self.list.rows(rooms.width, rooms.height).into_iter().map(|(row, _)| row).collect();
            drawn.extend([Area { rect: rooms, rows }, border(rooms.width, rooms.height)]);
        }
        if members.width > 0 {
            drawn.extend([
                Area { rect: members, rows: self.member_rows(members) },
                border(members.x - 1, members.height),
            ]);
        }
        for area in &mut drawn {
            area.rows.truncate(area.rect.height);
        }
        drawn.retain(|area| area.rect.width > 0 && area.rect.height > 0);
        Frame { size: self.size, areas: drawn, cursor, title: self.title() }
    }

    fn transcript_rows(&self, rect: Rect) -> Vec<Row> {
        if let Some(first) = self.help {
            let rows = self.help_rows(rect.width);
            let first = first.min(rows.len().saturating_sub(rect.height));
            return rows.into_iter().skip(first).take(rect.height).collect();
        }
        if self.shows_transfers {
            return transfers::draw::list_rows(&self.transfers, rect.width, rect.height);
        }
        let transcript = self.room().map_or(&self.console, |room| &room.transcript);
        let selected = |key: Option<super::transcript::block::Key>| {
            key.is_some_and(|key| key.notice == 0 && Some(key.seq) == self.selected_entry)
        };
        let rows = transcript.rows().into_iter().map(|placed| {
            if !selected(placed.key) {
                return placed.row;
            }
            let mut row = placed.row;
            row.spans.iter_mut().for_each(|span| span.role = Role::Selected);
            row.fit(rect.width, Role::Selected)
        });
        rows.collect()
    }

    fn unsent_rows(&self, rect: Rect) -> Vec<Row> {
        self.room().map_or_else(Vec::new, |room| room.unsent.rows(rect.width, rect.height))
    }

    fn transfer_rows(&self, rect: Rect) -> Vec<Row> {
        transfers::draw::rows(&self.transfers, self.list.selected(), rect.width, rect.height)
    }

    fn member_rows(&self, rect: Rect) -> Vec<Row> {
        let Some(room) = self.room() else { return Vec::new() };
        room.members.rows(self.own_name(), rect.width, rect.height)
    }

    /// The own name on the server of the room.
    pub(super) fn own_name(&self) -> &str {
        self.current_server().and_then(|server| self.server(server)).map_or("", |server| &server.name)
    }

    fn topic_row(&self, width: usize) -> Row {
        let Some(room) = self.room() else { return Row::of(Role::Heading, text::cut("kabar", width)) };
        let mut row = Row::of(Role::Heading, format!("#{}", room.name));
        if !room.topic.is_empty() {
            row.push(Span::new(Role::Status, format!("  {}", clean_line(&room.topic))));
        }
        row.cut(width)
    }

    fn status_row(&self, areas: &Areas) -> Row {
        let current = self.current_server();
        let has_list = areas.rooms.width > 0;
        let is_cut_off = |server: &&super::ServerStatus| {
            Some(server.id) != current
                && matches!(server.connection, Connection::Lost | Connection::Connecting | Connection::Ended)
        };
        let room = self.room();
        let status = Status {
            server: current.and_then(|server| self.server(server)),
            others_lost: self.servers.iter().filter(is_cut_off).collect(),
            room_state: match room.map(|room| room.state) {
                Some(RoomState::Joining) => Some(message!("status-joining")),
                Some(RoomState::Ended) => Some(message!("status-not-in-room")),
                Some(RoomState::Joined) | None => None,
            },
            unsent: self.unsent(),
            is_scrolled: room.is_some_and(|room| !room.transcript.is_end_visible()),
            activity: if has_list { Vec::new() } else { self.list.activity() },
            completions: self.completion.as_ref().map(super::completion::Completion::candidates),
        };
        status.row(self.size.width)
    }

    /// The text before the input.
    pub(super) fn prompt(&self) -> String {
        let prompt = match (&self.search, self.room()) {
            (Some(search), _) if search.is_exhausted => message!("screen-search-not-found"),
            (Some(_), _) => message!("screen-search"),
            (None, Some(room)) => format!("[#{}] ", room.name),
            (None, None) => "> ".to_owned(),
        };
        let room = self.size.width / PROMPT_PARTS;
        if text::width(&prompt) <= room { prompt } else { "> ".get(..room.min(2)).unwrap_or_default().to_owned() }
    }

    fn input_rows(&self, rect: Rect) -> (Vec<Row>, Option<(usize, usize)>) {
        if rect.width == 0 || rect.height == 0 {
            return (Vec::new(), None);
        }
        if let Some(question) = self.questions.front() {
            // Its end stays visible.
            let mut rows = question.rows(rect.width);
            rows.drain(..rows.len().saturating_sub(rect.height));
            let column = rows.last().map_or(0, Row::width).min(rect.width - 1);
            let row = rect.y + rows.len().saturating_sub(1);
            return (rows, Some((column, row)));
        }
        let prompt = self.prompt();
        let indent = text::width(&prompt);
        let editor = self.search.as_ref().map_or_else(|| self.editor(), |search| &search.word);
        let (rows, (row, column)) = editor.window(rect.width - indent, rect.height);
        let placeholder = if self.room().is_some() { placeholder() } else { placeholder_without_room() };
        let has_placeholder = editor.text().is_empty() && self.search.is_none() && !self.has_sent;
        let rows = rows.into_iter().enumerate().map(|(number, typed)| {
            let prompt = if number == 0 { prompt.clone() } else { " ".repeat(indent) };
            let mut row = Row::default();
            row.push(Span::new(Role::Prompt, prompt));
            row.push(Span::plain(typed));
            if has_placeholder {
                row.push(Span::new(Role::Placeholder, text::cut(&placeholder, rect.width - indent)));
            }
            row
        });
        (rows.collect(), Some((rect.x + indent + column, rect.y + row)))
    }

    fn help_rows(&self, width: usize) -> Vec<Row> {
        let mut lines: Vec<(Role, String)> = vec![(Role::Heading, message!("keys-heading"))];
        let column = if width < HELP_COLUMNS_FROM { 0 } else { KEYS_WIDTH };
        lines.extend(
            self.config
                .bindings
                .help()
                .map(|(keys, description)| (Role::Text, format!("{keys:column$}  {description}"))),
        );
        lines.extend([(Role::Text, String::new()), (Role::Heading, message!("commands-heading"))]);
        let commands = (self.config.sentences.commands)();
        lines.extend(text::clean_lines(&commands).map(|line| (Role::Text, line)));
        let rows = lines.into_iter().flat_map(|(role, line)| {
            wrap::wrap(&[Span::new(role, line)], width, width / 4, false).into_iter().map(|row| row.row)
        });
        rows.collect()
    }

    /// The title of the window: what is unread, and the room.
    fn title(&self) -> String {
        let mentions: u64 = self.list.rooms().iter().map(|room| room.mentions).sum();
        let unread: u64 = self.list.rooms().iter().map(|room| room.unread).sum();
        let count = match (mentions, unread) {
            (0, 0) => String::new(),
            (0, unread) => format!("({unread}) "),
            (mentions, _) => format!("({mentions}!) "),
        };
        let room = self.room().map_or_else(|| "kabar".to_owned(), |room| format!("#{}", room.name));
        format!("{count}{room}")
    }
}

fn border(x: usize, height: usize) -> Area {
    let rect = Rect { x, y: 0, width: 1, height };
    Area { rect, rows: vec![Row::of(Role::Border, "\u{2502}"); height] }
}
