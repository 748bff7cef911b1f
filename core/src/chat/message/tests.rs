//! Every message: accepts, rejects short, ignores trailing, round-trips.

use std::string::String;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::strategy::Union;

use super::client::ClientType;
use super::request::tests::{of_info, of_request};
use super::request::{InfoType, RequestType};
use super::server::ServerType;
use super::transfer::TransferType;
use super::*;
use crate::chat::{AnswerCode, PostRefusedCode, RefusedCode, Start, Term};
use crate::crypto::identity::PublicIdentity;
use crate::crypto::testing::hex_vec;

/// An encoded message.
#[derive(Clone, Debug)]
pub(super) enum Encoded {
    ToServer(Vec<u8>),
    ToClient(Vec<u8>),
}

/// Whether bytes decode to a known message.
type Decodes = fn(&[u8]) -> Option<bool>;

fn encode_to_server(message: &ClientMessage<'_>) -> Vec<u8> {
    let mut out = vec![0xa5; 70_000];
    let len = message.encode(&mut out).expect("fits");
    out.truncate(len);
    out
}

fn encode_to_client(message: &ServerMessage<'_>) -> Vec<u8> {
    let mut out = vec![0xa5; 70_000];
    let len = message.encode(&mut out).expect("fits");
    out.truncate(len);
    out
}

pub(super) fn text(max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..max).prop_map(move |chars| {
        let mut text: String = chars.into_iter().collect();
        while text.len() > max {
            text.pop();
        }
        text
    })
}

pub(super) fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..=max)
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::Head),
        any::<u32>().prop_map(Start::Last),
        any::<(u64, [u8; 8], u32)>().prop_map(|(seq, term, fallback_count)| Start::After {
            seq,
            term: Term(term),
            fallback_count
        }),
    ]
}

pub(super) fn name() -> impl Strategy<Value = String> {
    text(MAX_NAME_LEN)
}

/// A header without its author.
pub(super) fn header() -> impl Strategy<Value = EntryHeader<'static>> {
    any::<(u64, u64, u64, u64, u8)>().prop_map(|(seq, time_ms, instance, number, kind)| EntryHeader {
        seq: seq.max(1),
        time_ms,
        author: "",
        instance,
        number,
        kind: EntryKind(kind),
    })
}

fn authentication(kind: u8, proof: [u8; 32], password: &[u8]) -> Authentication<'_> {
    match kind {
        0 => Authentication::None,
        1 => Authentication::Secret(proof),
        _ => Authentication::Password(password),
    }
}

/// Messages of a type, each decoded again and compared on the way.
fn of_client(message_type: ClientType) -> BoxedStrategy<Encoded> {
    match message_type {
        ClientType::Join => {
            let keys = any::<([u8; 32], [u8; 32], u8)>();
            (text(255), text(255), keys, bytes(MAX_PASSWORD_LEN), start(), any::<(u64, u16, bool)>())
                .prop_map(
                    |(room, name, (key, other, kind), password, start, (instance, max_entry_len, is_default_name))| {
                        let mut signature = [7; 64];
                        signature[..32].copy_from_slice(&other);
                        round_trip_to_server(&ClientMessage::Join(Join {
                            room: &room,
                            name: &name,
                            identity: PublicIdentity(key),
                            signature,
                            authentication: authentication(kind % 3, other, &password),
                            instance,
                            start,
                            max_entry_len,
                            is_default_name,
                        }))
                    },
                )
                .boxed()
        }
        ClientType::Post => (any::<(u8, u64, u64, u64, u8)>(), bytes(MAX_BODY_LEN))
            .prop_map(|((handle, instance, number, settled, kind), body)| {
                let kind = EntryKind(kind);
                round_trip_to_server(&ClientMessage::Post(Post {
                    handle,
                    instance,
                    number,
                    settled,
                    kind,
                    body: &body,
                }))
            })
            .boxed(),
        ClientType::Leave => {
            any::<u8>().prop_map(|handle| round_trip_to_server(&ClientMessage::Leave { handle })).boxed()
        }
    }
}

