//! Servers on 127.0.0.1 that answer as a test wants, however badly, and keep what
//! they were sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::world::runtime;

/// Between two pieces of an answer: long enough that they are read one by one.
const PAUSE: Duration = Duration::from_millis(20);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    /// What followed.
    pub body: Vec<u8>,
}

impl Received {
    /// Method and path.
    ///
    /// # Panics
    /// Where it is no request.
    #[must_use]
    pub fn line(&self) -> &str {
        self.head
            .lines()
            .next()
            .unwrap()
            .trim_end_matches(" HTTP/1.1")
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }
}

/// What a request gets, byte for byte.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This, then the end.
    Whole(Vec<u8>),
    /// These, with a pause after each, then the end.
    Pieces(Vec<Vec<u8>>),
    /// This, then one byte after each pause, for ever.
    Drip(Vec<u8>),
    /// This, then zeros as fast as they are taken, for ever.
    Flood(Vec<u8>),
    /// Nothing, and no end.
    Silence,
}

/// An answer with its length, over a connection that ends with it.
#[must_use]
pub fn answer(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut text = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    Reply::Whole(bytes)
}

/// `200` with this body.
#[must_use]
pub fn json(body: &str) -> Reply {
    answer("200 OK", &[("content-type", "application/json")], body)
}

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

/// A server; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    origin: String,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Answer each request by this function.
    ///
    /// # Panics
    /// Where no port is free.
    pub fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (journal, script) = (
            Arc::clone(&received),
            Arc::<Script>::from(Box::new(script) as Box<Script>),
        );
        let accepting = runtime().spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (journal, script) = (Arc::clone(&journal), Arc::clone(&script));
                // A client that goes away in the middle is part of the tests.
                tokio::spawn(async move { serve(stream, &journal, &*script).await.ok() });
            }
        });
        Self {
            origin,
            received,
            accepting,
        }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The same by name.
    #[must_use]
    pub fn named_origin(&self) -> String {
        self.origin.replace("127.0.0.1", "localhost")
    }

    /// An address of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// What came so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Method and path of what came so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.received()
            .iter()
            .map(|one| one.line().to_owned())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    journal: &Mutex<Vec<Received>>,
    script: &Script,
) -> std::io::Result<()> {
    let received = receive(&mut stream).await?;
    journal
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(received.clone());
    match script(&received) {
        Reply::Whole(bytes) => stream.write_all(&bytes).await?,
        Reply::Pieces(pieces) => {
            for piece in pieces {
                stream.write_all(&piece).await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
        Reply::Drip(head) => {
            stream.write_all(&head).await?;
            loop {
                tokio::time::sleep(PAUSE).await;
                stream.write_all(b".").await?;
            }
        }
        Reply::Flood(head) => {
            stream.write_all(&head).await?;
            let piece = vec![0; 64 << 10];
            loop {
                stream.write_all(&piece).await?;
            }
        }
        // Until the client hangs up.
        Reply::Silence => drop(stream.read(&mut [0; 1]).await?),
    }
    stream.shutdown().await
}

async fn receive(stream: &mut TcpStream) -> std::io::Result<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut received = Received {
        head,
        body: bytes.split_off(end + 4),
    };
    let length = received
        .header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    while received.body.len() < length {
        if stream.read_buf(&mut received.body).await? == 0 {
            break;
        }
    }
    Ok(received)
}
