//! The primitives of `kabar-core` compared with the fastest libraries: `cargo bench -p kabar-tests
//! --bench crypto`.
//!
//! RSA is compared as OAEP with the same keys, because the other libraries do not offer the raw
//! operation or the KEM.

use std::hint::black_box;
use std::path::Path;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey};
use aws_lc_rs::{agreement, signature};
use divan::{Bencher, counter::BytesCount};
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::{AnyRsa, AnyRsaPrivateKey, PrivateKey, ServerKey, oaep};
use kabar_core::crypto::{Aead, Portable, Provider};
use kabar_core::internals::Ephemeral;
use kabar_core::internals::Secret;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::pkcs8::DecodePrivateKey;

fn main() {
    divan::main();
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// A small chat message and a full datagram.
const SIZES: [usize; 2] = [64, 1200];
const AAD: [u8; 13] = [7; 13];

mod aead {
    use super::*;

    type Ours = <Portable as Provider>::Aead;

    fn theirs() -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).unwrap())
    }

    #[divan::bench(args = SIZES)]
    fn seal_portable(bencher: Bencher<'_, '_>, len: usize) {
        let (aead, mut buffer) = (Ours::new(&[1; 32]), vec![3; len]);
        bencher.counter(BytesCount::new(len)).bench_local(|| aead.seal(&[2; 12], &AAD, black_box(&mut buffer)));
    }

    #[divan::bench(args = SIZES)]
    fn seal_aws_lc(bencher: Bencher<'_, '_>, len: usize) {
        let (key, mut buffer) = (theirs(), vec![3; len]);
        bencher.counter(BytesCount::new(len)).bench_local(|| {
            let nonce = Nonce::assume_unique_for_key([2; 12]);
            key.seal_in_place_separate_tag(nonce, Aad::from(&AAD), black_box(&mut buffer)).unwrap()
        });
    }

    #[divan::bench(args = SIZES)]
    fn open_portable(bencher: Bencher<'_, '_>, len: usize) {
        let (aead, mut sealed) = (Ours::new(&[1; 32]), vec![3; len]);
        let tag = aead.seal(&[2; 12], &AAD, &mut sealed);
        bencher
            .counter(BytesCount::new(len))
            .with_inputs(|| sealed.clone())
            .bench_local_refs(|buffer| aead.open(&[2; 12], &AAD, buffer, &tag).unwrap());
    }

    #[divan::bench(args = SIZES)]
    fn open_aws_lc(bencher: Bencher<'_, '_>, len: usize) {
        let (key, mut sealed) = (theirs(), vec![3; len]);
        let nonce = || Nonce::assume_unique_for_key([2; 12]);
        key.seal_in_place_append_tag(nonce(), Aad::from(&AAD), &mut sealed).unwrap();
        bencher.counter(BytesCount::new(len)).with_inputs(|| sealed.clone()).bench_local_refs(|buffer| {
            key.open_in_place(nonce(), Aad::from(&AAD), buffer).unwrap();
        });
    }
}

mod crc32 {
    use super::*;
    use crc::{CRC_32_ISO_HDLC, Crc, Table};

    static WIDE: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

    #[divan::bench]
    fn table_1_portable(bencher: Bencher<'_, '_>) {
        bencher.counter(BytesCount::new(1200_usize)).bench_local(|| Portable::crc32(black_box(&[3; 1200])));
    }

    #[divan::bench]
    fn table_16(bencher: Bencher<'_, '_>) {
        bencher.counter(BytesCount::new(1200_usize)).bench_local(|| WIDE.checksum(black_box(&[3; 1200])));
    }
}

mod curve {
    use super::*;

    fn ephemeral() -> Ephemeral {
        Ephemeral::new(&Secret::new([9; 32]))
    }

    #[divan::bench]
    fn x25519_share() -> [u8; 32] {
        black_box(ephemeral()).share()
    }

    #[divan::bench]
    fn x25519_agree(bencher: Bencher<'_, '_>) {
        let share = Ephemeral::new(&Secret::new([8; 32])).share();
        bencher.bench_local(|| ephemeral().diffie_hellman(black_box(&share)).unwrap());
    }

    #[divan::bench]
    fn x25519_agree_aws_lc(bencher: Bencher<'_, '_>) {
        let share = Ephemeral::new(&Secret::new([8; 32])).share();
        let secret = agreement::PrivateKey::from_private_key(&agreement::X25519, &[9; 32]).unwrap();
        let remote = agreement::UnparsedPublicKey::new(&agreement::X25519, share);
        bencher.bench_local(|| agreement::agree(&secret, black_box(&remote), (), |shared| Ok(shared[0])).unwrap());
    }

    #[divan::bench]
    fn ed25519_sign(bencher: Bencher<'_, '_>) {
        let identity = Identity::from_seed(&[5; 32]);
        bencher.bench_local(|| identity.sign(black_box(&[3; 64])));
    }

    #[divan::bench]
    fn ed25519_sign_aws_lc(bencher: Bencher<'_, '_>) {
        let pair = signature::Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        bencher.bench_local(|| pair.sign(black_box(&[3; 64])));
    }

    #[divan::bench]
    fn ed25519_verify(bencher: Bencher<'_, '_>) {
        let identity = Identity::from_seed(&[5; 32]);
        let (key, signed) = (identity.public(), identity.sign(&[3; 64]));
        bencher.bench_local(|| assert!(key.verify(black_box(&[3; 64]), &signed)));
    }

    #[divan::bench]
    fn ed25519_verify_aws_lc(bencher: Bencher<'_, '_>) {
        let identity = Identity::from_seed(&[5; 32]);
        let signed = identity.sign(&[3; 64]);
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, identity.public().0);
        bencher.bench_local(|| key.verify(black_box(&[3; 64]), &signed).unwrap());
    }
}

