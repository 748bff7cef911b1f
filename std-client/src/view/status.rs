//! The status line: connections, what is unsent, and what is new elsewhere.

use kabar_core::session::Fingerprint;

use super::span::{Role, Row, Span};
use super::text;
use crate::engine::ServerId;
use crate::language::message;

/// The connection to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It is being opened for the first time.
    Connecting,
    /// It is open.
    Online,
    /// It was lost, and is being opened again.
    Lost,
    /// The session has ended.
    Ended,
}

impl Connection {
    /// Returns what the list of rooms displays next to a server; empty: nothing.
    #[must_use]
    pub fn mark(&self) -> String {
        match self {
            Self::Online => String::new(),
            Self::Connecting | Self::Lost => "...".to_owned(),
            Self::Ended => message!("status-off"),
        }
    }
}

/// A server.
#[derive(Clone, Debug)]
pub struct ServerStatus {
    /// The server.
    pub id: ServerId,
    /// Its address.
    pub label: String,
    /// Its key, once a room was joined.
    pub key: Option<Fingerprint>,
    /// The connection.
    pub connection: Connection,
    /// Why it is not reached.
    pub problem: Option<String>,
    /// The round-trip time in ms, if it is known.
    pub rtt_ms: Option<u64>,
    /// The own name.
    pub name: String,
    /// Rooms that may be joined.
    pub(super) other_rooms: Vec<String>,
    /// Whether the user asked for the status of the connection.
    pub(super) shows_stats: bool,
    /// Whether the user asked for the rooms.
    pub(super) shows_rooms: bool,
}

impl ServerStatus {
    /// Creates the status of a server to which a connection is being opened.
    #[must_use]
    pub fn new(id: ServerId, label: String) -> Self {
        Self {
            id,
            label,
            key: None,
            connection: Connection::Connecting,
            problem: None,
            rtt_ms: None,
            name: String::new(),
            other_rooms: Vec::new(),
            shows_stats: false,
            shows_rooms: false,
        }
    }

    fn span(&self) -> Span {
        match (&self.connection, self.rtt_ms) {
            (Connection::Connecting, _) => {
                let problem = self.problem.clone();
                Span::new(Role::StatusAlert, problem.unwrap_or_else(|| message!("status-connecting")))
            }
            (Connection::Lost, _) => Span::new(Role::StatusAlert, message!("status-reconnecting")),
            (Connection::Ended, _) => Span::new(Role::StatusAlert, message!("status-disconnected")),
            (Connection::Online, Some(ms)) => Span::new(Role::Status, message!("milliseconds", ms)),
            (Connection::Online, None) => Span::new(Role::Status, message!("status-connected")),
        }
    }
}

/// What the status line displays.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    /// The server of the room.
    pub server: Option<&'a ServerStatus>,
    /// Other servers that are not connected.
    pub others_lost: Vec<&'a ServerStatus>,
    /// The room is not joined, or was left.
    pub room_state: Option<String>,
    /// Posts that are not stored yet.
    pub unsent: usize,
    /// Whether later lines are below the screen.
    pub is_scrolled: bool,
    /// Rooms with something new, if the list of rooms is not displayed.
    pub activity: Vec<(Role, String)>,
    /// Completions that Tab goes through, and the chosen one.
    pub completions: Option<(&'a [String], usize)>,
}

