use std::net::UdpSocket;
use std::os::unix::net::UnixStream;

use kabar_core::crypto::Provider;
use kabar_core::internals::packet::{Hello, Packet};
use kabar_std::provider::Accelerated;

use super::*;

fn shared(server: &str) -> Shared {
    let reporter = Reporter::new(|_| ());
    Shared::new(Servers::new(server.parse().unwrap(), reporter.clone()), reporter)
}

/// A valid packet of a client.
fn hello() -> Vec<u8> {
    let mut packet = [0; MAX_DATAGRAM];
    let hello = Hello { client_random: [1; 32], key_hint: [0; 8], datagram_len: 640 };
    let len = Packet::Hello(hello).encode(&mut packet, Accelerated::crc32).unwrap();
    packet[..len].to_vec()
}

#[test]
fn forwards_packets_both_ways_and_nothing_else() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(StdDuration::from_secs(20))).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let shared = shared(&address);
    let (mut device, far) = UnixStream::pair().unwrap();
    device.set_read_timeout(Some(StdDuration::from_secs(20))).unwrap();
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(|| shared.forward(&far, &far, || ()));
        let mut frame = [0; MAX_FRAME_LEN];
        let len = Framer::frame(&hello(), &mut frame).unwrap();
        device.write_all(b"boot: hello\n").unwrap();
        device.write_all(&frame[..len]).unwrap();
        let mut datagram = [0; 2000];
        let (len, from) = server.recv_from(&mut datagram).unwrap();
        assert_eq!(datagram[..len], hello());

        server.send_to(&[7; 1201], from).unwrap();
        server.send_to(&[9; 1200], from).unwrap();
        let mut deframer = Deframer::<MAX_DATAGRAM>::new();
        let found = loop {
            let mut bytes = [0; 100];
            let len = device.read(&mut bytes).unwrap();
            if let Some(packet) = deframer.take(&mut &bytes[..len]) {
                break packet.to_vec();
            }
        };
        assert_eq!(found, [9; 1200]);
        drop(device);
        forwarding.join().unwrap().unwrap();
    });
    assert_eq!(shared.to_devices.load(Ordering::Relaxed), 1);
}

#[test]
fn ends_with_a_device_that_neither_writes_nor_reads() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(StdDuration::from_secs(20))).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let shared = shared(&address);
    let (mut device, far) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let forwarding = scope.spawn(|| {
            let end = || drop(far.shutdown(std::net::Shutdown::Both));
            shared.forward(&far, &far, end)
        });
        let mut frame = [0; MAX_FRAME_LEN];
        let len = Framer::frame(&hello(), &mut frame).unwrap();
        device.write_all(&frame[..len]).unwrap();
        let (_, from) = server.recv_from(&mut [0; 2000]).unwrap();
        // More than the stream holds.
        for _ in 0..2_000 {
            server.send_to(&[9; 1200], from).unwrap();
        }
        device.shutdown(std::net::Shutdown::Write).unwrap();
        forwarding.join().unwrap().unwrap();
    });
}
