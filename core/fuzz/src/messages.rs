//! Messages (SPEC 6.1 to 6.3, 6.8): what decodes is the beginning of the input, within the limits
//! of SPEC 8, and nothing panics.

use std::fmt::Debug;

use kabar_core::chat::{Authentication, Entry, EntryHeader};
use kabar_core::chat::{
    BufferFull, ClientMessage, DecodeError, File, Info, MAX_BODY_LEN, MAX_FILE_BODY_LEN, MAX_HISTORY, MAX_MESSAGE_LEN,
    MAX_NAME_LEN, MAX_PASSWORD_LEN, MAX_TOPIC_LEN, MAX_TRANSFER_HEAD, Request, ServerMessage, TransferMessage,
    message_len,
};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;

/// Decodes `data`, without a length field, as a message of a client, of a server and of a transfer,
/// and as the body of a file entry. Longer input than a message is cut, as a receiver does not
/// accept it.
pub fn check(data: &[u8]) {
    let data = &data[..data.len().min(MAX_MESSAGE_LEN - LENGTH_LEN)];
    if let Some(message) = round_trip(data, ClientMessage::decode, ClientMessage::encode) {
        limits_of_client(&message);
    }
    if let Some(message) = round_trip(data, ServerMessage::decode, ServerMessage::encode) {
        limits_of_server(&message);
    }
    if let Some(message) = round_trip(data, TransferMessage::decode, TransferMessage::encode) {
        let (mut head, mut whole) = ([0xff; MAX_TRANSFER_HEAD], [0xff; MAX_MESSAGE_LEN]);
        let parts = message.encode_parts(&mut head).expect("what decodes fits a message").concat();
        let len = message.encode(&mut whole).expect("what decodes fits a message");
        assert_eq!(parts, whole[..len]);
        assert!(!matches!(message, TransferMessage::Chunk { bytes: [], .. }));
    }
    file(data);
}

/// Decodes and encodes again. `None`: it is not a message of a known type.
fn round_trip<'a, T: Debug + PartialEq>(
    data: &'a [u8],
    decode: fn(&'a [u8]) -> Result<Option<T>, DecodeError>,
    encode: fn(&T, &mut [u8]) -> Result<usize, BufferFull>,
) -> Option<T> {
    let message = decode(data).ok()??;
    let mut out = [0xff; MAX_MESSAGE_LEN];
    let len = encode(&message, &mut out).expect("what decodes fits a message");
    let (length, encoded) = out[..len].split_at(LENGTH_LEN);
    assert_eq!(message_len([length[0], length[1]]), Ok(len));
    // SPEC 6.1: bytes after the known fields are ignored. A last field that an earlier version
    // leaves out is zero.
    assert!(
        data.starts_with(encoded) || encoded.strip_suffix(&[0]) == Some(data),
        "{message:?} is encoded as {encoded:02x?}"
    );
    // It has no room in a buffer that is shorter, and none of it is lost.
    assert_eq!(encode(&message, &mut vec![0; len - 1]), Err(BufferFull));
    Some(message)
}

fn limits_of_client(message: &ClientMessage<'_>) {
    match message {
        ClientMessage::Join(join) => {
            if let Authentication::Password(password) = join.authentication {
                assert!(password.len() <= MAX_PASSWORD_LEN);
                assert_eq!(format!("{:?}", join.authentication), "Password(..)");
            }
        }
        ClientMessage::Request { request: Request::History { count, .. }, .. } => {
            assert!((1..=MAX_HISTORY).contains(count));
        }
        _ => {}
    }
}

fn limits_of_server(message: &ServerMessage<'_>) {
    match *message {
        ServerMessage::Welcome(welcome) => {
            assert!(welcome.room.len() <= MAX_NAME_LEN && welcome.name.len() <= MAX_NAME_LEN);
        }
        ServerMessage::Refused { room, .. } => assert!(room.len() <= MAX_NAME_LEN),
        ServerMessage::Entry { entry, .. } => limits_of_entry(&entry),
        ServerMessage::Stub { header, .. } => limits_of_header(&header),
        ServerMessage::Info(Info::HistoryEntry { entry: Some(entry), .. }) => {
            limits_of_entry(&entry);
            assert_ne!(entry.header.seq, 0);
        }
        ServerMessage::Info(Info::MemberListed { name: Some(name), .. }) => {
            assert!((1..=MAX_NAME_LEN).contains(&name.len()));
        }
        ServerMessage::Info(Info::RoomListed { room: Some(room), .. }) => {
            assert!((1..=MAX_NAME_LEN).contains(&room.name.len()) && room.topic.len() <= MAX_TOPIC_LEN);
        }
        ServerMessage::Info(Info::Topic { topic, .. }) => assert!(topic.len() <= MAX_TOPIC_LEN),
        _ => {}
    }
}

fn limits_of_entry(entry: &Entry<'_>) {
    limits_of_header(&entry.header);
    assert!(entry.body.len() <= MAX_BODY_LEN);
}

fn limits_of_header(header: &EntryHeader<'_>) {
    assert!(header.author.len() <= MAX_NAME_LEN);
}

fn file(body: &[u8]) {
    let Ok(file) = File::decode(body) else { return };
    let mut out = [0xff; MAX_FILE_BODY_LEN];
    let len = file.encode(&mut out).expect("what decodes is at most as long as stated");
    assert!(body.starts_with(&out[..len]), "{file:?}");
    assert_eq!(File::new(file.name(), file.size(), file.root(), file.media_type()), Some(file));
    assert!(!file.name().chars().any(char::is_control));
}
