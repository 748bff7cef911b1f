//! Test vectors, from the files in `tests/vectors`: official ones, checked with the primitives of
//! `kabar-core`, and those of contents, which an independent model computes.
//!
//! Each test states the number of cases in its file, so that an empty run, a renamed field or a
//! shortened file fails.

use std::path::Path;

use kabar_core::content::{
    Decoder, Encoder, GROUP_LEN, GroupRange, MAX_DEPTH, OutboardBuilder, PARENT_LEN, Proven, Root, SliceSource,
};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::crypto::rsa::{AnyRsa, AnyRsaPrivateKey, PrivateKey, RawPublic, ServerKey, oaep, pss};
use kabar_core::crypto::sha256;
use kabar_core::crypto::{Aead, Portable, Provider};
use kabar_core::internals::Ephemeral;
use kabar_core::internals::Secret;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;

/// Number of cases of a file per expected result.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    valid: usize,
    invalid: usize,
    acceptable: usize,
}

/// Runs `check` on every case of the file. `check` returns whether the case was accepted with the
/// right output. For *acceptable* cases both results are right, so `check` verifies the output
/// itself.
fn run(file: &str, mut check: impl FnMut(&Value, &Value) -> bool) -> Counts {
    let file = read(file);
    let mut counts = Counts::default();
    for group in list(&file, "testGroups") {
        for case in list(group, "tests") {
            let accepted = check(group, case);
            let (count, right) = match text(case, "result") {
                "valid" => (&mut counts.valid, accepted),
                "invalid" => (&mut counts.invalid, !accepted),
                "acceptable" => (&mut counts.acceptable, true),
                other => panic!("result {other}"),
            };
            assert!(right, "case {}: {}", case["tcId"], case["comment"]);
            *count += 1;
        }
    }
    assert_eq!(file["numberOfTests"], counts.valid + counts.invalid + counts.acceptable);
    counts
}

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("a list {name}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("a text {name}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text(value, name).as_bytes()).unwrap()
}

fn size(value: &Value, name: &str) -> usize {
    value[name].as_u64().unwrap_or_else(|| panic!("a number {name}")).try_into().unwrap()
}

/// A number without the leading zero that marks it as positive.
fn number(value: &Value, name: &str) -> Vec<u8> {
    let bytes = bytes(value, name);
    bytes.strip_prefix(&[0]).map(<[u8]>::to_vec).unwrap_or(bytes)
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(9690)
}

#[test]
fn chacha20_poly1305_agrees_with_wycheproof() {
    let counts = run("chacha20_poly1305_test.json", |_, case| {
        let (key, nonce) = (bytes(case, "key"), bytes(case, "iv"));
        let (aad, text, sealed) = (bytes(case, "aad"), bytes(case, "msg"), bytes(case, "ct"));
        // A nonce or tag of another length cannot be passed.
        let (Ok(nonce), Ok(tag)) = (nonce.try_into(), bytes(case, "tag").try_into()) else { return false };
        let aead = <Portable as Provider>::Aead::new(&key.try_into().unwrap());

        let mut buffer = sealed.clone();
        if aead.open(&nonce, &aad, &mut buffer, &tag).is_err() {
            return false;
        }
        assert_eq!(buffer, text);
        assert_eq!(aead.seal(&nonce, &aad, &mut buffer), tag);
        assert_eq!(buffer, sealed);
        true
    });
    assert_eq!(counts, Counts { valid: 256, invalid: 69, acceptable: 0 });
}

#[test]
fn hkdf_sha256_agrees_with_wycheproof() {
    const MAX: usize = 255 * 32;
    let counts = run("hkdf_sha256_test.json", |_, case| {
        let mut out = vec![0xa5; size(case, "size")];
        Secret::extract(&bytes(case, "salt"), &[&bytes(case, "ikm")]).expand(&bytes(case, "info"), b"", &mut out);
        if out.len() > MAX {
            // More than HKDF can expand: the excess is left unchanged.
            assert!(out[MAX..].iter().all(|byte| *byte == 0xa5));
            return false;
        }
        out == bytes(case, "okm")
    });
    assert_eq!(counts, Counts { valid: 83, invalid: 3, acceptable: 0 });
}

