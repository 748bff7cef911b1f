//! Precedence of the sources of a setting, and errors.

use clap::{CommandFactory, FromArgMatches, Parser};

use kabar_std::address::DEFAULT_PORT;
use kabar_std::invite::DEFAULT_ROOM;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    run: RunFlags,
}

struct Setup {
    home: tempfile::TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

impl Setup {
    /// A data directory with this configuration file.
    fn new(file: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(FILE_NAME), file).unwrap();
        Self { home, environment: Vec::new() }
    }

    fn resolve(&self, words: &[&str]) -> Result<Config, String> {
        let data_dir = self.home.path().to_str().unwrap();
        self.resolve_all(&[&["kabar-server", "--data-dir", data_dir], words].concat())
    }

    fn resolve_all(&self, words: &[&str]) -> Result<Config, String> {
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let value = |name: &str| self.environment.iter().find(|(known, _)| *known == name);
        Config::resolve(&line.run.flags, &|name| value(name).map(|(_, value)| value.into()))
    }
}

#[test]
fn the_flag_beats_the_environment_the_file_and_the_default() {
    let mut setup = Setup::new("max-members = 40\nroom = \"den\"\nlisten = \":7\"\n");
    let bare = Setup::new("").resolve(&[]).unwrap();
    assert_eq!(
        (bare.limits, bare.room.as_str(), bare.listen.port()),
        (HubLimits::default(), DEFAULT_ROOM, DEFAULT_PORT)
    );
    assert_eq!((bare.log_format, bare.log_level), (LogFormat::Text, LevelFilter::INFO));
    assert_eq!(bare.origin("max-members"), Some(&Origin::Default));

    let from_file = setup.resolve(&[]).unwrap();
    assert_eq!((from_file.limits.members, from_file.room.as_str(), from_file.listen.port()), (40, "den", 7));
    let Some(Origin::File(path, 1)) = from_file.origin("max-members") else { panic!("{from_file:?}") };
    assert!(path.ends_with(FILE_NAME));

    setup.environment = vec![("KABAR_MAX_MEMBERS", "50"), ("KABAR_ROOM", "attic"), ("KABAR_LISTEN", "")];
    let from_environment = setup.resolve(&[]).unwrap();
    assert_eq!((from_environment.limits.members, from_environment.room.as_str()), (50, "attic"));
    assert_eq!(from_environment.origin("room"), Some(&Origin::Environment("KABAR_ROOM".into())));
    assert_eq!(from_environment.listen.port(), 7, "an empty variable says nothing");

    let from_flag = setup.resolve(&["--max-members", "60", "--room", "yard"]).unwrap();
    assert_eq!((from_flag.limits.members, from_flag.room.as_str()), (60, "yard"));
    assert_eq!(from_flag.origin("max-members"), Some(&Origin::Flag("max-members")));
}

#[test]
fn several_addresses_are_advertised_in_the_given_order() {
    let shown = |config: Config| {
        let shown: Vec<_> = config.advertise.iter().map(|place| place.host.to_string()).collect();
        shown.join(" ")
    };
    let mut setup = Setup::new("advertise = [\"c.example\", \"d.example\"]\n");
    assert_eq!(shown(setup.resolve(&[]).unwrap()), "c.example d.example");
    setup.environment = vec![("KABAR_ADVERTISE", "e.example,fd00::1")];
    assert_eq!(shown(setup.resolve(&[]).unwrap()), "e.example fd00::1");
    let flags = ["--advertise", "b.example", "--advertise", "a.example,[fd00::2]:7"];
    let config = setup.resolve(&flags).unwrap();
    assert_eq!(config.advertise[2].port, Some(7));
    assert!(
        config.to_toml().contains("advertise = \"b.example,a.example,[fd00::2]:7\"  # --advertise"),
        "{}",
        config.to_toml()
    );
    assert_eq!(shown(config), "b.example a.example fd00::2");
    let error = setup.resolve(&["--advertise", "a.example", "--advertise", "fe80::1%eth0"]).unwrap_err();
    assert!(error.contains("without %eth0") && !error.contains('\n'), "{error}");
    assert!(setup.resolve(&["--room", "a", "--room", "b"]).is_err(), "any other flag is said once");
}

