//! The daemon's life: it takes the data directory, serves, and stops in good order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use psa_host_sync::Host;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::settings::Settings;
use crate::{api, scheduler, systemd};

/// How long answers may still take once everything else has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory.
    #[error(transparent)]
    Host(#[from] psa_host_sync::Error),
    /// The address.
    #[error("the address {address} cannot be listened on: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The API ended by itself.
    #[error("the API ended: {0}")]
    Api(io::Error),
}

/// Run the daemon until `stop` is cancelled. Then no run begins any more, and what is in
/// flight is finished and read back within the limit of the settings, or until `at_once` is
/// cancelled. `ready` is told where it listens.
///
/// # Errors
/// The data directory has another daemon; the address cannot be listened on.
pub async fn serve(
    host: Host,
    settings: Settings,
    stop: CancellationToken,
    at_once: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let _daemon = host.daemon_lock()?;
    let address = settings.listen;
    let refused = |error| ServeError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let stop_limit = settings.stop_limit.unsigned_abs();
    let app = App::new(host, settings, stop.clone());

    let closed = CancellationToken::new();
    let api = axum::serve(listener, api::router(app.clone()))
        .with_graceful_shutdown(closed.clone().cancelled_owned());
    let mut api = tokio::spawn(api.into_future());
    if app.settings().schedule.enabled {
        app.tasks().spawn(scheduler::run(app.clone()));
    }
    let watched = app.clone();
    let watchdog = tokio::spawn(systemd::feed_watchdog(move || !scheduler_hangs(&watched)));
    tracing::info!(%address, "ready");
    systemd::ready();
    ready(address);

    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = &mut api => Some(ended),
    };
    systemd::stopping();
    stop.cancel();
    stop_runs(&app, stop_limit, &at_once).await;
    watchdog.abort();
    closed.cancel();
    let ended = match ended {
        Some(ended) => ended,
        None => match tokio::time::timeout(LAST_ANSWERS, &mut api).await {
            Ok(ended) => ended,
            // Somebody holds a connection open, and is told nothing more.
            Err(_) => {
                api.abort();
                return Ok(());
            }
        },
    };
    match ended {
        Ok(ended) => ended.map_err(ServeError::Api),
        Err(panicked) => Err(ServeError::Api(io::Error::other(panicked))),
    }
}

/// Let what is under way end; leave it where it is when the time is over.
async fn stop_runs(app: &App, limit: Duration, at_once: &CancellationToken) {
    let under_way = app.runs().count();
    if under_way > 0 {
        tracing::info!(
            runs = under_way,
            "stopping: what is in flight is finished and read back"
        );
    }
    app.tasks().close();
    let all = async {
        app.runs().all_ended().await;
        app.tasks().wait().await;
    };
    tokio::pin!(all);
    let in_time = tokio::select! {
        () = &mut all => true,
        () = tokio::time::sleep(limit) => false,
        () = at_once.cancelled() => false,
    };
    if !in_time {
        tracing::warn!(
            runs = app.runs().count(),
            "runs are left where they are; the next start settles what they had sent"
        );
        app.runs().abandon();
        all.await;
    }
}

/// Whether the scheduler should have looked long ago.
fn scheduler_hangs(app: &App) -> bool {
    let Some(last) = app.last_look() else {
        return false;
    };
    let since = app.now().duration_since(last);
    since.unsigned_abs() > scheduler::HANGS_AFTER && !app.stopping().is_cancelled()
}
