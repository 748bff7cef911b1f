use clap::CommandFactory;

use super::*;

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from([&["kabar-relay", "--to", "127.0.0.1"], arguments].concat())
}

#[test]
fn the_command_line_definition_is_consistent() {
    Options::command().debug_assert();
}

#[test]
fn without_options_there_are_no_faults() {
    let options = parse(&[]).unwrap();
    assert_eq!(options.faults(), Ok((Faults::NONE, Faults::NONE)));
    assert_eq!((options.to.port, options.listen.to_string().as_str()), (9999, "127.0.0.1:0"));
}

#[test]
fn every_option_sets_its_fault() {
    let options = parse(&[
        "--loss",
        "30%",
        "--burst",
        "4",
        "--dup",
        "0.05",
        "--reorder",
        "10%",
        "--hold",
        "50ms",
        "--corrupt",
        "5%",
        "--forge",
        "1%",
        "--delay",
        "20",
        "--jitter",
        "0.5",
        "--mtu",
        "600",
        "--only",
        "down",
    ]);
    let share = |text: &str| text.parse().unwrap();
    let expected = Faults {
        loss: Loss::in_bursts(share("30%"), 4.0).unwrap(),
        max_len: Some(600),
        duplicate: share("5%"),
        reorder: share("10%"),
        max_hold: Duration::from_millis(50),
        corrupt: share("5%"),
        forge: share("1%"),
        delay: Duration::from_millis(20),
        jitter: Duration::from_micros(500),
    };
    assert_eq!(options.unwrap().faults(), Ok((Faults::NONE, expected)));
}

#[test]
fn rejects_values_out_of_range() {
    for wrong in [
        &["--loss", "30"][..],
        &["--loss", "-1%"],
        &["--dup", "often"],
        &["--burst", "3"],
        &["--delay", "-1"],
        &["--delay", "1e9"],
        &["--rebind", "0"],
        &["--report", "nan"],
        &["--mtu", "-1"],
        &["--only", "left"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(parse(&["--loss", "80%", "--burst", "2"]).unwrap().faults().is_err());
}