/// Checks all limits, so that none can be forgotten: each has a flag, a variable and a key that set
/// it and nothing else.
#[test]
fn every_limit_has_a_flag_a_variable_and_a_key() {
    for limit in LIMITS {
        let raw = if limit.default == limit.min { limit.max } else { limit.min };
        let value = units::format(limit.unit, raw);
        let variable = variable(limit.name);
        let setup = |file: &str| Setup::new(file);
        let by_flag = setup("").resolve(&[&format!("--{}", limit.name), &value]);
        let by_file = setup(&format!("{} = \"{value}\"\n", limit.name)).resolve(&[]);
        let (leaked_name, leaked_value) = (&*variable.leak(), &*value.leak());
        let mut in_environment = setup("");
        in_environment.environment = vec![(leaked_name, leaked_value)];
        let by_environment = in_environment.resolve(&[]);
        for config in [by_flag, by_file, by_environment] {
            // A `retry-min` above `retry-max` is refused, from any origin.
            let Ok(config) = config else {
                assert!(limit.name.starts_with("retry-"), "{}: {config:?}", limit.name);
                continue;
            };
            assert_eq!(limit.get(&config.limits), raw, "{}", limit.name);
            let others = LIMITS.iter().filter(|other| other.name != limit.name);
            assert!(others.clone().all(|other| other.get(&config.limits) == other.default));
        }
    }
}

#[test]
fn an_invalid_value_is_reported_with_its_origin() {
    let mut setup = Setup::new("");
    for (words, named) in [
        (["--listen", "here"], "--listen \"here\": the host"),
        (["--room", "Lob by"], "--room \"Lob by\": a room's name"),
        (["--key-bits", "1024"], "--key-bits \"1024\": it must be 2048"),
        (["--advertise", "a b"], "--advertise \"a b\": the host"),
        (["--metrics", "x"], "--metrics \"x\": it must be PORT"),
        (["--log-format", "xml"], "--log-format \"xml\": it must be text or json"),
        (["--log-level", "loud"], "--log-level \"loud\": it must be off, error, warn"),
        (["--max-members", "0"], "--max-members \"0\": it must be a number from 1 to 65535"),
        (["--join-time", "soon"], "--join-time \"soon\": it must be a time"),
        (["--max-body", "5000"], "--max-body \"5000\": it must be a size"),
        (["--retry-min", "10s"], "retry-min is longer than retry-max"),
    ] {
        let error = setup.resolve(&words).unwrap_err();
        assert!(error.starts_with(named) && !error.contains('\n'), "{error}");
    }
    setup.environment = vec![("KABAR_MAX_MEMBERS", "many")];
    assert!(setup.resolve(&[]).unwrap_err().starts_with("KABAR_MAX_MEMBERS \"many\": "));
    let error = Setup::new("\nlisten = \"here\"\n").resolve(&[]).unwrap_err();
    assert!(error.contains("kabar-server.toml:2: listen: \"here\": "), "{error}");
    let error = Setup::new("\n\nmax-membrs = 3\n").resolve(&[]).unwrap_err();
    assert!(error.contains("kabar-server.toml:3: ") && error.contains("max-membrs"), "{error}");
}

