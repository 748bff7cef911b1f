//! Datagrams that the system dropped because the receive buffer was full, as counted per socket in
//! `/proc/net/udp` (Linux).

use std::net::{IpAddr, SocketAddr};

/// Returns the number of datagrams dropped at the socket that is bound to `local`, if the system
/// counts them.
pub(super) fn drops(local: SocketAddr) -> Option<u64> {
    let table = if local.is_ipv6() { "/proc/net/udp6" } else { "/proc/net/udp" };
    in_table(&std::fs::read_to_string(table).ok()?, local)
}

/// Returns the last column of the line whose second column is the address.
fn in_table(table: &str, local: SocketAddr) -> Option<u64> {
    let address = hexadecimal(local);
    let line = table.lines().find(|line| line.split_ascii_whitespace().nth(1) == Some(&address))?;
    line.split_ascii_whitespace().last()?.parse().ok()
}

/// Formats an address as the table does: 32-bit words in the byte order of this computer.
fn hexadecimal(local: SocketAddr) -> String {
    let bytes = match local.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.as_chunks::<4>().0.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word)));
    format!("{}:{:04X}", words.collect::<String>(), local.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  410: 0100007F:270F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 17
  411: 00000000:270F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12346 2 0000000000000000 4";

    #[test]
    #[cfg(target_endian = "little")]
    fn finds_the_line_of_a_socket() {
        assert_eq!(in_table(TABLE, "127.0.0.1:9999".parse().unwrap()), Some(17));
        assert_eq!(in_table(TABLE, "0.0.0.0:9999".parse().unwrap()), Some(4));
        assert_eq!(in_table(TABLE, "127.0.0.1:9998".parse().unwrap()), None);
        assert_eq!(hexadecimal("[::1]:1".parse().unwrap()), "00000000000000000000000001000000:0001");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_knows_a_socket_of_this_process() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = std::net::UdpSocket::bind(any) else { continue };
            assert_eq!(drops(socket.local_addr().unwrap()), Some(0), "{any}");
        }
    }
}
