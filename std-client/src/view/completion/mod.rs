//! Completion of what is being typed: commands, rooms, names, files and emoji.

use crate::command::{CommandName, OperatorCommand, TypedFile};
use crate::transfers::TransferId;

/// Completions of emoji at most.
const MAX_EMOJI: usize = 20;

/// What there is to complete.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Names, those who spoke last first.
    pub names: &'a [String],
    /// Rooms that the user is in.
    pub rooms: &'a [String],
    /// Further rooms of the server.
    pub others: &'a [String],
    /// Names of the files in the room, the last one first.
    pub files: &'a [String],
    /// Transfers that have not ended, and the names of their files.
    pub transfers: &'a [(TransferId, String)],
    /// The paths that begin with [`typed_path`].
    pub paths: &'a [String],
}

/// Returns the beginning of a path that the text before the cursor ends with.
#[must_use]
pub fn typed_path(before: &str) -> Option<&str> {
    let (word, argument) = before.split_once(' ')?;
    (word == CommandName::Send.word()).then_some(argument.trim_start())
}

/// A completion that Tab goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Where the completed part begins.
    start: usize,
    candidates: Vec<String>,
    /// The one that is displayed.
    chosen: usize,
}

impl Completion {
    /// Begins to complete the text before the cursor; `None`: nothing matches.
    #[must_use]
    pub fn begin(before: &str, context: &Context<'_>, is_back: bool) -> Option<Self> {
        let (start, candidates) = candidates(before, context);
        let last = candidates.len().checked_sub(1)?;
        Some(Self { start, candidates, chosen: if is_back { last } else { 0 } })
    }

    /// Goes to the next completion, or the one before. The text that was typed is not among them.
    pub fn cycle(&mut self, is_back: bool) {
        let count = self.candidates.len();
        self.chosen = (self.chosen + if is_back { count - 1 } else { 1 }) % count;
    }

    /// Returns where the completed part begins.
    #[must_use]
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Returns the text that takes its place.
    #[must_use]
    pub fn text(&self) -> &str {
        self.candidates.get(self.chosen).map_or("", String::as_str)
    }

    /// Returns all completions, and the index of the chosen one.
    #[must_use]
    pub fn candidates(&self) -> (&[String], usize) {
        (&self.candidates, self.chosen)
    }
}

/// Returns where the last word of the text before the cursor begins, and its completions.
#[must_use]
pub fn candidates(before: &str, context: &Context<'_>) -> (usize, Vec<String>) {
    if let Some((start, candidates)) = files(before, context) {
        return (start, candidates);
    }
    let start =
        before.rfind(char::is_whitespace).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    if start == 0 && word.starts_with('/') && !word.starts_with("//") {
        return (0, commands(word));
    }
    if let Some(rooms) = rooms_for(&before[..start], context) {
        let part = word.strip_prefix('#').unwrap_or(word);
        return (start, rooms.iter().filter(|room| starts_with(room, part)).map(|room| format!("{room} ")).collect());
    }
    if let Some(short_name) = word.strip_prefix(':').filter(|rest| rest.len() > 1) {
        return (start, emoji(short_name));
    }
    if let Some(part) = word.strip_prefix('#').filter(|part| !part.is_empty()) {
        let rooms = context.rooms.iter().filter(|room| starts_with(room, part));
        return (start, rooms.map(|room| format!("#{room} ")).collect());
    }
    let (mark, part) = match word.strip_prefix('@') {
        Some(part) => ("@", part),
        None => ("", word),
    };
    let is_name_alone = start == 0 && mark.is_empty();
    if part.is_empty() && mark.is_empty() && !is_name_alone {
        return (start, Vec::new());
    }
    let end = if is_name_alone { ": " } else { " " };
    let names = context.names.iter().filter(|name| starts_with(name, part));
    (start, names.map(|name| format!("{mark}{name}{end}")).collect())
}

fn commands(word: &str) -> Vec<String> {
    let with_space = |word: &str, has_argument| if has_argument { format!("{word} ") } else { word.to_owned() };
    let own = CommandName::starting_with(word).map(|name| with_space(name.word(), name.argument().is_some()));
    let operator = OperatorCommand::starting_with(word).filter(|command| command.word != CommandName::Room.word());
    own.chain(operator.map(|command| with_space(command.word, !command.argument.is_empty()))).collect()
}

/// The completions of the argument of a command about files, which is the rest of the line: names
/// may have spaces. `None`: this is another text.
fn files(before: &str, context: &Context<'_>) -> Option<(usize, Vec<String>)> {
    let (word, argument) = before.split_once(' ')?;
    let argument = argument.trim_start();
    let candidates = match CommandName::ALL.into_iter().find(|name| name.word() == word)? {
        CommandName::Send => context.paths.to_vec(),
        CommandName::Get => {
            let part = argument.strip_prefix('"').unwrap_or(argument);
            let is_meant = |name: &&String| starts_with(name, part) || starts_with(name, argument);
            context.files.iter().filter(is_meant).map(|name| TypedFile::named(name)).collect()
        }
        CommandName::Cancel => {
            let is_meant = |name: &str, number: &str| number.starts_with(argument) || starts_with(name, argument);
            let numbers = context.transfers.iter().map(|(id, name)| (name, id.0.to_string()));
            numbers.filter(|(name, number)| is_meant(name, number)).map(|(_, number)| number).collect()
        }
        _ => return None,
    };
    Some((before.len() - argument.len(), candidates))
}

/// The rooms that the command before the word takes.
fn rooms_for<'a>(before: &str, context: &Context<'a>) -> Option<&'a [String]> {
    match CommandName::ALL.into_iter().find(|name| name.word() == before.trim_end()) {
        Some(CommandName::Room | CommandName::Part) => Some(context.rooms),
        Some(CommandName::Join) => Some(context.others),
        _ => None,
    }
}

/// The emoji whose short name begins with this, those with the shortest names first.
fn emoji(part: &str) -> Vec<String> {
    let part = part.to_ascii_lowercase();
    let named = emojis::iter().filter_map(|emoji| {
        let short_name = emoji.shortcodes().filter(|name| name.starts_with(&part)).min_by_key(|name| name.len())?;
        Some((short_name.len(), short_name, emoji.as_str()))
    });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named.into_iter().take(MAX_EMOJI).map(|(_, _, emoji)| format!("{emoji} ")).collect()
}

/// Whether `text` begins with `part` in any case.
fn starts_with(text: &str, part: &str) -> bool {
    let mut letters = text.chars().flat_map(char::to_lowercase);
    part.chars().flat_map(char::to_lowercase).all(|c| letters.next() == Some(c))
}

#[cfg(test)]
mod tests;
