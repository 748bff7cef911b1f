//! The shape of the source tree, held by tests: the order of the modules (`order.txt`), the files
//! of modules and of their tests, and how wide comments and prose are.

mod module_files;
mod modules;
mod order;
mod tokens;
mod width;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use modules::{Modules, Sources};

const ORDER: &str = include_str!("order.txt");

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// All files of the repository with one of the extensions, relative to its root.
fn files(extensions: &[&str]) -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            if entry.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(entry);
                }
            } else if entry.extension().is_some_and(|it| extensions.iter().any(|extension| it == *extension)) {
                let text = std::fs::read_to_string(&entry).expect("text");
                sources.insert(entry.strip_prefix(root()).expect("inside").to_owned(), text);
            }
        }
    }
    sources
}

/// The modules of every package of the repository, and the packages' names.
fn read_all() -> (BTreeSet<String>, Modules) {
    let sources = files(&["rs", "toml"]);
    let mut packages = BTreeSet::new();
    let mut modules = Modules::default();
    for (manifest, text) in sources.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let package = text.split("[package]").nth(1).and_then(|rest| rest.split("name = \"").nth(1));
        if let Some(name) = package.and_then(|rest| rest.split('"').next()) {
            packages.insert(name.to_owned());
            let lib = manifest.parent().unwrap_or(Path::new("")).join("src/lib.rs");
            modules.add(name, &lib, &sources);
        }
    }
    (packages, modules)
}

#[test]
fn modules_name_only_what_stands_below_them() {
    let sections = order::parse(ORDER).expect("order.txt");
    let (packages, modules) = read_all();
    let found = order::violations(&sections, &packages, &modules);
    assert!(found.is_empty(), "tests/tests/architecture/order.txt\n  {}", found.join("\n  "));
}

#[test]
fn modules_and_their_tests_have_one_kind_of_file() {
    let found = module_files::violations(&files(&["rs"]));
    assert!(found.is_empty(), "\n  {}", found.join("\n  "));
}

#[test]
fn comments_and_prose_are_at_most_100_columns_wide() {
    let found = width::violations(&files(&["rs", "md"]));
    assert!(found.is_empty(), "\n  {}", found.join("\n  "));
}

/// The violations of `order` in one package `p` that consists of `files`.
fn planted(order: &str, files: &[(&str, &str)]) -> Vec<String> {
    let sources: Sources = files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect();
    let mut modules = Modules::default();
    modules.add("p", Path::new("src/lib.rs"), &sources);
    let sections = order::parse(&format!("[packages]\np\n{order}")).expect("an order");
    let mut found = order::violations(&sections, &["p".to_owned()].into(), &modules);
    found.retain(|line| !line.starts_with("an order"));
    found
}

const LIB: (&str, &str) = ("src/lib.rs", "pub mod upper; mod lower;");
const TWO: &str = "[p]\nupper\nlower";

#[test]
fn accepts_the_upper_naming_the_lower() {
    let upper = ("src/upper.rs", "use crate::lower::Thing; fn f() { crate::lower::g(); super::lower::h() }");
    assert!(planted(TWO, &[LIB, upper, ("src/lower.rs", "pub struct Thing;")]).is_empty());
}

#[test]
fn notices_the_lower_naming_the_upper() {
    for source in [
        "use crate::upper::Thing;",
        "use super::{upper::Thing as Other};",
        "use crate::{upper::{self, Thing}};",
        "fn f() { let x = 'a'; crate::upper::g(); }",
        "fn f(x: super::upper::Thing) {}",
        "mod inner { use super::super::upper::Thing; }",
        "#[cfg(unix)] use crate::upper;",
    ] {
        let found = planted(TWO, &[LIB, ("src/upper.rs", ""), ("src/lower.rs", source)]);
        assert!(
            matches!(&found[..], [one] if one.contains("lower names") && one.contains("above")),
            "{source}: {found:?}"
        );
    }
}

#[test]
fn lets_tests_and_comments_name_anything() {
    let source = "// crate::upper::a\n/// [`crate::upper`]\n#[cfg(test)] mod tests { use crate::upper::Thing; }
        const TEXT: &str = \"crate::upper::b\";";
    assert!(planted(TWO, &[LIB, ("src/upper.rs", ""), ("src/lower.rs", source)]).is_empty());
}

#[test]
fn follows_names_that_another_module_passes_on() {
    let lib = ("src/lib.rs", "mod upper; mod lower; pub use upper::Thing;");
    let lower = ("src/lower.rs", "use crate::Thing;");
    let found = planted(TWO, &[lib, ("src/upper.rs", "pub struct Thing;"), lower]);
    assert!(matches!(&found[..], [one] if one.contains("upper stands above")), "{found:?}");
    let through = [LIB, ("src/upper.rs", "pub use crate::lower::Thing;"), ("src/lower.rs", "pub struct Thing;")];
    assert!(planted(TWO, &through).is_empty());
}

#[test]
fn notices_neighbours_in_one_layer_and_circles() {
    let files = [LIB, ("src/upper.rs", "use crate::lower::A;"), ("src/lower.rs", "")];
    assert_eq!(planted("[p]\nupper lower", &files).len(), 1);
    let circle = [LIB, ("src/upper.rs", "use crate::lower::A;"), ("src/lower.rs", "use crate::upper::B;")];
    assert_eq!(planted(TWO, &circle).len(), 1);
    assert_eq!(planted("[p]\nlower\nupper", &circle).len(), 1);
}

#[test]
fn allows_exceptions_only_where_they_are_needed() {
    let allowing = format!("{TWO}\n! lower -> upper");
    let lower = |source| [LIB, ("src/upper.rs", ""), ("src/lower.rs", source)];
    assert!(planted(&allowing, &lower("use crate::upper::A;")).is_empty());
    assert_eq!(planted(&allowing, &lower("")), ["[p] allows lower -> upper without need"]);
}

#[test]
fn notices_what_is_not_listed_and_what_is_not_there() {
    let files = [LIB, ("src/upper.rs", ""), ("src/lower.rs", "")];
    assert_eq!(planted("[p]\nupper", &files), ["[p] does not list lower"]);
    assert_eq!(planted("[p]\nupper\nlower\nlowest", &files), ["[p] lists lowest, which does not exist"]);
    assert_eq!(planted("", &files), ["[p] is missing"]);
    assert_eq!(planted(&format!("{TWO}\n[p::middle]\na"), &files), ["[p::middle] is no module"]);
    assert!(order::parse("[p]\na b\na").is_err());
}

#[test]
fn orders_the_inside_of_a_module() {
    let lib = ("src/lib.rs", "mod hub;");
    let hub = ("src/hub/mod.rs", "mod door; mod room; use room::Room; pub struct Hub;");
    let files = |door| [lib, hub, ("src/hub/door.rs", door), ("src/hub/room.rs", "")];
    let order = "[p]\nhub\n[p::hub]\nroom\ndoor";
    assert!(planted(order, &files("")).is_empty());
    assert_eq!(planted(order, &files("use super::room::Room;")).len(), 1);
    // The file itself stands above its modules unless it is listed as `self`.
    assert_eq!(planted(order, &files("use super::Hub;")).len(), 1);
    let lib = ("src/lib.rs", "mod hub;");
    let below = [lib, ("src/hub/mod.rs", "mod door; pub struct Hub;"), ("src/hub/door.rs", "impl super::Hub {}")];
    assert!(planted("[p]\nhub\n[p::hub]\ndoor\nself", &below).is_empty());
    // A visibility names nothing.
    assert!(planted(order, &files("pub(in crate::hub) fn f() {}")).is_empty());
}
