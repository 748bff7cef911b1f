//! The whole client, linked for a bare-metal target without an allocator.
//!
//! It is never run: `link-check.sh` checks its size. Every call of the client is reachable, every
//! argument is read from a volatile address and every result is written to one, so that the
//! compiler removes nothing that a real program would keep.
#![no_std]
#![no_main]

use kabar_core::chat::{EntryHeader, EntryKind, Info, Request, Start, Term};
use kabar_core::client::{Config, Credential, Event, Output, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_device::profile::{self, DATAGRAM_LEN, DeviceClient};
use kabar_link_check::{
    Static, address, byte, bytes, now, number, read, write, write_address, write_number, write_opaque,
};

/// `link-check.sh` checks that it is in .bss, which means that a new client is all zero, and
/// reports its size.
#[unsafe(export_name = "checked_static")]
static CLIENT: Static<DeviceClient> = Static::new(profile::client());
static DATAGRAM: Static<[u8; DATAGRAM_LEN]> = Static::new([0; DATAGRAM_LEN]);

#[used]
#[unsafe(link_section = ".vectors")]
static RESET: extern "C" fn() -> ! = reset;

/// The entry point. It does not clear .bss, because it is never run.
#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    // SAFETY: this is reached once.
    let (client, datagram) = unsafe { (CLIENT.take(), DATAGRAM.take()) };
    loop {
        step(client, datagram);
        loop {
            match client.poll_output(now(), datagram) {
                Output::Event(event) => report(&event),
                Output::Transmit(transmit) => {
                    write_address(transmit.to);
                    write(datagram.get(..transmit.len).unwrap_or_default());
                }
                Output::Timeout(due) => {
                    write_number(due.map_or(0, |due| due.as_micros()));
                    break;
                }
            }
        }
    }
}

fn step(client: &mut DeviceClient, datagram: &mut [u8; DATAGRAM_LEN]) {
    match byte() {
        0 => start(client, datagram),
        1 => {
            let len = read(datagram);
            client.handle_datagram(now(), address(), datagram.get_mut(..len).unwrap_or_default());
        }
        2 => client.handle_timeout(now()),
        3 => client.accept_key(now()),
        16 => client.reject_key(now()),
        17 => client.pause_events(),
        18 => client.resume_events(),
        4 => {
            let len = read(datagram);
            match client.post(RoomSlot::FIRST, EntryKind(byte()), datagram.get(..len).unwrap_or_default()) {
                Ok(number) => write_number(number),
                Err(error) => write(&[error as u8]),
            }
        }
        5 => write_opaque(&client.request(now(), RoomSlot::FIRST, Request::ListMembers)),
        6 => write_opaque(&client.request(now(), RoomSlot::FIRST, Request::History { before: number(), count: byte() })),
        7 => client.leave(now()),
        8 => client.abort(now()),
        9 => client.set_server(address()),
        10 => write_number(client.unsettled(RoomSlot::FIRST)),
        11 => write_opaque(&client.state(RoomSlot::FIRST)),
        12 => write_opaque(&client.cursor(RoomSlot::FIRST)),
        13 => write_opaque(&client.fingerprint()),
        14 => write_opaque(&client.rtt()),
        _ => write_opaque(&client.counters()),
    }
}

fn start(client: &mut DeviceClient, text: &mut [u8; DATAGRAM_LEN]) {
    let len = read(text);
    let text = core::str::from_utf8(text.get(..len).unwrap_or_default()).unwrap_or_default();
    let (room, name) = text.split_once('/').unwrap_or_default();
    let config = Config {
        server: address(),
        fingerprint: (byte() == 0).then(|| Fingerprint(bytes())),
        room,
        name,
        is_default_name: false,
        identity: &Identity::from_seed(&bytes()),
        credential: match byte() {
            0 => Credential::Secret(bytes()),
            1 => Credential::Password(name.as_bytes()),
            _ => Credential::None,
        },
        start: match byte() {
            0 => Start::Head,
            1 => Start::Last(byte().into()),
            _ => Start::After { seq: number(), term: Term(bytes()), fallback_count: byte().into() },
        },
        max_entry_len: profile::LARGEST_ENTRY,
        idle_s: profile::IDLE_S,
        ack_delay_ms: profile::ACK_DELAY_MS,
        tick_us: 1000,
    };
    write_opaque(&client.start(&config, bytes(), now()).is_ok());
}

fn report(event: &Event<'_>) {
    match event {
        Event::UnknownServerKey(fingerprint) => write(&fingerprint.0),
        Event::Joined { name, members, start, head, term, is_resumed, .. } => {
            write(name.as_bytes());
            write_opaque(&(members, start, head, term, is_resumed));
        }
        Event::Entry { header, body, own, .. } => {
            write_header(header);
            write(body);
            write_opaque(own);
        }
        Event::EntryTooLarge { header, size, .. } => {
            write_header(header);
            write_opaque(size);
        }
        Event::Info { info, .. } => {
            if let Info::HistoryEntry { entry: Some(entry), .. } = info {
                write_header(&entry.header);
                write(entry.body);
            }
            write_opaque(info);
        }
        Event::Refused { code, text, .. } => {
            write_opaque(code);
            write(text.as_bytes());
        }
        other @ (Event::Reset { .. }
        | Event::Gap { .. }
        | Event::Stored { .. }
        | Event::PostRefused { .. }
        | Event::OutboxWritable { .. }
        | Event::RoomEnded { .. }
        | Event::Disconnected(_)
        | Event::Reconnected
        | Event::Ended(_)) => write_opaque(other),
    }
}

fn write_header(header: &EntryHeader<'_>) {
    write(header.author.as_bytes());
    write_number(header.seq);
    write_number(header.time_ms);
    write_opaque(&(header.instance, header.number, header.kind));
}
