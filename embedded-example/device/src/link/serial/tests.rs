//! A node on a serial line in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

use embedded_io::{ErrorKind, ErrorType};
use kabar_core::client::{RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;

use super::*;
use crate::node::MAX_FRAMES_PER_POLL;
use crate::{Node, Storage, profile};

/// A line in memory.
#[derive(Clone, Default)]
struct Line(Rc<RefCell<Buffers>>);

#[derive(Default)]
struct Buffers {
    incoming: VecDeque<u8>,
    outgoing: Vec<u8>,
    is_broken: bool,
}

impl Buffers {
    fn check(&self) -> Result<(), ErrorKind> {
        if self.is_broken { Err(ErrorKind::BrokenPipe) } else { Ok(()) }
    }
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Read for Line {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut wire = self.0.borrow_mut();
        wire.check()?;
        let len = out.len().min(wire.incoming.len());
        out.iter_mut().zip(wire.incoming.drain(..len)).for_each(|(place, byte)| *place = byte);
        Ok(len)
    }
}

impl ReadReady for Line {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        let wire = self.0.borrow();
        wire.check()?;
        Ok(!wire.incoming.is_empty())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let mut wire = self.0.borrow_mut();
        wire.check()?;
        wire.outgoing.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

fn start<'a>(storage: &'a mut Storage, link: &'a mut SerialLink<Line>) -> Node<'a, &'a mut SerialLink<Line>> {
    let mut node = Node::new(storage, link);
    let identity = Identity::from_seed(&[3; 32]);
    let config = profile::config(SERIAL_PEER, Fingerprint([1; 20]), [2; 16], "lobby", "probe", &identity, 1000);
    node.start(&config, [4; 32], Instant::ZERO).unwrap();
    node
}

/// The packets sent since the last call.
fn sent(line: &Line) -> Vec<Vec<u8>> {
    let bytes = std::mem::take(&mut line.0.borrow_mut().outgoing);
    let (mut rest, mut deframer, mut packets) = (&bytes[..], Deframer::<DATAGRAM_LEN>::new(), Vec::new());
    while let Some(packet) = deframer.take(&mut rest) {
        packets.push(packet.to_vec());
    }
    packets
}

#[test]
fn sends_hello_in_a_frame() {
    let (mut storage, line) = (Storage::new(), Line::default());
    let mut link = SerialLink::new(line.clone());
    let mut node = start(&mut storage, &mut link);
    node.poll(Instant::ZERO, |_| {});
    let hello = sent(&line);
    assert_eq!(hello.iter().map(Vec::len).collect::<Vec<_>>(), [DATAGRAM_LEN]);
    // SPEC 3.1: the first retry is after 250 ms.
    assert_eq!(node.poll_timeout(Instant::ZERO), Some(Instant::ZERO + Duration::from_millis(250)));
    assert_eq!(node.address(), Some(Address::Line));
}

#[test]
fn takes_a_flood_of_frames_in_portions_and_loses_none_to_garbage_between_them() {
    let (mut storage, line) = (Storage::new(), Line::default());
    let mut link = SerialLink::new(line.clone());
    let mut node = start(&mut storage, &mut link);
    let mut frame = [0; MAX_FRAME_LEN];
    for packet in 0..MAX_FRAMES_PER_POLL + 3 {
        let len = Framer::frame(&[0x5a; DATAGRAM_LEN][..DATAGRAM_LEN - packet], &mut frame).unwrap();
        line.0.borrow_mut().incoming.extend(b"boot: hello\r\n");
        line.0.borrow_mut().incoming.extend(&frame[..len]);
    }
    node.poll(Instant::ZERO, |_| {});
    assert_eq!(node.poll_timeout(Instant::ZERO), Some(Instant::ZERO));
    node.poll(Instant::ZERO, |_| {});
    assert!(node.poll_timeout(Instant::ZERO) > Some(Instant::ZERO));
    assert_eq!(node.client().counters().damaged, MAX_FRAMES_PER_POLL as u64 + 3);
}

#[test]
fn sends_while_endless_noise_arrives() {
    let (mut storage, line) = (Storage::new(), Line::default());
    let mut link = SerialLink::new(line.clone());
    let mut node = start(&mut storage, &mut link);
    line.0.borrow_mut().incoming.extend([7; 100_000]);
    node.poll(Instant::ZERO, |_| {});
    assert_eq!(sent(&line).len(), 1, "it sends Hello all the same");
    assert!(line.0.borrow().incoming.len() > 50_000, "it did not read all of it first");
    assert_eq!(node.poll_timeout(Instant::ZERO), Some(Instant::ZERO), "it reads on at once");
}

#[test]
fn keeps_trying_on_a_line_that_fails() {
    let (mut storage, line) = (Storage::new(), Line::default());
    let mut link = SerialLink::new(line.clone());
    let mut node = start(&mut storage, &mut link);
    line.0.borrow_mut().is_broken = true;
    let mut now = Instant::ZERO;
    for _ in 0..20 {
        node.poll(now, |_| {});
        now = node.poll_timeout(now).expect("it keeps trying");
    }
    assert!(sent(&line).is_empty());
    assert_eq!(node.client().state(RoomSlot::FIRST), State::Connecting { answered: false });
    line.0.borrow_mut().is_broken = false;
    for _ in 0..20 {
        node.poll(now, |_| {});
        now = node.poll_timeout(now).expect("it keeps trying");
    }
    assert!(!sent(&line).is_empty());
}
