//! The functions of the header. Each checks its pointers for null; that they point to what the header says is the caller's part.
#![allow(clippy::missing_safety_doc, reason = "the header says what callers owe")]

use core::ffi::c_char;

use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{self, Credential};
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, SEED_LEN};
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_embedded_example::profile::{self, DATAGRAM_LEN, DeviceClient};

use crate::types::{Address, CEvent, Config, E_ARGUMENT, OK, post_error};

/// Makes an idle client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_init(client: *mut DeviceClient) -> i32 {
    if client.is_null() || !client.is_aligned() {
        return E_ARGUMENT;
    }
    // SAFETY: not null, aligned; the caller gives as much memory as a client takes. What was there has no destructor that matters:
    // the bytes are overwritten whole.
    unsafe { client.write(profile::client()) };
    OK
}

/// Computes what goes with an identity.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_public_identity(identity: *const u8, public: *mut u8) -> i32 {
    // SAFETY: null or what the header says, as the caller promises. A copy, for the two may be the same memory.
    let Some(identity) = (unsafe { array::<SEED_LEN>(identity) }).copied() else { return E_ARGUMENT };
    if public.is_null() {
        return E_ARGUMENT;
    }
    let computed = Identity::from_seed(&identity).public().0;
    // SAFETY: not null; the rest as above. Bytes have no alignment.
    unsafe { public.cast::<[u8; PUBLIC_LEN]>().write_unaligned(computed) };
    OK
}

/// Begins to join.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_start(
    client: *mut DeviceClient,
    config: *const Config,
    seed: *const u8,
    now_us: u64,
) -> i32 {
    // SAFETY: null or what the header says, as the caller promises.
    let (client, config, seed) = unsafe { (client.as_mut(), config.as_ref(), array::<32>(seed)) };
    let (Some(client), Some(config), Some(seed)) = (client, config, seed) else { return E_ARGUMENT };
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
        return E_ARGUMENT;
    };
    let Some(server) = config.server.get() else { return E_ARGUMENT };
    let credential = match (secret, password) {
        (Some(secret), _) => Credential::Secret(*secret),
        (None, Some(password)) => Credential::Password(password),
        (None, None) => Credential::None,
    };
    let identity = match public {
        Some(public) => Identity::from_keypair_unchecked(identity, public),
        None => Some(Identity::from_seed(identity)),
    };
    let Some(identity) = identity else { return E_ARGUMENT };
    let fingerprint = fingerprint.map(|fingerprint| Fingerprint(*fingerprint));
    let device = profile::config(server, Fingerprint([0; 20]), [0; 16], room, name, &identity, config.tick_us);
    let start = if config.last == 0 { Start::Head } else { Start::Last(config.last) };
    let config = client::Config { fingerprint, credential, start, ..device };
    match client.start(&config, *seed, Instant::from_micros(now_us)) {
        Ok(()) => OK,
        Err(_) => E_ARGUMENT,
    }
}

/// Takes a datagram.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_input(
    client: *mut DeviceClient,
    now_us: u64,
    from: *const Address,
    datagram: *mut u8,
    len: usize,
) -> i32 {
    if datagram.is_null() {
        return E_ARGUMENT;
    }
    // SAFETY: null or what the header says, as the caller promises.
    let (client, from, datagram) =
        unsafe { (client.as_mut(), from.as_ref(), core::slice::from_raw_parts_mut(datagram, len)) };
    let Some(client) = client else { return E_ARGUMENT };
    let from = from.and_then(Address::get).unwrap_or(client.server());
    client.handle_datagram(Instant::from_micros(now_us), from, datagram);
    OK
}

/// Does what is due.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_timeout(client: *mut DeviceClient, now_us: u64) -> i32 {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client.as_mut() }) else { return E_ARGUMENT };
    client.handle_timeout(Instant::from_micros(now_us));
    OK
}

/// Gives the next datagram.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_output(client: *mut DeviceClient, now_us: u64, out: *mut u8, out_len: usize) -> i32 {
    if out.is_null() || out_len < DATAGRAM_LEN {
        return E_ARGUMENT;
    }
    // SAFETY: null or what the header says, as the caller promises.
    let (client, out) = unsafe { (client.as_mut(), core::slice::from_raw_parts_mut(out, out_len)) };
    let Some(client) = client else { return E_ARGUMENT };
    let transmit = client.poll_transmit(Instant::from_micros(now_us), out);
    transmit.and_then(|transmit| i32::try_from(transmit.len).ok()).unwrap_or(0)
}

/// Says when to call again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_next_deadline(client: *const DeviceClient) -> u64 {
    // SAFETY: null or a client, as the caller promises.
    let deadline = unsafe { client.as_ref() }.and_then(DeviceClient::poll_timeout);
    deadline.map_or(u64::MAX, Instant::as_micros)
}

/// Takes the next event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_next_event(client: *mut DeviceClient, event: *mut CEvent) -> i32 {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client.as_mut() }) else { return E_ARGUMENT };
    if event.is_null() {
        return E_ARGUMENT;
    }
    loop {
        let Some(next) = client.poll_event() else { return 0 };
        if let Some(next) = CEvent::new(next) {
            // SAFETY: not null; the caller gives room for an event.
            unsafe { event.write(next) };
            return 1;
        }
    }
}

/// Posts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_post(
    client: *mut DeviceClient,
    kind: u8,
    body: *const u8,
    body_len: usize,
    number: *mut u64,
) -> i32 {
    // SAFETY: null or what the header says, as the caller promises.
    let (client, body) = unsafe { (client.as_mut(), bytes(body, body_len)) };
    let (Some(client), Some(body)) = (client, body.or((body_len == 0).then_some(&[]))) else { return E_ARGUMENT };
    match client.post(EntryKind(kind), body) {
        Ok(given) => {
            if !number.is_null() {
                // SAFETY: not null; the caller gives room for a number.
                unsafe { number.write(given) };
            }
            OK
        }
        Err(error) => post_error(error),
    }
}

/// Answers for a key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_answer_key(client: *mut DeviceClient, now_us: u64, accept: i32) -> i32 {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client.as_mut() }) else { return E_ARGUMENT };
    client.answer_key(Instant::from_micros(now_us), accept != 0);
    OK
}

/// Leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kabar_leave(client: *mut DeviceClient, now_us: u64) -> i32 {
    // SAFETY: null or a client, as the caller promises.
    let Some(client) = (unsafe { client.as_mut() }) else { return E_ARGUMENT };
    client.leave(Instant::from_micros(now_us));
    OK
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
