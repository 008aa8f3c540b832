//! What may befall the requests of one run.

use autotask_sim::{Fault, FaultKind, Lost, Simulator};
use fastrand::Rng;

/// Shorter than the quarantine: what comes later than that is a test of its own.
const LATEST_SECONDS: i64 = 9 * 60;

/// Arm up to three faults of adjustments, and now and then one of a read.
pub(crate) fn arm(simulator: &Simulator, rng: &mut Rng) {
    for _ in 0..rng.u32(0..=3) {
        let fault = Fault::new(of_an_adjustment(rng))
            .on("ContractServiceAdjustments")
            .method("POST")
            .skip(rng.u32(0..4));
        simulator.inject(fault);
    }
    if rng.u8(..) < 12 {
        let endpoints = ["ContractServiceUnits", "Contracts", "Companies"];
        let fault = Fault::new(of_a_read(rng)).on(endpoints[rng.usize(0..endpoints.len())]);
        simulator.inject(fault);
    }
}

fn of_an_adjustment(rng: &mut Rng) -> FaultKind {
    let lost = if rng.bool() {
        Lost::Drop
    } else {
        Lost::Gateway
    };
    match rng.u32(0..12) {
        0..3 => FaultKind::ApplyThenLose { lost },
        3..6 => FaultKind::ApplyLate {
            lost,
            after_ms: None,
            after_clock_seconds: Some(rng.i64(1..LATEST_SECONDS)),
        },
        6..8 => FaultKind::Lose { lost },
        8 => FaultKind::FailBefore {
            status: Some([500, 502, 503][rng.usize(0..3)]),
            text: None,
        },
        // Costs a second of waiting.
        9 if rng.u8(0..4) == 0 => FaultKind::TooMany {
            retry_after: Some(1),
        },
        9 | 10 => FaultKind::Truncated { close: rng.bool() },
        _ => FaultKind::Delay { ms: rng.u64(1..30) },
    }
}

fn of_a_read(rng: &mut Rng) -> FaultKind {
    match rng.u32(0..3) {
        0 => FaultKind::FailBefore {
            status: Some(503),
            text: None,
        },
        1 => FaultKind::Truncated { close: true },
        _ => FaultKind::TooMany {
            retry_after: Some(1),
        },
    }
}
