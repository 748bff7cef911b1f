//! Steps are encoded, decoded and replayed.

use super::*;
use std::string::String;
use std::vec::Vec;

const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 9, 8, 7), 654);
const NOW: Instant = Instant::from_micros(1 << 40);

fn start() -> Start<'static> {
    Start {
        seed: [1; 32],
        server: FROM,
        fingerprint: Fingerprint([2; FINGERPRINT_LEN]),
        secret: [3; ROOM_SECRET_LEN],
        identity: &[4; 32],
        tick_us: 1_000,
        room: "lobby",
        name: "probe",
    }
}

fn calls() -> [Call<'static>; 7] {
    [
        Call::Start(start()),
        Call::Datagram { from: FROM, bytes: &[7; DATAGRAM_LEN] },
        Call::Timeout,
        Call::Post(EntryKind::DATA, &[8; 2017]),
        Call::Who,
        Call::History { before: 1 << 33, count: 200 },
        Call::Leave,
    ]
}

fn step(call: &Call<'_>) -> Vec<u8> {
    let mut step = [0; MAX_STEP_LEN];
    let len = call.encode(NOW, &mut step).unwrap();
    step[..len].into()
}

fn replay(mut script: &[u8]) -> (Result<(), ReplayError>, String) {
    let mut log = String::new();
    let read = |bytes: &mut [u8]| {
        let Some((now, later)) = script.split_at_checked(bytes.len()) else { return false };
        bytes.copy_from_slice(now);
        script = later;
        true
    };
    (Replay::new().run(read, &mut log), log)
}

#[test]
fn round_trips_every_call() {
    for call in calls() {
        let bytes = step(&call);
        let (now, decoded) = decode(&bytes).unwrap();
        assert_eq!(now, NOW);
        assert_eq!(step(&decoded), bytes, "{call:?}");
    }
    let bytes = step(&Call::Start(start()));
    let Ok((_, Call::Start(decoded))) = decode(&bytes) else { panic!("a start") };
    assert_eq!((decoded.seed, decoded.identity, decoded.name), ([1; 32], &[4; 32], "probe"));
}

#[test]
fn rejects_steps_that_are_short_long_or_unknown() {
    for call in calls() {
        let bytes = step(&call);
        let has_rest = matches!(call, Call::Datagram { .. } | Call::Post(..));
        if !has_rest {
            assert_eq!(decode(&bytes[..bytes.len() - 1]).err(), Some(DecodeError::Truncated), "{call:?}");
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(decode(&longer).err(), Some(DecodeError::Trailing), "{call:?}");
        }
    }
    assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 0, 8]).err(), Some(DecodeError::Value));
    let mut replay = Replay::new();
    let long = step(&Call::Datagram { from: FROM, bytes: &[7; DATAGRAM_LEN + 1] });
    assert_eq!(replay.step(&long, |_| {}), Err(ReplayError::TooLong));
}

#[test]
fn rejects_a_script_that_is_cut() {
    let step = step(&Call::Start(start()));
    let script = [&(step.len() as u16).to_be_bytes(), &step[..]].concat();
    let (result, log) = replay(&script);
    assert_eq!(result, Ok(()));
    assert!(log.starts_with("step 1 at 1099511627776 us: Start"), "{log}");
    assert!(log.lines().any(|line| line.starts_with("  to 10.9.8.7:654: 11")), "a Hello leaves: {log}");
    assert!(log.lines().last().is_some_and(|line| line.starts_with("ClientCounters")), "{log}");
    assert_eq!(replay(&script[..script.len() - 1]).0, Err(ReplayError::Truncated));
    assert_eq!(replay(&[0xff, 0xff]).0, Err(ReplayError::TooLong));
    assert_eq!(replay(&[0, 1, 0]).0, Err(ReplayError::Malformed(DecodeError::Truncated)));
}