#[test]
fn x25519_agrees_with_wycheproof() {
    let mut not_contributory = 0;
    let counts = run("x25519_test.json", |_, case| {
        let secret = Secret::new(bytes(case, "private").try_into().unwrap());
        let shared = bytes(case, "shared");
        let agreed = Ephemeral::new(&secret).diffie_hellman(&bytes(case, "public").try_into().unwrap());
        if shared == [0; 32] {
            not_contributory += 1;
            assert!(agreed.is_none(), "case {}", case["tcId"]);
            return false;
        }
        assert_eq!(agreed.unwrap().expose(), shared.as_slice(), "case {}", case["tcId"]);
        true
    });
    assert_eq!(counts, Counts { valid: 264, invalid: 0, acceptable: 254 });
    assert_eq!(not_contributory, 31);
}

#[test]
fn ed25519_agrees_with_wycheproof() {
    let counts = run("ed25519_test.json", |group, case| {
        let key = PublicIdentity(bytes(&group["publicKey"], "pk").try_into().unwrap());
        // A signature of another length cannot be passed.
        bytes(case, "sig").try_into().is_ok_and(|signature| key.verify(&bytes(case, "msg"), &signature))
    });
    assert_eq!(counts, Counts { valid: 88, invalid: 63, acceptable: 0 });
}

fn private(group: &Value) -> AnyRsaPrivateKey {
    let key = &group["privateKey"];
    let private = AnyRsaPrivateKey::from_primes(&number(key, "prime1"), &number(key, "prime2")).unwrap();
    assert_eq!(private.modulus(), number(key, "modulus"));
    private
}

fn oaep_agrees(file: &str) {
    let counts = run(file, |group, case| {
        let private = private(group);
        let public = AnyRsa::from_modulus(private.modulus()).unwrap();
        let (label, message) = (bytes(case, "label"), bytes(case, "msg"));
        let mut out = [0; 512];
        match oaep::decrypt(&private, &mut rng(), &label, &bytes(case, "ct"), &mut out) {
            Err(error) => {
                assert_eq!(error, oaep::DecryptError::Invalid);
                false
            }
            Ok(decrypted) => {
                assert_eq!(decrypted, message);
                // The reverse direction, with a seed chosen here.
                let mut again = vec![0; public.modulus_len()];
                oaep::encrypt(&public, &mut rng(), &label, &message, &mut again).unwrap();
                assert_eq!(oaep::decrypt(&private, &mut rng(), &label, &again, &mut out), Ok(message.as_slice()));
                true
            }
        }
    });
    assert_eq!(counts, Counts { valid: 18, invalid: 19, acceptable: 0 });
}

#[test]
fn rsa_oaep_2048_agrees_with_wycheproof() {
    oaep_agrees("rsa_oaep_2048_sha256_mgf1sha256_test.json");
}

#[test]
fn rsa_oaep_3072_agrees_with_wycheproof() {
    oaep_agrees("rsa_oaep_3072_sha256_mgf1sha256_test.json");
}

#[test]
fn rsa_oaep_4096_agrees_with_wycheproof() {
    oaep_agrees("rsa_oaep_4096_sha256_mgf1sha256_test.json");
}

fn pss_agrees(file: &str) -> Counts {
    run(file, |group, case| {
        assert_eq!(bytes(&group["publicKey"], "publicExponent"), [1, 0, 1]);
        let key = AnyRsa::from_modulus(&number(&group["publicKey"], "modulus")).unwrap();
        pss::verify(&key, &bytes(case, "msg"), size(group, "sLen"), &bytes(case, "sig"))
    })
}

#[test]
fn rsa_pss_2048_with_salt_agrees_with_wycheproof() {
    let counts = pss_agrees("rsa_pss_2048_sha256_mgf1_32_test.json");
    assert_eq!(counts, Counts { valid: 63, invalid: 45, acceptable: 0 });
}

#[test]
fn rsa_pss_2048_without_salt_agrees_with_wycheproof() {
    let counts = pss_agrees("rsa_pss_2048_sha256_mgf1_0_test.json");
    assert_eq!(counts, Counts { valid: 61, invalid: 42, acceptable: 0 });
}

#[test]
fn rsa_kem_agrees_with_rfc_9690() {
    let counts = run("rsa_kem_rfc9690.json", |group, case| {
        let (key, z, ciphertext) = (private(group), bytes(case, "z"), bytes(case, "ct"));
        let mut number = z.clone();
        AnyRsa::from_modulus(key.modulus()).unwrap().raw_public(&mut number).unwrap();
        assert_eq!(number, ciphertext);

        let mut recovered = vec![0; z.len()];
        key.decapsulate(&mut rng(), &ciphertext, &mut recovered).unwrap();
        assert_eq!(sha256(&[&[0, 0, 0, 1], &recovered])[..16], bytes(case, "secret"));
        recovered == z
    });
    assert_eq!(counts, Counts { valid: 1, invalid: 0, acceptable: 0 });
}

