//! An IP link over a board's network hardware, in memory of its own.

use kabar_core::time::Instant;
use kabar_embedded_example::{Addressing, IpLink, IpStorage, Network};
use rand_core::CryptoRng;
use smoltcp::phy::Device;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use crate::once::Once;

/// All zero, so it takes no flash.
static STORAGE: Once<IpStorage<'static>> = Once::new(IpStorage::new());

/// The link, once. `hardware` is the card's Ethernet address.
pub fn link<D: Device>(
    card: D,
    hardware: [u8; 6],
    addressing: Addressing,
    rng: &mut impl CryptoRng,
    now: Instant,
) -> Option<IpLink<'static, D>> {
    let network = Network::draw(HardwareAddress::Ethernet(EthernetAddress(hardware)), addressing, rng);
    Some(IpLink::new(STORAGE.take()?, &network, card, now))
}
