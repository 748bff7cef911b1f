//! Performs the events of a scenario.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::time::Duration;

use super::server::Kill;
use super::{World, WorldEvent};
use crate::sim::attacker::Attack;
use crate::sim::coverage::Seen;
use crate::sim::model::Checked;
use crate::sim::network::{Direction, Narrowing, Origin};
use crate::sim::scenario::{Act, KillPoint};

/// How long the old address of a device still works after a rebind that keeps it.
const OLD_ADDRESS: Duration = Duration::from_secs(10);
/// The datagrams of an attack are sent within this time, in us.
const ATTACK_TIME: u64 = 2_000_000;

impl World {
    pub(super) fn act(&mut self, index: usize) -> Checked {
        if self.quiet_since.is_some() {
            return Ok(());
        }
        let now = self.now();
        let act = self.scenario.acts[index].1.clone();
        self.trace.note(now, &[30, index as u64], || format!("{act:?}"));
        match act {
            Act::Cut { device, up, down, lasts, late } => {
                for (at, cut) in self.devices.iter_mut().enumerate() {
                    if device.is_none_or(|device| device == at) {
                        cut.up.late = late;
                    }
                }
                self.cut(device, up, down, true);
                self.queue.push(now + lasts, WorldEvent::CutEnds { device, up, down });
            }
            Act::Path { device, path } => {
                let device = &mut self.devices[device];
                (device.up, device.down) = (Direction::new(path.0), Direction::new(path.1));
            }
            Act::Narrow { device, narrowing } => self.narrow(device, narrowing),
            Act::Rebind { device, keep_old } => self.rebind(device, keep_old),
            Act::Swap { device, other } => self.swap(device, other),
            Act::Kill { device, restart_after } => self.kill_device(device, restart_after),
            Act::Leave { device, abort, restart_after } => return self.leave(device, abort, restart_after),
            Act::Suspend { device, lasts } => {
                self.coverage.count(Seen::ClientSuspended);
                self.devices[device].suspended_until = now + lasts;
                self.queue.push(now + lasts, WorldEvent::DeviceResumes { device });
            }
            Act::Stall { device, lasts } => {
                self.coverage.count(Seen::ReaderStalled);
                self.devices[device].stalled_until = now + lasts;
                self.queue.push(now + lasts, WorldEvent::DeviceResumes { device });
            }
            Act::KillServer { point, restart_after, restore, keep } => {
                let kill = Kill { point, restart_after, restore, keep };
                if !self.server.is_running() {
                    return Ok(());
                }
                if point == KillPoint::Now {
                    self.kill_server(kill, None);
                } else {
                    self.server.kill_at = Some(kill);
                }
            }
            Act::Shutdown { restart_after } => return self.shut_down(restart_after),
            Act::SuspendServer { lasts } => {
                self.coverage.count(Seen::ServerSuspended);
                self.server.stalled_until = now + lasts;
            }
            Act::SetWall { unix_ms } => self.set_wall(unix_ms),
            Act::Backup => self.back_up(),
            Act::Disk { fault, lasts } => self.break_disk(fault, lasts),
            Act::Attack { attack, times } => (0..times).for_each(|_| self.launch(attack)),
            Act::Say => return self.say(),
            Act::Kick { device } => return self.kick(device),
            Act::Sanction { device, name, kind, is_lifted } => return self.sanction(device, name, kind, is_lifted),
            Act::Delete => return self.delete(),
            Act::RevokeInvite { invite } => return self.revoke_invite(invite),
            Act::Remove { device, own } => return self.ask_removal(device, own),
            Act::Part { device, rejoin_after } => return self.part(device, rejoin_after),
            Act::Operate { by: None, room, command } => return self.operate(room, &command),
            Act::Operate { by: Some(device), room, command } => return self.ask_operation(device, room, &command),
            Act::Who { device } => return self.ask_members(device),
            Act::History { device } => return self.ask_history(device),
            Act::SendFile { device, len } => return self.send_file(device, len),
            Act::Rename { device, name } => return self.ask_rename(device, name),
        }
        Ok(())
    }

    /// The path of a device begins to drop large datagrams.
    pub(super) fn narrow(&mut self, at: usize, narrowing: Narrowing) {
        self.coverage.count(Seen::Narrowed);
        let device = &mut self.devices[at];
        device.up.narrow(narrowing.up, narrowing.burst);
        device.down.narrow(narrowing.down, narrowing.burst);
    }

    /// Gives a device another address.
    fn rebind(&mut self, at: usize, keep_old: bool) {
        self.coverage.count(Seen::Rebound);
        let device = &mut self.devices[at];
        let old = device.address;
        // Ports are not reused, so that an old address never becomes another device's new one.
        self.rebinds += 1;
        device.address.set_port(5_000 + self.rebinds);
        self.addresses.insert(device.address, at);
        if keep_old {
            self.queue.push(self.queue.now() + OLD_ADDRESS, WorldEvent::Forget { address: old });
        } else {
            self.addresses.remove(&old);
        }
    }

    /// Gives two devices each other's address.
    fn swap(&mut self, at: usize, other: usize) {
        if at == other {
            return;
        }
        self.coverage.count(Seen::Swapped);
        let (mine, theirs) = (self.devices[at].address, self.devices[other].address);
        (self.devices[at].address, self.devices[other].address) = (theirs, mine);
        self.addresses.insert(theirs, at);
        self.addresses.insert(mine, other);
    }

    /// Sends one forged datagram.
    fn launch(&mut self, attack: Attack) {
        self.strangers += 1;
        let [high, low] = self.strangers.to_be_bytes();
        let elsewhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, high, low, 7)), 4_444);
        let Some(forged) = self.attacker.forge(attack, elsewhere, &mut self.rng) else { return };
        self.coverage.count(match attack {
            Attack::Replay => Seen::Replayed,
            Attack::ReplayFromElsewhere => Seen::ReplayedFromElsewhere,
            Attack::Hint => Seen::ForgedHint,
            Attack::Challenge => Seen::ForgedChallenge,
            Attack::Accept => Seen::ForgedAccept,
            Attack::Sealed => Seen::ForgedSealed,
            Attack::Hello => Seen::ForgedHello,
            Attack::Initiate => Seen::ForgedInitiate,
            Attack::Noise => Seen::Noise,
        });
        if attack == Attack::Hello {
            self.spoofed.entry(forged.from).or_default();
        }
        // An exact copy of an earlier datagram may still be authentic.
        let origin = if self.attacker.has_seen(&forged.bytes) { Origin::Peer } else { Origin::Forged };
        let at = self.now() + Duration::from_micros(self.rng.below(ATTACK_TIME));
        let (from, to, bytes) = (forged.from, forged.to, forged.bytes);
        self.queue.push(
            at,
            if super::server::is_server(to) {
                WorldEvent::ToServer { from, bytes, origin }
            } else {
                WorldEvent::ToDevice { to, from, bytes, origin }
            },
        );
    }
}
