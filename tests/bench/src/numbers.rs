//! Medians and ratios, and how they are written.

// Ratios and medians are for people to read; no money is in them.
#![allow(clippy::float_arithmetic)]

use std::time::Duration;

/// The middle one; the mean of the two in the middle of an even number. Zero of none.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let middle = times.len() / 2;
    match (times.get(middle), times.len() % 2) {
        (Some(upper), 0) => (times[middle - 1] + *upper) / 2,
        (Some(middle), _) => *middle,
        (None, _) => Duration::ZERO,
    }
}

/// `a` over `b`.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    if b.is_zero() {
        f64::INFINITY
    } else {
        a.as_secs_f64() / b.as_secs_f64()
    }
}

/// `3.21 s`, `45.6 ms` or `19.0 µs`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

/// `97.3 MB`.
pub fn bytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |times: &[u64]| median(times.iter().map(|n| Duration::from_millis(*n)).collect());
        assert_eq!(of(&[9, 1, 5]), Duration::from_millis(5));
        assert_eq!(of(&[9, 1, 5, 7]), Duration::from_millis(6));
        assert_eq!(of(&[]), Duration::ZERO);
    }

    #[test]
    fn times_are_written_in_a_fitting_unit() {
        assert_eq!(time(Duration::from_micros(19)), "19.0 µs");
        assert_eq!(time(Duration::from_micros(45_600)), "45.6 ms");
        assert_eq!(time(Duration::from_millis(3_214)), "3.21 s");
    }
}