mod rsa_keys {
    use super::*;

    pub(crate) const BITS: [usize; 3] = [2048, 3072, 4096];
    pub(crate) const MESSAGE: [u8; 32] = [6; 32];

    /// One key in the type of each library, and a ciphertext of [`MESSAGE`] for it.
    pub(crate) struct Keys {
        pub(crate) ours: AnyRsaPrivateKey,
        pub(crate) rust_crypto: rsa::RsaPrivateKey,
        pub(crate) aws_lc: PrivateDecryptingKey,
        pub(crate) ciphertext: Vec<u8>,
    }

    impl Keys {
        /// The key of the test vectors of that size.
        pub(crate) fn new(bits: usize) -> Self {
            let file = format!("vectors/rsa_oaep_{bits}_sha256_mgf1sha256_test.json");
            let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
            let group = &file["testGroups"][0];
            let bytes = |value: &serde_json::Value| data_encoding::HEXLOWER.decode(value.as_str().unwrap().as_bytes());
            let prime = |name: &str| bytes(&group["privateKey"][name]).unwrap()[1..].to_vec();
            let pkcs8 = bytes(&group["privateKeyPkcs8"]).unwrap();

            let ours = AnyRsaPrivateKey::from_primes(&prime("prime1"), &prime("prime2")).unwrap();
            let mut ciphertext = vec![0; bits / 8];
            let public = AnyRsa::from_modulus(ours.modulus()).unwrap();
            oaep::encrypt(&public, &mut rng(), b"", &MESSAGE, &mut ciphertext).unwrap();
            Self {
                ours,
                rust_crypto: rsa::RsaPrivateKey::from_pkcs8_der(&pkcs8).unwrap(),
                aws_lc: PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap(),
                ciphertext,
            }
        }

        pub(crate) fn public(&self) -> AnyRsa {
            AnyRsa::from_modulus(self.ours.modulus()).unwrap()
        }
    }
}

mod rsa_public {
    use super::rsa_keys::{BITS, Keys, MESSAGE};
    use super::*;

    #[divan::bench(args = BITS)]
    fn kem(bencher: Bencher<'_, '_>, bits: usize) {
        let (key, mut rng) = (Keys::new(bits).public(), rng());
        bencher.bench_local(|| key.encapsulate(&mut rng));
    }

    #[divan::bench(args = BITS)]
    fn oaep_kabar(bencher: Bencher<'_, '_>, bits: usize) {
        let (key, mut rng, mut out) = (Keys::new(bits).public(), rng(), [0; 512]);
        bencher.bench_local(|| oaep::encrypt(&key, &mut rng, b"", &MESSAGE, &mut out[..bits / 8]).unwrap());
    }

    #[divan::bench(args = BITS)]
    fn oaep_rust_crypto(bencher: Bencher<'_, '_>, bits: usize) {
        let (key, mut rng) = (Keys::new(bits).rust_crypto.to_public_key(), rng());
        bencher.bench_local(|| key.encrypt(&mut rng, rsa::Oaep::<rsa::sha2::Sha256>::new(), &MESSAGE).unwrap());
    }

    #[divan::bench(args = BITS)]
    fn oaep_aws_lc(bencher: Bencher<'_, '_>, bits: usize) {
        let key = OaepPublicEncryptingKey::new(Keys::new(bits).aws_lc.public_key()).unwrap();
        let mut out = [0; 512];
        bencher.bench_local(|| key.encrypt(&OAEP_SHA256_MGF1SHA256, &MESSAGE, &mut out, None).unwrap().len());
    }
}

mod rsa_private {
    use super::rsa_keys::{BITS, Keys, MESSAGE};
    use super::*;

    #[divan::bench(args = BITS)]
    fn kem(bencher: Bencher<'_, '_>, bits: usize) {
        let (keys, mut rng, mut z) = (Keys::new(bits), rng(), [0; 512]);
        let z = &mut z[..bits / 8];
        bencher.bench_local(|| keys.ours.decapsulate(&mut rng, &keys.ciphertext, z).unwrap());
    }

    #[divan::bench(args = BITS)]
    fn oaep_kabar(bencher: Bencher<'_, '_>, bits: usize) {
        let (keys, mut rng, mut out) = (Keys::new(bits), rng(), [0; 512]);
        bencher.bench_local(|| {
            assert_eq!(oaep::decrypt(&keys.ours, &mut rng, b"", &keys.ciphertext, &mut out).unwrap(), MESSAGE);
        });
    }

    #[divan::bench(args = BITS)]
    fn oaep_rust_crypto(bencher: Bencher<'_, '_>, bits: usize) {
        let (keys, mut rng) = (Keys::new(bits), rng());
        bencher.bench_local(|| {
            let padding = rsa::Oaep::<rsa::sha2::Sha256>::new();
            assert_eq!(keys.rust_crypto.decrypt_blinded(&mut rng, padding, &keys.ciphertext).unwrap(), MESSAGE);
        });
    }

    #[divan::bench(args = BITS)]
    fn oaep_aws_lc(bencher: Bencher<'_, '_>, bits: usize) {
        let Keys { aws_lc, ciphertext, .. } = Keys::new(bits);
        let (key, mut out) = (OaepPrivateDecryptingKey::new(aws_lc).unwrap(), [0; 512]);
        bencher.bench_local(|| {
            assert_eq!(key.decrypt(&OAEP_SHA256_MGF1SHA256, &ciphertext, &mut out, None).unwrap(), MESSAGE);
        });
    }
}
