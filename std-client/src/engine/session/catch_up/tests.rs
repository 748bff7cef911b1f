use super::*;

/// Reads a log with one entry per 10 ms from `first` to `head`. Returns what is displayed, and
/// the number of entries transferred.
fn read(mut catch_up: CatchUp, first: u64, mut head: u64) -> (Vec<u64>, u64) {
    let (mut shown, mut transferred) = (Vec::new(), 0);
    while !catch_up.is_done(head) {
        let Some(Request::History { before, count }) = catch_up.request(head) else { panic!("nothing to do") };
        catch_up.sent(head);
        assert!(catch_up.request(head).is_none(), "one at a time");
        let from = before.saturating_sub(count.into()).max(first);
        for seq in from..before.min(head + 1) {
            transferred += 1;
            if catch_up.entry(seq, seq * 10) {
                shown.push(seq);
            }
        }
        catch_up.answered(from >= before.min(head + 1));
        // Others post meanwhile.
        head += u64::from(transferred % 7 == 0);
    }
    assert_eq!(shown.last().copied().unwrap_or(head), head);
    (shown, transferred)
}

#[test]
fn reads_from_a_number_on() {
    let (shown, transferred) = read(CatchUp::from_seq(301), 1, 1_000);
    assert!(shown.iter().copied().eq(301..=*shown.last().unwrap()));
    assert_eq!(transferred, shown.len() as u64, "nothing else is transferred");
    assert!(read(CatchUp::from_seq(1_001), 1, 1_000).0.is_empty());
}

#[test]
fn reads_from_a_time_on_without_reading_the_log() {
    for (since, first_shown) in [(0, 1), (10, 1), (11, 2), (99_995, 10_000), (50_000, 5_000)] {
        let (shown, transferred) = read(CatchUp::from_time(since, 10_000), 1, 10_000);
        assert_eq!(shown.first(), Some(&first_shown), "{since}");
        assert!(transferred - shown.len() as u64 <= 20, "{since}: {transferred} of {}", shown.len());
    }
    let (shown, transferred) = read(CatchUp::from_time(200_000, 10_000), 1, 10_000);
    assert!(shown.iter().all(|seq| *seq > 10_000) && transferred <= 20, "{shown:?} {transferred}");
    assert!(read(CatchUp::from_time(7, 0), 1, 0).0.is_empty(), "an empty log");
}

#[test]
fn entries_that_are_no_longer_kept_are_earlier() {
    let (shown, _) = read(CatchUp::from_time(0, 1_000), 700, 1_000);
    assert_eq!(shown.first(), Some(&700));
    let (shown, _) = read(CatchUp::from_seq(5), 700, 1_000);
    assert_eq!(shown.first(), Some(&700));
}

#[test]
fn request_is_repeated_after_a_lost_connection() {
    let mut catch_up = CatchUp::from_seq(1);
    let request = catch_up.request(5);
    catch_up.sent(5);
    catch_up.disconnected();
    assert_eq!(catch_up.request(5), request);
}
