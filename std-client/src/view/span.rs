//! What a screen draws: rows of spans. A span has a role, not a colour: themes belong to the
//! screen.

use std::ops::Range;
use std::sync::Arc;

use super::text;

/// The number of colours that names have.
pub const NICK_COLOURS: u8 = 12;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text of members, and everything without another role.
    #[default]
    Text,
    /// The time of an entry.
    Time,
    /// The name of another member, in a colour below [`NICK_COLOURS`].
    Nick(u8),
    /// The own name.
    OwnNick,
    /// Own text.
    Own,
    /// Text that mentions the own name.
    Mention,
    /// What the operator said or did. Nothing that a member writes has this role.
    Operator,
    /// Joins, leaves and changes of names.
    Presence,
    /// A text that was removed, or was not delivered.
    Removed,
    /// A notice of this program.
    Notice,
    /// A notice about an error.
    Error,
    /// The line between two days.
    Day,
    /// The line above what is new.
    Unread,
    /// A line between areas.
    Border,
    /// The status line.
    Status,
    /// A part of the status line that needs attention.
    StatusAlert,
    /// The prompt of the input.
    Prompt,
    /// Displayed in an input without text.
    Placeholder,
    /// A heading: of a list, or of a server in the list of rooms.
    Heading,
    /// A room without anything new.
    Room,
    /// A room with unread lines.
    RoomUnread,
    /// A room with mentions.
    RoomMention,
    /// The selected room or line.
    Selected,
}

/// A piece of text with one style. It has no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// What it is.
    pub role: Role,
    /// Whether it is what the user searches for.
    pub is_match: bool,
    /// The address of the page that it links to.
    pub link: Option<Arc<str>>,
}

impl Span {
    /// Creates a span.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role, is_match: false, link: None }
    }

    /// Creates a span without a role.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Role::Text, text)
    }

    fn has_style_of(&self, other: &Self) -> bool {
        self.role == other.role && self.is_match == other.is_match && self.link == other.link
    }
}

/// A row of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its spans, from left to right.
    pub spans: Vec<Span>,
}

impl Row {
    /// Creates a row of one span; of none if the text is empty.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        let mut row = Self::default();
        row.push(Span::new(role, text));
        row
    }

    /// Appends a span, unless it is empty.
    pub fn push(&mut self, span: Span) {
        if !span.text.is_empty() {
            self.spans.push(span);
        }
    }

    /// Appends text in the style of `like`.
    pub(super) fn push_like(&mut self, like: &Span, text: &str) {
        match self.spans.last_mut().filter(|last| last.has_style_of(like)) {
            Some(last) => last.text.push_str(text),
            None => self.spans.push(Span { text: text.to_owned(), ..like.clone() }),
        }
    }

    /// Returns its width in cells.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| text::width(&span.text)).sum()
    }

    /// Returns its text without styles.
    #[must_use]
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Cuts the row to `width` cells.
    #[must_use]
    pub fn cut(mut self, width: usize) -> Self {
        let mut room = width;
        for span in &mut self.spans {
            span.text = text::cut(&span.text, room);
            room -= text::width(&span.text);
        }
        self.spans.retain(|span| !span.text.is_empty());
        self
    }

    /// Fills the row with spaces to `width` cells, or cuts it.
    #[must_use]
    pub fn fit(self, width: usize, role: Role) -> Self {
        let mut row = self.cut(width);
        let missing = width - row.width();
        row.push(Span::new(role, " ".repeat(missing)));
        row
    }

    /// Marks what the user searches for.
    #[must_use]
    pub fn mark(self, word: &str) -> Self {
        let found = text::find::matches(&self.text(), word);
        if found.is_empty() {
            return self;
        }
        let (mut row, mut before) = (Self::default(), 0);
        for span in self.spans {
            let (mut matched, mut unmatched) = (span.clone(), span.clone());
            (matched.is_match, unmatched.is_match) = (true, false);
            for cluster in text::clusters(&span.text) {
                let start = before + cluster.at;
                let is_in = |range: &Range<usize>| range.start < start + cluster.text.len() && start < range.end;
                row.push_like(if found.iter().any(is_in) { &matched } else { &unmatched }, cluster.text);
            }
            before += span.text.len();
        }
        row
    }
}
