//! Datagrams of one length to one peer, which the system sends in one call where it can
//! (segmentation offload).

use core::net::SocketAddr;

use kabar_core::MAX_DATAGRAM;
use kabar_core::connection::Transmit;

/// Most datagrams in one burst: with those of the largest size, what a UDP packet that is still to
/// be segmented may have.
pub const MAX_SEGMENTS: usize = (u16::MAX as usize - 28) / MAX_DATAGRAM;
/// First byte of the packets of a connection (SPEC 2.1). Others leave alone.
const SEALED: u8 = 0x15;

/// Datagrams of one length to one peer; the last may be shorter.
#[derive(Debug)]
pub struct Burst {
    bytes: Vec<u8>,
    to: Option<SocketAddr>,
    len: usize,
    segment: usize,
    /// Bytes that the system accepted; once there are any, nothing is appended.
    sent: usize,
    /// The datagram after `len`, which starts the next burst.
    next: Option<Transmit>,
}

impl Default for Burst {
    fn default() -> Self {
        Self { bytes: vec![0; (MAX_SEGMENTS + 1) * MAX_DATAGRAM], to: None, len: 0, segment: 0, sent: 0, next: None }
    }
}

impl Burst {
    /// Adds datagrams while they fit into this burst; returns `false` if there are no more.
    pub fn fill(&mut self, next: &mut impl FnMut(&mut [u8]) -> Option<Transmit>) -> bool {
        if self.next.is_some() || self.sent > 0 {
            return true;
        }
        loop {
            let Some(transmit) = next(&mut self.bytes[self.len..]) else { return false };
            if !self.add(transmit) {
                self.next = Some(transmit);
                return true;
            }
        }
    }

    fn add(&mut self, Transmit { to, len }: Transmit) -> bool {
        if self.to.is_none() {
            (self.to, self.segment) = (Some(to), len.max(1));
        }
        let is_sealed = self.bytes[0] == SEALED && self.bytes[self.len] == SEALED;
        // A shorter datagram ends the burst.
        let is_open = self.len.is_multiple_of(self.segment) && self.len / self.segment < MAX_SEGMENTS;
        let belongs = self.to == Some(to) && (self.len == 0 || (is_sealed && is_open)) && len <= self.segment;
        if belongs {
            self.len += len;
        }
        belongs
    }

    /// The peer; `None`: there is nothing to send.
    #[must_use]
    pub fn to(&self) -> Option<SocketAddr> {
        self.to
    }

    /// The length of its datagrams; that of the last may be less.
    #[must_use]
    pub fn segment(&self) -> usize {
        self.segment
    }

    /// The bytes left to send, up to `segments` datagrams.
    #[must_use]
    pub fn unsent(&self, segments: usize) -> &[u8] {
        let end = self.len.min(self.sent + segments * self.segment);
        &self.bytes[self.sent..end]
    }

    /// The system accepted this many bytes, or they are lost.
    pub fn on_sent(&mut self, len: usize) {
        self.sent += len;
    }

    /// Starts the next burst with the datagram that did not fit into this one.
    pub fn advance(&mut self) {
        let start = std::mem::take(&mut self.len);
        (self.to, self.sent) = (None, 0);
        if let Some(transmit) = self.next.take() {
            self.bytes.copy_within(start..start + transmit.len, 0);
            self.add(transmit);
        }
    }

    /// Discards everything.
    pub fn clear(&mut self) {
        (self.to, self.len, self.sent, self.next) = (None, 0, 0, None);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Drives a burst as a socket does; returns what was sent per system call. A datagram of port 0
    /// is not sealed.
    fn bursts(datagrams: &[(u16, usize)]) -> Vec<(u16, usize, usize)> {
        let mut queue: VecDeque<_> = datagrams.iter().copied().collect();
        let mut next = |out: &mut [u8]| {
            let (port, len) = queue.pop_front()?;
            out[..len].fill(port as u8);
            out[0] = if port == 0 { 0x11 } else { SEALED };
            Some(Transmit { to: SocketAddr::from(([127, 0, 0, 1], port)), len })
        };
        let mut burst = Burst::default();
        let mut sent = Vec::new();
        loop {
            let is_last = !burst.fill(&mut next);
            if let Some(to) = burst.to() {
                let bytes = burst.unsent(usize::MAX / 2_000);
                assert!(bytes.chunks(burst.segment()).all(|datagram| datagram[1] == to.port() as u8), "of one peer");
                sent.push((to.port(), bytes.len(), burst.segment()));
            }
            burst.advance();
            if is_last {
                return sent;
            }
        }
    }

    #[test]
    fn datagrams_of_one_length_to_one_peer_leave_together() {
        assert_eq!(bursts(&[(1, 1200), (1, 1200), (1, 700)]), [(1, 3100, 1200)]);
        assert_eq!(bursts(&[]), []);
    }

    #[test]
    fn others_leave_apart_and_in_order() {
        let mixed = [(1, 100), (1, 200), (1, 200), (2, 200), (2, 50), (2, 50), (1, 1200), (0, 1200), (0, 1200)];
        let expected = [
            (1, 100, 100),
            (1, 400, 200),
            (2, 250, 200),
            (2, 50, 50),
            (1, 1200, 1200),
            (0, 1200, 1200),
            (0, 1200, 1200),
        ];
        assert_eq!(bursts(&mixed), expected);
    }

    #[test]
    fn a_burst_is_bounded() {
        assert_eq!(bursts(&[(1, 1200); 110]), [(1, 64_800, 1200), (1, 64_800, 1200), (1, 2_400, 1200)]);
    }
}
