//! How many lines are read at once before they are adjusted: as many as can be sent while
//! the reading is fresh, by what the last batch took.

use std::time::Duration;

/// Of what fits into the time that a reading is good for, this share is read: the next batch
/// may be slower.
const SHARE: f64 = 0.8;

/// The size of batches, and what the last one took.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    most: usize,
    fresh: Duration,
    size: usize,
    /// How long the last reading took.
    reading: Duration,
    /// Sent a second.
    rate: Option<f64>,
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
            rate: None,
        }
    }

    /// Lines to read at once.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A reading took so long.
    pub fn read(&mut self, took: Duration) {
        self.reading = took;
        // With less time left than the reading took, none of a batch would be sent in time.
        if took * 2 > self.fresh {
            self.size = 1;
        }
    }

    /// So many were sent in this time; others were too late.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few hundred lines; the size is clamped"
    )]
    pub fn sent(&mut self, sent: usize, late: usize, took: Duration) {
        if sent == 0 {
            // A wait inside the host, or a reading that was late already.
            if late > 0 {
                self.size = 1;
            }
            return;
        }
        let rate = sent as f64 / took.as_secs_f64().max(0.001);
        self.rate = Some(rate);
        let left = self.fresh.saturating_sub(self.reading).as_secs_f64();
        let fits = (rate * left * SHARE) as usize;
        self.size = match self.reading * 2 > self.fresh {
            true => 1,
            false => fits.clamp(1, self.most),
        };
    }

    /// Whether the next batch is to be read now, with so many of this one left and so many
    /// sent in this time: about as long before the end as the reading takes.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a few hundred lines, and an estimate"
    )]
    pub fn is_near(&self, left: usize, sent: usize, since: Duration) -> bool {
        let rate = match (self.rate, sent) {
            (_, sent) if sent > 0 => sent as f64 / since.as_secs_f64().max(0.001),
            (Some(rate), _) => rate,
            (None, _) => return left == 0,
        };
        let ahead = self.reading.mul_f64(1.5).min(self.fresh / 4);
        left as f64 <= rate * ahead.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Duration = Duration::from_secs(5);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn batches_shrink_to_what_is_sent_while_the_reading_is_fresh() {
        let mut pace = Pace::new(200, FRESH);
        assert_eq!(pace.size(), 200);
        pace.read(seconds(1.0));
        // 20 in 4 seconds: of the 200, the rest was too late.
        pace.sent(20, 180, seconds(4.0));
        assert_eq!(pace.size(), 16);
        // A faster PSA.
        pace.sent(16, 0, seconds(0.16));
        assert_eq!(pace.size(), 200);
    }

    #[test]
    fn where_reading_takes_too_long_one_line_is_read_at_a_time() {
        let mut pace = Pace::new(200, FRESH);
        pace.read(seconds(3.0));
        assert_eq!(pace.size(), 1);
        pace.sent(1, 0, seconds(0.2));
        assert_eq!(pace.size(), 1);
        pace.read(seconds(0.5));
        pace.sent(1, 0, seconds(0.2));
        assert_eq!(pace.size(), 18);
        pace.sent(0, 18, seconds(9.0));
        assert_eq!(pace.size(), 1);
    }

    #[test]
    fn the_next_batch_is_read_as_long_before_the_end_as_reading_takes() {
        let mut pace = Pace::new(200, FRESH);
        pace.read(seconds(0.2));
        assert!(!pace.is_near(40, 100, seconds(1.0)));
        assert!(pace.is_near(30, 100, seconds(1.0)));
        // A slow PSA: not earlier than the reading is good for.
        assert!(!pace.is_near(48, 10, seconds(2.0)));
    }
}