#[test]
fn a_named_file_counts_instead_of_the_one_in_the_data_directory() {
    let setup = Setup::new("max-members = 40\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("other.toml");
    std::fs::write(&path, "max-members = 41\ndata-dir = \"data\"\npassword-file = \"secret\"\n").unwrap();
    let named = path.to_str().unwrap();
    let config = setup.resolve(&["--config", named]).unwrap();
    assert_eq!(config.limits.members, 41);
    assert_eq!(config.data_dir, setup.home.path(), "the flag beats the file");
    // Paths in a file are relative to its directory.
    let alone = setup.resolve_all(&["kabar-server", "--config", named]).unwrap();
    assert_eq!(alone.data_dir, elsewhere.path().join("data"));
    assert_eq!(alone.password_file, Some(elsewhere.path().join("secret")));
    let missing = setup.resolve(&["--config", "/nonexistent/x.toml"]).unwrap_err();
    assert!(missing.contains("/nonexistent/x.toml"), "{missing}");
    let circular = Setup::new("data-dir = \"x\"\n").resolve(&[]).unwrap_err();
    assert!(circular.contains("data-dir"), "{circular}");
}

#[test]
fn metrics_are_for_this_computer_unless_an_address_says_otherwise() {
    let setup = Setup::new("");
    let metrics = |text| setup.resolve(&["--metrics", text]).unwrap().metrics.unwrap().to_string();
    assert_eq!((metrics("9100").as_str(), metrics(":0").as_str()), ("127.0.0.1:9100", "127.0.0.1:0"));
    assert_eq!((metrics("0.0.0.0:9100").as_str(), metrics("::1").as_str()), ("0.0.0.0:9100", "[::1]:9998"));
    assert_eq!(setup.resolve(&[]).unwrap().metrics, None);
}

#[test]
fn the_printed_configuration_resolves_to_the_same_settings() {
    let setup = Setup::new("room = \"den\"\nmax-unfinished = \"1MiB\"\n");
    let config = setup.resolve(&["--max-members", "12", "--advertise", "chat.example,fd00::1"]).unwrap();
    let shown = config.to_toml();
    for line in ["max-members = \"12\"  # --max-members", "max-events = \"4096\"  # default"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(shown.contains("room = \"den\"  # ") && shown.contains("kabar-server.toml:1"), "{shown}");
    let again = Setup::new(&shown).resolve(&[]).unwrap();
    assert_eq!((again.limits, again.room, again.advertise), (config.limits, config.room, config.advertise));
}

#[test]
fn the_short_help_leaves_the_limits_to_the_long_one() {
    let short = Line::command().render_help().to_string();
    let long = Line::command().render_long_help().to_string();
    assert!(short.contains("--listen") && !short.contains("--max-members"), "{short}");
    assert!(long.contains("Limits:") && LIMITS.iter().all(|limit| long.contains(&format!("--{}", limit.name))));
    assert!(SETTINGS.iter().all(|setting| long.contains(&format!("--{}", setting.name))));
    // A password may have one source only.
    let both = Line::command().try_get_matches_from(["kabar-server", "--password-stdin", "--password-file", "x"]);
    assert!(both.is_err());
    let one = Line::command().try_get_matches_from(["kabar-server", "--password-stdin"]).unwrap();
    assert!(Line::from_arg_matches(&one).unwrap().run.password_stdin);
}

#[test]
fn operators_are_fingerprints_or_public_keys() {
    let setup = Setup::new("");
    let key = PublicIdentity([7; 32]);
    let fingerprint = Fingerprint::of_identity(&key);
    let hex = "07".repeat(32);
    for (text, expected) in [
        (fingerprint.to_string(), vec![fingerprint]),
        (hex.clone(), vec![fingerprint]),
        (hex.to_uppercase(), vec![fingerprint]),
        (format!(" {fingerprint} , {hex}"), vec![fingerprint, fingerprint]),
    ] {
        assert_eq!(setup.resolve(&["--operator", &text]).unwrap().operators, expected, "{text}");
    }
    assert_eq!(
        setup.resolve(&["--operator", &hex, "--operator", &fingerprint.to_string()]).unwrap().operators.len(),
        2
    );
    for wrong in ["", "anna", &hex[1..], &format!("{hex},"), &format!("{fingerprint}x")] {
        let error = setup.resolve(&["--operator", wrong]).unwrap_err();
        assert!(error.contains("--operator") && error.contains("fingerprint (32 characters)"), "{wrong}: {error}");
    }
}