/// The content of a case, its root and its outboard.
fn content(case: &Value) -> (Vec<u8>, Root, Vec<u8>) {
    let content: Vec<u8> = (0..=250).cycle().take(size(case, "length")).collect();
    let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
    let mut store = |parent: &[u8; PARENT_LEN]| -> Result<(), ()> {
        outboard.extend_from_slice(parent);
        Ok(())
    };
    builder.update(&mut &content[..], &mut store).unwrap();
    let root = builder.finish(&mut store).unwrap();
    (content, root, outboard)
}

#[test]
fn roots_and_outboards_agree_with_the_model() {
    let file = read("content.json");
    let roots = list(&file, "roots");
    for case in roots {
        let (content, root, _) = content(case);
        assert_eq!(root.to_string(), text(case, "root"), "{}", case["length"]);
        assert_eq!(root, Root::of(&content));
    }
    let outboards = list(&file, "outboards");
    for case in outboards {
        assert_eq!(sha256(&[&content(case).2])[..], bytes(case, "sha256"), "{}", case["length"]);
    }
    assert_eq!((roots.len(), outboards.len()), (30, 11));
}

#[test]
fn encodings_agree_with_the_model() {
    let file = read("content.json");
    let (cases, mut in_full) = (list(&file, "encodings"), 0);
    for case in cases {
        let (content, root, outboard) = content(case);
        let (offset, count) = (size(case, "offset"), size(case, "count"));
        let range = GroupRange::covering(content.len() as u64, offset as u64, count as u64).unwrap();

        let mut encoding = vec![0; size(case, "encodingLength") + 1];
        let mut source = SliceSource { content: &content, outboard: &outboard };
        let len = Encoder::new(range).encode(&mut source, &mut encoding).unwrap();
        encoding.truncate(len);
        assert_eq!(len, size(case, "encodingLength"), "{case}");
        assert_eq!(sha256(&[&encoding])[..], bytes(case, "sha256"), "{case}");
        if case["encoding"].is_string() {
            assert_eq!(encoding, bytes(case, "encoding"));
            in_full += 1;
        }

        let mut decoder = Decoder::<MAX_DEPTH>::new(root, range).unwrap();
        let (mut input, mut buffer) = (&encoding[..], Box::new([0; GROUP_LEN]));
        let (mut nodes, mut proven) = (0, Vec::new());
        while let Some(node) = decoder.decode(&mut input, &mut buffer).unwrap() {
            nodes += 1;
            if let Proven::Group { bytes, .. } = node {
                proven.extend_from_slice(bytes);
            }
        }
        assert!(decoder.is_finished() && input.is_empty());
        assert_eq!(nodes, size(case, "nodes"), "{case}");
        assert!(proven == content[range.offset() as usize..range.end() as usize], "{case}");
    }
    assert_eq!((cases.len(), in_full), (24, 5));
}

/// `bao-tree` is another implementation of the same encoding.
#[test]
fn contents_agree_with_bao_tree() {
    use bao_tree::io::outboard::PostOrderMemOutboard;
    use bao_tree::io::sync::encode_ranges;
    use bao_tree::{BlockSize, ChunkNum, ChunkRanges};

    for case in list(&read("content.json"), "outboards") {
        let (content, root, outboard) = content(case);
        let theirs = PostOrderMemOutboard::create(&content, BlockSize::from_chunk_log(4));
        assert_eq!(root.0, *theirs.root.as_bytes(), "{case}");
        assert_eq!(outboard, theirs.data, "{case}");

        let groups = content.len().div_ceil(GROUP_LEN);
        for (first, end) in (0..groups).flat_map(|first| (first + 1..=groups).map(move |end| (first, end))) {
            let (offset, limit) = (first * GROUP_LEN, (end * GROUP_LEN).min(content.len()));
            let range = GroupRange::covering(content.len() as u64, offset as u64, (limit - offset) as u64).unwrap();
            let mut encoding = vec![0; limit - offset + outboard.len()];
            let mut source = SliceSource { content: &content, outboard: &outboard };
            let len = Encoder::new(range).encode(&mut source, &mut encoding).unwrap();

            let chunks = |group: usize| ChunkNum(16 * group as u64);
            let mut expected = Vec::new();
            let ranges = ChunkRanges::from(chunks(first)..chunks(end));
            encode_ranges(&content[..], &theirs, &ranges, &mut expected).unwrap();
            assert!(encoding[..len] == expected, "{case} {first} {end}");
        }
    }
}
