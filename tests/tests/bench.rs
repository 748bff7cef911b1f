//! The benchmark with few members and one second each: it checks the form and the sums of the
//! results, never speed.

use std::process::{Command, Output};

use kabar_tests::process::program;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kabar-bench"));
    command.args(arguments).arg("--server").arg(program("kabar-server"));
    command.output().expect("the benchmark starts")
}

fn measure(arguments: &[&str]) -> Value {
    let output = bench(arguments);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {errors}");
    assert!(errors.is_empty(), "{errors}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("one JSON object, but {error}: {text}"))
}

/// The number at `path`.
fn number(report: &Value, path: &str) -> f64 {
    report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("a number at {path} in {report:#}"))
}

fn assert_positive(report: &Value, paths: &[&str]) {
    for path in paths {
        assert!(number(report, path) > 0.0, "{path} in {report:#}");
    }
}

#[test]
fn room_delivers_every_post_to_every_member() {
    let max = ["room", "--members", "6", "--payload", "100", "--rate", "max", "--seconds", "1", "--posters", "2"];
    let paced = ["room", "--members", "3", "--payload", "1500", "--rate", "50", "--seconds", "1"];
    let lockstep = ["room", "--members", "2", "--payload", "32", "--rate", "lockstep", "--seconds", "0.5"];
    for (arguments, others) in [(&max[..], 5.0), (&paced, 2.0), (&lockstep, 1.0)] {
        let report = measure(arguments);
        assert_eq!(report["mode"], "room");
        assert_positive(&report, &["/posts", "/deliveries_per_s", "/elapsed_s"]);
        assert_eq!(number(&report, "/deliveries"), others * number(&report, "/posts"), "{report:#}");
        assert_eq!(number(&report, "/missing"), 0.0);
        let [p50, p99, max] = ["p50", "p99", "max"].map(|which| number(&report, &format!("/latency/{which}_ms")));
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{report:#}");
        assert_positive(&report, &["/server/aead_s_per_100k", "/server/resident_kib"]);
        assert_positive(&report, &["/datagrams/to_members", "/datagrams/from_members"]);
        assert_positive(&report, &["/datagrams/messages_per_datagram"]);
        assert_positive(&report, &["/baseline/deliveries_per_s", "/to_baseline/deliveries_per_s"]);
    }
}

#[test]
fn many_rooms_are_compared_with_one() {
    let report = measure(&["rooms", "--rooms", "5", "--members", "2", "--posts", "10"]);
    assert_eq!((report["mode"].as_str(), number(&report, "/rooms")), (Some("rooms"), 5.0));
    assert_positive(&report, &["/many/bytes_per_member", "/one_large/bytes_per_member", "/many/join_s"]);
    assert!(report.pointer("/one_large/cpu_us_per_post").expect("it is there").as_f64().is_none_or(|us| us == 0.0));
}

#[test]
fn a_paced_room_posts_at_its_rate() {
    let report = measure(&["room", "--members", "2", "--rate", "20", "--seconds", "1"]);
    assert_eq!(number(&report, "/posts"), 20.0);
}

#[test]
fn handshake_counts_members_that_joined() {
    let report = measure(&["handshake", "--seconds", "1", "--at-once", "3"]);
    assert_eq!(report["mode"], "handshake");
    assert!(number(&report, "/joins") >= 3.0, "{report:#}");
    assert_eq!(number(&report, "/failed"), 0.0);
    assert_positive(&report, &["/joins_per_s", "/server_cpu_ms", "/baseline_rsa_ms", "/to_baseline"]);
}

#[test]
fn idle_reports_memory_per_member() {
    let report = measure(&["idle", "--members", "40"]);
    assert_eq!((report["mode"].as_str(), number(&report, "/members")), (Some("idle"), 40.0));
    assert_positive(&report, &["/resident_before_kib", "/bytes_per_member"]);
    assert!(number(&report, "/resident_after_kib") > number(&report, "/resident_before_kib"), "{report:#}");
}

#[test]
fn all_members_rejoin_after_a_crash() {
    let report = measure(&["return", "--members", "5", "--idle-timeout", "10"]);
    assert_eq!((report["mode"].as_str(), number(&report, "/members")), (Some("return"), 5.0));
    assert_positive(&report, &["/all_back_s", "/back_per_s", "/restart_s", "/baseline_s"]);
    assert!(number(&report, "/all_back_s") >= number(&report, "/restart_s"), "{report:#}");
}

#[test]
fn work_reports_the_cost_of_a_datagram_of_each_kind() {
    let report = measure(&["work", "--repeat", "3", "--entries", "500", "--members", "3"]);
    assert_eq!(report["mode"], "work");
    assert_positive(&report, &["/ordinary_us"]);
    let cases = report["cases"].as_array().expect("a list");
    let of = |kind: &str| cases.iter().filter(|case| case["kind"] == kind).collect::<Vec<_>>();
    for kind in ["Join", "Post", "ListMembers", "History", "Leave", "unknown message", "Hello", "Initiate", "Hint"] {
        assert!(!of(kind).is_empty(), "{kind}: {report:#}");
    }
    assert_eq!((of("Sealed, forged").len(), of("Sealed").len()), (3, 5));
    for case in cases {
        assert_positive(case, &["/count", "/bytes", "/hub_us", "/longest_turn_us", "/to_ordinary"]);
        assert!(number(case, "/longest_turn_us") <= number(case, "/hub_us"), "{case:#}");
    }
    for case in of("History") {
        // 200 entries take seven look-ups or more when none is accepted, and one each when all are,
        // plus a few that find nothing yet.
        let each = number(case, "/lookups") / number(case, "/count");
        assert!((7.0..=220.0).contains(&each), "{case:#}");
        assert!(number(case, "/turns") > 1.0, "{case:#}");
    }
    assert!(of("History").iter().any(|case| number(case, "/page_reads") > 90.0), "{report:#}");
    assert_positive(of("Initiate")[0], &["/accept_us"]);
}

#[test]
fn screen_reports_its_start_and_its_delays() {
    assert!(program("kabar").is_file());
    let report = measure(&["screen", "--entries", "2000", "--starts", "1", "--rate", "50", "--seconds", "1"]);
    assert_eq!((report["mode"].as_str(), number(&report, "/entries")), (Some("screen"), 2000.0));
    assert_positive(&report, &["/cold_start_ms", "/resident_kib", "/line/p50_ms", "/echo/p50_ms"]);
}

#[test]
fn files_are_transferred_over_loopback_and_through_the_relay() {
    let small = ["files", "--mib", "1", "--runs", "1", "--losses", "0.05", "--delay", "1", "--relay-trial", "0"];
    let report = measure(&small);
    assert_eq!((report["mode"].as_str(), number(&report, "/bytes")), (Some("files"), 1_048_576.0));
    assert_positive(&report, &["/disk_mb_s"]);
    let paths = report["paths"].as_array().expect("a list");
    assert_eq!(
        paths.iter().map(|path| path["path"].as_str()).collect::<Vec<_>>(),
        [Some("loopback"), Some("5 % loss")]
    );
    for path in paths {
        assert_positive(path, &["/upload/kabar_mb_s", "/upload/kabar_start_ms", "/download/kabar_mb_s"]);
        // QUIC is not compiled in.
        assert!(path["upload"]["quic_mb_s"].is_null() && path["download"]["to_quic"].is_null(), "{path:#}");
    }
}

#[test]
fn files_report_memory_and_lines_beside_a_transfer() {
    let report = measure(&["files", "--memory", "--mib", "1", "--at-once", "2", "--delay", "1"]);
    assert_eq!((report["mode"].as_str(), number(&report, "/cases/0/transfers")), (Some("memory"), 2.0));
    assert_positive(&report, &["/cases/0/resident_before_kib", "/cases/0/uploading_kib", "/cases/0/downloading_kib"]);
    let report = measure(&["files", "--chat", "--mib", "32", "--rate", "200", "--seconds", "0.2", "--delay", "1"]);
    let cases = report["cases"].as_array().expect("a list");
    assert_eq!((report["mode"].as_str(), cases.len()), (Some("chat"), 4));
    for case in cases {
        assert_positive(case, &["/without/p50_ms", "/with/p50_ms", "/lines"]);
    }
}

#[test]
fn bad_arguments_end_with_2_and_one_line() {
    for (arguments, named) in [
        (&["room", "--members", "1"][..], "--members"),
        (&["room", "--payload", "31"], "--payload"),
        (&["room", "--payload", "4097"], "--payload"),
        (&["room", "--rate", "fast"], "--rate"),
        (&["room", "--seconds", "0"], "--seconds"),
        (&["room", "--members", "3", "--posters", "4"], "--posters"),
        (&["handshake", "--key-bits", "1024"], "--key-bits"),
        (&["idle", "--members", "many"], "--members"),
        (&["work", "--repeat", "0"], "--repeat"),
        (&["nothing"], "nothing"),
        (&[], "room"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_kabar-bench")).args(arguments).output().expect("it starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty() && errors.lines().count() == 1 && errors.contains(named), "{errors}");
    }
}

#[test]
fn a_server_that_is_missing_or_does_not_start_is_reported_in_one_line() {
    let run = |server: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kabar-bench"));
        command.args(["idle", "--members", "1", "--server", server]).output().expect("it starts")
    };
    for (server, named) in [("/nowhere/kabar-server", "/nowhere/kabar-server"), ("/bin/false", "did not start")] {
        let output = run(server);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.lines().count() == 1 && errors.contains(named), "{errors}");
    }
}
