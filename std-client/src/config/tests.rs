use super::settings::SETTINGS;
use super::*;
use crate::view::keys::Code;
use crate::view::transcript::Joins;
use crate::view::transcript::line::TimeFormat;

/// Resolves a file with this text, without flags and environment.
fn of_file(text: &str) -> Result<Config, String> {
    resolve(&[], &|_| None, text)
}

fn resolve(flags: Flags<'_>, environment: &dyn Fn(&str) -> Option<OsString>, text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    std::fs::write(&path, text).unwrap();
    Config::resolve(flags, environment, Some(&path)).map_err(|error| error.to_string())
}

#[test]
fn flag_then_environment_then_file_then_default() {
    let file = "mouse = false\nbell = false\ntime-format = \"seconds\"\n";
    let environment = |name: &str| (name == "KABAR_BELL" || name == "KABAR_MOUSE").then(|| "true".into());
    let config = resolve(&[("mouse", Some("false".to_owned())), ("plain", None)], &environment, file).unwrap();
    let Config { is_plain, appearance, .. } = &config;
    assert!(!appearance.has_mouse && appearance.notifications.has_bell && !is_plain);
    assert_eq!((appearance.time_format, config.give_up), (TimeFormat::Seconds, Duration::from_secs(60)));
    let printed = config.to_toml();
    for line in
        ["mouse = false  # --mouse", "bell = true  # KABAR_BELL", "plain = false  # default", "give-up = 60  # default"]
    {
        assert!(printed.lines().any(|known| known == line), "{line}: {printed}");
    }
    let time = printed.lines().find(|line| line.starts_with("time-format = \"seconds\"")).unwrap();
    assert!(time.ends_with("config.toml:3"), "{time}");
}

#[test]
fn what_is_printed_is_a_file_with_the_same_values() {
    let file = "joins = \"hidden\"\ncolours = 16\ngive-up = 1.5\n[keys]\nsearch = \"f3\"\nquote = \"none\"\n";
    let config = of_file(file).unwrap();
    let again = of_file(&config.to_toml()).unwrap();
    assert_eq!((again.appearance.joins, again.give_up), (Joins::Hidden, Duration::from_millis(1_500)));
    let (again_bound, bound) = (&again.appearance.bindings, &config.appearance.bindings);
    for (name, action) in Action::all() {
        assert!(again_bound.keys(action).eq(bound.keys(action)), "{name}");
    }
    assert_eq!(again.appearance.theme, config.appearance.theme);
    assert_eq!(again.resolved.len(), SETTINGS.len() + Action::all().count());
}

#[test]
fn keys_of_the_file_replace_those_of_the_action() {
    let config = of_file("[keys]\nnext-room = [\"f6\", \"ctrl-f\"]\n").unwrap();
    assert_eq!(config.appearance.bindings.action(Key::plain(Code::F(6))), Some(Action::NextRoom));
    assert_eq!(config.appearance.bindings.action(Key::ctrl('f')), Some(Action::NextRoom), "search had it");
    assert_eq!(config.appearance.bindings.action(Key::ctrl('n')), None);
    assert!(config.to_toml().contains("\nsearch = \"none\"  # default\n"), "{}", config.to_toml());
}

#[test]
fn an_error_names_the_line_and_what_is_allowed() {
    for (file, expected) in [
        ("\ncolors = \"16\"\n", "config.toml:2: unknown key \"colors\"; `kabar config` lists all"),
        ("joins = \"no\"\n", "config.toml:1: joins: \"no\": it must be folded, shown or hidden"),
        ("mouse = 1\n", "config.toml:1: mouse: \"1\": it must be true or false"),
        ("[keys]\nsearch = \"ctrl-\"\n", "config.toml:2: keys.search: \"ctrl-\": not a key"),
        ("[keys]\nfly = \"f2\"\n", "config.toml:2: unknown key \"keys.fly\""),
        ("[keys]\nquote = \"f2\"\nsearch = \"f2\"\n", ": f2 is bound at "),
        ("[themes]\n", "config.toml:1: unknown key \"themes\""),
        ("plain\n", "config.toml:1: "),
    ] {
        let error = of_file(file).unwrap_err();
        assert!(error.contains(expected) && !error.contains('\n'), "{file}: {error}");
    }
    let error = resolve(&[("give-up", Some("soon".to_owned()))], &|_| None, "").unwrap_err();
    assert_eq!(error, "--give-up \"soon\": not a number of seconds");
}

#[test]
fn colours_follow_the_environment_unless_they_are_set() {
    let environment = |name: &str| (name == "NO_COLOR").then(|| "1".into());
    assert_eq!(resolve(&[], &environment, "").unwrap().appearance.theme.depth, Depth::Monochrome);
    assert_eq!(resolve(&[], &environment, "colours = 256").unwrap().appearance.theme.depth, Depth::Many);
}
