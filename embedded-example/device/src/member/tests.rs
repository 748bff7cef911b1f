//! Products with other hardware than the example's, on a network device in memory.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use smoltcp::phy::Medium;
use smoltcp::wire::{HardwareAddress, Ipv4Cidr};

use super::*;
use crate::host::MemoryDevice;
use crate::link::{Addressing, IpLink, IpStorage, Network};
use crate::text::Text;

/// A clock that the test moves.
#[derive(Clone, Default)]
struct ManualClock(Rc<Cell<Instant>>);

impl Clock for ManualClock {
    const TICK_US: u32 = 1000;

    fn now(&self) -> Instant {
        self.0.get()
    }
}

/// A product with two sensors, each with its interval, and no light.
#[derive(Default)]
struct WeatherStation {
    next_temperature: Instant,
    next_humidity: Instant,
    measured: (u32, u32),
    network_events: usize,
}

impl WeatherStation {
    fn post(client: &mut DeviceClient, label: &str, value: u32) {
        let mut text = Text::new();
        text.push(label);
        text.push_number(value);
        client.post(RoomSlot::FIRST, EntryKind::TEXT, text.as_str().as_bytes()).expect("the outbox has room");
    }
}

impl Application for WeatherStation {
    fn on_event(&mut self, event: DeviceEvent<'_>) {
        self.network_events += usize::from(!matches!(event, DeviceEvent::Room(_)));
    }

    fn run(&mut self, now: Instant, client: &mut DeviceClient) -> bool {
        let (is_temperature_due, is_humidity_due) = (self.next_temperature <= now, self.next_humidity <= now);
        if is_temperature_due {
            self.next_temperature = now + Duration::from_secs(10);
            self.measured.0 += 1;
            Self::post(client, "temperature ", 21);
        }
        if is_humidity_due {
            self.next_humidity = now + Duration::from_secs(25);
            self.measured.1 += 1;
            Self::post(client, "humidity ", 40);
        }
        is_temperature_due || is_humidity_due
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next_temperature.min(self.next_humidity))
    }
}

/// A product with another sensor, which has no interval, and no light: a door contact that posts
/// only changes.
#[derive(Default)]
struct DoorContact {
    is_open: Rc<Cell<bool>>,
    posted: bool,
}

impl Application for DoorContact {
    fn on_event(&mut self, _: DeviceEvent<'_>) {}

    fn run(&mut self, _: Instant, client: &mut DeviceClient) -> bool {
        let is_open = self.is_open.get();
        if is_open == self.posted {
            return false;
        }
        self.posted = is_open;
        let text = if is_open { "the door is open" } else { "the door is closed" };
        client.post(RoomSlot::FIRST, EntryKind::TEXT, text.as_bytes()).is_ok()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// A product without a sensor and without an interval: a light that shows whether the server
/// answers.
#[derive(Default)]
struct SignalLamp {
    is_on: bool,
}

impl Application for SignalLamp {
    fn on_event(&mut self, event: DeviceEvent<'_>) {
        self.is_on |= event == DeviceEvent::NoAnswer;
    }

    fn run(&mut self, _: Instant, _: &mut DeviceClient) -> bool {
        false
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Runs `application` for 60 s without a server, then passes it to `check`.
fn run_for_a_minute<A: Application>(
    application: A,
    check: impl FnOnce(&mut Member<'_, IpLink<'_, MemoryDevice>, ManualClock, A>, usize),
) {
    let (mut storage, mut ip, clock) = (Storage::new(), IpStorage::new(), ManualClock::default());
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let address = Addressing::Static { address: Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, 2), 24), gateway: None };
    let network = Network::draw(HardwareAddress::Ip, address, &mut rng);
    let link = IpLink::new(&mut ip, &network, MemoryDevice::new(Medium::Ip), clock.now());
    let settings = Settings {
        server: SocketAddr::from(([10, 0, 0, 1], 9999)),
        fingerprint: Fingerprint([1; 20]),
        room: "lobby",
        secret: [2; ROOM_SECRET_LEN],
        name: "product",
        identity: &Identity::from_seed(&[3; 32]),
    };
    let mut member =
        Member::new(&mut storage, &settings, link, clock.clone(), application, &mut rng).expect("it can join");
    let mut calls = 0;
    while clock.now() < Instant::ZERO + Duration::from_secs(60) {
        let due = member.run();
        calls += 1;
        clock.0.set(due.max(clock.now() + Duration::from_millis(1)));
    }
    check(&mut member, calls);
}

#[test]
fn two_sensors_are_read_on_time_and_their_posts_wait_for_the_room() {
    run_for_a_minute(WeatherStation::default(), |member, calls| {
        assert_eq!(member.application().measured, (6, 3));
        assert_eq!(member.node().client().unsettled(RoomSlot::FIRST), 9);
        // The address, and that no server answers.
        assert_eq!(member.application().network_events, 2);
        assert!(calls < 100, "it sleeps between: {calls} calls");
    });
}

#[test]
fn a_sensor_without_an_interval_posts_only_changes() {
    let is_open = Rc::new(Cell::new(false));
    run_for_a_minute(DoorContact { is_open: Rc::clone(&is_open), posted: false }, |member, _| {
        assert_eq!(member.node().client().unsettled(RoomSlot::FIRST), 0);
        for (now_open, posts) in [(true, 1), (true, 1), (false, 2)] {
            is_open.set(now_open);
            member.run();
            assert_eq!(member.node().client().unsettled(RoomSlot::FIRST), posts);
        }
    });
}

#[test]
fn a_product_without_sensors_still_joins_and_reports() {
    run_for_a_minute(SignalLamp::default(), |member, _| {
        assert!(member.application().is_on);
        assert!(!member.node().link().device().outgoing.is_empty(), "it tries to join");
        assert_eq!((member.node().client().unsettled(RoomSlot::FIRST), member.ended()), (0, None));
    });
}
