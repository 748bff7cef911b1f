//! Every message of transfers: round-trips, rejects short, ignores trailing.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::chat::message::tests::bytes;

fn encode(message: &TransferMessage<'_>) -> Vec<u8> {
    let mut out = vec![0xa5; 70_000];
    let len = message.encode(&mut out).expect("fits");
    out.truncate(len);
    out
}

/// Passes a message of each type in turn, so that none can be forgotten.
fn with_message(message_type: TransferType, numbers: [u64; 3], root: [u8; 32], bytes: &[u8]) -> Vec<u8> {
    let ([a, b, c], root) = (numbers, Root(root));
    let (transfer, handle) = (a as u32, b as u8);
    let message = match message_type {
        TransferType::Put => TransferMessage::Put { transfer, handle, root, size: c },
        TransferType::PutAt => TransferMessage::PutAt { transfer, offset: b },
        TransferType::Get => TransferMessage::Get { transfer, handle, root, offset: b, length: c },
        TransferType::GetAt => TransferMessage::GetAt { transfer, size: a, offset: b, length: c },
        TransferType::Chunk => TransferMessage::Chunk { transfer, bytes },
        TransferType::End => TransferMessage::End { transfer },
        TransferType::Cancel => TransferMessage::Cancel { transfer, code: CancelCode(handle), offset: c },
    };
    let encoded = encode(&message);
    assert_eq!(TransferMessage::decode(&encoded[2..]), Ok(Some(message)));
    assert_eq!((message.message_type(), message.transfer()), (message_type, transfer));
    // In parts, it is the same.
    let mut head = [0xa5; MAX_TRANSFER_HEAD];
    assert_eq!(message.encode_parts(&mut head).expect("fits").concat(), encoded);
    encoded
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_round_trip_and_reject_truncation(
        numbers: [u64; 3], root: [u8; 32], bytes in bytes(300).prop_filter("not empty", |it| !it.is_empty()),
    ) {
        for &message_type in TransferType::ALL {
            let encoded = with_message(message_type, numbers, root, &bytes);
            // A Chunk is cut to one byte at least.
            let shortest = if message_type == TransferType::Chunk { CHUNK_OVERHEAD + 1 } else { encoded.len() };
            for len in 2..shortest {
                prop_assert!(TransferMessage::decode(&encoded[2..len]).is_err(), "{message_type:?} cut to {len}");
            }
            let mut longer = encoded.clone();
            longer.push(7);
            prop_assert!(matches!(TransferMessage::decode(&longer[2..]), Ok(Some(_))));
            let mut short = vec![0; encoded.len() - 1];
            let message = TransferMessage::decode(&encoded[2..]).expect("decodes").expect("known");
            prop_assert_eq!(message.encode(&mut short), Err(BufferFull));
        }
    }

    #[test]
    fn arbitrary_bytes_decode_or_are_rejected(bytes in bytes(300)) {
        let _ = TransferMessage::decode(&bytes);
    }
}

#[test]
fn a_chunk_has_at_least_one_byte() {
    assert_eq!(TransferMessage::decode(&[0x83, 0, 0, 0, 1]), Err(DecodeError::Value));
    assert_eq!(
        TransferMessage::decode(&[0x83, 0, 0, 0, 1, 9]),
        Ok(Some(TransferMessage::Chunk { transfer: 1, bytes: &[9] }))
    );
}

#[test]
fn a_message_longer_than_its_length_field_is_not_encoded() {
    let mut head = [0; MAX_TRANSFER_HEAD];
    let bytes = vec![0; 65_535];
    let longest = TransferMessage::Chunk { transfer: 1, bytes: &bytes[..65_535 - (CHUNK_OVERHEAD - 2)] };
    assert!(longest.encode_parts(&mut head).is_ok());
    let longer = TransferMessage::Chunk { transfer: 1, bytes: &bytes[..65_536 - (CHUNK_OVERHEAD - 2)] };
    assert_eq!(longer.encode_parts(&mut head), Err(BufferFull));
    assert_eq!(longer.encode(&mut vec![0; 70_000]), Err(BufferFull));
}

#[test]
fn unknown_types_are_skipped() {
    for unknown in (0..=255u8).filter(|code| TransferType::new(*code).is_none()) {
        assert_eq!(TransferMessage::decode(&[unknown]), Ok(None));
    }
    assert_eq!(TransferMessage::decode(&[]), Err(DecodeError::Truncated));
}

#[test]
fn the_longest_head_is_that_of_get() {
    let get = TransferMessage::Get { transfer: 1, handle: 2, root: Root([3; 32]), offset: 4, length: u64::MAX };
    assert_eq!(encode(&get).len(), MAX_TRANSFER_HEAD);
}
