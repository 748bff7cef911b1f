use super::*;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::string::{String, ToString};

fn text(key: &PublicKey) -> String {
    let mut out = [0; MAX_KEY_LEN];
    let len = key.encode(&mut out).unwrap();
    String::from_utf8(out[..len].to_vec()).unwrap()
}

#[test]
fn computes_the_key_of_two_primes() {
    // By Python: pow(17, -1, 1008 * 1012) == 180017.
    let key = PrivateKey::from_primes(1009, 1013, 17).unwrap();
    assert_eq!((key.public().exponent(), key.public().modulus()), (17, 1_022_117));
    assert_eq!(key.exponent, 180_017);
    assert_eq!(text(key.public()), "17,1022117");
    assert_eq!(key.public().apply(65), 177_101);
    assert_eq!(key.apply(177_101), 65);
    // The largest: no product overflows.
    let key = PrivateKey::from_primes(49_999, 49_993, 2_499_499_999).unwrap();
    for number in [0, 1, 2, 0x0010_ffff, 2_499_600_006] {
        assert_eq!(key.apply(key.public().apply(number)), number);
    }
    assert_eq!(FALLBACK, PrivateKey::from_primes(5003, 5009, 5).unwrap());
}

#[test]
fn rejects_numbers_that_are_not_a_key() {
    let made = |p, q, exponent| PrivateKey::from_primes(p, q, exponent).is_ok();
    assert!(made(1009, 1013, 17));
    assert!(!made(1009, 1009, 17), "the same prime twice");
    assert!(!made(997, 1013, 17) && !made(1009, 50_021, 17), "primes out of range");
    assert!(!made(1009, 1015, 17) && !made(1001, 1013, 17), "no prime");
    assert!(!made(1009, 1013, 1) && !made(1009, 1013, 2), "an exponent below 3");
    assert!(!made(1009, 1013, 21), "an exponent that is not coprime to phi(N)");
    assert!(!made(1009, 1013, 1008 * 1012 + 17), "an exponent above phi(N)");
}

#[test]
fn parses_two_decimal_numbers_with_a_comma() {
    assert_eq!(PublicKey::parse(b"17,1022117"), PublicKey::new(17, 1_022_117));
    assert!(PublicKey::parse(b"3,2499600007").is_ok());
    for text in [
        "",
        ",",
        "17",
        "17,",
        ",1022117",
        "17,1022117,",
        "17,1022117,1",
        " 17,1022117",
        "17, 1022117",
        "17,1022117\n",
        "017,1022117",
        "17,01022117",
        "+17,1022117",
        "17,1022116",
        "17,2499600008",
        "2,1022117",
        "1022117,1022117",
        "17,99999999999999999999",
        "99999999999999999999,1022117",
        "17;1022117",
        "a,b",
        "17,1022117\u{660}",
    ] {
        assert_eq!(PublicKey::parse(text.as_bytes()), Err(InvalidKey), "{text:?}");
    }
    assert_eq!(PublicKey::parse(b"17,1022\xff17"), Err(InvalidKey));
}

#[test]
fn writes_no_key_into_a_buffer_that_is_too_small() {
    let key = PublicKey::new(17, 1_022_117).unwrap();
    for len in 0..10 {
        assert_eq!(key.encode(&mut [0; 10][..len]), Err(BufferFull));
    }
    assert_eq!(key.encode(&mut [0; 10]), Ok(10));
}

#[test]
fn generated_keys_are_shorter_than_the_request_and_above_every_code_point() {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut earlier = PrivateKey::generate(&mut rng);
    for _ in 0..500 {
        let key = PrivateKey::generate(&mut rng);
        assert_ne!(key, earlier);
        assert!(text(key.public()).len() <= crate::classic::KEY_REQUEST.len());
        assert!(key.public().modulus() > 0x0010_ffff);
        for number in [58, 0x0010_ffff, key.public().modulus() - 1] {
            assert_eq!(key.apply(key.public().apply(number)), number);
        }
        earlier = key;
    }
}

#[test]
fn a_generator_that_repeats_itself_does_not_keep_it_from_ending() {
    struct Constant(u64);
    impl rand_core::TryRng for Constant {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.0 as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(self.0)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            out.fill(self.0 as u8);
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Constant {}
    for number in [0, 1, 4970, u64::MAX] {
        let key = PrivateKey::generate(&mut Constant(number));
        assert_eq!(key.apply(key.public().apply(1234)), 1234);
    }
}

#[test]
fn does_not_print_its_private_exponent() {
    let shown = std::format!("{:?}", PrivateKey::from_primes(1009, 1013, 17).unwrap());
    assert!(shown.contains("1022117") && !shown.contains("180017"), "{shown}");
}

proptest! {
    #[test]
    fn a_key_that_parses_is_written_as_the_same_text(bytes in "[0-9]{1,10},[0-9]{1,10}") {
        if let Ok(key) = PublicKey::parse(bytes.as_bytes()) {
            prop_assert_eq!(text(&key), bytes.to_string());
        }
    }
}