fn of_server(message_type: ServerType) -> BoxedStrategy<Encoded> {
    match message_type {
        ServerType::Welcome => (any::<(u8, [u8; 8], [u64; 5], u16, [u8; 32])>(), name(), name())
            .prop_map(|((handle, term, numbers, members, proof), room, name)| {
                let [first, head, start, instance, highest_stored] = numbers;
                round_trip_to_client(&ServerMessage::Welcome(Welcome {
                    handle,
                    room: &room,
                    name: &name,
                    term: Term(term),
                    first,
                    head,
                    start,
                    instance,
                    highest_stored,
                    members,
                    proof,
                }))
            })
            .boxed(),
        ServerType::Refused => (any::<u8>(), text(255), name())
            .prop_map(|(code, text, room)| {
                round_trip_to_client(&ServerMessage::Refused { code: RefusedCode(code), text: &text, room: &room })
            })
            .boxed(),
        ServerType::Reset => {
            any::<u8>().prop_map(|handle| round_trip_to_client(&ServerMessage::Reset { handle })).boxed()
        }
        ServerType::Entry => (any::<u8>(), header(), name(), bytes(MAX_BODY_LEN))
            .prop_map(|(handle, header, author, body)| {
                let entry = Entry { header: EntryHeader { author: &author, ..header }, body: &body };
                round_trip_to_client(&ServerMessage::Entry { handle, entry })
            })
            .boxed(),
        ServerType::Stub => (any::<(u8, u16)>(), header(), name())
            .prop_map(|((handle, size), header, author)| {
                let header = EntryHeader { author: &author, ..header };
                round_trip_to_client(&ServerMessage::Stub { handle, header, size })
            })
            .boxed(),
        ServerType::Stored => any::<(u8, u64, u64, u64)>()
            .prop_map(|(handle, instance, number, seq)| {
                round_trip_to_client(&ServerMessage::Stored { handle, instance, number, seq })
            })
            .boxed(),
        ServerType::PostRefused => any::<(u8, u64, u64, u8)>()
            .prop_map(|(handle, instance, number, code)| {
                let code = PostRefusedCode(code);
                round_trip_to_client(&ServerMessage::PostRefused { handle, instance, number, code })
            })
            .boxed(),
    }
}

fn to_server() -> Union<BoxedStrategy<Encoded>> {
    let messages = ClientType::ALL.iter().map(|it| of_client(*it));
    Union::new(messages.chain(RequestType::ALL.iter().map(|it| of_request(*it))))
}

fn to_client() -> Union<BoxedStrategy<Encoded>> {
    let messages = ServerType::ALL.iter().map(|it| of_server(*it));
    Union::new(messages.chain(InfoType::ALL.iter().map(|it| of_info(*it))))
}

pub(super) fn round_trip_to_server(message: &ClientMessage<'_>) -> Encoded {
    let encoded = encode_to_server(message);
    assert_eq!(message_len([encoded[0], encoded[1]]), Ok(encoded.len()));
    assert_eq!(ClientMessage::decode(&encoded[2..]), Ok(Some(*message)));
    Encoded::ToServer(encoded)
}

