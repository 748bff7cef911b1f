use super::*;
use crate::classic::{MAX_DATAGRAM, MAX_TEXT_LEN};
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// N = 1022117: smaller than the last code points.
fn small() -> PrivateKey {
    PrivateKey::from_primes(1009, 1013, 17).unwrap()
}

fn large() -> PrivateKey {
    PrivateKey::from_primes(49_999, 49_993, 65_537).unwrap()
}

fn encrypted(key: &PrivateKey, text: &str) -> Result<Vec<u8>, EncryptError> {
    let mut out = [0; 4096];
    key.public().encrypt(text, &mut out).map(|len| out[..len].to_vec())
}

fn decrypted(key: &PrivateKey, datagram: &[u8]) -> Result<String, DecryptError> {
    key.decrypt(datagram, &mut [0; MAX_TEXT_LEN]).map(Into::into)
}

#[test]
fn encrypts_each_code_point_as_a_decimal_number() {
    // By Python: ','.join(str(pow(ord(c), 17, 1022117)) for c in 'ani:é😀').
    let numbers = b"145886,457549,764115,70717,103048,727322";
    assert_eq!(encrypted(&small(), "ani:é😀").unwrap(), numbers);
    assert_eq!(decrypted(&small(), numbers).unwrap(), "ani:é😀");
    assert_eq!(encrypted(&small(), "a").unwrap(), b"145886", "one character alone has no comma");
    assert_eq!(encrypted(&small(), "").unwrap(), b"");
    assert_eq!(encrypted(&small(), "\0\u{1}").unwrap(), b"0,1");
}

#[test]
fn refuses_code_points_that_would_arrive_as_others() {
    let last = char::from_u32(1_022_116).unwrap();
    assert!(encrypted(&small(), &String::from(last)).is_ok());
    let next = char::from_u32(1_022_117).unwrap();
    assert_eq!(encrypted(&small(), &std::format!("a{next}b")), Err(EncryptError::CodePoint(next)));
    assert!(encrypted(&large(), "\u{10ffff}").is_ok());
}

#[test]
fn what_decrypts_to_no_character_makes_the_whole_message_invalid() {
    let key = large();
    for number in [0xd800, 0xdfff, 0x0011_0000, 2_499_600_006] {
        let datagram = std::format!("1,{},1", key.public().apply(number));
        assert_eq!(decrypted(&key, datagram.as_bytes()), Err(DecryptError::NotText), "{number:x}");
    }
    for number in [0xd7ff, 0xe000, 0x0010_ffff] {
        assert!(decrypted(&key, std::format!("1,{},1", key.public().apply(number)).as_bytes()).is_ok());
    }
}

#[test]
fn rejects_what_is_not_numbers_below_n_with_commas() {
    for datagram in [
        "",
        ",",
        "1,",
        ",1",
        "1,,1",
        "a",
        "1 ,1",
        "1, 1",
        "1;1",
        "-1",
        "+1",
        "1.0",
        "01",
        "1,00",
        "1_0",
        "0x1",
        "1022117",
        "1,9999999999",
        "99999999999999999999999",
        "\u{663}",
    ] {
        assert_eq!(decrypted(&small(), datagram.as_bytes()), Err(DecryptError::Malformed), "{datagram:?}");
    }
    assert_eq!(decrypted(&small(), b"1,\xff,1"), Err(DecryptError::Malformed));
}

#[test]
fn reports_a_buffer_that_is_too_small() {
    let key = small();
    assert_eq!(key.public().encrypt("ani", &mut [0; 19]), Err(EncryptError::BufferFull));
    assert_eq!(key.public().encrypt("ani", &mut [0; 20]), Ok(20));
    let datagram = encrypted(&key, "aé").unwrap();
    assert_eq!(key.decrypt(&datagram, &mut [0; 2]), Err(DecryptError::BufferFull));
    assert_eq!(key.decrypt(&datagram, &mut [0; 3]), Ok("aé"));
}

#[test]
fn the_longest_text_of_a_datagram_fits() {
    // 2 to the power of the private exponent, 17, is a character of four bytes.
    let key = PrivateKey::from_primes(1009, 1013, 180_017).unwrap();
    let datagram = std::iter::repeat_n("2", MAX_DATAGRAM / 2).collect::<Vec<_>>().join(",");
    let text = decrypted(&key, datagram.as_bytes()).unwrap();
    assert_eq!(text, "\u{20000}".repeat(MAX_DATAGRAM / 2));
}

proptest! {
    #[test]
    fn any_bytes_are_decrypted_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..1500), len in 0..80_usize) {
        let _ = small().decrypt(&bytes, &mut [0; MAX_TEXT_LEN][..len]);
        let digits: Vec<u8> = bytes.iter().map(|byte| b"0123456789,"[usize::from(*byte) % 11]).collect();
        for key in [small(), large()] {
            if let Ok(text) = decrypted(&key, &digits) {
                prop_assert_eq!(encrypted(&key, &text).unwrap(), digits.clone());
                prop_assert!(text.len() <= 2 * digits.len() + 2);
            }
        }
    }

    #[test]
    fn texts_round_trip_and_have_the_length_that_is_computed(text in ".{0,40}") {
        let key = large();
        let datagram = encrypted(&key, &text).unwrap();
        prop_assert_eq!(datagram.len(), key.public().encrypted_len(&text).unwrap().saturating_sub(1));
        if !text.is_empty() {
            prop_assert_eq!(decrypted(&key, &datagram).unwrap(), text);
        }
    }
}
