//! Events as log lines. Their texts stay in the ELF file on the host; the device sends numbers.

use kabar_core::chat::{EntryKind, Info};
use kabar_core::client::{DisconnectReason, EndReason, Event};
use kabar_device::DeviceEvent;
use kabar_device::link::Address;

/// Logs one line per event, and none for data that programs exchange.
pub fn event(event: &DeviceEvent<'_>) {
    match event {
        DeviceEvent::Address(Address::Ip(address)) => {
            let [a, b, c, d] = address.address().octets();
            defmt::info!("address {=u8}.{=u8}.{=u8}.{=u8}/{=u8}", a, b, c, d, address.prefix_len());
        }
        DeviceEvent::Address(Address::Line) => defmt::info!("on a serial line"),
        DeviceEvent::NoAddress => defmt::warn!("the network gives no address; still asking"),
        DeviceEvent::NoAnswer => defmt::warn!("the server does not answer; still trying"),
        DeviceEvent::Room(event) => room(event),
    }
}

fn room(event: &Event<'_>) {
    match event {
        Event::Joined { name, members, is_resumed, .. } => {
            defmt::info!("joined as {=str}, {=u16} here, resumed: {=bool}", name, members, is_resumed);
        }
        Event::Entry { header, body, own, .. } if header.kind.is_text() => {
            let text = core::str::from_utf8(body).unwrap_or_default();
            defmt::info!("{=u64} {=str}: {=str} (own: {=bool})", header.seq, header.author, text, own);
        }
        Event::Entry { header, .. }
            if matches!(header.kind, EntryKind::JOINED | EntryKind::LEFT | EntryKind::KICKED) =>
        {
            defmt::info!("{=u64} {=str}: joined or left ({})", header.seq, header.author, header.kind);
        }
        Event::EntryTooLarge { header, size, .. } => {
            defmt::info!("{=u64} {=str}: {=u16} bytes, too long", header.seq, header.author, size)
        }
        Event::Reset { .. } => defmt::warn!("the server's history was replaced"),
        Event::Gap { after, first, .. } => defmt::warn!("nothing is kept from {=u64} to {=u64}", after, first),
        Event::PostRefused { number, code, .. } => defmt::warn!("post {=u64} was refused: {}", number, code),
        Event::Info { info: Info::Notice { text, .. } | Info::Ended { text, .. }, .. } => {
            defmt::info!("notice: {=str}", text)
        }
        Event::Disconnected(why) => defmt::warn!("connection lost ({}); reconnecting", lost(*why)),
        Event::Reconnected => defmt::info!("connection recovered"),
        Event::Ended(reason) => ended(*reason),
        Event::UnknownServerKey(_)
        | Event::Entry { .. }
        | Event::Stored { .. }
        | Event::OutboxWritable { .. }
        | Event::Info { .. }
        | Event::Refused { .. }
        | Event::RoomEnded { .. } => {}
    }
}

fn lost(why: DisconnectReason) -> defmt::Str {
    match why {
        DisconnectReason::Silent => defmt::intern!("silence"),
        DisconnectReason::Unknown => defmt::intern!("the server no longer knows the connection"),
        DisconnectReason::Shutdown => defmt::intern!("the server is shutting down"),
        DisconnectReason::TryLater => defmt::intern!("try later"),
        DisconnectReason::Closed(_) => defmt::intern!("closed"),
    }
}

fn ended(reason: EndReason) {
    match reason {
        EndReason::Left => defmt::info!("left"),
        EndReason::KeyMismatch | EndReason::KeyRejected => defmt::error!("ended: the server has another key"),
        EndReason::ServerProofInvalid => defmt::error!("ended: the server does not know the room's secret"),
        EndReason::Refused(code) => defmt::error!("ended: refused, {}", code),
        EndReason::EndedByServer(code) => defmt::error!("ended by the room, {}", code),
        EndReason::Closed(code) => defmt::error!("ended: closed by the room, {}", code),
    }
}
