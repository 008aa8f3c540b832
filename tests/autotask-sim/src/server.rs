//! Listeners and connections.
//!
//! HTTP/1.1 on loopback, straight on hyper: a handler here may also close the
//! connection without a byte, or in the middle of a body, which frameworks forbid.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::exchange::{Delivery, Parsed, exchange};
use crate::route::Route;
use crate::state::State;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The largest body a client may send.
const BODY_LIMIT: usize = 4 << 20;

/// The ports the simulator listens at, and the way to open more.
#[derive(Debug)]
pub(crate) struct Listeners {
    ports: Mutex<Vec<u16>>,
    stop: watch::Sender<bool>,
}

impl Listeners {
    /// No ports yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ports: Mutex::default(),
            stop: watch::Sender::new(false),
        })
    }

    /// Closes all ports and connections.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Completes when [`Self::stop`] is called.
    pub(crate) async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Serves one more port.
    pub(crate) fn serve(
        self: &Arc<Self>,
        listener: TcpListener,
        state: Arc<State>,
        front: bool,
    ) -> io::Result<u16> {
        let port = listener.local_addr()?.port();
        self.ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(port);
        let listeners = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = listeners.stopped() => return,
                };
                if let Ok((stream, _)) = accepted {
                    let (state, listeners) = (Arc::clone(&state), Arc::clone(&listeners));
                    tokio::spawn(connection(stream, state, listeners, port, front));
                }
            }
        });
        Ok(port)
    }

    /// Moves the tenant to a zone at a new port; the old one answers 401 from now on.
    pub(crate) async fn move_zone(self: &Arc<Self>, state: &Arc<State>) -> io::Result<u16> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let port = self.serve(listener, Arc::clone(state), false)?;
        state.set_zone_port(port);
        Ok(port)
    }
}

async fn connection(
    stream: TcpStream,
    state: Arc<State>,
    listeners: Arc<Listeners>,
    port: u16,
    front: bool,
) {
    let _ = stream.set_nodelay(true);
    let shared = Arc::clone(&listeners);
    let service = service_fn(move |request: Request<Incoming>| {
        let (state, listeners) = (Arc::clone(&state), Arc::clone(&shared));
        async move {
            let parsed = read(request, port, front).await?;
            deliver(exchange(state, listeners, parsed).await).await
        }
    });
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error here is a client that hung up, or a fault that did.
        _ = serving => {}
        () = listeners.stopped() => {}
    }
}

async fn read(request: Request<Incoming>, port: u16, front: bool) -> io::Result<Parsed> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map_err(io::Error::other)?;
    let path = parts.uri.path();
    Ok(Parsed {
        port,
        front,
        method: parts.method,
        route: Route::parse(path),
        path: parts
            .uri
            .path_and_query()
            .map(|p| p.as_str().to_owned())
            .unwrap_or_default(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.to_bytes().to_vec(),
        caller: None,
        number: 0,
    })
}

async fn deliver(delivery: Delivery) -> io::Result<Response<Body>> {
    match delivery {
        Delivery::Whole(answer) => {
            let Answer {
                status,
                headers,
                body,
            } = answer;
            let length = body.len();
            let body = Full::new(Bytes::from(body)).map_err(never).boxed_unsync();
            respond(status, &headers, length, body)
        }
        Delivery::Slow(answer, time) => {
            let body = drip(&answer.body, time);
            respond(answer.status, &answer.headers, answer.body.len(), body)
        }
        Delivery::Cut(answer) => {
            let body = cut(&answer.body);
            respond(answer.status, &answer.headers, answer.body.len(), body)
        }
        Delivery::Drop => Err(io::Error::other("closed on purpose")),
        Delivery::Hang => std::future::pending().await,
    }
}

fn respond(
    status: u16,
    headers: &[(&'static str, String)],
    length: usize,
    body: Body,
) -> io::Result<Response<Body>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response
        .header("content-length", length)
        .body(body)
        .map_err(io::Error::other)
}

fn never(never: Infallible) -> io::Error {
    match never {}
}

/// The body in ten pieces over the given time.
fn drip(body: &[u8], time: Duration) -> Body {
    let pieces: Vec<Bytes> = body
        .chunks(body.len().div_ceil(10).max(1))
        .map(Bytes::copy_from_slice)
        .collect();
    let pause = time / 10;
    let stream = stream::unfold(pieces.into_iter(), move |mut rest| async move {
        let piece = rest.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok(Frame::data(piece)), rest))
    });
    StreamBody::new(stream).boxed_unsync()
}

/// Half of the body, then the end of the connection.
fn cut(body: &[u8]) -> Body {
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let pieces = [
        Ok(Frame::data(half)),
        Err(io::Error::other("closed on purpose")),
    ];
    // A pause between the two, or the half is never flushed.
    let stream = stream::unfold(pieces.into_iter(), |mut rest| async move {
        let piece = rest.next()?;
        if piece.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some((piece, rest))
    });
    StreamBody::new(stream).boxed_unsync()
}
