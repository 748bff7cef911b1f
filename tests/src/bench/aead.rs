//! The cost of sealing and opening packets on this computer, measured in the same run on packets of
//! the same mean length as those that were sent.

use std::time::Instant;

use kabar_core::crypto::aead::{KEY_LEN, NONCE_LEN};
use kabar_core::crypto::{Aead, Provider};
use kabar_std::provider::Accelerated;

/// Header, tag and CRC of a packet, which are not encrypted.
const OVERHEAD: f64 = 33.0;
const HEADER: [u8; 13] = [0; 13];
const CALLS: u32 = 100_000;

/// Seconds of processor time of the server's cryptography for `sealed` datagrams of `sealed_bytes`
/// in total, and likewise opened ones: the mean cost of a packet of mean length, times their
/// number. The mean, because other load on the computer slows the server, too.
pub(super) fn seconds(sealed: u64, sealed_bytes: u64, opened: u64, opened_bytes: u64) -> f64 {
    let len = |count: u64, bytes: u64| (bytes as f64 / count.max(1) as f64 - OVERHEAD).max(1.0) as usize;
    sealed as f64 * seal(len(sealed, sealed_bytes)) + opened as f64 * open(len(opened, opened_bytes))
}

fn key() -> <Accelerated as Provider>::Aead {
    <Accelerated as Provider>::Aead::new(&[7; KEY_LEN])
}

fn seal(len: usize) -> f64 {
    let (key, mut body) = (key(), vec![0; len]);
    mean(|nonce| {
        std::hint::black_box(key.seal(nonce, &HEADER, &mut body));
    })
}

fn open(len: usize) -> f64 {
    let (key, mut body) = (key(), vec![0; len]);
    let nonce = [1; NONCE_LEN];
    let tag = key.seal(&nonce, &HEADER, &mut body);
    let sealed = body.clone();
    mean(|_| {
        body.copy_from_slice(&sealed);
        std::hint::black_box(key.open(&nonce, &HEADER, &mut body, &tag).is_ok());
    })
}

/// Seconds of processor time per call if the system reports it for a thread, otherwise elapsed
/// seconds.
fn mean(mut call: impl FnMut(&[u8; NONCE_LEN])) -> f64 {
    let mut nonce = [0; NONCE_LEN];
    let (begin, had) = (Instant::now(), thread_seconds());
    for count in 0..CALLS {
        nonce[..4].copy_from_slice(&count.to_be_bytes());
        call(&nonce);
    }
    let passed = thread_seconds().zip(had).map_or(begin.elapsed().as_secs_f64(), |(now, had)| now - had);
    passed / f64::from(CALLS)
}

fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanos| nanos / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_packets_cost_more() {
        assert!(seconds(1_000, 1_000 * 1_200, 0, 0) > seconds(1_000, 1_000 * 60, 0, 0));
        assert!(seconds(10, 10 * 1_200, 10, 10 * 100) > 0.0);
    }
}
