//! Entries as lines, at the prompt and in pipes.

use kabar_std::text::{Action, LineFormatter, size_text};

use crate::language::message;

/// Returns the formatter of lines.
#[must_use]
pub fn line_formatter() -> LineFormatter {
    LineFormatter::with_sentences(describe, message!("entry-removed"))
}

fn describe(author: &str, action: &Action) -> String {
    match action {
        Action::Joined => message!("line-joined", author),
        Action::Left => message!("line-left", author),
        Action::Kicked(None) => message!("line-kicked", author),
        Action::Kicked(Some(reason)) => message!("line-kicked-because", author, reason),
        Action::Renamed(name) => message!("entry-renamed", author, name),
        Action::RemovedEntry(Some(seq)) => message!("entry-removal", author, seq = *seq),
        Action::RemovedEntry(None) => message!("entry-removal-unknown", author),
        Action::SetTopic(None) => message!("entry-topic-removed", author),
        Action::SetTopic(Some(topic)) => message!("entry-topic", author, topic),
        Action::SentTooMuch(size) => format!("{author} {}", message!("entry-too-large", size = *size)),
        Action::SentFile(name, size) => message!("entry-file", author, name, size = size_text(*size)),
        Action::SentData(size) => message!("entry-data", author, size = *size),
        Action::SentUnknown(size, kind) => message!("entry-unknown", author, size = *size, kind = *kind),
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::EntryKind;
    use kabar_std::text::{Content, Line};

    use super::*;

    #[test]
    fn english_lines_are_those_of_the_server() {
        let bodies: [&[u8]; 4] = [b"", b"a text", &17_u64.to_be_bytes(), b"\xff\n"];
        for kind in 0..=u8::MAX {
            for content in bodies.map(Content::Body).into_iter().chain([Content::Omitted(9)]) {
                let line = Line { time_ms: 0, author: "anna", address: None, kind: EntryKind(kind), content };
                assert_eq!(line_formatter().format(&line), LineFormatter::new().format(&line));
            }
        }
    }
}
