//! The words of a script: when, what, and how to answer.

use serde::{Deserialize, Serialize};

/// What the plugin does, and during which call. Every other call is answered fairly.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Script {
    /// When.
    pub during: Export,
    /// What, in this order. What came of each is a finding of `check`, the reference
    /// of an accepted adjustment, or else is lost.
    pub acts: Vec<Act>,
    /// How the call is answered after that.
    pub answer: Answer,
}

/// The calls of the contract, without `describe`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each is the export of the contract with its name"
)]
pub enum Export {
    Configure,
    #[default]
    Check,
    ListAccounts,
    ListServices,
    ListContracts,
    ReadLines,
    Adjust,
}

/// One thing done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Act {
    /// Computes for ever.
    Loop,
    /// Calls the host for ever.
    LoopInHost(HostCall),
    /// Calls itself until the stack ends.
    Recurse,
    /// Asks for memory until there is none, and fails as programs do.
    TakeMemory,
    /// Asks for memory until it is refused, and goes on.
    AskForMemory,
    /// Panics.
    Panic,
    /// Ends the process with this status.
    Exit(i32),
    /// One request.
    Send(Ask),
    /// One request whose address ends in so many more characters.
    SendLong(Ask, usize),
    /// One request with so many more headers, of so many characters each.
    SendHeaders(Ask, usize, usize),
    /// So many lines of this text.
    Log {
        /// How many lines.
        lines: u32,
        /// Each of them.
        text: Text,
    },
    /// Standard output and standard error, so many lines each.
    Print(u32),
    /// Stores a value under `key`, or under `key` followed by 0, 1, …
    Store {
        /// The key, or its beginning.
        key: Text,
        /// The value.
        value: Text,
        /// How many different keys; 0: only `key` itself.
        numbered: u32,
    },
    /// Reads a stored value.
    Fetch(String),
    /// The keys that begin so.
    ListKeys(String),
    /// Environment, arguments, standard input and files.
    LookAround,
    /// Sleeps for so many seconds.
    Sleep(u64),
    /// A connection of its own, past the host: `127.0.0.1:80` or `name:80`.
    Connect(String),
}

/// What is called for ever.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum HostCall {
    /// One more line.
    Log,
    /// One more look into storage.
    Fetch,
    /// The same request again.
    Send(Ask),
    /// The clock.
    Clock,
}

/// A request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields of the contract's request")]
pub struct Ask {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Text>,
    pub authenticate: bool,
    pub timeout_ms: Option<u32>,
}

impl Ask {
    /// A `GET` without authentication.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            ..Self::default()
        }
    }

    /// A `POST` of an empty JSON object.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.into(),
            body: Some(Text::from("{}")),
            ..Self::default()
        }
    }

    /// With this header as well.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With the declared authentication.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        self.authenticate = true;
        self
    }
}

/// A text, repeated: a setting can order 100 MB.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Text {
    /// Once.
    pub text: String,
    /// How often.
    pub times: usize,
}

impl Text {
    /// So many times.
    #[must_use]
    pub fn repeated(text: &str, times: usize) -> Self {
        Self {
            text: text.to_owned(),
            times,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::repeated(text, 1)
    }
}

/// How a call is answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Answer {
    /// Fairly, and shortly.
    #[default]
    Fair,
    /// A page of so many accounts or services.
    Many(u32),
    /// A page of one account or service that looks like this.
    One {
        /// Its id.
        id: Text,
        /// Its name.
        name: Text,
        /// Its link.
        link: Option<Text>,
    },
    /// Another page for ever; the cursor counts on or stays the same. Of lines, which have
    /// no pages: others beside those asked for.
    Endless {
        /// Whether the cursor is another one each time.
        counts: bool,
        /// How many entries with long names are on each page.
        heavy: u32,
    },
    /// A cursor of this length.
    LongCursor(usize),
    /// One contract whose line has these units, in a segment of this month.
    Units {
        /// The decimal text.
        units: Text,
        /// 1 to 12, if it is one.
        month: u8,
    },
    /// One contract of an account that was not asked for.
    StrangeContract,
    /// A line that was not asked for.
    StrangeLine,
    /// An error with this message, of the kind `transient`.
    Fault(Text),
    /// A check report with this tenant key.
    Tenant(Text),
    /// A check report with so many findings.
    Findings(u32),
    /// Whatever was sent or not.
    Adjusted(Said),
}

/// What is said of an adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the outcomes of the contract, and its error")]
pub enum Said {
    Accepted,
    Rejected,
    Unknown,
    Failed,
}
