//! The IP link over a board's network hardware, in static memory.

use kabar_core::time::Instant;
use kabar_device::{Addressing, IpLink, IpStorage, Network};
use rand_core::CryptoRng;
use smoltcp::phy::Device;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

use static_cell::ConstStaticCell;

/// All zero, so it takes no flash.
static STORAGE: ConstStaticCell<IpStorage<'static>> = ConstStaticCell::new(IpStorage::new());

/// The link; `None` at a second call. `hardware` is the card's Ethernet address.
pub fn link<D: Device>(
    card: D,
    hardware: [u8; 6],
    addressing: Addressing,
    rng: &mut impl CryptoRng,
    now: Instant,
) -> Option<IpLink<'static, D>> {
    let network = Network::draw(HardwareAddress::Ethernet(EthernetAddress(hardware)), addressing, rng);
    Some(IpLink::new(STORAGE.try_take()?, &network, card, now))
}
