//! `kabar-server files`: lists and removes the contents of files, also while the server runs.

use std::collections::BTreeSet;
use std::path::Path;

use clap::ValueEnum;
use kabar_core::content::Root;
use kabar_std::output::remark;
use kabar_std::text::clean_line;

use super::{CommandError, PROGRAM, print};
use crate::config::StorageArgs;
use crate::contents::{ContentDir, root_of};
use crate::hub::Unit;
use crate::store::{ContentRecord, Naming, forget_contents, list_contents, namings};
use crate::units::format;

/// Arguments of `files`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kabar-server files [OPTIONS] list\n       kabar-server files [OPTIONS] remove ROOT|NAME",
    after_help = "`list` prints one line per entry that names a file: the root of its content (as `b3sum` prints it), its size, the room, \
the number of the entry, and the name; then the contents that no entry names. `remove` removes a content for all rooms. The entries \
that name it stay; whoever asks for the file learns that it is not there."
)]
pub struct Arguments {
    #[command(flatten)]
    storage: StorageArgs,

    /// Only files of this room.
    #[arg(long = "room", value_name = "NAME")]
    room: Option<String>,

    /// What to do.
    #[arg(value_enum)]
    action: Action,

    /// The content to remove: its root, or the name of a file.
    #[arg(value_name = "ROOT|NAME", required_if_eq("action", "remove"))]
    content: Option<String>,
}

/// What `files` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Lists files.
    List,
    /// Removes a content.
    Remove,
}

/// Executes the command.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let dir = arguments.storage.resolve().map_err(CommandError::Usage)?.data_dir;
    let room = arguments.room.as_deref();
    match (arguments.action, &arguments.content) {
        (Action::List, None) => print(list(&dir, room)?.as_bytes()),
        (Action::List, Some(_)) => Err(CommandError::Usage(format!("usage: {PROGRAM} files list"))),
        (Action::Remove, content) => remove(&dir, room, content.as_deref().unwrap_or_default()),
    }
}

fn list(dir: &Path, room: Option<&str>) -> Result<String, CommandError> {
    let records = list_contents(dir).map_err(CommandError::failed)?;
    let named = namings(dir, room).map_err(CommandError::failed)?;
    let whole: BTreeSet<_> = records.iter().filter(|it| it.is_complete).map(|it| (it.root, it.size)).collect();
    let mut lines = String::new();
    for Naming { room, seq, root, size, name } in &named {
        let state = if whole.contains(&(*root, *size)) { "" } else { " (not there)" };
        let (size, room, name) = (format(Unit::Bytes, *size), clean_line(room), clean_line(name));
        lines += &format!("{root} {size} {room} {seq} {name}{state}\n");
    }
    if room.is_none() {
        let names: BTreeSet<Root> = named.iter().map(|naming| naming.root).collect();
        for ContentRecord { root, size, is_complete, .. } in &records {
            let state = match is_complete {
                false => "(being uploaded)",
                true if names.contains(root) => continue,
                true => "(no entry names it)",
            };
            lines += &format!("{root} {} {state}\n", format(Unit::Bytes, *size));
        }
    }
    Ok(lines)
}

fn remove(dir: &Path, room: Option<&str>, content: &str) -> Result<(), CommandError> {
    let named = namings(dir, None).map_err(CommandError::failed)?;
    let root = choose(&named, room, content)?;
    let files = ContentDir::new(dir);
    let failed = |error| CommandError::Failed(format!("{}: {error}", files.path().display()));
    let stored = files.stored().map_err(failed)?;
    let is_stored = stored.whole.iter().any(|it| it.0 == root) || stored.parts.iter().any(|it| it.0 == root);
    let is_known = list_contents(dir).map_err(CommandError::failed)?.iter().any(|it| it.root == root);
    if !is_stored && !is_known {
        return Err(CommandError::Failed(format!("the content {root} is not there")));
    }
    // The index first: nobody finds a content that is half gone.
    forget_contents(dir, &[root]).map_err(CommandError::failed)?;
    files.remove(root).map_err(failed)?;
    let stay = named.iter().filter(|naming| naming.root == root).count();
    remark(&format!("removed {root}; entries that name it and stay: {stay}"));
    Ok(())
}

/// The content that a root or a name means.
fn choose(named: &[Naming], room: Option<&str>, content: &str) -> Result<Root, CommandError> {
    let by_root = root_of(content);
    let is_meant = |it: &&Naming| {
        room.is_none_or(|room| it.room == room) && by_root.map_or(it.name == content, |root| it.root == root)
    };
    let roots: BTreeSet<Root> = named.iter().filter(is_meant).map(|it| it.root).collect();
    let shown = clean_line(content);
    match (by_root, roots.len(), roots.first()) {
        (_, 1, Some(root)) => Ok(*root),
        (Some(root), ..) if room.is_none() => Ok(root),
        (_, 0, _) => {
            Err(CommandError::Failed(format!("no file {shown} is there: `{PROGRAM} files list` shows which are")))
        }
        _ => {
            let roots: Vec<_> = roots.iter().map(Root::to_string).collect();
            Err(CommandError::Failed(format!("several files are named {shown}; choose one: {}", roots.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(room: &str, content: &[u8], name: &str) -> Naming {
        Naming { room: room.into(), seq: 1, root: Root::of(content), size: 1, name: name.into() }
    }

    #[test]
    fn a_content_is_chosen_by_root_or_by_a_name_that_means_one() {
        let [a, b] = [Root::of(b"a"), Root::of(b"b")];
        let named = [
            naming("lobby", b"a", "same.txt"),
            naming("attic", b"b", "same.txt"),
            naming("attic", b"b", "other.txt"),
            naming("lobby", b"b", "other.txt"),
        ];
        let choose = |room, content: &str| choose(&named, room, content);
        assert_eq!(choose(None, "other.txt"), Ok(b));
        assert_eq!((choose(Some("lobby"), "same.txt"), choose(Some("attic"), "same.txt")), (Ok(a), Ok(b)));
        assert_eq!(choose(None, &a.to_string().to_uppercase()), Ok(a));
        assert_eq!(choose(None, &Root::of(b"unlisted").to_string()), Ok(Root::of(b"unlisted")));
        let error = |room, content: &str| choose(room, content).unwrap_err().to_string();
        assert!(error(None, "same.txt").contains(&b.to_string()));
        assert!(error(Some("attic"), &a.to_string()).contains("no file"));
        assert!(error(None, "none\n.txt").contains("no file") && !error(None, "none\n.txt").contains('\n'));
    }
}
