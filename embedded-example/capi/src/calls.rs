//! The functions of the header. Each checks its pointers for null; the caller guarantees the rest.
#![allow(clippy::missing_safety_doc, reason = "the safety rules are those of the header")]

use core::ffi::{c_char, c_int};

use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{self, Credential, Output, RoomSlot};
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, SEED_LEN};
use kabar_core::invite::InviteParts;
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_device::profile::{self, DATAGRAM_LEN, DeviceClient};

use crate::types::{Address, CEvent, Client, Config, Invite, KABAR_E_ARGUMENT, KABAR_OK, post_error};

/// Initialises memory to an idle client, and overwrites the secrets of the client that was there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_init(client: *mut Client) -> c_int {
    let client = client.cast::<DeviceClient>();
    if client.is_null() || !client.is_aligned() {
        return KABAR_E_ARGUMENT;
    }
    // SAFETY: not null, aligned; the caller gives as much memory as a client takes. The old value
    // has no destructor that matters: all its bytes are overwritten.
    unsafe { client.write(profile::client()) };
    KABAR_OK
}

/// Computes the public half of an identity. A device that keeps it beside the identity saves 1.6
/// million instructions at each start. Keep the two together: signatures by a public half of
/// another identity are refused, and two signatures of one message under two public halves reveal
/// the identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_public_identity(identity: *const u8, public_identity: *mut u8) -> c_int {
    // SAFETY: null or what the header specifies, as the caller promises. A copy, because the two
    // may be the same memory.
    let Some(identity) = (unsafe { array::<SEED_LEN>(identity) }).copied() else { return KABAR_E_ARGUMENT };
    if public_identity.is_null() {
        return KABAR_E_ARGUMENT;
    }
    let computed = Identity::from_seed(&identity).public().0;
    // SAFETY: not null; the rest as above. Bytes have no alignment.
    unsafe { public_identity.cast::<[u8; PUBLIC_LEN]>().write_unaligned(computed) };
    KABAR_OK
}

/// Parses an invite: kabar://ADDRESSES/ROOM/FINGERPRINT.SECRET. KABAR_E_ARGUMENT: it is not one.
/// Room, fingerprint and secret are valid then; the addresses are as they are written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_parse_invite(start: *const c_char, len: usize, invite: *mut Invite) -> c_int {
    // SAFETY: null or what the header specifies, as the caller promises.
    let Some(parts) = (unsafe { text(start, len) }).and_then(|text| InviteParts::parse(text).ok()) else {
        return KABAR_E_ARGUMENT;
    };
    if invite.is_null() || !invite.is_aligned() {
        return KABAR_E_ARGUMENT;
    }
    let InviteParts { addresses, room, fingerprint, secret } = parts;
    let parsed = Invite {
        addresses: addresses.as_ptr().cast(),
        addresses_len: addresses.len(),
        room: room.as_ptr().cast(),
        room_len: room.len(),
        fingerprint: fingerprint.0,
        secret,
    };
    // SAFETY: not null, aligned; the caller gives as much memory as the structure takes.
    unsafe { invite.write(parsed) };
    KABAR_OK
}

/// Begins to join. seed: KABAR_SEED_LEN bytes, fresh and secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_start(
    client: *mut Client,
    config: *const Config,
    seed: *const u8,
    now_us: u64,
) -> c_int {
    // SAFETY: null or what the header specifies, as the caller promises.
    let (client, config, seed) = unsafe { (client_mut(client), config.as_ref(), array::<32>(seed)) };
    let (Some(client), Some(config), Some(seed)) = (client, config, seed) else { return KABAR_E_ARGUMENT };
    // SAFETY: the same for what the configuration points to.
    let parts = unsafe {
        (
            array::<SEED_LEN>(config.identity),
            array::<PUBLIC_LEN>(config.public_identity),
            text(config.room, config.room_len),
            text(config.name, config.name_len),
            array::<16>(config.secret),
            bytes(config.password.cast(), config.password_len),
            array::<20>(config.fingerprint),
        )
    };
    let (Some(identity), public, Some(room), Some(name), secret, password, fingerprint) = parts else {
        return KABAR_E_ARGUMENT;
    };
    let Some(server) = config.server.get() else { return KABAR_E_ARGUMENT };
    let credential = match (secret, password) {
        (Some(secret), _) => Credential::Secret(*secret),
        (None, Some(password)) => Credential::Password(password),
        (None, None) => Credential::None,
    };
    let identity = match public {
        Some(public) => Identity::from_keypair_unchecked(identity, public),
        None => Some(Identity::from_seed(identity)),
    };
    let Some(identity) = identity else { return KABAR_E_ARGUMENT };
    let fingerprint = fingerprint.map(|fingerprint| Fingerprint(*fingerprint));
    let device = profile::config(server, Fingerprint([0; 20]), [0; 16], room, name, &identity, config.tick_us);
    let start = if config.last == 0 { Start::Head } else { Start::Last(config.last) };
    let config = client::Config { fingerprint, credential, start, ..device };
    match client.start(&config, *seed, Instant::from_micros(now_us)) {
        Ok(()) => KABAR_OK,
        Err(_) => KABAR_E_ARGUMENT,
    }
}

