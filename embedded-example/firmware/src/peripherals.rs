//! A light, and a simulated sensor: none of the boards has one.

use kabar_device::DeviceEvent;
use kabar_embedded_example::Board;
use kabar_embedded_example::probe::SimulatedSensor;

use crate::log;

/// See the module's documentation.
#[derive(Debug)]
pub struct Peripherals {
    sensor: SimulatedSensor,
    switch: fn(bool),
}

impl Peripherals {
    /// The light is off; `switch` switches it.
    pub fn new(switch: fn(bool)) -> Self {
        switch(false);
        Self { sensor: SimulatedSensor::default(), switch }
    }
}

impl Board for Peripherals {
    fn measure(&mut self) -> i32 {
        let measured = self.sensor.measure();
        defmt::info!("measured {=i32}", measured);
        measured
    }

    fn set_led(&mut self, on: bool) {
        (self.switch)(on);
    }

    fn on_event(&mut self, event: DeviceEvent<'_>) {
        log::event(&event);
    }
}
