use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn open() -> RttEstimator {
    RttEstimator::open(ms(5), ms(1))
}

#[test]
fn the_first_sample_is_the_estimate() {
    let mut rtt = open();
    assert_eq!(rtt.smoothed(), None);
    assert_eq!(rtt.pto(0), ms(333 + 4 * 166 + 5) + Duration::from_micros(2_000));
    rtt.sample(ms(100), ms(5));
    assert_eq!(rtt.smoothed(), Some(ms(100)));
    assert_eq!(rtt.pto(0), ms(100 + 200 + 5));
    assert_eq!(rtt.loss_delay(), Duration::from_micros(112_500));
}

#[test]
fn later_samples_are_smoothed_as_in_rfc_9002() {
    let mut rtt = open();
    rtt.sample(ms(80), ms(0));
    rtt.sample(ms(160), ms(0));
    assert_eq!(rtt.smoothed(), Some(ms(90)));
    assert_eq!(rtt.variation, ms(50));
}

#[test]
fn the_reported_ack_delay_is_bounded_by_the_stated_one() {
    let mut rtt = open();
    rtt.sample(ms(80), ms(0));
    rtt.sample(ms(160), ms(1_000));
    // (7 * 80 + 155) / 8
    assert_eq!(rtt.smoothed(), Some(Duration::from_micros(89_375)));
}

#[test]
fn impossible_ack_delay_is_not_subtracted() {
    let mut rtt = open();
    rtt.sample(ms(80), ms(0));
    rtt.sample(ms(82), ms(5));
    assert_eq!(rtt.smoothed(), Some(Duration::from_micros(80_250)));
}

#[test]
fn the_probe_time_out_doubles_up_to_two_seconds() {
    let mut rtt = open();
    rtt.sample(ms(100), ms(0));
    assert_eq!(rtt.pto(1), ms(610));
    assert_eq!(rtt.pto(2), ms(1_220));
    assert_eq!(rtt.pto(3), ms(2_000));
    assert_eq!(rtt.pto(u32::MAX), ms(2_000));
    rtt.sample(Duration::MAX, ms(0));
    assert_eq!(rtt.pto(0), ms(2_000));
}

#[test]
fn a_coarse_clock_lengthens_the_probe_time_out() {
    let mut rtt = RttEstimator::open(ms(5), ms(100));
    for _ in 0..100 {
        rtt.sample(ms(10), ms(0));
    }
    assert_eq!(rtt.pto(0), ms(10 + 100 + 5));
    assert_eq!(rtt.loss_delay(), ms(100));
    rtt.forget();
    assert_eq!(rtt.smoothed(), None);
}
