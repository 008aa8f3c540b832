//! A host for tests: answers from a function or a script, and remembers what was asked.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::{Host, Level, Request, Response, SendFailure, SendFailureKind, StorageError};

/// What a request gets.
pub type Answer = Result<Response, SendFailure>;

type Handler = Box<dyn FnMut(&Request) -> Answer>;

/// Answers requests, keeps storage in memory, remembers everything.
pub struct FakeHost {
    handler: RefCell<Handler>,
    requests: RefCell<Vec<Request>>,
    storage: RefCell<BTreeMap<String, Vec<u8>>>,
    logged: RefCell<Vec<String>>,
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeHost")
            .field("requests", &self.requests.borrow().len())
            .finish_non_exhaustive()
    }
}

impl FakeHost {
    /// Answers each request by a function.
    pub fn new(handler: impl FnMut(&Request) -> Answer + 'static) -> Self {
        Self {
            handler: RefCell::new(Box::new(handler)),
            requests: RefCell::default(),
            storage: RefCell::default(),
            logged: RefCell::default(),
        }
    }

    /// Gives these answers in order; a request beyond them fails as unreachable.
    #[must_use]
    pub fn script(answers: Vec<Answer>) -> Self {
        let mut left = VecDeque::from(answers);
        Self::new(move |request| {
            left.pop_front().unwrap_or_else(|| {
                Err(failure(
                    SendFailureKind::Unreachable,
                    &format!("the script has no answer to {}", request.url),
                ))
            })
        })
    }

    /// What has been asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// Method and path of each request so far.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.requests
            .borrow()
            .iter()
            .map(|request| {
                let after = request
                    .url
                    .split_once("://")
                    .map_or(request.url.as_str(), |(_, rest)| rest);
                format!(
                    "{} {}",
                    request.method,
                    after.find('/').map_or("/", |at| &after[at..])
                )
            })
            .collect()
    }

    /// What was logged so far, oldest first.
    #[must_use]
    pub fn logged(&self) -> Vec<String> {
        self.logged.borrow().clone()
    }
}

/// An answer with a JSON body.
pub fn json(status: u16, body: &str) -> Answer {
    answer(status, "application/json; charset=utf-8", body)
}

/// An answer with any body.
pub fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    Ok(Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.as_bytes().to_vec(),
    })
}

/// A failure to send; of the two before anything is sent, the host is sure.
#[must_use]
pub fn failure(kind: SendFailureKind, message: &str) -> SendFailure {
    let surely_unsent = matches!(
        kind,
        SendFailureKind::Denied | SendFailureKind::Budget | SendFailureKind::Unreachable
    );
    SendFailure {
        kind,
        message: message.to_owned(),
        may_have_been_sent: !surely_unsent,
        retry_after_seconds: None,
    }
}

impl Host for FakeHost {
    fn send(&self, request: &Request) -> Answer {
        self.requests.borrow_mut().push(request.clone());
        (self.handler.borrow_mut())(request)
    }

    fn storage_get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.storage.borrow().get(key).cloned())
    }

    fn storage_put(&self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        self.storage
            .borrow_mut()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn storage_delete(&self, key: &str) -> Result<(), StorageError> {
        self.storage.borrow_mut().remove(key);
        Ok(())
    }

    fn storage_list(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        Ok(self
            .storage
            .borrow()
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }

    fn storage_compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StorageError> {
        let mut storage = self.storage.borrow_mut();
        if storage.get(key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match new {
            Some(value) => storage.insert(key.to_owned(), value.to_vec()),
            None => storage.remove(key),
        };
        Ok(true)
    }

    fn log(&self, _level: Level, message: &str) {
        self.logged.borrow_mut().push(message.to_owned());
    }
}
