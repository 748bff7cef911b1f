//! Completion of the line at the prompt: commands, names and rooms.

use kabar_std::line_editor::helper::last_word;

use super::roster::Roster;
use crate::command::{CommandName, OperatorCommand};

/// Returns where the last word of `typed` begins, and its completions: commands, rooms after a
/// command that takes one, or names. A name at the beginning of a line addresses its member and
/// gets a colon.
pub(super) fn completions(typed: &str, roster: &Roster, rooms: &[String], others: &[String]) -> (usize, Vec<String>) {
    let start = last_word(typed);
    let word = &typed[start..];
    if start == 0 && word.starts_with('/') {
        let completed =
            |name: CommandName| format!("{}{}", name.word(), if name.argument().is_some() { " " } else { "" });
        let for_operators = OperatorCommand::starting_with(word)
            .filter(|command| command.word != CommandName::Room.word())
            .map(|command| format!("{}{}", command.word, if command.argument.is_empty() { "" } else { " " }));
        return (0, CommandName::starting_with(word).map(completed).chain(for_operators).collect());
    }
    let command = typed[..start].trim_end();
    let rooms = match CommandName::ALL.into_iter().find(|name| name.word() == command) {
        Some(CommandName::Room | CommandName::Part) => Some(rooms),
        Some(CommandName::Join) => Some(others),
        _ => None,
    };
    if let Some(rooms) = rooms {
        let part = word.strip_prefix('#').unwrap_or(word);
        return (start, rooms.iter().filter(|room| room.starts_with(part)).cloned().collect());
    }
    let names = if word.is_empty() && start > 0 { Vec::new() } else { roster.starting_with(word) };
    let end = if start == 0 { ": " } else { " " };
    (start, names.into_iter().map(|name| name + end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_names_with_a_colon_at_the_beginning_only() {
        let roster = Roster::default();
        ["farhan", "J\u{f6}rg", "darryl"].into_iter().for_each(|name| roster.note(name));
        let complete = |typed: &str| completions(typed, &roster, &[], &[]);
        assert_eq!(complete("fa"), (0, vec!["farhan: ".to_owned()]));
        assert_eq!(complete("ask FA"), (4, vec!["farhan ".to_owned()]));
        assert_eq!(complete("\u{e9}\u{a0}j\u{f6}"), (4, vec!["J\u{f6}rg ".to_owned()]));
        assert_eq!(complete("").1.len(), 3, "all, the last author first");
        assert_eq!(complete("hello ").1.len(), 0);
    }

    #[test]
    fn completes_commands_at_the_beginning_only() {
        let roster = Roster::default();
        assert_eq!(completions("/hi", &roster, &[], &[]), (0, vec!["/history ".to_owned()]));
        assert_eq!(completions("/he", &roster, &[], &[]), (0, vec!["/help".to_owned()]), "it takes no argument");
        assert_eq!(completions("see /hi", &roster, &[], &[]).1.len(), 0);
        assert_eq!(completions("/unb", &roster, &[], &[]), (0, vec!["/unban ".to_owned()]));
        roster.note("farhan");
        assert_eq!(completions("/kick fa", &roster, &[], &[]), (6, vec!["farhan ".to_owned()]));
    }

    #[test]
    fn completes_rooms_after_commands_that_take_one() {
        let (roster, rooms) = (Roster::default(), ["lobby", "ops", "opera"].map(str::to_owned));
        roster.note("oppenheim");
        let others = ["garden".to_owned()];
        let complete = |typed: &str| completions(typed, &roster, &rooms, &others);
        assert_eq!(complete("/room op"), (6, vec!["ops".to_owned(), "opera".to_owned()]));
        assert_eq!(complete("/part #l"), (6, vec!["lobby".to_owned()]));
        assert_eq!((complete("/room ").1.len(), complete("/join ").1), (3, vec!["garden".to_owned()]));
        assert_eq!(complete("/kick op"), (6, vec!["oppenheim ".to_owned()]));
        let rooms = complete("/room").1;
        assert_eq!(rooms.iter().filter(|word| *word == "/room ").count(), 1, "{rooms:?}");
    }
}
