//! Reads information about interfaces from `/sys` and `/proc`; empty where these do not exist.

use std::net::Ipv6Addr;
use std::path::Path;

use super::Signs;

/// Flags of `/proc/net/if_inet6` (linux/if_addr.h): temporary, deprecated.
const PASSING: u32 = 0x01 | 0x20;
/// Flags of the same file: duplicate address detection failed, or is still running.
const UNUSABLE: u32 = 0x08 | 0x40;
/// Flags of routes (linux/route.h): usable; reject route.
const UP: u32 = 0x0001;
const REJECT: u32 = 0x0200;

/// The state of an IPv6 address that is not simply in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Temporary or deprecated.
    Passing,
    /// A duplicate, or not verified yet.
    Unusable,
}

pub(super) fn signs(name: &str) -> Signs {
    // A name with a slash would be another path; no interface has one.
    if name.contains('/') {
        return Signs::default();
    }
    let net = Path::new("/sys/class/net");
    let folder = net.join(name);
    let ports = std::fs::read_dir(folder.join("brif")).into_iter().flatten().flatten();
    let event = std::fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    Signs {
        has_device: folder.join("device").exists(),
        is_bridge: folder.join("bridge").exists(),
        bridges_device: ports.map(|port| net.join(port.file_name())).any(|port| port.join("device").exists()),
        device_type: event.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).unwrap_or_default().to_owned(),
        is_tun: folder.join("tun_flags").exists(),
        ..Signs::default()
    }
}

/// Returns the interfaces of the default routes; `None` if the system does not provide them.
pub(super) fn default_routes() -> Option<Vec<String>> {
    let v4 = std::fs::read_to_string("/proc/net/route").ok()?;
    let v6 = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    Some(parse_routes(&v4, &v6))
}

fn parse_routes(v4: &str, v6: &str) -> Vec<String> {
    let is_used = |flags: &str| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & (UP | REJECT) == UP);
    let v4 = v4.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, to, _gateway, flags, _references, _use, _metric, mask, ..] = fields[..] else { return None };
        (to == "00000000" && mask == "00000000" && is_used(flags)).then(|| name.to_owned())
    });
    let v6 = v6.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [to, "00", _source, _source_len, _gateway, _metric, _references, _use, flags, name] = fields[..] else {
            return None;
        };
        (to.bytes().all(|byte| byte == b'0') && is_used(flags)).then(|| name.to_owned())
    });
    v4.chain(v6).collect()
}

/// Returns the IPv6 addresses with a [`State`].
pub(super) fn passing_addresses() -> Vec<(Ipv6Addr, State)> {
    parse_addresses(&std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default())
}

fn parse_addresses(text: &str) -> Vec<(Ipv6Addr, State)> {
    let state = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [ip, _interface, _prefix, _scope, flags, _name] = fields[..] else { return None };
        let ip = u128::from_str_radix(ip, 16).ok().map(Ipv6Addr::from)?;
        match u32::from_str_radix(flags, 16).ok()? {
            flags if flags & UNUSABLE != 0 => Some((ip, State::Unusable)),
            flags if flags & PASSING != 0 => Some((ip, State::Passing)),
            _ => None,
        }
    };
    text.lines().filter_map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_default_routes_of_both_families() {
        let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                  wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
                  wlan0\t0000A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n\
                  tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n\
                  dead0\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n";
        let zero = "00000000000000000000000000000000";
        let v6 = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n\
             fd000000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth1\n"
        );
        assert_eq!(parse_routes(v4, &v6), ["wlan0", "eth0"], "the halves of a VPN are no default route");
        assert!(parse_routes("", "").is_empty() && parse_routes("x\ny z\n", "a b c\n").is_empty());
    }

    #[test]
    fn reads_which_addresses_pass() {
        let text = "fd000000000000000000000000000002 02 40 00 80     eth0\n\
                    20010db8000000000000000000000003 02 40 00 01     eth0\n\
                    20010db8000000000000000000000004 02 40 00 a0     eth0\n\
                    fe80000000000000000000000000000a 02 40 20 40     eth0\n\
                    broken\n";
        let ip = |text: &str| text.parse::<Ipv6Addr>().unwrap();
        let meant = [
            (ip("2001:db8::3"), State::Passing),
            (ip("2001:db8::4"), State::Passing),
            (ip("fe80::a"), State::Unusable),
        ];
        assert_eq!(parse_addresses(text), meant);
    }
}
