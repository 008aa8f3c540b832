//! A run that is to end early. Whoever wants that (Ctrl-C, a signal, the daemon that shuts
//! down, a person at another terminal) cancels one and the same token, and everything that
//! sends, reads or waits goes by it: nothing more is sent, and nothing is waited for but
//! what is in flight, which is finished and read back.

use std::convert::Infallible;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use psa_host_billing::{Hold, HoldCode};
use psa_host_ledger::{Ledger, RunId};
use psa_host_sandbox::Session;
use tokio_util::sync::CancellationToken;

use super::report::Notice;

/// Between two looks for a request of another process.
const LOOK: Duration = Duration::from_millis(500);

/// Whether a run is to end early, and who wants it.
#[derive(Debug, Default)]
pub(super) struct Cancel {
    token: CancellationToken,
    /// Who asked from another process.
    asked: OnceLock<String>,
    /// Who began the run, and ends it where it runs.
    runner: String,
}

impl Cancel {
    /// Of a call whose caller has this token.
    pub fn of(call: &CancellationToken, runner: &str) -> Self {
        Self {
            token: call.child_token(),
            asked: OnceLock::new(),
            runner: runner.to_owned(),
        }
    }

    /// When somebody wants the run to end.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Whether somebody wants it by now.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// What the work comes to; none where somebody wanted the run to end before. For work
    /// that may be given up anywhere: reading.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// Look for a request of another process while the run is under way; and once it is to
    /// end, let nothing of its session wait any more.
    pub async fn listen(&self, ledger: &Ledger, run: RunId, session: &Session) -> Infallible {
        tokio::select! {
            biased;
            () = self.cancelled() => {}
            by = asked(ledger, run) => {
                // First who, because whoever hears of the token may ask that.
                let _ = self.asked.set(by);
                self.token.cancel();
            }
        }
        session.hurry().cancel();
        std::future::pending().await
    }

    /// Whether somebody asked for it, rather than that the process which runs it is to stop.
    pub fn is_asked(&self) -> bool {
        self.asked.get().is_some()
    }

    /// Who wanted it; none while nobody does.
    pub fn by(&self) -> Option<&str> {
        let by = self.asked.get().unwrap_or(&self.runner);
        self.is_cancelled().then_some(by)
    }

    /// Why an adjustment was not sent.
    pub fn hold(&self) -> Hold {
        let message = format!("{}, before this adjustment was sent", self.how());
        Hold::new(HoldCode::RunCancelled, message)
    }

    /// What the run says of its end.
    pub fn notice(&self) -> Notice {
        let message = format!(
            "{}: what was in flight was finished and read back, and nothing more was sent",
            self.how()
        );
        Hold::new(HoldCode::RunCancelled, message).into()
    }

    fn how(&self) -> String {
        match self.asked.get() {
            Some(by) => format!("the run was cancelled by {by}"),
            None => format!(
                "the run was stopped where it ran (by Ctrl-C or a signal), as {}",
                self.runner
            ),
        }
    }
}

/// Who asked the run to end, once somebody has. A look that fails is no reason to end it.
async fn asked(ledger: &Ledger, run: RunId) -> String {
    loop {
        tokio::time::sleep(LOOK).await;
        let ledger = ledger.clone();
        let looked = tokio::task::spawn_blocking(move || ledger.cancel_request(run)).await;
        match looked {
            Ok(Ok(Some(request))) => return request.by,
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "no look for a request to cancel"),
            Err(error) => tracing::debug!(%error, "no look for a request to cancel"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_given_up_at_once_and_nobody_cancels_whoever_nobody_cancelled() {
        let call = CancellationToken::new();
        let cancel = Cancel::of(&call, "cli:ann");
        assert_eq!(cancel.unless(async { 7 }).await, Some(7));
        assert_eq!(cancel.by(), None);
        call.cancel();
        assert_eq!(cancel.by(), Some("cli:ann"));
        assert_eq!(cancel.unless(std::future::pending::<()>()).await, None);
        let notice = cancel.notice();
        assert_eq!(notice.code, "run-cancelled");
        assert!(notice.message.contains("cli:ann"), "{notice:?}");
    }
}
