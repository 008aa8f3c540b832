//! A week in which nothing happens that a person has to look at.

use super::{Msp, quiet};

/// Each customer's devices day after day: a few more, a few fewer, and a day without a change.
const WEEK: [[u32; 8]; 7] = [
    [10, 25, 40, 7, 120, 3, 60, 15],
    [11, 25, 40, 7, 118, 3, 60, 15],
    [11, 26, 39, 7, 118, 4, 60, 15],
    [11, 26, 39, 7, 118, 4, 60, 15],
    [10, 26, 39, 7, 121, 4, 62, 15],
    [10, 26, 41, 6, 121, 4, 61, 15],
    [12, 26, 41, 6, 121, 3, 61, 16],
];

/// Customers whose count is another than on the day before.
const CHANGED: [usize; 7] = [0, 2, 3, 0, 3, 3, 3];

#[tokio::test]
async fn a_week_of_small_rises_and_falls_is_right_every_day_and_asks_nothing() {
    let msp = Msp::in_order(&WEEK[0]).await;
    let mut sent = 0;
    for (counts, changed) in WEEK.iter().zip(CHANGED).skip(1) {
        let report = msp.day(counts).await;
        quiet(&report, changed);
        sent += changed;
        assert_eq!(msp.scene.adjustments_sent(), sent);
        let today = msp.scene.today();
        let units: Vec<u32> = msp
            .units_on(today)
            .into_iter()
            .map(i32::unsigned_abs)
            .collect();
        assert_eq!(units, counts, "{today}");
        // A second run of the day has nothing to do.
        quiet(&msp.scene.sync().await, 0);
        assert_eq!(msp.scene.adjustments_sent(), sent);
    }
    // What was right on a day is still what that day has: nothing was dated back.
    let day = |day: i8| jiff::civil::date(2026, 11, day);
    assert_eq!(msp.units_on(day(23)), [10, 25, 40, 7, 120, 3, 60, 15]);
    assert_eq!(msp.units_on(day(26)), [11, 26, 39, 7, 118, 4, 60, 15]);
    assert_eq!(msp.units_on(day(28)), [10, 26, 41, 6, 121, 4, 61, 15]);
    assert_eq!(msp.asked(), 0);
    msp.cost("a week of ordinary days", &[]);
}