impl Status<'_> {
    /// Returns the row.
    #[must_use]
    pub fn row(&self, width: usize) -> Row {
        if let Some((candidates, chosen)) = self.completions.filter(|(candidates, _)| candidates.len() > 1) {
            return completions(candidates, chosen, width);
        }
        let mut parts: Vec<Vec<Span>> = Vec::new();
        if self.is_scrolled {
            parts.push(vec![Span::new(Role::StatusAlert, message!("status-more-below"))]);
        }
        if self.unsent > 0 {
            parts.push(vec![Span::new(Role::StatusAlert, message!("status-unsent", posts = self.unsent))]);
        }
        parts.extend(self.room_state.as_deref().map(|state| vec![Span::new(Role::StatusAlert, state)]));
        if let Some(server) = self.server {
            parts.push(vec![server.span()]);
        }
        let lost = self.others_lost.iter();
        parts.extend(
            lost.map(|server| vec![Span::new(Role::StatusAlert, format!("{}: ", server.label)), server.span()]),
        );
        if !self.activity.is_empty() {
            let mut spans = vec![Span::new(Role::Status, message!("status-new"))];
            for (number, (role, label)) in self.activity.iter().enumerate() {
                spans.push(Span::new(Role::Status, if number > 0 { "," } else { "" }));
                spans.push(Span::new(*role, label));
            }
            parts.push(spans);
        }
        parts.extend(self.server.map(|server| vec![Span::new(Role::Status, server.name.as_str())]));
        let mut row = Row::default();
        for (number, part) in parts.into_iter().filter(|part| part.iter().any(|span| !span.text.is_empty())).enumerate()
        {
            row.push(Span::new(Role::Status, if number > 0 { " \u{b7} " } else { " " }));
            part.into_iter().for_each(|span| row.push(span));
        }
        row.fit(width, Role::Status)
    }
}

/// The completions around the chosen one.
fn completions(candidates: &[String], chosen: usize, width: usize) -> Row {
    let labels: Vec<_> = candidates.iter().map(|text| text.trim().to_owned()).collect();
    // The first one that is displayed, so that the chosen one fits.
    let mut first = chosen;
    let mut used = text::width(&labels[chosen]) + 2;
    while let Some(label) = first.checked_sub(1).map(|at| &labels[at]) {
        used += text::width(label) + 1;
        if used > width {
            break;
        }
        first -= 1;
    }
    let mut row = Row::default();
    for (at, label) in labels.iter().enumerate().skip(first) {
        row.push(Span::new(Role::Status, " "));
        row.push(Span::new(if at == chosen { Role::Selected } else { Role::Status }, label.as_str()));
    }
    row.fit(width, Role::Status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(server: &ServerStatus) -> Status<'_> {
        let (others_lost, activity) = (Vec::new(), Vec::new());
        Status {
            server: Some(server),
            others_lost,
            room_state: None,
            unsent: 0,
            is_scrolled: false,
            activity,
            completions: None,
        }
    }

    #[test]
    fn says_what_needs_attention_first() {
        let mut server = ServerStatus::new(ServerId(0), "one.example:1".to_owned());
        server.name = "anna".to_owned();
        assert_eq!(status(&server).row(30).text().trim_end(), " connecting \u{b7} anna");
        (server.connection, server.rtt_ms) = (Connection::Online, Some(23));
        let other = ServerStatus { connection: Connection::Lost, ..ServerStatus::new(ServerId(1), "two".to_owned()) };
        let mut full = Status { unsent: 2, is_scrolled: true, others_lost: vec![&other], ..status(&server) };
        full.activity = vec![(Role::Status, "3".to_owned()), (Role::StatusAlert, "5@1".to_owned())];
        let expected =
            " more below \u{b7} 2 unsent \u{b7} 23 ms \u{b7} two: reconnecting \u{b7} new: 3,5@1 \u{b7} anna";
        assert_eq!(full.row(90).text().trim_end(), expected);
        for width in 0..80 {
            assert_eq!(full.row(width).width(), width);
        }
    }

    #[test]
    fn the_chosen_completion_is_displayed() {
        let server = ServerStatus::new(ServerId(0), String::new());
        let names: Vec<_> = (0..30).map(|number| format!("name{number} ")).collect();
        for chosen in 0..30 {
            let row = Status { completions: Some((&names, chosen)), ..status(&server) }.row(20);
            assert!(row.text().contains(names[chosen].trim()) && row.width() == 20, "{row:?}");
        }
        assert_eq!(completions(&names, 1, 20).text(), " name0 name1 name2 \u{2026}");
    }
}
