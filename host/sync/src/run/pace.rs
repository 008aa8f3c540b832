//! How many lines are read at once before they are adjusted: as many as can be sent while
//! the reading is fresh, by what the last batch took.

use std::time::Duration;

/// Of the time that a reading is good for, so many fifths are planned for sending: the next
/// batch may be slower.
const FIFTHS: u32 = 4;

/// The size of batches, and what the last one took.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    most: usize,
    fresh: Duration,
    size: usize,
    /// How long the last reading took.
    reading: Duration,
    /// How long one adjustment takes, those beside it counted in.
    each: Option<Duration>,
}

impl Pace {
    /// The first batch is as large as may be: what of it is not sent in time is read again.
    pub fn new(most: usize, fresh: Duration) -> Self {
        let most = most.max(1);
        Self {
            most,
            fresh,
            size: most,
            reading: Duration::ZERO,
            each: None,
        }
    }

    /// Lines to read at once.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A reading took so long.
    pub fn read(&mut self, took: Duration) {
        self.reading = took;
        if self.is_slow() {
            self.size = 1;
        }
    }

    /// So many were sent in this time; others were too late.
    pub fn sent(&mut self, sent: usize, late: usize, took: Duration) {
        let Some(each) = each(sent, took) else {
            // A wait inside the host, or a reading that was late already.
            if late > 0 {
                self.size = 1;
            }
            return;
        };
        self.each = Some(each);
        let left = self.fresh.saturating_sub(self.reading) * FIFTHS / 5;
        let fits = left.as_micros() / each.as_micros().max(1);
        self.size = match self.is_slow() {
            true => 1,
            false => usize::try_from(fits)
                .unwrap_or(usize::MAX)
                .clamp(1, self.most),
        };
    }

    /// Whether the next batch is to be read now, with so many of this one left and so many
    /// sent in this time: about as long before the end as the reading takes.
    pub fn is_near(&self, left: usize, sent: usize, since: Duration) -> bool {
        let Some(each) = each(sent, since).or(self.each) else {
            return left == 0;
        };
        let left = each.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
        left <= (self.reading * 3 / 2).min(self.fresh / 4)
    }

    /// With less time left than the reading took, hardly any of a batch would be sent in
    /// time.
    fn is_slow(&self) -> bool {
        self.reading * 2 > self.fresh
    }
}

/// What one took; none where none was sent.
fn each(sent: usize, took: Duration) -> Option<Duration> {
    took.checked_div(u32::try_from(sent).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Duration = Duration::from_secs(5);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn batches_shrink_to_what_is_sent_while_the_reading_is_fresh() {
        let mut pace = Pace::new(200, FRESH);
        assert_eq!(pace.size(), 200);
        pace.read(ms(1000));
        // 20 in 4 seconds: of the 200, the rest was too late.
        pace.sent(20, 180, ms(4000));
        assert_eq!(pace.size(), 16);
        // A faster PSA.
        pace.sent(16, 0, ms(160));
        assert_eq!(pace.size(), 200);
    }

    #[test]
    fn where_reading_takes_too_long_one_line_is_read_at_a_time() {
        let mut pace = Pace::new(200, FRESH);
        pace.read(ms(3000));
        assert_eq!(pace.size(), 1);
        pace.sent(1, 0, ms(200));
        assert_eq!(pace.size(), 1);
        pace.read(ms(500));
        pace.sent(1, 0, ms(200));
        assert_eq!(pace.size(), 18);
        pace.sent(0, 18, ms(9000));
        assert_eq!(pace.size(), 1);
    }

    #[test]
    fn the_next_batch_is_read_as_long_before_the_end_as_reading_takes() {
        let mut pace = Pace::new(200, FRESH);
        pace.read(ms(200));
        assert!(!pace.is_near(40, 100, ms(1000)));
        assert!(pace.is_near(30, 100, ms(1000)));
        // A slow PSA: not earlier than the reading is good for.
        assert!(!pace.is_near(48, 10, ms(2000)));
    }
}