pub(super) fn round_trip_to_client(message: &ServerMessage<'_>) -> Encoded {
    let encoded = encode_to_client(message);
    assert_eq!(message_len([encoded[0], encoded[1]]), Ok(encoded.len()));
    assert_eq!(ServerMessage::decode(&encoded[2..]), Ok(Some(*message)));
    Encoded::ToClient(encoded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_round_trip_and_reject_truncation(message in prop_oneof![to_server(), to_client()]) {
        let (encoded, decodes): (_, Decodes) = match message {
            Encoded::ToServer(encoded) => (encoded, |bytes| ClientMessage::decode(bytes).ok().map(|message| message.is_some())),
            Encoded::ToClient(encoded) => (encoded, |bytes| ServerMessage::decode(bytes).ok().map(|message| message.is_some())),
        };
        // A Join of an earlier client and a Refused of an earlier server end before their last
        // field.
        let earlier = match (ClientMessage::decode(&encoded[2..]), ServerMessage::decode(&encoded[2..])) {
            (Ok(Some(ClientMessage::Join(_))), _) => Some(encoded.len() - 2 - 1),
            (_, Ok(Some(ServerMessage::Refused { room, .. }))) => Some(encoded.len() - 2 - 1 - room.len()),
            _ => None,
        };
        for len in (0..encoded.len() - 2).filter(|&len| Some(len) != earlier) {
            prop_assert_eq!(decodes(&encoded[2..2 + len]), None, "cut to {}", len);
        }
        let mut longer = encoded.clone();
        longer.extend_from_slice(b"later versions say more");
        prop_assert_eq!(decodes(&longer[2..]), Some(true));
    }

    #[test]
    fn decodes_only_canonical_messages(message in prop_oneof![to_server(), to_client()], value in 0..4u8) {
        let (Encoded::ToServer(encoded) | Encoded::ToClient(encoded)) = message;
        for at in 2..encoded.len() {
            let mut changed = encoded.clone();
            changed[at] = value;
            prop_assert!(is_only_encoding(&changed[2..]), "byte {} of {:?}", at, encoded);
        }
    }

    #[test]
    fn arbitrary_bytes_decode_or_are_rejected(bytes in bytes(300)) {
        let _ = ClientMessage::decode(&bytes);
        let _ = ServerMessage::decode(&bytes);
    }

    #[test]
    fn does_not_encode_into_a_short_buffer(message in to_client(), missing in 1usize..40) {
        let Encoded::ToClient(encoded) = message else { unreachable!() };
        let message = ServerMessage::decode(&encoded[2..]).expect("just encoded").expect("known");
        let mut out = vec![0; encoded.len().saturating_sub(missing)];
        prop_assert_eq!(message.encode(&mut out), Err(BufferFull));
    }
}

#[test]
fn trailing_bytes_of_a_message_change_nothing() {
    let post = Post { handle: 1, instance: 2, number: 3, settled: 0, kind: EntryKind::TEXT, body: b"hi" };
    let mut encoded = encode_to_server(&ClientMessage::Post(post));
    encoded.push(0xff);
    assert_eq!(ClientMessage::decode(&encoded[2..]), Ok(Some(ClientMessage::Post(post))));
}

#[test]
fn skips_unknown_types() {
    let is_request = |code| ClientType::new(code).is_some() || RequestType::new(code).is_some();
    for unknown in (0..=255u8).filter(|code| !is_request(*code)) {
        assert_eq!(ClientMessage::decode(&[unknown, 1, 2, 3]), Ok(None));
        assert_eq!(ClientMessage::decode(&[unknown]), Ok(None));
    }
    let is_answer = |code| ServerType::new(code).is_some() || InfoType::new(code).is_some();
    for unknown in (0..=255u8).filter(|code| !is_answer(*code)) {
        assert_eq!(ServerMessage::decode(&[unknown, 1, 2, 3]), Ok(None));
    }
}

#[test]
fn every_type_has_its_own_code() {
    for code in 0..=255u8 {
        let types = [
            ClientType::new(code).map(ClientType::code),
            RequestType::new(code).map(RequestType::code),
            ServerType::new(code).map(ServerType::code),
            InfoType::new(code).map(InfoType::code),
            TransferType::new(code).map(TransferType::code),
        ];
        let types: Vec<_> = types.into_iter().flatten().collect();
        assert!(types.is_empty() || types == [code], "{code:#04x}: {types:?}");
    }
}

#[test]
fn rejects_a_message_without_a_type() {
    assert_eq!(message_len([0, 0]), Err(DecodeError::Value));
    assert_eq!(message_len([0, 1]), Ok(3));
    assert_eq!(message_len([0xff, 0xff]), Ok(65_537));
    assert_eq!(ClientMessage::decode(&[]), Err(DecodeError::Truncated));
    assert_eq!(ServerMessage::decode(&[]), Err(DecodeError::Truncated));
}

#[test]
fn rejects_history_of_0_or_more_than_200_entries() {
    let history = |count| ClientMessage::decode(&[0x04, 1, 0, 0, 0, 0, 0, 0, 0, 9, count]).map(|_| ());
    assert_eq!(history(0), Err(DecodeError::Value));
    assert_eq!(history(1), Ok(()));
    assert_eq!(history(200), Ok(()));
    assert_eq!(history(201), Err(DecodeError::Value));
    let encode = |count| {
        let request = Request::History { before: 9, count };
        encode_to_server(&ClientMessage::Request { handle: 1, request })
    };
    assert_eq!((encode(0), encode(255)), (encode(1), encode(200)));
}

fn join(authentication: Authentication<'_>) -> Join<'_> {
    let identity = PublicIdentity([2; 32]);
    let start = Start::After { seq: 5, term: Term([6; 8]), fallback_count: 50 };
    Join {
        room: "lobby",
        name: "Ana",
        identity,
        signature: [3; 64],
        authentication,
        instance: 4,
        start,
        max_entry_len: 1900,
        is_default_name: false,
    }
}

#[test]
fn rejects_authentication_and_start_of_unknown_kind() {
    let good = encode_to_server(&ClientMessage::Join(join(Authentication::None)));
    let authentication = 2 + 1 + 6 + 4 + 32 + 64;
    let start = authentication + 2 + 8;
    for (at, value) in [(authentication, 3), (start, 3), (authentication, 255), (start, 255)] {
        let mut changed = good.clone();
        changed[at] = value;
        assert_eq!(ClientMessage::decode(&changed[2..]), Err(DecodeError::Value));
    }
    // A proof that is not 32 bytes long.
    let mut changed = good.clone();
    changed[authentication] = 1;
    assert_eq!(ClientMessage::decode(&changed[2..]), Err(DecodeError::Value));
}

/// Whether `message`, if it decodes, begins with the only encoding of its value.
fn is_only_encoding(message: &[u8]) -> bool {
    let by_client = ClientMessage::decode(message).ok().flatten().map(|message| encode_to_server(&message));
    let by_server = ServerMessage::decode(message).ok().flatten().map(|message| encode_to_client(&message));
    by_client.or(by_server).is_none_or(|encoded| message.starts_with(&encoded[2..]))
}

#[test]
fn a_join_without_its_last_field_has_a_chosen_name() {
    for is_default_name in [false, true] {
        let join = Join { is_default_name, ..join(Authentication::None) };
        let encoded = encode_to_server(&ClientMessage::Join(join));
        let shorter = &encoded[2..encoded.len() - 1];
        let chosen = Join { is_default_name: false, ..join };
        assert_eq!(ClientMessage::decode(shorter), Ok(Some(ClientMessage::Join(chosen))));
        let other = [shorter, &[2]].concat();
        assert_eq!(ClientMessage::decode(&other), Err(DecodeError::Value));
    }
}

#[test]
fn a_list_without_rooms_has_one_encoding() {
    let encoded = encode_to_client(&ServerMessage::Info(Info::RoomListed { handle: 1, remaining: 0, room: None }));
    for at in 6..encoded.len() {
        let mut changed = encoded[2..].to_vec();
        changed[at - 2] = 1;
        assert!(is_only_encoding(&changed), "byte {at}");
    }
    let mut private = encoded[2..].to_vec();
    private[4] = 1;
    assert_eq!(ServerMessage::decode(&private), Err(DecodeError::Value));
}

#[test]
fn a_refused_without_its_last_field_names_no_room() {
    let refused = |room| ServerMessage::Refused { code: RefusedCode::BANNED, text: "no", room };
    let encoded = encode_to_client(&refused("lobby"));
    assert_eq!(encoded, hex_vec("000b4206026e6f056c6f626279"));
    assert_eq!(ServerMessage::decode(&encoded[2..]), Ok(Some(refused("lobby"))));
    assert_eq!(ServerMessage::decode(&encoded[2..encoded.len() - 6]), Ok(Some(refused(""))));
    let long = encode_to_client(&refused(&"r".repeat(MAX_NAME_LEN + 1)));
    assert_eq!(ServerMessage::decode(&long[2..]), Err(DecodeError::Value));
}

#[test]
fn rejects_unused_fields_of_start_and_authentication() {
    for (kind, used) in [(0, 0..0), (1, 16..20), (2, 0..20)] {
        let start = match kind {
            0 => Start::Head,
            1 => Start::Last(0),
            _ => Start::After { seq: 0, term: Term::default(), fallback_count: 0 },
        };
        let good = encode_to_server(&ClientMessage::Join(Join { start, ..join(Authentication::None) }));
        let fields = good.len() - 1 - 2 - 20;
        for at in 0..20 {
            let mut changed = good.clone();
            changed[fields + at] = 1;
            assert_eq!(ClientMessage::decode(&changed[2..]).is_ok(), used.contains(&at), "start {kind}, byte {at}");
        }
    }
    let secret = encode_to_server(&ClientMessage::Join(join(Authentication::Secret([9; 32]))));
    let mut none = secret.clone();
    none[2 + 1 + 6 + 4 + 32 + 64] = 0;
    assert_eq!(ClientMessage::decode(&none[2..]), Err(DecodeError::Value));
}

#[test]
fn rejects_a_password_that_is_too_long() {
    let longest = [b'x'; MAX_PASSWORD_LEN];
    let encoded = encode_to_server(&ClientMessage::Join(join(Authentication::Password(&longest))));
    assert_eq!(
        ClientMessage::decode(&encoded[2..]),
        Ok(Some(ClientMessage::Join(join(Authentication::Password(&longest)))))
    );
    let encoded = encode_to_server(&ClientMessage::Join(join(Authentication::Password(&[b'x'; MAX_PASSWORD_LEN + 1]))));
    assert_eq!(ClientMessage::decode(&encoded[2..]), Err(DecodeError::Value));
}

#[test]
fn rejects_names_and_bodies_longer_than_a_server_may_write() {
    let header = |author| EntryHeader { seq: 1, time_ms: 2, author, instance: 3, number: 4, kind: EntryKind::DATA };
    let entry = |author, body| ServerMessage::Entry { handle: 1, entry: Entry { header: header(author), body } };
    let verdict = |message: ServerMessage<'_>| ServerMessage::decode(&encode_to_client(&message)[2..]).map(|_| ());
    let (name, body) = ("n".repeat(33), vec![0; MAX_BODY_LEN + 1]);
    assert_eq!(verdict(entry(&name[..32], &body[..MAX_BODY_LEN])), Ok(()));
    assert_eq!(verdict(entry(&name, &[])), Err(DecodeError::Value));
    assert_eq!(verdict(entry("a", &body)), Err(DecodeError::Value));
    assert_eq!(
        verdict(ServerMessage::Info(Info::MemberListed { handle: 1, remaining: 0, name: Some(&name) })),
        Err(DecodeError::Value)
    );
}

#[test]
fn the_largest_messages_have_the_stated_lengths() {
    let (name, long, body) = ("n".repeat(MAX_NAME_LEN), "r".repeat(255), [0; MAX_BODY_LEN]);
    let header = EntryHeader { seq: 1, time_ms: 2, author: &name, instance: 3, number: 4, kind: EntryKind::DATA };
    let entry = Entry { header, body: &body };
    assert_eq!(encode_to_client(&ServerMessage::Entry { handle: 1, entry }).len(), ENTRY_OVERHEAD + MAX_BODY_LEN);
    assert!(encode_to_client(&ServerMessage::Stub { handle: 1, header, size: 0 }).len() <= ENTRY_OVERHEAD);
    let older = ServerMessage::Info(Info::HistoryEntry { handle: 1, remaining: 9, entry: Some(entry) });
    assert_eq!(encode_to_client(&older).len(), HISTORY_ENTRY_OVERHEAD + MAX_BODY_LEN);
    let post = Post { handle: 1, instance: 2, number: 3, settled: 0, kind: EntryKind::DATA, body: &body };
    assert_eq!(encode_to_server(&ClientMessage::Post(post)).len(), POST_OVERHEAD + MAX_BODY_LEN);
    let join = Join { room: &long, name: &long, ..join(Authentication::Password(&[1; MAX_PASSWORD_LEN])) };
    assert_eq!(encode_to_server(&ClientMessage::Join(join)).len(), JOIN_MAX);
    let welcome = Welcome {
        handle: 1,
        room: &name,
        name: &name,
        term: Term([0; 8]),
        first: 0,
        head: 0,
        start: 0,
        instance: 0,
        highest_stored: 0,
        members: 0,
        proof: [0; 32],
    };
    assert_eq!(encode_to_client(&ServerMessage::Welcome(welcome)).len(), WELCOME_MAX);
}

#[test]
fn encodes_as_specified() {
    let post = Post { handle: 1, instance: 0x0203, number: 4, settled: 3, kind: EntryKind::TEXT, body: b"hi" };
    assert_eq!(
        encode_to_server(&ClientMessage::Post(post)),
        hex_vec("001f02010000000000000203000000000000000400000000000000030100026869")
    );
    let stored = ServerMessage::Stored { handle: 1, instance: 2, number: 3, seq: 4 };
    assert_eq!(encode_to_client(&stored), hex_vec("001a4601000000000000000200000000000000030000000000000004"));
    let none = ServerMessage::Info(Info::HistoryEntry { handle: 1, remaining: 0, entry: None });
    assert_eq!(encode_to_client(&none), hex_vec("000c480100000000000000000000"));
    let notice = ServerMessage::Info(Info::Notice { code: 1, text: "hé" });
    assert_eq!(encode_to_client(&notice), hex_vec("00064a010368c3a9"));
    let rename = ClientMessage::Request { handle: 1, request: Request::Rename { name: "hé" } };
    assert_eq!(encode_to_server(&rename), hex_vec("000606010368c3a9"));
    let remove = ClientMessage::Request { handle: 1, request: Request::Remove { seq: 0x0203 } };
    assert_eq!(encode_to_server(&remove), hex_vec("000a07010000000000000203"));
    let answer = Info::Answer { handle: 1, request: 6, code: AnswerCode::NAME_TAKEN, text: "hé" };
    assert_eq!(encode_to_client(&ServerMessage::Info(answer)), hex_vec("00084b0106030368c3a9"));
}

#[test]
fn a_join_signs_exporter_identity_and_room() {
    let mut out = [0; 160];
    let len = join_statement(&[1; 32], &PublicIdentity([2; 32]), "lobby", &mut out).expect("fits");
    assert_eq!(out[..len], [b"kabar1 join".as_slice(), &[1; 32], &[2; 32], b"lobby"].concat());
    assert_eq!(join_statement(&[1; 32], &PublicIdentity([2; 32]), "lobby", &mut [0; 79]), Err(BufferFull));
}
