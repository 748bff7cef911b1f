use super::*;

const PTO: Duration = Duration::from_millis(100);
const PING: [u8; 1] = [1];

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

fn sends(ending: &mut CloseState, now: Instant) -> bool {
    ending.poll(now, PTO, &mut Writer::new(&mut [0; 100])).is_some()
}

fn begun(ended: Closed) -> CloseState {
    let mut ending = CloseState::OPEN;
    ending.begin(at(0), ended, "so", PTO);
    ending
}

#[test]
fn sends_close_at_most_once_per_probe_time_out() {
    let mut ending = begun(Closed::Locally(CloseCode::LEFT));
    assert!(sends(&mut ending, at(0)));
    assert!(!sends(&mut ending, at(0)));
    ending.on_packet(at(99), &PING);
    assert!(!sends(&mut ending, at(99)));
    ending.on_packet(at(100), &PING);
    ending.on_packet(at(100), &PING);
    assert!(sends(&mut ending, at(100)));
    assert!(!sends(&mut ending, at(100)));
    assert!(!ending.is_over(at(299)));
    assert!(ending.is_over(at(300)));
}

#[test]
fn receiver_of_close_drains_for_three_probe_time_outs() {
    let mut ending = begun(Closed::ByPeer(CloseCode::LEFT));
    assert_eq!(ending.phase(), Phase::Draining);
    assert!(!sends(&mut ending, at(0)));
    assert_eq!(ending.until(), at(300));
}

#[test]
fn stops_sending_close_when_both_sides_close() {
    let mut ending = begun(Closed::Locally(CloseCode::LEFT));
    assert!(sends(&mut ending, at(0)));
    ending.on_packet(at(200), &[7, 0, 0, 0]);
    assert!(!sends(&mut ending, at(200)));
    assert_eq!(ending.phase(), Phase::Draining);
    assert_eq!(ending.take_ended(), Some(Closed::Locally(CloseCode::LEFT)));
    assert_eq!(ending.take_ended(), None);
}

#[test]
fn truncates_a_long_reason_between_characters() {
    let mut ending = CloseState::OPEN;
    let reason = std::string::String::from("x") + &"ü".repeat(40);
    ending.begin(at(0), Closed::Locally(CloseCode::LEFT), &reason, PTO);
    assert_eq!(ending.reason(), &reason[..63]);
    assert!(sends(&mut ending, at(0)));
}
