//! Configuration, secrets and queued events.

use super::server::{PASSWORD, SECRET};
use super::world::{IDENTITY, config};
use crate::chat::{Authentication, HISTORY_ENTRY_OVERHEAD, Start, Term};
use crate::client::config::StoredConfig;
use crate::client::event::DisconnectReason;
use crate::client::event_queue::{EventQueue, Joined, QueuedEvent};
use crate::client::room::{RoomSlot, Rooms};
use crate::client::secrets::{Secrets, StoredCredential};
use crate::client::zero_option::ZeroOption;
use crate::client::{ConfigError, Credential, RoomConfig};
use crate::crypto::identity::Identity;
use crate::transport::{BufferProvider, Capacity, InlineBuffers};

fn capacity() -> Capacity {
    InlineBuffers::<2048, 4096, 512, 12>::new().capacity()
}

#[test]
fn states_limits_that_fit_its_memory() {
    let stated = StoredConfig::validate(&config(), capacity(), 2048).unwrap_or_else(|error| panic!("{error}"));
    let limits = stated.limits(capacity(), 2048);
    assert!(limits.is_legal());
    assert_eq!((limits.datagram, limits.packets, limits.message), (1200, 12, 2048));
    assert_eq!((limits.chat, limits.bulk), (4096, 512));
    assert_eq!((limits.ack_delay_ms, limits.tick_us, limits.idle_s), (5, 1000, 60));
}

#[test]
fn limits_entries_to_its_message_size() {
    for (asked, message, taken) in
        [(4352, 4480, 4352), (9999, 4480, 4352), (4352, 2048, 2048 - HISTORY_ENTRY_OVERHEAD), (100, 2048, 100)]
    {
        let config = RoomConfig { max_entry_len: asked, ..RoomConfig::new("lobby") };
        assert_eq!(config.validate(message).map(|(_, len)| usize::from(len)), Ok(taken));
    }
}

#[test]
fn needs_memory_for_a_message_each_way() {
    let error = |capacity: Capacity| StoredConfig::validate(&config(), capacity, 2048).err();
    assert_eq!(error(capacity()), None);
    assert_eq!(error(Capacity { chat_send: 2047, ..capacity() }), Some(ConfigError::BufferProvider));
    assert_eq!(error(Capacity { chat_receive: 2047, ..capacity() }), Some(ConfigError::BufferProvider));
    assert_eq!(error(Capacity { in_flight: 3, ..capacity() }), Some(ConfigError::BufferProvider));
}

#[test]
fn resumes_after_the_cursor_with_the_first_fallback_count() {
    let is_resumed = |start| {
        let mut rooms = Rooms::<1>::new();
        let room = rooms.get_mut(RoomSlot::FIRST);
        let config = RoomConfig { start, ..RoomConfig::new("lobby") };
        let (name, max_entry_len) = config.validate(2048).unwrap();
        room.set(&config, name, max_entry_len);
        assert_eq!(room.next_start(), start);
        (room.is_member, room.cursor, room.term) = (true, 9, Term([3; 8]));
        room.next_start()
    };
    let after = |fallback_count| Start::After { seq: 9, term: Term([3; 8]), fallback_count };
    assert_eq!(is_resumed(Start::Head), after(0));
    assert_eq!(is_resumed(Start::Last(50)), after(50));
    assert_eq!(is_resumed(Start::After { seq: 1, term: Term([1; 8]), fallback_count: 7 }), after(7));
}

#[test]
fn stores_the_identity_and_wipes_it() {
    let mut secrets = Secrets::new();
    assert!(secrets.identity().is_none());
    secrets.set(&IDENTITY, [1; 32]);
    assert_eq!(secrets.identity().map(Identity::public), Some(IDENTITY.public()));
    secrets.wipe();
    assert!(secrets.identity().is_none());
}

#[test]
fn stores_one_credential() {
    let mut credential = StoredCredential::new();
    credential.set(&Credential::Password(PASSWORD));
    assert_eq!(credential.authentication(&[0; 32]), Authentication::Password(PASSWORD));
    assert_eq!(credential.room_secret(), None);
    credential.set(&Credential::Password(b""));
    assert_eq!(credential.authentication(&[0; 32]), Authentication::Password(b""));
    credential.set(&Credential::Secret(SECRET));
    assert_eq!(credential.room_secret(), Some(&SECRET));
    credential.set(&Credential::None);
    assert_eq!(credential.authentication(&[0; 32]), Authentication::None);
    assert_eq!(credential.room_secret(), None);
}

#[test]
fn draws_fresh_bytes_that_depend_only_on_the_seed() {
    let draw = |seed| {
        let mut secrets = Secrets::new();
        secrets.set(&IDENTITY, [seed; 32]);
        [secrets.draw(), secrets.draw(), secrets.draw()]
    };
    let [a, b, c] = draw(1);
    assert!(a != b && b != c && a != c);
    assert_eq!(draw(1), [a, b, c]);
    assert_ne!(draw(2)[0], a);
}

#[test]
fn reports_events_in_order() {
    let mut pending = EventQueue::new();
    let joined = Joined { members: 1, start: 2, head: 3, is_resumed: false };
    let order = [
        QueuedEvent::Disconnected(DisconnectReason::Silent),
        QueuedEvent::Reset,
        QueuedEvent::Gap { after: 1, first: 3 },
        QueuedEvent::Joined(joined),
        QueuedEvent::Stored { number: 4 },
    ];
    for event in order.iter().rev() {
        pending.push(*event);
    }
    assert_eq!(core::array::from_fn(|_| pending.pop()), order.map(Some));
    assert_eq!(pending.pop(), None);
}

#[test]
fn disconnection_that_ended_before_its_report_is_not_reported() {
    let mut pending = EventQueue::new();
    pending.push(QueuedEvent::Disconnected(DisconnectReason::Silent));
    pending.push(QueuedEvent::Reconnected);
    assert_eq!(pending.pop(), None);
    // Reported, reconnected, and disconnected again.
    pending.push(QueuedEvent::Reconnected);
    pending.push(QueuedEvent::Disconnected(DisconnectReason::Unknown));
    assert_eq!(pending.pop(), Some(QueuedEvent::Reconnected));
    assert_eq!(pending.pop(), Some(QueuedEvent::Disconnected(DisconnectReason::Unknown)));
}

#[test]
fn zero_option_has_a_separate_tag() {
    // `Option` would put None into the tag of the value.
    assert!(size_of::<ZeroOption<bool>>() > size_of::<Option<bool>>());
    assert!(size_of::<ZeroOption<core::net::SocketAddr>>() > size_of::<Option<core::net::SocketAddr>>());
}
