//! SIGINT and SIGTERM: the first lets a run finish what is in flight, the second ends the
//! process where it stands. Either way nothing is lost: what may have been sent is in the
//! ledger, and its lines are read by the next run.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell calls a process that a signal ended: 128 and the signal's number.
const ENDED_BY_SIGNAL: i32 = 128;

/// Cancelled at the first SIGINT or SIGTERM, of which `told` is told; the second ends the
/// process.
///
/// # Errors
/// The system does not let signals be heard.
pub fn cancelled_by_signals(
    told: impl Fn() + Send + 'static,
) -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        cancel.cancel();
        told();
        let number = next(&mut interrupt, &mut terminate).await;
        std::process::exit(ENDED_BY_SIGNAL + number);
    });
    Ok(token)
}

/// The number of the next one.
async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
    }
}