/// Handles a datagram, in place. from: null if only the server can have sent it. A datagram that is
/// not authentic is dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_input(
    client: *mut Client,
    now_us: u64,
    from: *const Address,
    datagram: *mut u8,
    len: usize,
) -> c_int {
    if datagram.is_null() {
        return KABAR_E_ARGUMENT;
    }
    // SAFETY: null or what the header specifies, as the caller promises.
    let (client, from, datagram) =
        unsafe { (client_mut(client), from.as_ref(), core::slice::from_raw_parts_mut(datagram, len)) };
    let Some(client) = client else { return KABAR_E_ARGUMENT };
    let from = from.and_then(Address::get).unwrap_or(client.server());
    client.handle_datagram(Instant::from_micros(now_us), from, datagram);
    KABAR_OK
}

/// Does what is due.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_timeout(client: *mut Client, now_us: u64) -> c_int {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client_mut(client) }) else { return KABAR_E_ARGUMENT };
    client.handle_timeout(Instant::from_micros(now_us));
    KABAR_OK
}

/// Writes the next datagram for the server to out, which has KABAR_DATAGRAM_LEN bytes or more.
/// Returns its length, 0 if there is none, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_output(client: *mut Client, now_us: u64, out: *mut u8, out_len: usize) -> c_int {
    if out.is_null() || out_len < DATAGRAM_LEN {
        return KABAR_E_ARGUMENT;
    }
    // SAFETY: null or what the header specifies, as the caller promises.
    let (client, out) = unsafe { (client_mut(client), core::slice::from_raw_parts_mut(out, out_len)) };
    let Some(client) = client else { return KABAR_E_ARGUMENT };
    client.pause_events();
    let len = match client.poll_output(Instant::from_micros(now_us), out) {
        Output::Transmit(transmit) => i32::try_from(transmit.len).unwrap_or(0),
        Output::Event(_) | Output::Timeout(_) => 0,
    };
    client.resume_events();
    len
}

/// Returns when to call kabar_timeout; KABAR_NO_DEADLINE: never.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_next_deadline(client: *mut Client, now_us: u64) -> u64 {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client_mut(client) }) else { return u64::MAX };
    client.pause_events();
    let deadline = match client.poll_output(Instant::from_micros(now_us), &mut []) {
        Output::Timeout(deadline) => deadline,
        Output::Event(_) | Output::Transmit(_) => None,
    };
    client.resume_events();
    deadline.map_or(u64::MAX, Instant::as_micros)
}

/// Writes the next event. Returns 1, 0 if there is none, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_next_event(client: *mut Client, now_us: u64, event: *mut CEvent) -> c_int {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client_mut(client) }) else { return KABAR_E_ARGUMENT };
    if event.is_null() {
        return KABAR_E_ARGUMENT;
    }
    loop {
        let Output::Event(next) = client.poll_output(Instant::from_micros(now_us), &mut []) else { return 0 };
        if let Some(next) = CEvent::new(next) {
            // SAFETY: not null; the caller gives room for an event.
            unsafe { event.write(next) };
            return 1;
        }
    }
}

/// Posts an entry, which the client keeps until it is stored or refused. number (may be null) is
/// the one that KABAR_STORED and KABAR_POST_REFUSED report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_post(
    client: *mut Client,
    kind: u8,
    body: *const u8,
    body_len: usize,
    number: *mut u64,
) -> c_int {
    // SAFETY: null or what the header specifies, as the caller promises.
    let (client, body) = unsafe { (client_mut(client), bytes(body, body_len)) };
    let (Some(client), Some(body)) = (client, body.or((body_len == 0).then_some(&[]))) else { return KABAR_E_ARGUMENT };
    match client.post(RoomSlot::FIRST, EntryKind(kind), body) {
        Ok(given) => {
            if !number.is_null() {
                // SAFETY: not null; the caller gives room for a number.
                unsafe { number.write(given) };
            }
            KABAR_OK
        }
        Err(error) => post_error(error),
    }
}

/// Answers KABAR_KEY_OFFERED: 0 rejects the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_answer_key(client: *mut Client, now_us: u64, accept: c_int) -> c_int {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client_mut(client) }) else { return KABAR_E_ARGUMENT };
    let now = Instant::from_micros(now_us);
    if accept != 0 {
        client.accept_key(now)
    } else {
        client.reject_key(now)
    }
    KABAR_OK
}

/// Leaves when every post is stored or refused; KABAR_ENDED follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_leave(client: *mut Client, now_us: u64) -> c_int {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client_mut(client) }) else { return KABAR_E_ARGUMENT };
    client.leave(Instant::from_micros(now_us));
    KABAR_OK
}

/// # Safety
/// `client` is null, or a client that nothing else accesses meanwhile.
unsafe fn client_mut<'a>(client: *mut Client) -> Option<&'a mut DeviceClient> {
    // SAFETY: as the caller promises; the memory has the size and the alignment of a client.
    unsafe { client.cast::<DeviceClient>().as_mut() }
}

/// # Safety
/// `start` is null, or `N` bytes are there for as long as they are used.
unsafe fn array<'a, const N: usize>(start: *const u8) -> Option<&'a [u8; N]> {
    // SAFETY: as the caller promises; an array of bytes needs no alignment.
    unsafe { start.cast::<[u8; N]>().as_ref() }
}

/// # Safety
/// `start` is null, or `len` bytes are there for as long as they are used.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    (!start.is_null()).then(|| unsafe { core::slice::from_raw_parts(start, len) })
}

/// # Safety
/// As [`bytes`].
unsafe fn text<'a>(start: *const c_char, len: usize) -> Option<&'a str> {
    // SAFETY: as the caller promises.
    unsafe { bytes(start.cast(), len) }.and_then(|bytes| core::str::from_utf8(bytes).ok())
}
