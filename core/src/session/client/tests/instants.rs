//! Extreme instants.

use super::*;
use crate::time::extremes;

/// Takes all datagrams to send, and counts them.
fn drain(client: &mut Client, now: Instant) -> usize {
    let sent = core::iter::from_fn(|| transmit(client, now)).take(100).count();
    assert!(sent < 100, "sends without end at {now:?}");
    assert!(core::iter::from_fn(|| client.poll_event()).take(100).count() < 100);
    sent
}

#[test]
fn sends_one_hello_at_a_time_at_any_instant() {
    for [from, to] in extremes() {
        let mut client = Client::new();
        client.start(from, [1; 32], None, CLIENT_LIMITS, RetrySchedule::Initial);
        assert_eq!(drain(&mut client, from), 1, "{from:?}");
        for now in [to, from, to] {
            client.handle_timeout(now);
            assert!(drain(&mut client, now) <= 1, "{from:?} {now:?}");
        }
    }
}

#[test]
fn sends_one_initiate_at_a_time_at_any_instant() {
    for [from, to] in extremes() {
        let mut server = Server::new(&KEYS[0]);
        let mut client = Client::new();
        client.start(from, [1; 32], Some(server.fingerprint()), CLIENT_LIMITS, RetrySchedule::Initial);
        let hello = transmit(&mut client, from).unwrap();
        // The server's clock has another origin.
        let challenge = server.challenge(to, &hello);
        client.handle_datagram::<Portable>(from, &challenge).unwrap();
        client.handle_timeout(from);
        client.handle_timeout(from);
        let initiate = transmit(&mut client, from).unwrap();
        server.pending(to, &initiate);
        server.handle(from, HOME, &initiate);
        assert_eq!(drain(&mut client, from), 0, "{from:?}");
        for now in [to, from, to] {
            client.handle_timeout(now);
            assert!(drain(&mut client, now) <= 1, "{from:?} {now:?}");
        }
    }
}
